package httpapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
)

// noise is text that hardly compresses.
func noise(n int, seed uint64) string {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%016x", rng.Uint64())
	}
	return b.String()
}

// TestLargeAnswersTakeTurns: a client that does not take its long trace keeps
// others from making theirs, who are told to come again; short answers go on, and
// when it has gone all is as before.
func TestLargeAnswersTakeTurns(t *testing.T) {
	store, err := engine.Open("data", engine.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	c := serveStore(t, store, httpapi.Options{AdminToken: "admin", MaxInflightBytes: 32 << 20, QueueWait: 50 * time.Millisecond})
	want := noise(24<<20, 1)
	c.good("POST", "/v1/apps/app/traces", `{"runs":[`+run("r", "long", 1, `"`+want+`"`)+`]}`)
	for i := range 3 {
		id := fmt.Sprint("page", i)
		c.good("POST", "/v1/apps/app/traces", `{"runs":[`+run("r", id, 2, `"`+noise(6<<20, uint64(i))+`"`)+`]}`)
	}
	c.good("POST", "/v1/apps/app/traces", `{"runs":[`+run("r", "short", 3, `"x"`)+`]}`)
	long, err := net.Dial("tcp", strings.TrimPrefix(c.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(long, "GET /v1/apps/app/traces/long?include_runs=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := long.Read(make([]byte, 1)); err != nil { // it is being sent
		t.Fatal(err)
	}
	for _, path := range []string{"/long", "/long/runs", "/long/tree", "/page1?include_runs=true"} {
		status, body, resp := c.call("GET", "/v1/apps/app/traces"+path, "")
		if status != 503 || resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s beside a stalled reader: %d %.200s", path, status, body)
		}
	}
	for _, path := range []string{"/short?include_runs=true", "/short/runs", "/short/tree", "?page_size=10"} {
		c.good("GET", "/v1/apps/app/traces"+path, "")
	}
	if err := long.Close(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		status, body, _ := c.call("GET", "/v1/apps/app/traces/long", "")
		if status == 200 {
			got := parse[struct {
				Data struct{ Input json.RawMessage }
			}](t, body)
			if string(got.Data.Input) != `"`+want+`"` {
				t.Errorf("the input came back with %d bytes", len(got.Data.Input))
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the reader has gone and still: %d %.200s", status, body)
		}
	}
	// A page may ask for more than there ever is.
	if status, body, _ := c.call("GET", "/v1/apps/app/traces?page_size=4&preview=0", ""); status != 400 || !strings.Contains(string(body), "ask for fewer") {
		t.Errorf("a page of long traces: %d %.200s", status, body)
	}
}
