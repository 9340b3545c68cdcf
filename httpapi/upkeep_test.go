package httpapi

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// metric is the line of /metrics that begins with name, without it.
func (e *env) metric(name string) string {
	e.t.Helper()
	for _, line := range strings.Split(string(e.get("/metrics").body), "\n") {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return v
		}
	}
	e.t.Fatalf("no metric %s", name)
	return ""
}

func TestVerifyOverHTTP(t *testing.T) {
	store := newFake()
	clock := &ticker{t: time.Unix(1_000_000, 0)}
	store.report = engine.VerifyReport{Apps: 1, Traces: 2, Runs: 3}
	store.verify = func() { clock.add(1500 * time.Millisecond) }
	e := start(t, store, Options{Now: clock.now})
	if v := e.metric("tracebed_verify_last_timestamp_seconds"); v != "0" {
		t.Errorf("before any check: %s", v)
	}
	a := e.do("POST", "/v1/verify", adminToken, "")
	if want := `{"data":{"at":"1970-01-12T13:46:40Z","duration_ms":1500,"apps":1,"traces":2,"runs":3,"difference_count":0,"differences":[]}}`; string(a.body) != want {
		t.Errorf("got %s\nwant %s", a.body, want)
	}
	for range 150 {
		store.report.Differences = append(store.report.Differences, "a difference")
	}
	a = e.do("POST", "/v1/verify", adminToken, "")
	if n := strings.Count(string(a.body), "a difference"); n != maxShown || !strings.Contains(string(a.body), `"difference_count":150`) {
		t.Errorf("%d are shown: %s", n, a.body)
	}
	if !strings.Contains(e.log.text(), "found differences") {
		t.Error("differences are not logged")
	}
	// The next start still knows.
	again := start(t, store, Options{Now: clock.now})
	for name, want := range map[string]string{
		"tracebed_verify_last_differences": "150", "tracebed_verify_last_duration_seconds": "1.5",
		"tracebed_verify_last_timestamp_seconds": "1.000001e+06",
	} {
		if got := again.metric(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	e.srv.verifier.running.Lock()
	e.do("POST", "/v1/verify", adminToken, "").wants(t, 503, "unavailable")
	e.srv.verifier.running.Unlock()
	store.err = errors.New("disk")
	e.do("POST", "/v1/verify", adminToken, "").wants(t, 500, "internal")
}

// TestVerifyEvery: the server checks by itself, and a shutdown ends that.
func TestVerifyEvery(t *testing.T) {
	store := newFake()
	ran := make(chan struct{}, 100)
	store.verify = func() { ran <- struct{}{} }
	start(t, store, Options{VerifyEvery: time.Millisecond})
	for range 3 {
		select {
		case <-ran:
		case <-time.After(10 * time.Second):
			t.Fatal("no check runs")
		}
	}
}

func TestGrowth(t *testing.T) {
	now := time.Unix(0, 0)
	g := new(growth)
	if g.perDay(now, 5) != 0 {
		t.Error("a rate without a sample")
	}
	g.add(now, 1000)
	if v := g.perDay(now.Add(leastSpan-time.Second), 2000); v != 0 {
		t.Errorf("too early: %v", v)
	}
	if v := g.perDay(now.Add(12*time.Hour), 2000); v != 2000 {
		t.Errorf("1000 in half a day: %v a day", v)
	}
	if v := g.perDay(now.Add(12*time.Hour), 500); v != -1000 {
		t.Errorf("a store that shrinks: %v", v)
	}
	// The rate is that of the last day, whatever came before.
	rng := rand.New(rand.NewPCG(1, 1))
	size := uint64(1000)
	var sizes []uint64
	for range 3 * maxSamples {
		now = now.Add(sampleEvery)
		size += uint64(rng.IntN(1000))
		sizes = append(sizes, size)
		g.add(now, size)
	}
	if want, got := float64(size-sizes[len(sizes)-maxSamples])*maxSamples/(maxSamples-1), g.perDay(now, size); math.Abs(want-got) > 1 {
		t.Errorf("%v a day, want %v", got, want)
	}
	if len(g.samples) != maxSamples {
		t.Errorf("%d samples are kept", len(g.samples))
	}
	if v := daysLeft(100, 0); !math.IsInf(v, 1) {
		t.Errorf("nothing grows: %v", v)
	}
	if v := daysLeft(100, 20); v != 5 {
		t.Errorf("%v days", v)
	}
}

func TestReadProcess(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"statm":  "1000 250 3 4 5\n",
		"stat":   "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0\n",
		"limits": "Limit Soft Hard Units\nMax open files            1024                 4096                 files\n",
		"fd/0":   "", "fd/1": "", "fd/2": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := readProcess(dir)
	if p.resident != 250*float64(os.Getpagesize()) || p.fds != 2 || p.maxFDs != 1024 || p.cpu != 2 {
		t.Errorf("%+v", p)
	}
	if (readProcess(filepath.Join(dir, "none")) != process{}) {
		t.Error("without /proc there are numbers")
	}
}

// TestErrorsAreCounted: every error answer is counted by its code.
func TestErrorsAreCounted(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{DefaultApp: "demo", MaxBody: 1000})
	read := e.newToken("read", Scope{All: true}, "read")
	e.do("GET", "/v1/apps", "", "")
	e.do("POST", "/v1/traces", read, oneRun)
	e.do("GET", "/nowhere", adminToken, "")
	e.do("POST", "/v1/traces", adminToken, strings.Repeat(" ", 2000))
	e.do("POST", "/v1/traces", adminToken, oneRun, "Content-Type", "text/csv")
	e.do("POST", "/v1/tokens", adminToken, `{"name":"read","apps":"*","rights":["read"]}`)
	e.do("POST", "/v1/traces", adminToken, `{"runs":[{"id":"r"}]}`)
	raw(t, e.addr, "GARBAGE\r\n\r\n")
	for code, want := range map[string]string{
		codeUnauth: "1", codeForbidden: "1", codeNotFound: "1", codeTooLarge: "1", codeMediaType: "1",
		codeConflict: "1", codeBadRequest: "2", codeInternal: "0", codeRateLimited: "0",
	} {
		if got := e.metric(`tracebed_http_errors_total{code="` + code + `"}`); got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
	if got := e.metric(`tracebed_ingest_rejected_runs_total{reason="invalid"}`); got != "1" {
		t.Errorf("rejected: %s", got)
	}
}
