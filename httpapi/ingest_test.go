package httpapi

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

// encode applies a content coding.
func encode(t testing.TB, coding string, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip", "x-gzip":
		w = gzip.NewWriter(&buf)
	case "deflate":
		w = zlib.NewWriter(&buf)
	case "raw deflate":
		w, err = flate.NewWriter(&buf, 6)
	case "zstd":
		w, err = zstd.NewWriter(&buf, zstd.WithWindowSize(8<<20))
	case "zstd, long window":
		w, err = zstd.NewWriter(&buf, zstd.WithWindowSize(16<<20))
	default:
		return b
	}
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestIngestAnswers(t *testing.T) {
	e := start(t, newFake(), Options{})
	post := func(body string) answer {
		return e.do("POST", "/v1/apps/demo/traces", adminToken, body)
	}
	a := post(oneRun)
	if want := `{"message":"ok","data":{"created":1,"updated":0,"unchanged":0,"rejected":[]}}`; a.StatusCode != 200 || string(a.body) != want {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}

	good := strings.TrimSuffix(strings.TrimPrefix(oneRun, `{"runs":[`), `]}`)
	refused := strings.Replace(good, `"id":"r1"`, `"id":"refused"`, 1)
	noStart := strings.Replace(good, `"start_time":"2026`, `"start_time":"x2026`, 1)
	a = post(`{"runs":[7,` + good + `,` + noStart + `,` + refused + `,` + good + `]}`)
	var v struct {
		Data struct {
			Created  int
			Rejected []struct {
				Index  int
				ID     string
				Reason string
			}
		}
	}
	if err := json.Unmarshal(a.body, &v); err != nil || a.StatusCode != 200 || v.Data.Created != 2 {
		t.Fatalf("%v %d %s", err, a.StatusCode, a.body)
	}
	var got []string
	for _, r := range v.Data.Rejected {
		got = append(got, fmt.Sprintf("%d %s", r.Index, r.ID))
	}
	if s := strings.Join(got, ","); s != "0 ,2 r1,3 refused" {
		t.Errorf("rejected %q: %s", s, a.body)
	}

	post(`{"runs":[`+noStart+`,`+refused+`,false]}`).wants(t, 400, "bad_request", "runs[0].start_time", "runs[1]", "runs[2]")
	many := strings.Repeat("0,", 500) + "0"
	a = post(`{"runs":[` + many + `]}`)
	a.wants(t, 400, "bad_request", "runs[0]", "runs[99]")
	if _, _, d := a.errorOf(t); len(d) != maxListed {
		t.Errorf("%d runs named", len(d))
	}
}

func TestBadBodies(t *testing.T) {
	e := start(t, newFake(), Options{MaxBody: 1 << 20})
	long := strings.Repeat(" ", 1<<20+1)
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
		field      string
	}{
		{"empty", "", nil, 400, "bad_request", "body"},
		{"blank", " \n ", nil, 400, "bad_request", "body"},
		{"not JSON", "runs", nil, 400, "bad_request", "body"},
		{"truncated", oneRun[:100], nil, 400, "bad_request", "body"},
		{"trailing", oneRun + "x", nil, 400, "bad_request", "body"},
		{"a list", "[]", nil, 400, "bad_request", "body"},
		{"no runs", `{"a":1}`, nil, 400, "bad_request", "body"},
		{"runs is no list", `{"runs":{}}`, nil, 400, "bad_request", "body"},
		{"both", `{"resourceSpans":[1],"runs":[]}`, nil, 400, "bad_request", "body"},
		{"no run", `{"runs":[]}`, nil, 400, "bad_request", "runs"},
		{"deep", `{"runs":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, nil, 400, "bad_request", "body"},
		{"too long", long, nil, 413, "payload_too_large", "body"},
		{"type", oneRun, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type", "Content-Type"},
		{"coding", oneRun, []string{"Content-Encoding", "br"}, 415, "unsupported_media_type", "Content-Encoding"},
		{"codings", oneRun, []string{"Content-Encoding", "gzip,gzip,gzip,gzip"}, 400, "bad_request", "Content-Encoding"},
		{"not gzip", oneRun, []string{"Content-Encoding", "gzip"}, 400, "bad_request", "Content-Encoding"},
		{"not deflate", "\xff" + oneRun, []string{"Content-Encoding", "deflate"}, 400, "bad_request", "Content-Encoding"},
		{"not zstd", oneRun, []string{"Content-Encoding", "zstd"}, 400, "bad_request", "Content-Encoding"},
		{"cut gzip", string(encode(t, "gzip", []byte(oneRun))[:100]), []string{"Content-Encoding", "gzip"}, 400, "bad_request", "Content-Encoding"},
		{"cut zstd", string(encode(t, "zstd", []byte(oneRun))[:100]), []string{"Content-Encoding", "zstd"}, 400, "bad_request", "Content-Encoding"},
		{"parameter", oneRun, nil, 400, "bad_request", "token"},
	} {
		path := "/v1/apps/demo/traces"
		if c.name == "parameter" {
			path += "?token=x"
		}
		a := e.do("POST", path, adminToken, c.body, c.headers...)
		t.Run(c.name, func(t *testing.T) {
			if c.field == "" {
				a.wants(t, c.status, c.code)
			} else {
				a.wants(t, c.status, c.code, c.field)
			}
		})
	}
	if a := e.get("/healthz"); a.StatusCode != 200 {
		t.Error("the server is not well")
	}
}

func TestEmptyOTLP(t *testing.T) {
	e := start(t, newFake(), Options{DefaultApp: "default"})
	for _, body := range []string{`{}`, `{"resourceSpans":[]}`} {
		if a := e.do("POST", "/v1/traces", adminToken, body); a.StatusCode != 200 || string(a.body) != "{}" {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
}

func TestContentCodings(t *testing.T) {
	store := newFake()
	var sizes []int
	store.ingest = func(_ string, runs []trace.Run) (engine.IngestResult, error) {
		sizes = append(sizes, len(runs[0].JSON))
		return engine.IngestResult{Created: 1}, nil
	}
	e := start(t, store, Options{})
	small := oneRun
	large := strings.Replace(oneRun, `"input":null`, `"input":"`+strings.Repeat("abcdefgh", 50_000)+`"`, 1)
	for _, body := range []string{small, large} {
		sizes = nil
		for _, c := range []struct{ header, first, second string }{
			{"", "", ""}, {"identity", "", ""}, {"gzip", "gzip", ""}, {"GZIP", "gzip", ""}, {"x-gzip", "gzip", ""},
			{"deflate", "deflate", ""}, {"deflate", "raw deflate", ""}, {"zstd", "zstd", ""},
			{"gzip, zstd", "gzip", "zstd"}, {"identity,deflate , gzip", "deflate", "gzip"},
		} {
			for _, chunked := range []bool{false, true} {
				b := encode(t, c.second, encode(t, c.first, []byte(body)))
				var r io.Reader = bytes.NewReader(b)
				if chunked {
					r = io.MultiReader(r) // hides the length
				}
				req, _ := http.NewRequest("POST", "http://"+e.addr+"/v1/apps/demo/traces", r)
				req.Header.Set("Authorization", "Bearer "+adminToken)
				req.Header.Set("Content-Type", "application/json; charset=utf-8")
				if c.header != "" {
					req.Header.Set("Content-Encoding", c.header)
				}
				if a := e.send(req); a.StatusCode != 200 {
					t.Errorf("%q, chunked %v: %d %s", c.header, chunked, a.StatusCode, a.body)
				}
			}
		}
		for _, n := range sizes {
			if n != sizes[0] || n < len(body)/2 {
				t.Fatalf("sizes differ: %v", sizes)
			}
		}
	}
	if n := e.srv.reading.used() + e.srv.storing.used(); n != 0 {
		t.Errorf("%d bytes of the budgets are not given back", n)
	}
}

func TestBombs(t *testing.T) {
	e := start(t, newFake(), Options{MaxBody: 256 << 10, MaxInflightBytes: 64 << 20})
	bomb := make([]byte, 4<<20)
	for _, coding := range []string{"gzip", "deflate", "zstd"} {
		b := encode(t, coding, bomb)
		e.do("POST", "/v1/apps/demo/traces", adminToken, string(b), "Content-Encoding", coding).wants(t, 413, "payload_too_large", "body")
		b = encode(t, coding, b)
		e.do("POST", "/v1/apps/demo/traces", adminToken, string(b), "Content-Encoding", coding+", "+coding).wants(t, 413, "payload_too_large", "body")
	}
	b := encode(t, "zstd, long window", bomb)
	e.do("POST", "/v1/apps/demo/traces", adminToken, string(b), "Content-Encoding", "zstd").wants(t, 400, "bad_request", "Content-Encoding")
	if n := e.srv.reading.used() + e.srv.storing.used(); n != 0 {
		t.Errorf("%d bytes of the budgets are not given back", n)
	}
}

func TestOverloadIsAnswered(t *testing.T) {
	store := newFake()
	goOn := make(chan struct{})
	store.ingest = func(string, []trace.Run) (engine.IngestResult, error) {
		<-goOn
		return engine.IngestResult{Created: 1}, nil
	}
	e := start(t, store, Options{MaxInflightBytes: 4 << 20, MaxBody: 1 << 20, QueueWait: 20 * time.Millisecond})
	body := strings.Replace(oneRun, `"input":null`, `"input":"`+strings.Repeat("x", 900<<10)+`"`, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[int]int{}
	for range 8 {
		wg.Go(func() {
			a := e.do("POST", "/v1/apps/demo/traces", adminToken, body)
			mu.Lock()
			defer mu.Unlock()
			codes[a.StatusCode]++
			if a.StatusCode == 503 && a.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if a.StatusCode == 503 && codes[503] == 7 {
				close(goOn)
			}
		})
	}
	wg.Wait()
	if codes[200] != 1 || codes[503] != 7 {
		t.Errorf("answers: %v", codes)
	}
	if a := e.do("POST", "/v1/apps/demo/traces", adminToken, body); a.StatusCode != 200 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}

func TestAppOfAnIngest(t *testing.T) {
	store := newFake()
	var app string
	store.ingest = func(a string, _ []trace.Run) (engine.IngestResult, error) {
		app = a
		return engine.IngestResult{Created: 1}, nil
	}
	e := start(t, store, Options{})
	one := e.newToken("one", Scope{Apps: []string{"a"}}, "write")
	two := e.newToken("two", Scope{Apps: []string{"a", "b"}}, "write")
	for _, c := range []struct {
		token, path, header string
		status              int
		want                string
	}{
		{one, "/v1/traces", "", 200, "a"},
		{one, "/api/public/otel/v1/traces", "", 200, "a"},
		{one, "//v1/traces", "", 200, "a"},
		{one, "/v1/traces?app_id=b", "", 404, ""},
		{one, "/v1/apps/b/traces", "", 404, ""},
		{two, "/v1/traces", "", 400, ""},
		{two, "/v1/traces", "b", 200, "b"},
		{two, "/v1/traces?app_id=b", "", 200, "b"},
		{two, "/v1/traces?app_id=b", "a", 200, "a"},
		{two, "/v1/apps/a/traces", "b", 200, "a"},
		{adminToken, "/v1/traces", "", 400, ""},
		{adminToken, "/v1/traces?app_id=new%2Fone", "", 200, "new/one"},
		{adminToken, "/v1/traces", strings.Repeat("a", 257), 400, ""},
	} {
		app = ""
		a := e.do("POST", c.path, c.token, oneRun, "X-App-Id", c.header)
		if a.StatusCode != c.status || app != c.want {
			t.Errorf("%s, header %q: %d to %q, want %d to %q", c.path, c.header, a.StatusCode, app, c.status, c.want)
		}
		if c.status == 400 {
			a.wants(t, 400, "bad_request", "app_id")
		}
	}
	e2 := start(t, store, Options{DefaultApp: "default"})
	if a := e2.do("POST", "/v1/traces", adminToken, oneRun); a.StatusCode != 200 || app != "default" {
		t.Errorf("default app: %d to %q", a.StatusCode, app)
	}
}

func TestNoContentType(t *testing.T) {
	e := start(t, newFake(), Options{})
	a := e.do("POST", "/v1/apps/demo/traces", adminToken, oneRun, "Content-Type", "")
	if a.StatusCode != 200 {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// What is left of a body must never be read as the next request.
func TestUnreadBodyIsNotARequest(t *testing.T) {
	store := newFake()
	store.put("demo", 1)
	e := start(t, store, Options{})
	hidden := "DELETE /v1/apps/demo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + adminToken + "\r\n\r\n"
	for _, body := range []string{hidden, strings.Repeat("z", 20<<10) + hidden, strings.Repeat("z", 400<<10) + hidden} {
		for _, head := range []string{"GET /healthz", "POST /v1/traces", "POST /nothing", "DELETE /v1/tokens/x"} {
			_ = raw(t, e.addr, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"+
				"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", head, len(body), body))
			_ = raw(t, e.addr, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"+
				"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", head, len(body), body))
		}
	}
	if store.apps["demo"] == nil {
		t.Fatal("a body was run as a request")
	}
	// A small rest keeps the connection, and the next request is answered.
	resp := raw(t, e.addr, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"+
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if strings.Count(resp, "HTTP/1.1 ") != 2 || !strings.Contains(resp, `{"status":"ok"}`) {
		t.Errorf("pipelined: %s", resp)
	}
}

// A client that sends a long body that nobody wants still gets the answer.
func TestLargeUnwantedBody(t *testing.T) {
	e := start(t, newFake(), Options{MaxBody: 1 << 20})
	body := strings.Repeat("x", 20<<20)
	e.do("POST", "/v1/traces", "", body).wants(t, 401, "unauthorized")
	e.do("POST", "/v1/apps/a/traces", adminToken, body).wants(t, 413, "payload_too_large", "body")
	req, _ := http.NewRequest("POST", "http://"+e.addr+"/v1/apps/a/traces", io.MultiReader(strings.NewReader(body)))
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	e.send(req).wants(t, 413, "payload_too_large", "body")
}

func TestSlowAndBrokenBodies(t *testing.T) {
	e := start(t, newFake(), Options{ReadTimeout: 300 * time.Millisecond})
	head := "POST /v1/apps/a/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + adminToken + "\r\n"
	for _, rest := range []string{
		"Content-Length: 100000\r\n\r\n" + strings.Repeat(" ", 9000),
		"Transfer-Encoding: chunked\r\n\r\n5\r\n     \r\n",
	} {
		resp := raw(t, e.addr, head+rest)
		if statusOf(resp) != 408 {
			t.Errorf("stalled: %s", resp)
		}
	}
	resp := raw(t, e.addr, head+"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
	if statusOf(resp) != 400 {
		t.Errorf("broken chunks: %s", resp)
	}
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, head+"Content-Length: 100000\r\n\r\n"+strings.Repeat(" ", 9000))
	_ = c.(*net.TCPConn).CloseWrite()
	b, _ := io.ReadAll(c)
	_ = c.Close()
	if statusOf(string(b)) != 400 {
		t.Errorf("ended early: %s", b)
	}
	if n := e.srv.reading.used() + e.srv.storing.used(); n != 0 {
		t.Errorf("%d bytes of the budgets are not given back", n)
	}
}
