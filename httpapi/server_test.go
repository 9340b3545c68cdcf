package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

const adminToken = "the admin token"

// env is a server on a real listener.
type env struct {
	t     testing.TB
	store *fake
	srv   *Server
	addr  string
	log   *lockedWriter
	cli   *http.Client
}

func start(t testing.TB, store *fake, opt Options) *env {
	t.Helper()
	e := &env{t: t, store: store, log: &lockedWriter{}}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if opt.AdminToken == "" {
		opt.AdminToken = adminToken
	}
	srv, err := New(store, opt)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.srv, e.addr = srv, ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	tr := &http.Transport{DisableCompression: true}
	e.cli = &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return e
}

// answer is a response that was read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (e *env) do(method, path, token, body string, headers ...string) answer {
	e.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+e.addr+path, r)
	if err != nil {
		e.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return e.send(req)
}

func (e *env) send(req *http.Request) answer {
	e.t.Helper()
	resp, err := e.cli.Do(req)
	if err != nil {
		e.t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatalf("%s %s: body: %v", req.Method, req.URL, err)
	}
	return answer{resp, b}
}

func (e *env) get(path string, headers ...string) answer {
	e.t.Helper()
	return e.do("GET", path, adminToken, "", headers...)
}

// errorOf is the error body of an answer.
func (a answer) errorOf(t testing.TB) (code, message string, details map[string]string) {
	t.Helper()
	var v struct {
		Error struct {
			Code, Message string
			Details       map[string]string
		}
	}
	dec := json.NewDecoder(bytes.NewReader(a.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || v.Error.Code == "" || v.Error.Message == "" {
		t.Fatalf("status %d: not an error body: %v: %s", a.StatusCode, err, a.body)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/json" {
		t.Errorf("Content-Type %q", ct)
	}
	return v.Error.Code, v.Error.Message, v.Error.Details
}

// wants checks status and code of an error, and the fields it names.
func (a answer) wants(t testing.TB, status int, code string, fields ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.body)
	}
	got, _, details := a.errorOf(t)
	if got != code {
		t.Errorf("code %q, want %q", got, code)
	}
	for _, f := range fields {
		if details[f] == "" {
			t.Errorf("details do not name %q: %v", f, details)
		}
	}
}

func TestErrorsOfTheStore(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{})
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  bool
	}{
		{engine.ErrNotFound, 404, "not_found", false},
		{engine.ErrInvalid, 400, "bad_request", false},
		{engine.ErrOverloaded, 503, "unavailable", true},
		{engine.ErrReadOnly, 503, "unavailable", true},
		{engine.ErrClosed, 503, "unavailable", true},
		{context.Canceled, 503, "unavailable", true},
		{engine.ErrCorrupt, 500, "internal", false},
		{errors.New("secret detail"), 500, "internal", false},
	} {
		store.err = c.err
		a := e.get("/v1/apps/demo/traces")
		a.wants(t, c.status, c.code)
		if got := a.Header.Get("Retry-After") != ""; got != c.retry {
			t.Errorf("%v: Retry-After %v", c.err, got)
		}
		if strings.Contains(string(a.body), "secret detail") {
			t.Error("the text of an unknown error went out")
		}
	}
	if !strings.Contains(e.log.text(), "secret detail") {
		t.Error("the cause of a 500 is not logged")
	}
}

func TestPanicIsAnswered(t *testing.T) {
	store := newFake()
	store.ingest = func(string, []trace.Run) (engine.IngestResult, error) { panic("payload of a user") }
	e := start(t, store, Options{})
	a := e.do("POST", "/v1/apps/demo/traces", adminToken, oneRun)
	a.wants(t, 500, "internal")
	if strings.Contains(e.log.text(), "payload of a user") || strings.Contains(string(a.body), "payload") {
		t.Error("the panic's value leaked")
	}
	store.ingest = nil
	if a := e.do("POST", "/v1/apps/demo/traces", adminToken, oneRun); a.StatusCode != 200 {
		t.Errorf("after a panic: %d", a.StatusCode)
	}
}

func TestPaths(t *testing.T) {
	store := newFake()
	for _, app := range []string{"a/b", "a b", "ü☃", "%41", ".."} {
		store.put(app, 1)
	}
	store.apps["a/b"]["x/../y z?#%"] = []trace.Run{{}}
	e := start(t, store, Options{})
	for _, c := range []struct {
		target string
		status int
	}{
		{"/v1/apps/a%2Fb", 200},
		{"//v1///apps//a%2fb//", 200},
		{"/v1/apps/a%20b/", 200},
		{"/v1/apps/%C3%BC%E2%98%83/traces", 200},
		{"/v1/apps/%2541", 200},
		{"/v1/apps/..", 200},
		{"/v1/apps/a%2Fb/traces/x%2F..%2Fy%20z%3F%23%25", 200},
		{"/v1/apps/A", 404},
		{"/v1/apps/%zz", 400},
		{"/v1/apps/%ff", 400},
		{"/v1/apps/" + strings.Repeat("a", 257), 400},
		{"/v1/apps/" + strings.Repeat("a", 256), 404},
		{"/v1", 404},
		{"/V1/apps", 404},
		{"/a/b/c/d/e/f/g/h/i/j/k", 404},
		{"http://elsewhere/v1/apps", 200},
		{"/?", 200},
	} {
		resp := raw(t, e.addr, "GET "+c.target+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\nConnection: close\r\n\r\n")
		if got := statusOf(resp); got != c.status {
			t.Errorf("%s: %d, want %d: %s", c.target, got, c.status, resp)
		}
	}
}

func TestMethods(t *testing.T) {
	e := start(t, newFake(), Options{})
	a := e.do("PUT", "/v1/apps", adminToken, "")
	a.wants(t, 405, "bad_request")
	if got := a.Header.Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow %q", got)
	}
	a = e.do("HEAD", "/v1/apps", adminToken, "")
	if a.StatusCode != 200 || len(a.body) != 0 || a.ContentLength <= 0 {
		t.Errorf("HEAD: %d, %d bytes, length %d", a.StatusCode, len(a.body), a.ContentLength)
	}
	if a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("no nosniff")
	}
}

func TestMalformedRequests(t *testing.T) {
	e := start(t, newFake(), Options{})
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n", 431},
		{"BLAH\r\n\r\n", 400},
		{"GET / HTTP/9\r\n\r\n", 400},
		{"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400},
	} {
		resp := raw(t, e.addr, c.request)
		if got := statusOf(resp); got != c.status || !strings.Contains(resp, `{"error":{"code":"bad_request"`) {
			t.Errorf("%.40q: %d, want %d: %s", c.request, got, c.status, resp)
		}
	}
}

func TestConnectionLimit(t *testing.T) {
	e := start(t, newFake(), Options{MaxConns: 2})
	for range 2 {
		c, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	var resp string
	for range 50 { // the two may not be accepted yet
		resp = raw(t, e.addr, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if statusOf(resp) == 503 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if statusOf(resp) != 503 || !strings.Contains(resp, "Retry-After: 1") || !strings.HasSuffix(resp, tooManyBody) {
		t.Errorf("beyond the limit: %s", resp)
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	store := newFake()
	begun, goOn := make(chan struct{}), make(chan struct{})
	store.ingest = func(string, []trace.Run) (engine.IngestResult, error) {
		close(begun)
		<-goOn
		return engine.IngestResult{Created: 1}, nil
	}
	e := start(t, store, Options{})
	got := make(chan int)
	go func() { got <- e.do("POST", "/v1/apps/demo/traces", adminToken, oneRun).StatusCode }()
	<-begun
	done := make(chan error)
	go func() { done <- e.srv.Shutdown(context.Background()) }()
	select {
	case err := <-done:
		t.Fatalf("shutdown did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if code := <-got; code != 200 {
		t.Errorf("the running request got %d", code)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestShutdownBesideServe: a Shutdown ends a Serve whether it comes before,
// during or after its beginning.
func TestShutdownBesideServe(t *testing.T) {
	for i := range 200 {
		srv, err := New(newFake(), Options{AuthOff: true})
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served, down := make(chan error, 1), make(chan error, 1)
		go func() { served <- srv.Serve(ln) }()
		time.Sleep(time.Duration(i) * time.Microsecond)
		go func() { down <- srv.Shutdown(context.Background()) }()
		for _, ended := range []chan error{down, served} {
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("round %d: %v", i, err)
				}
			case <-time.After(20 * time.Second):
				t.Fatalf("round %d: it does not end", i)
			}
		}
	}
}

func TestShutdownIsBounded(t *testing.T) {
	store := newFake()
	begun := make(chan struct{})
	store.export = func(ctx context.Context, _ engine.ExportQuery, _ io.Writer) (engine.ExportResult, error) {
		close(begun)
		<-ctx.Done()
		return engine.ExportResult{}, ctx.Err()
	}
	e := start(t, store, Options{})
	got := make(chan int, 1)
	go func() {
		req, _ := http.NewRequest("GET", "http://"+e.addr+"/v1/apps/demo/traces/download", nil)
		req.Header.Set("Authorization", "Bearer "+adminToken)
		resp, err := e.cli.Do(req)
		if err != nil {
			got <- 0
			return
		}
		_ = resp.Body.Close()
		got <- resp.StatusCode
	}()
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := e.srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
	<-got
	if n := e.srv.inflight.Load(); n != 0 {
		t.Errorf("%d requests still run", n)
	}
}

func TestNoGoroutineStays(t *testing.T) {
	t.Run("server", func(t *testing.T) {
		store := newFake()
		store.put("demo", 1000)
		e := start(t, store, Options{})
		e.get("/v1/apps/demo/traces/download")
		e.do("POST", "/v1/traces", "", strings.Repeat("x", 1<<20)).wants(t, 401, "unauthorized")
		c, _ := net.Dial("tcp", e.addr) // a client that leaves amid a download
		_, _ = io.WriteString(c, "GET /v1/apps/demo/traces/download HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n")
		_ = c.Close()
	})
	// fasthttp's own sleepers (the clock of its Date, the cleaner of a worker
	// pool) end by themselves some seconds later; what serves must be gone.
	var left string
	for range 100 {
		if left = serving(); left == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("goroutines stay:\n%s", left)
}

// serving is the stacks of goroutines that serve a connection.
func serving() (out string) {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "serveConn") || strings.Contains(g, "hijackConn") || strings.Contains(g, "httpapi.(*") {
			out += g + "\n\n"
		}
	}
	return out
}

func TestLogHoldsNoSecretAndNoPayload(t *testing.T) {
	e := start(t, newFake(), Options{})
	e.do("POST", "/v1/apps/demo/traces", adminToken, strings.Replace(oneRun, `"input":null`, `"input":"private words"`, 1))
	e.do("GET", "/v1/apps", "wrong token", "")
	e.get("/v1/apps?token=" + "queried")
	log := e.log.text()
	for _, secret := range []string{adminToken, "wrong token", "private words", "queried"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "status=401") {
		t.Errorf("no request was logged:\n%s", log)
	}
}
