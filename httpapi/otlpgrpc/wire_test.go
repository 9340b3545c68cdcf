package otlpgrpc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/otlpgrpc"
)

// frame is a message as gRPC frames it.
func frame(flag byte, message string) string {
	n := len(message)
	return string([]byte{flag, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + message
}

// post sends a request that no official client would, over HTTP/2.
func (e *env) post(method, path, body string, headers ...string) (resp *http.Response, text string) {
	e.t.Helper()
	return e.send(method, path, strings.NewReader(body), headers...)
}

func (e *env) send(method, path string, body io.Reader, headers ...string) (resp *http.Response, text string) {
	e.t.Helper()
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.addr+path, body)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Authorization", "Bearer "+adminToken)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err = tr.RoundTrip(req)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(b)
}

// slow gives a byte now and then: two until the deadline of TestFrames, fewer
// than any header has.
type slow struct{ left int }

func (s *slow) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	time.Sleep(140 * time.Millisecond)
	p[0] = 0
	return 1, nil
}

// Every request that is not in gRPC's form gets an answer in it, or a 415.
func TestFrames(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "a"}, otlpgrpc.Options{ReadTimeout: 300 * time.Millisecond}, nil)
	one, err := proto.Marshal(spans("", 1))
	if err != nil {
		t.Fatal(err)
	}
	path, good := httpapi.SignalTraces.Method(), string(one)
	for _, c := range []struct {
		name    string
		body    string
		headers []string
		status  string
	}{
		{"good", frame(0, good), nil, "0"},
		{"good, with parameters", frame(0, good), []string{"Content-Type", "application/grpc+proto; x=y"}, "0"},
		{"identity", frame(0, good), []string{"Grpc-Encoding", "identity"}, "0"},
		{"not compressed after all", frame(0, good), []string{"Grpc-Encoding", "gzip"}, "0"},
		{"empty", frame(0, ""), nil, "0"},
		{"no message", "", nil, "3"},
		{"half a header", "\x00\x00", nil, "3"},
		{"half a message", frame(0, good)[:20], nil, "3"},
		{"half a tag", frame(0, "\xff"), nil, "3"},
		{"more than one", frame(0, good) + frame(0, good), nil, "3"},
		{"flag", frame(2, good), nil, "3"},
		{"no gzip", frame(1, good), []string{"Grpc-Encoding", "gzip"}, "3"},
		{"compressed without saying how", frame(1, good), nil, "13"},
		{"unknown encoding", frame(1, good), []string{"Grpc-Encoding", "snappy"}, "12"},
		{"four gigabytes", "\x00\xff\xff\xff\xff", nil, "8"},
		{"bad app", frame(0, good), []string{"X-App-Id", strings.Repeat("x", 257)}, "3"},
	} {
		resp, body := e.post("POST", path, c.body, c.headers...)
		if resp.StatusCode != 200 || resp.Trailer.Get("Grpc-Status") != c.status || (c.status == "0") != (body == frame(0, "")) {
			t.Errorf("%s: %d %q %v", c.name, resp.StatusCode, body, resp.Trailer)
		}
	}
	if n := e.runs("a"); n != 1 {
		t.Errorf("%d runs", n)
	}
	for _, headers := range [][]string{{"Content-Type", "application/json"}, {"Content-Type", "application/grpc+json"}, {"Content-Type", ";"}} {
		if resp, _ := e.post("POST", path, "{}", headers...); resp.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%v: %d", headers, resp.StatusCode)
		}
	}
	if resp, _ := e.post("GET", path, ""); resp.Trailer.Get("Grpc-Status") != "12" {
		t.Errorf("GET: %v", resp.Trailer)
	}
	for _, body := range []io.Reader{&slow{40}, io.MultiReader(strings.NewReader(frame(0, good)[:9]), &slow{40})} {
		if resp, _ := e.send("POST", path, body); resp.Trailer.Get("Grpc-Status") != "4" {
			t.Errorf("a slow client: %v", resp.Trailer)
		}
	}
	if page := e.page("/metrics"); !strings.Contains(page, "tracebed_body_memory_bytes 0") {
		t.Error("memory of bodies is not given back")
	}
}

// Without a token nothing of the message is read.
func TestAuthComesFirst(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "a"}, otlpgrpc.Options{}, nil)
	r, w := io.Pipe()
	defer w.Close()
	go io.Copy(w, io.MultiReader(strings.NewReader("\x00\x01\x00\x00\x00"), bytes.NewReader(make([]byte, 1<<20)))) // of 16 MiB
	resp, _ := e.send("POST", httpapi.SignalTraces.Method(), r, "Authorization", "Bearer x")
	if resp.Trailer.Get("Grpc-Status") != "16" {
		t.Errorf("%v", resp.Trailer)
	}
}

// Without authentication only this machine gets in, and no page of another
// site.
func TestAuthOff(t *testing.T) {
	e := start(t, httpapi.Options{AuthOff: true, DefaultApp: "a"}, otlpgrpc.Options{}, nil)
	if _, err := e.traces.Export(with(t), spans("", 1)); err != nil || e.runs("a") != 1 {
		t.Errorf("%v", err)
	}
	for _, h := range [][]string{{"Host", "evil.example"}, {"Origin", "http://evil.example"}} {
		if resp, _ := e.post("POST", httpapi.SignalTraces.Method(), frame(0, ""), h...); resp.Trailer.Get("Grpc-Status") != "7" {
			t.Errorf("%v: %v", h, resp.Trailer)
		}
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := otlpgrpc.New(e.api, otlpgrpc.Options{}).Serve(ln); !errors.Is(err, httpapi.ErrNotLoopback) {
		t.Errorf("on every address: %v", err)
	}
}

func TestHealth(t *testing.T) {
	e := start(t, httpapi.Options{}, otlpgrpc.Options{}, func(s engine.API) engine.API { return &sick{API: s} })
	c := healthv1.NewHealthClient(e.conn)
	const name = "opentelemetry.proto.collector.logs.v1.LogsService"
	for _, service := range []string{"", name} {
		r, err := c.Check(with(t), &healthv1.HealthCheckRequest{Service: service})
		if err != nil || r.Status != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", service, r, err)
		}
	}
	if _, err := c.Check(with(t), &healthv1.HealthCheckRequest{Service: "x"}); status.Code(err) != codes.NotFound {
		t.Errorf("another service: %v", err)
	}
	for _, body := range []string{frame(0, "\x0a\xff"), frame(0, strings.Repeat("\x10\x01", 1000)), frame(1, "x")} {
		if resp, _ := e.post("POST", "/grpc.health.v1.Health/Check", body, "Grpc-Encoding", "gzip"); resp.Trailer.Get("Grpc-Status") == "0" {
			t.Errorf("%q is a health check", body)
		}
	}
	e.store.(*sick).err = engine.ErrReadOnly
	if r, err := c.Check(with(t), &healthv1.HealthCheckRequest{}); err != nil || r.Status != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("without a disk: %v, %v", r, err)
	}
}

// sick is a store that may not be ready.
type sick struct {
	engine.API
	err error
}

func (s *sick) Ready() error {
	if s.err != nil {
		return s.err
	}
	return s.API.Ready()
}

// What runs when a shutdown begins is stored and answered; what comes later is
// told to come again.
func TestShutdown(t *testing.T) {
	hold, inside := make(chan struct{}), make(chan struct{}, 1)
	e := start(t, httpapi.Options{DefaultApp: "a"}, otlpgrpc.Options{}, func(s engine.API) engine.API {
		return &gate{API: s, before: func() error { inside <- struct{}{}; <-hold; return nil }}
	})
	answered := make(chan error, 1)
	go func() {
		_, err := e.traces.Export(admin(t), spans("", 1))
		answered <- err
	}()
	select {
	case <-inside:
	case err := <-answered:
		t.Fatalf("answered early: %v", err)
	}
	ended := make(chan error, 2)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	go func() { ended <- e.api.Shutdown(ctx) }()
	for e.api.Ready() == nil {
		time.Sleep(time.Millisecond)
	}
	if _, err := e.traces.Export(admin(t), spans("", 1)); status.Code(err) != codes.Unavailable {
		t.Errorf("during the shutdown: %v", err)
	}
	go func() { ended <- e.srv.Shutdown(ctx) }()
	select {
	case err := <-ended:
		t.Fatalf("ended while a request runs: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(hold)
	if err := <-answered; err != nil {
		t.Errorf("the request that ran: %v", err)
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Errorf("shutdown: %v", err)
		}
	}
	if n := e.runs("a"); n != 1 {
		t.Errorf("%d runs", n)
	}
}

// Connections beyond the limit are closed, and the place of one that ends is
// free again; one that says nothing does not keep its place.
func TestConnections(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "a"}, otlpgrpc.Options{MaxConns: 2, ReadTimeout: time.Second}, nil)
	dial := func() net.Conn {
		c, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	first, second := dial(), dial()
	defer first.Close()
	defer second.Close()
	time.Sleep(50 * time.Millisecond)
	third := dial()
	defer third.Close()
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the third: %v", err)
	}
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent one: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		_, err := e.traces.Export(admin(t), spans("", 1))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("no place came free: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
