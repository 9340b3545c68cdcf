package otlpgrpc_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/otlpgrpc"
)

const adminToken = "the admin token"

// env is a store behind both servers, and an official client of the gRPC one.
type env struct {
	t       *testing.T
	store   engine.API
	api     *httpapi.Server
	srv     *otlpgrpc.Server
	addr    string // of OTLP/gRPC
	web     string // of HTTP
	conn    *grpc.ClientConn
	traces  tracev1.TraceServiceClient
	logs    logsv1.LogsServiceClient
	metrics metricsv1.MetricsServiceClient
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// start serves a new store; wrap, if not nil, stands before the engine.
func start(t *testing.T, opt httpapi.Options, o otlpgrpc.Options, wrap func(engine.API) engine.API) *env {
	t.Helper()
	store, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &env{t: t, store: store}
	if wrap != nil {
		e.store = wrap(store)
	}
	if !opt.AuthOff {
		opt.AdminToken = adminToken
	}
	if e.api, err = httpapi.New(e.store, opt); err != nil {
		t.Fatal(err)
	}
	e.srv = otlpgrpc.New(e.api, o)
	web, ln := listen(t), listen(t)
	e.web, e.addr = web.Addr().String(), ln.Addr().String()
	served := make(chan error, 2)
	go func() { served <- e.api.Serve(web) }()
	go func() { served <- e.srv.Serve(ln) }()
	if e.conn, err = grpc.NewClient(e.addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	e.traces, e.logs, e.metrics = tracev1.NewTraceServiceClient(e.conn), logsv1.NewLogsServiceClient(e.conn), metricsv1.NewMetricsServiceClient(e.conn)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		e.conn.Close()
		http.DefaultClient.CloseIdleConnections()
		if err := e.srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := e.api.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		for range 2 {
			if err := <-served; err != nil {
				t.Errorf("serve: %v", err)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// with is a context with metadata, given as name and value by turns.
func with(t *testing.T, pairs ...string) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return metadata.NewOutgoingContext(ctx, metadata.Pairs(pairs...))
}

func admin(t *testing.T, pairs ...string) context.Context {
	return with(t, append([]string{"authorization", "Bearer " + adminToken}, pairs...)...)
}

// spans is a request of n spans of one trace, the first being the root.
func spans(service string, n int) *tracev1.ExportTraceServiceRequest {
	rs := &tracepb.ResourceSpans{ScopeSpans: []*tracepb.ScopeSpans{{}}}
	if service != "" {
		rs.Resource = &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", service)}}
	}
	for i := range n {
		s := &tracepb.Span{
			TraceId: []byte("0123456789abcdef"), SpanId: []byte{1, 2, 3, 4, 5, 6, byte(i >> 8), byte(i) + 1}, Name: "s",
			StartTimeUnixNano: 1_780_000_000_000_000_000 + uint64(i), EndTimeUnixNano: 1_780_000_001_000_000_000,
		}
		if i > 0 {
			s.ParentSpanId = rs.ScopeSpans[0].Spans[0].SpanId
		}
		rs.ScopeSpans[0].Spans = append(rs.ScopeSpans[0].Spans, s)
	}
	return &tracev1.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{rs}}
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// large is a request of about n bytes that compresses well.
func large(n int) *tracev1.ExportTraceServiceRequest {
	r := spans("", 1)
	r.ResourceSpans[0].ScopeSpans[0].Spans[0].Attributes = []*commonpb.KeyValue{text("long", strings.Repeat("x", n))}
	return r
}

// runs counts the runs of the trace of spans in an app.
func (e *env) runs(app string) int64 {
	e.t.Helper()
	p, err := e.store.Runs(context.Background(), app, "30313233343536373839616263646566", engine.RunQuery{Page: 1, PageSize: 1})
	if err != nil {
		return -1
	}
	return p.TotalCount
}

// page is a page of the HTTP server.
func (e *env) page(path string) string {
	e.t.Helper()
	req, err := http.NewRequest("GET", "http://"+e.web+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b)
}
