package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
)

// server is Tracebed's HTTP server on loopback and a client with connections
// that stay open.
type server struct {
	srv    *httpapi.Server
	addr   string
	served chan error
	client *fasthttp.HostClient
}

func serveHTTP(tb testing.TB, e *engine.Engine) *server {
	srv, err := httpapi.New(e, httpapi.Options{AuthOff: true})
	check(tb, err)
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	check(tb, err)
	h := &server{srv: srv, addr: ln.Addr().String(), served: make(chan error, 1)}
	h.client = &fasthttp.HostClient{Addr: h.addr, MaxConns: 2 * inFlight, WriteBufferSize: 64 << 10}
	go func() { h.served <- srv.Serve(ln) }()
	return h
}

// post sends one body; any answer but 200 is an error.
func (h *server) post(app string, body []byte) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + h.addr + "/v1/apps/" + app + "/traces")
	req.Header.SetMethod("POST")
	req.Header.SetContentType("application/json")
	req.SetBodyRaw(body)
	if err := h.client.Do(req, resp); err != nil {
		return err
	}
	if resp.StatusCode() != 200 {
		return fmt.Errorf("status %d: %.200s", resp.StatusCode(), resp.Body())
	}
	return nil
}

// download reads an export as zstd and drops it; it returns its size.
func (h *server) download(app string, limit int) (int64, error) {
	url := fmt.Sprintf("http://%s/v1/apps/%s/traces/download?include_runs=true&limit=%d", h.addr, app, limit)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "zstd")
	tr := &http.Transport{DisableCompression: true, ReadBufferSize: 256 << 10}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != "zstd" {
		return 0, fmt.Errorf("status %d, coding %q", resp.StatusCode, resp.Header.Get("Content-Encoding"))
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 256<<10))
	if got := resp.Trailer.Get("Tracebed-Count"); err == nil && got != fmt.Sprint(limit) {
		err = fmt.Errorf("%q traces instead of %d", got, limit)
	}
	return n, err
}

func (h *server) stop(tb testing.TB) {
	h.client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(tb, h.srv.Shutdown(ctx))
	check(tb, <-h.served)
}
