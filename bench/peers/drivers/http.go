package drivers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/bench/peers/peer"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/rollup"
)

// HTTP is Tracebed's server on loopback, driven by a client in the same
// process: its CPU time and memory hold the client's, and what is timed holds
// the parsing of the bodies and the client's reading of the answers.
type HTTP struct {
	e      *engine.Engine
	srv    *httpapi.Server
	served chan error
	addr   string
	client *fasthttp.HostClient
	arena  peer.Arena
}

// OpenHTTP opens a store in dir and serves it.
func OpenHTTP(dir string) (peer.Driver, error) {
	e, err := engine.Open(dir, engine.Options{})
	if err != nil {
		return nil, err
	}
	return Serve(e, e)
}

// Serve serves api; e is closed with the driver.
func Serve(e *engine.Engine, api engine.API) (*HTTP, error) {
	srv, err := httpapi.New(api, httpapi.Options{AuthOff: true})
	if err != nil {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &HTTP{e: e, srv: srv, addr: ln.Addr().String(), served: make(chan error, 1)}
	// A request goes out in one write, as good clients do.
	h.client = &fasthttp.HostClient{Addr: h.addr, MaxConns: 256, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10}
	go func() { h.served <- srv.Serve(ln) }()
	// A Shutdown that comes before Serve has begun is not seen by it.
	_, err = h.call(http.MethodGet, "/healthz", nil)
	return h, err
}

// Prepare makes one request body of the batch.
func (h *HTTP) Prepare(batch []peer.Rec) (peer.Work, error) {
	body := []byte(`{"runs":[`)
	for i := range batch {
		raw := batch[i].Raw
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, raw[len(`{"runs":[`):len(raw)-len(`]}`)]...)
	}
	body = h.arena.Keep(append(body, `]}`...))
	path := "/v1/apps/" + url.PathEscape(batch[0].App) + "/traces"
	return func() error {
		_, err := h.call(http.MethodPost, path, body)
		return err
	}, nil
}

// call returns the body of a 200.
func (h *HTTP) call(method, path string, body []byte) ([]byte, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + h.addr + path)
	req.Header.SetMethod(method)
	if body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
	}
	if err := h.client.Do(req, resp); err != nil {
		return nil, err
	}
	if resp.StatusCode() != http.StatusOK {
		return nil, fmt.Errorf("status %d: %.200s", resp.StatusCode(), resp.Body())
	}
	return append([]byte(nil), resp.Body()...), nil
}

func rfc3339(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }

// Metrics asks the server and checks the number of bars only: reading the
// numbers is the client's business. The engine's are compared.
func (h *HTTP) Metrics(q *peer.MetricsQuery) ([]peer.Sums, error) {
	v := url.Values{"start_time": {rfc3339(q.Window.From)}, "end_time": {rfc3339(q.Window.To - 1)}, "interval": {q.Interval}, "timezone": {q.Zone.String()}}
	body, err := h.call(http.MethodGet, "/v1/apps/"+q.App+"/metrics?"+v.Encode(), nil)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, fmt.Errorf("no metrics")
	}
	return nil, nil
}

// List asks for a page; the rows are left as the bytes that came.
func (h *HTTP) List(q *peer.ListQuery) (peer.Page, error) {
	v := url.Values{"page": {strconv.Itoa(q.Offset/q.Limit + 1)}, "page_size": {strconv.Itoa(q.Limit)}}
	if q.Status >= 0 {
		v.Set("status", [...]string{rollup.Succeeded: "succeeded", rollup.Failed: "failed", rollup.Canceled: "canceled", rollup.Running: "running"}[q.Status])
	}
	v.Set("started_at:gte", rfc3339(q.Window.From))
	v.Set("started_at:lt", rfc3339(q.Window.To))
	body, err := h.call(http.MethodGet, "/v1/apps/"+q.App+"/traces?"+v.Encode(), nil)
	if err != nil {
		return peer.Page{}, err
	}
	return peer.Page{Rows: []peer.Row{{Head: body}}}, nil
}

// Trace reads a trace and its runs.
func (h *HTTP) Trace(app string, _ int32, id string) ([]byte, error) {
	head, err := h.call(http.MethodGet, "/v1/apps/"+app+"/traces/"+id, nil)
	if err != nil {
		return nil, err
	}
	runs, err := h.call(http.MethodGet, "/v1/apps/"+app+"/traces/"+id+"/runs?page_size=1000", nil)
	return append(head, runs...), err
}

// Export downloads as zstd.
func (h *HTTP) Export(app string, _ int32, limit int, w io.Writer) (peer.Exported, error) {
	u := fmt.Sprintf("http://%s/v1/apps/%s/traces/download?include_runs=true&limit=%d", h.addr, app, limit)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, u, nil)
	if err != nil {
		return peer.Exported{}, err
	}
	req.Header.Set("Accept-Encoding", "zstd")
	tr := &http.Transport{DisableCompression: true, ReadBufferSize: 256 << 10}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return peer.Exported{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != "zstd" {
		return peer.Exported{}, fmt.Errorf("status %d, coding %q", resp.StatusCode, resp.Header.Get("Content-Encoding"))
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, resp.Body, make([]byte, 256<<10)); err != nil {
		return peer.Exported{}, err
	}
	n, err := strconv.ParseInt(resp.Trailer.Get("Tracebed-Count"), 10, 64)
	return peer.Exported{Count: n}, err
}

// Count is the number of traces of an app, from the server's list of apps.
func (h *HTTP) Count(app string) (int64, error) {
	body, err := h.call(http.MethodGet, "/v1/apps/"+app+"/traces?page_size=1", nil)
	if err != nil {
		return 0, err
	}
	var a struct {
		Pagination struct {
			TotalCount int64 `json:"total_count"`
		} `json:"pagination"`
	}
	err = json.Unmarshal(body, &a)
	return a.Pagination.TotalCount, err
}

// Close stops the server and closes the store.
func (h *HTTP) Close() error {
	h.client.CloseIdleConnections()
	h.arena.Free()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.srv.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-h.served; err != nil {
		return err
	}
	return h.e.Close()
}
