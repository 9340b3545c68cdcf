//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowdEnv makes this program a crowd instead of a test: a crowdPlan.
const crowdEnv = "E2E_CROWD"

// crowdPlan is what a crowd does.
type crowdPlan struct {
	URL, Token string
	Shape      string // of the large bodies, see largeBody
	Senders    int    // of large bodies
	Idle       int    // connections that send nothing after their first request
	Dawdlers   int    // connections whose headers do not end, and as many whose bodies do not
	Downloads  int    // that take a few bytes at a time
	Readers    int    // that read the large traces again and again
	Seconds    int
}

// crowdTally is what became of it.
type crowdTally struct {
	Stored    int64 // large bodies
	Refused   int64 // of these, with 503 and Retry-After
	Lost      int64 // large bodies whose answer did not come
	Connected int64
	Read      int64  // answers to readers
	Busy      int64  // of these, 503 with Retry-After
	Wrong     string // an answer that should not be, "" for none
}

// runCrowd does what a plan says in a process of its own that gets a processor
// only when nobody else wants it: a crowd stands for other machines, and what it
// costs to be one must not be taken for what it does to the server. (At nice 19
// Linux still lets it finish its slice of 3 ms before a thread of the server
// that wakes up; half of the slow fsyncs were such waits.) The function that it
// returns waits for its end.
func runCrowd(t testing.TB, plan crowdPlan) (end func() crowdTally) {
	t.Helper()
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "nice", "-n", "19", os.Args[0])
	if idle, err := exec.LookPath("chrt"); err == nil {
		cmd = exec.CommandContext(t.Context(), idle, "--idle", "0", os.Args[0])
	}
	cmd.Env = append(os.Environ(), crowdEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the crowd did not begin")
	}
	return func() (tally crowdTally) {
		if !lines.Scan() {
			t.Fatal("the crowd has ended without a tally")
		}
		if err := json.Unmarshal(lines.Bytes(), &tally); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // the tally is all that it has to say
		return tally
	}
}

// crowd is what overloads a server.
type crowd struct {
	crowdPlan
	ctx  context.Context
	wg   sync.WaitGroup
	body []string

	stored, refused, lost, connected, read, busy atomic.Int64
	wrong                                        atomic.Pointer[string]
}

// beCrowd is the main function of the process of a crowd.
func beCrowd(text string) error {
	c := &crowd{}
	if err := json.Unmarshal([]byte(text), &c.crowdPlan); err != nil {
		return err
	}
	c.body = largeBody(50_000_000, c.Shape)
	fmt.Println("ready")
	var cancel context.CancelFunc
	c.ctx, cancel = context.WithTimeout(context.Background(), time.Duration(c.Seconds)*time.Second)
	defer cancel()
	request := "POST /v1/apps/noisy/traces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.Token + "\r\n"
	c.many(c.Idle, func(int) { c.dawdles("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "") })
	c.many(c.Dawdlers, func(int) { c.dawdles("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", "y") })
	c.many(c.Dawdlers, func(int) { c.dawdles(request+"Content-Length: 100000\r\n\r\n{", " ") })
	c.many(c.Senders, c.sends)
	c.many(c.Downloads, func(int) { time.Sleep(2 * time.Second); c.sips() })
	c.many(c.Readers, c.reads)
	c.wg.Wait()
	tally := crowdTally{Stored: c.stored.Load(), Refused: c.refused.Load(), Lost: c.lost.Load(),
		Connected: c.connected.Load(), Read: c.read.Load(), Busy: c.busy.Load()}
	if w := c.wrong.Load(); w != nil {
		tally.Wrong = *w
	}
	return json.NewEncoder(os.Stdout).Encode(tally)
}

// many runs n of them.
func (c *crowd) many(n int, f func(i int)) {
	for i := range n {
		c.wg.Go(func() { f(i) })
	}
}

const runHead = `{"id":"r%d","name":"n","type":"workflow","trace_id":"NAME%s","start_time":"2026-06-10T09:00:00Z","end_time":"2026-06-10T09:00:02Z","status":"succeeded","input":`

// largeBody is a body of about size bytes, cut at the places where a sender's
// own name stands. Shapes: "" traces of 128 KB that do not compress; "one" the
// same as one list in one trace; "string" one text of that length; "nested" one
// deep object of small members; "runs" one trace of 2 KB runs; "grow" 1 MB of
// one trace, which is the same for all bodies of a sender.
func largeBody(size int, shape string) []string {
	noise := make([]byte, 96<<10)
	rng := rand.NewChaCha8([32]byte{1})
	var b strings.Builder
	b.Grow(size + 1<<20)
	chunk := func(n int) string {
		_, _ = rng.Read(noise[:n])
		return base64.StdEncoding.EncodeToString(noise[:n])
	}
	begin := func(run int, name string) { fmt.Fprintf(&b, runHead, run, name) }
	b.WriteString(`{"runs":[`)
	switch shape {
	case "one":
		begin(0, "")
		for sep := "["; b.Len() < size; sep = "," {
			fmt.Fprintf(&b, "%s%q", sep, chunk(96<<10))
		}
		b.WriteString(`]}`)
	case "string":
		begin(0, "")
		b.WriteString(`"`)
		for b.Len() < size {
			b.WriteString(chunk(96 << 10))
		}
		b.WriteString(`"}`)
	case "nested":
		begin(0, "")
		b.WriteString(`{"a":[0`)
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, `,{"k%d":[%d,{"text":%q,"deep":[[[{"x":null,"y":true}]]]}]}`, i, i, chunk(24))
		}
		b.WriteString(`]}}`)
	case "runs":
		for i := 0; b.Len() < size; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			begin(i, "")
			fmt.Fprintf(&b, `%q}`, chunk(1350))
		}
	case "grow": // the id of the run is cut as well
		fmt.Fprintf(&b, strings.Replace(runHead, `"r%d"`, `"%sNAME"`, 1), "r", "SAME")
		for sep := "["; b.Len() < 1_000_000; sep = "," {
			fmt.Fprintf(&b, "%s%q", sep, chunk(96<<10))
		}
		b.WriteString(`]}`)
	default:
		for i := 0; b.Len() < size; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			begin(0, fmt.Sprint("-", i))
			fmt.Fprintf(&b, `[%q]}`, chunk(96<<10))
		}
	}
	b.WriteString(`]}`)
	return strings.Split(b.String(), "NAME")
}

// named is a reader of such a body, and its length.
func (c *crowd) named(sender, i int) (io.Reader, int64) {
	var readers []io.Reader
	var n int64
	for k, p := range c.body {
		if k > 0 {
			name := fmt.Sprintf("large-%d-%d", sender, i)
			if rest, same := strings.CutPrefix(p, "SAME"); same {
				name, p = fmt.Sprintf("large-%d", sender), rest
			}
			readers, n = append(readers, strings.NewReader(name)), n+int64(len(name))
		}
		readers, n = append(readers, strings.NewReader(p)), n+int64(len(p))
	}
	// In pieces, as a network brings them: a kernel without preemption copies
	// what it is given at once before anybody else gets that processor.
	return struct{ io.Reader }{io.MultiReader(readers...)}, n
}

// sends posts large bodies, one after the other.
func (c *crowd) sends(n int) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	for i := 0; c.ctx.Err() == nil; i++ {
		body, length := c.named(n, i)
		req, err := http.NewRequest(http.MethodPost, c.URL+"/v1/apps/noisy/traces", body)
		if err != nil {
			panic(err)
		}
		req.ContentLength = length
		req.Header.Set("Authorization", "Bearer "+c.Token)
		resp, err := client.Do(req)
		if err != nil {
			c.lost.Add(1)
			continue
		}
		c.judge(resp, &c.stored, &c.refused)
	}
}

// judge takes an answer that must be 200, or 503 with Retry-After, which it heeds.
func (c *crowd) judge(resp *http.Response, good, refused *atomic.Int64) {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	switch after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); {
	case resp.StatusCode == http.StatusOK:
		good.Add(1)
	case resp.StatusCode == http.StatusBadRequest && strings.Contains(string(text), "the answer would take more than"):
		refused.Add(1) // five whole traces on a page
	case resp.StatusCode == http.StatusServiceUnavailable && after > 0:
		refused.Add(1)
		select {
		case <-time.After(time.Duration(after) * time.Second):
		case <-c.ctx.Done():
		}
	default:
		what := fmt.Sprint(resp.Request.Method, " ", resp.Request.URL.Path, ": ", resp.StatusCode, " ", string(text))
		c.wrong.Store(&what)
	}
}

// reads takes the trace large-0-0, or large-0, in every way there is.
func (c *crowd) reads(n int) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	id := "large-0-0"
	if c.Shape == "grow" {
		id = "large-0"
	}
	paths := []string{"/" + id, "/" + id + "?include_runs=true", "/" + id + "/runs?page_size=20",
		"/" + id + "/runs?page_size=20&preview=2048", "/" + id + "/tree", "?page_size=20", "?page_size=5&preview=0", "/download?limit=1&include_runs=true"}
	for i := n; c.ctx.Err() == nil; i++ {
		req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.URL+"/v1/apps/noisy/traces"+paths[i%len(paths)], nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.Token)
		resp, err := client.Do(req)
		switch {
		case err != nil:
			continue
		case resp.StatusCode == http.StatusNotFound: // not there yet
			resp.Body.Close()
			time.Sleep(100 * time.Millisecond)
			continue
		}
		c.judge(resp, &c.read, &c.busy)
	}
}

// dawdles opens a connection and sends begin, then a byte of rest now and then.
func (c *crowd) dawdles(begin, rest string) {
	nc, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://"))
	if err != nil {
		return
	}
	defer nc.Close()
	c.connected.Add(1)
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
	nc, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://"))
	if err != nil {
		return
	}
	defer nc.Close()
	if tc, ok := nc.(*net.TCPConn); ok {
		_ = tc.SetReadBuffer(4 << 10)
	}
	fmt.Fprintf(nc, "GET /v1/apps/noisy/traces/download?include_runs=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", c.Token)
	buf := make([]byte, 1<<10)
	for c.ctx.Err() == nil {
		_ = nc.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := nc.Read(buf); err != nil && !strings.Contains(err.Error(), "timeout") {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}
