//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// maxResident is how much memory the server may take, whatever comes.
const maxResident = 1 << 30

// resident is the memory of the process now and at its most, in bytes.
func (s *server) resident(t testing.TB) (now, most int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Skipf("the system does not tell the memory of a process: %v", err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		for name, v := range map[string]*int64{"VmRSS:": &now, "VmHWM:": &most} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				*v = kb << 10
			}
		}
	}
	return now, most
}

// largeBody is a body of about size bytes that do not compress, in one trace or
// in traces of 128 KB, cut at the places where a sender's own name stands.
func largeBody(size int, one bool) []string {
	noise := make([]byte, 96<<10)
	rng := rand.NewChaCha8([32]byte{1})
	var b strings.Builder
	begin := func(n int) {
		fmt.Fprintf(&b, `{"id":"r","name":"n","type":"workflow","trace_id":"NAME-%d","start_time":"2026-06-10T09:00:00Z","end_time":"2026-06-10T09:00:02Z","status":"succeeded","input":[`, n)
	}
	b.WriteString(`{"runs":[`)
	begin(0)
	for n := 1; ; n++ {
		_, _ = rng.Read(noise)
		fmt.Fprintf(&b, "%q", base64.StdEncoding.EncodeToString(noise))
		switch {
		case b.Len() > size:
			b.WriteString(`]}]}`)
			return strings.Split(b.String(), "NAME")
		case one:
			b.WriteByte(',')
		default:
			b.WriteString(`]},`)
			begin(n)
		}
	}
}

// named is a reader of such a body, and its length.
func named(parts []string, name string) (io.Reader, int64) {
	var readers []io.Reader
	var n int64
	for i, p := range parts {
		if i > 0 {
			readers, n = append(readers, strings.NewReader(name)), n+int64(len(name))
		}
		readers, n = append(readers, strings.NewReader(p)), n+int64(len(p))
	}
	return io.MultiReader(readers...), n
}

// quietApp is an application that sends a small trace every now and then and wants
// each stored at once.
type quietApp struct {
	took   []time.Duration
	failed []string
}

func (q *quietApp) run(s *server, name string, ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprint(name, "-", i)
		req, err := http.NewRequest(http.MethodPost, s.url+"/v1/apps/quiet/traces", bytes.NewReader(oneRun(id, id+".0")))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		began := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			q.failed = append(q.failed, err.Error())
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		q.took = append(q.took, time.Since(began))
		if resp.StatusCode != http.StatusOK {
			q.failed = append(q.failed, fmt.Sprint(resp.StatusCode, " ", string(text)))
		}
		time.Sleep(15 * time.Millisecond)
	}
}

func (q *quietApp) quantile(p float64) time.Duration {
	if len(q.took) == 0 {
		return 0
	}
	sorted := slices.Clone(q.took)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func (q *quietApp) String() string {
	return fmt.Sprintf("%d requests, %d failed, p50 %v, p99 %v, most %v", len(q.took)+len(q.failed), len(q.failed),
		q.quantile(0.5).Round(10*time.Microsecond), q.quantile(0.99).Round(10*time.Microsecond), q.quantile(1).Round(10*time.Microsecond))
}

// crowd is what overloads a server.
type crowd struct {
	s        *server
	ctx      context.Context
	wg       sync.WaitGroup
	stored   atomic.Int64 // large bodies
	refused  atomic.Int64 // of these, with 503 and Retry-After
	lost     atomic.Int64 // large bodies whose answer did not come
	wrong    atomic.Pointer[string]
	accepted atomic.Int64 // connections
}

// sends posts large bodies, one after the other.
func (c *crowd) sends(n int, parts []string) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	for i := 0; c.ctx.Err() == nil; i++ {
		body, length := named(parts, fmt.Sprintf("large-%d-%d", n, i))
		req, err := http.NewRequest(http.MethodPost, c.s.url+"/v1/apps/noisy/traces", body)
		if err != nil {
			panic(err)
		}
		req.ContentLength = length
		req.Header.Set("Authorization", "Bearer "+c.s.token)
		resp, err := client.Do(req)
		if err != nil {
			c.lost.Add(1)
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		resp.Body.Close()
		switch after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); {
		case resp.StatusCode == http.StatusOK:
			c.stored.Add(1)
		case resp.StatusCode == http.StatusServiceUnavailable && after > 0:
			c.refused.Add(1)
			select {
			case <-time.After(time.Duration(after) * time.Second):
			case <-c.ctx.Done():
			}
		default:
			what := fmt.Sprint(resp.StatusCode, " ", string(text))
			c.wrong.Store(&what)
		}
	}
}

// dawdles opens a connection and sends begin, then a byte of rest now and then.
func (c *crowd) dawdles(begin, rest string) {
	nc, err := net.Dial("tcp", strings.TrimPrefix(c.s.url, "http://"))
	if err != nil {
		return
	}
	defer nc.Close()
	c.accepted.Add(1)
	if _, err := io.WriteString(nc, begin); err != nil {
		return
	}
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(time.Second):
		}
		if rest != "" {
			if _, err := io.WriteString(nc, rest); err != nil {
				return
			}
		}
	}
}

// sips downloads everything, a few bytes at a time.
func (c *crowd) sips() {
	nc, err := net.Dial("tcp", strings.TrimPrefix(c.s.url, "http://"))
	if err != nil {
		return
	}
	defer nc.Close()
	if tc, ok := nc.(*net.TCPConn); ok {
		_ = tc.SetReadBuffer(4 << 10)
	}
	fmt.Fprintf(nc, "GET /v1/apps/noisy/traces/download?include_runs=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", c.s.token)
	buf := make([]byte, 1<<10)
	for c.ctx.Err() == nil {
		_ = nc.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := nc.Read(buf); err != nil && !strings.Contains(err.Error(), "timeout") {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// many runs n of them.
func (c *crowd) many(n int, f func(i int)) {
	for i := range n {
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			f(i)
		}()
	}
}

// TestOverload: large bodies in parallel, two thousand connections that idle or
// dawdle, and downloads that nobody takes, beside one quiet application. The
// server stays within its memory, stores or refuses with Retry-After, and fails
// no request of the quiet one. How long those took is printed, and held to
// three times the unloaded p99 with TRACEBED_STRICT=1, which wants a machine of
// its own. TRACEBED_OVERLOAD_SHAPE=one makes each body one trace, which is more
// than the store can do within that memory (README, limits).
func TestOverload(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 6000 {
		t.Skipf("needs 6000 file descriptors: %d, %v", limit.Cur, err)
	}
	setting := func(name string, otherwise int) int {
		if v, err := strconv.Atoi(os.Getenv("TRACEBED_OVERLOAD_" + name)); err == nil {
			return v
		}
		return otherwise
	}
	senders, downloads, seconds := setting("SENDERS", 64), setting("DOWNLOADS", 16), setting("SECONDS", 20)
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	parts := largeBody(50_000_000, os.Getenv("TRACEBED_OVERLOAD_SHAPE") == "one")
	alone := &quietApp{}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	alone.run(s, "alone", ctx)
	cancel()
	t.Logf("quiet application alone: %v", alone)

	ctx, cancel = context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	c := &crowd{s: s, ctx: ctx}
	request := "POST /v1/apps/noisy/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + s.token + "\r\n"
	c.many(1000, func(int) { c.dawdles("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "") })
	c.many(500, func(int) { c.dawdles("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", "y") })
	c.many(500, func(int) { c.dawdles(request+"Content-Length: 100000\r\n\r\n{", " ") })
	c.many(senders, func(i int) { c.sends(i, parts) })
	c.many(downloads, func(int) { time.Sleep(2 * time.Second); c.sips() })
	beside := &quietApp{}
	beside.run(s, "beside", ctx)
	c.wg.Wait()
	now, most := s.resident(t)
	t.Logf("quiet application beside %d senders of 50 MB, %d connections, %d slow downloads: %v", senders, c.accepted.Load(), downloads, beside)
	t.Logf("large bodies: %d stored, %d refused with Retry-After, %d without an answer; resident memory %d MiB, at most %d MiB",
		c.stored.Load(), c.refused.Load(), c.lost.Load(), now>>20, most>>20)
	if wrong := c.wrong.Load(); wrong != nil {
		t.Errorf("a large body was answered %s", *wrong)
	}
	if c.stored.Load() == 0 {
		t.Error("no large body was stored")
	}
	if most > maxResident {
		t.Errorf("resident memory was %d MiB, at most %d MiB may be", most>>20, maxResident>>20)
	}
	if len(beside.failed) > 0 {
		t.Errorf("the quiet application failed %d times: %s", len(beside.failed), beside.failed[0])
	}
	if os.Getenv("TRACEBED_STRICT") == "1" && beside.quantile(0.99) > 3*alone.quantile(0.99) {
		t.Errorf("p99 of the quiet application is %v, alone %v", beside.quantile(0.99), alone.quantile(0.99))
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
}
