package otlpgrpc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	logsv1 "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // the official compressor
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/otlpgrpc"
)

// zstdCompressor is what clients that compress with zstd register.
type zstdCompressor struct{}

func (zstdCompressor) Name() string { return "zstd" }
func (zstdCompressor) Compress(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
}
func (zstdCompressor) Decompress(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
}

// lz4Compressor stands for an encoding that the server does not have.
type lz4Compressor struct{ zstdCompressor }

func (lz4Compressor) Name() string { return "lz4" }

func init() {
	encoding.RegisterCompressor(zstdCompressor{})
	encoding.RegisterCompressor(lz4Compressor{})
}

// Exports in every encoding are in the store when they are answered; the
// counters are those of HTTP.
func TestExport(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "default"}, otlpgrpc.Options{}, nil)
	for i, c := range []struct {
		coding string
		auth   string
		app    string
		want   string
	}{
		{"", "Bearer " + adminToken, "", "shop"},
		{"gzip", "Bearer " + adminToken, "a", "a"},
		{"zstd", "Basic " + base64.StdEncoding.EncodeToString([]byte("pk-lf-1:"+adminToken)), "b", "b"},
	} {
		ctx := with(t, "authorization", c.auth)
		if c.app != "" {
			ctx = with(t, "authorization", c.auth, "x-app-id", c.app)
		}
		var opts []grpc.CallOption
		if c.coding != "" {
			opts = append(opts, grpc.UseCompressor(c.coding))
		}
		r, err := e.traces.Export(ctx, spans("shop", 300), opts...)
		if err != nil || r.PartialSuccess != nil {
			t.Fatalf("%d: %v, %v", i, r, err)
		}
		if n := e.runs(c.want); n != 300 {
			t.Errorf("%s: %d runs in %s", c.coding, n, c.want)
		}
	}
	if r, err := e.traces.Export(admin(t), nil); err != nil || r.PartialSuccess != nil {
		t.Errorf("an empty request: %v, %v", r, err)
	}
	page := e.page("/metrics")
	for _, line := range []string{
		`tracebed_ingest_runs_total{result="created"} 900`,
		`route="/opentelemetry.proto.collector.trace.v1.TraceService/Export",code="200"} 4`,
		`tracebed_body_memory_bytes 0`,
	} {
		if !strings.Contains(page, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

// Logs are taken like those of HTTP, metrics are answered and dropped.
func TestOtherSignals(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "default"}, otlpgrpc.Options{}, nil)
	rec := &logspb.LogRecord{TraceId: []byte("0123456789abcdef"), SpanId: []byte("12345678"), TimeUnixNano: 1_780_000_000_000_000_000,
		EventName: "gen_ai.evaluation.result"}
	bad := &logspb.LogRecord{EventName: "gen_ai.evaluation.result"}
	r, err := e.logs.Export(admin(t), &logsv1.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{rec, bad, {}}}}}}})
	if err != nil || r.PartialSuccess.GetRejectedLogRecords() != 1 || e.runs("default") != 1 {
		t.Errorf("logs: %v, %v, %d runs", r, err, e.runs("default"))
	}
	m, err := e.metrics.Export(admin(t), &metricsv1.ExportMetricsServiceRequest{}, grpc.UseCompressor("gzip"))
	if err != nil || m.PartialSuccess != nil {
		t.Errorf("metrics: %v, %v", m, err)
	}
}

// Bad spans are counted in the answer, the others are stored.
func TestPartialSuccess(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "default"}, otlpgrpc.Options{}, nil)
	req := spans("shop", 5)
	list := req.ResourceSpans[0].ScopeSpans[0].Spans
	list[2].SpanId, list[4].TraceId = nil, make([]byte, 16)
	r, err := e.traces.Export(admin(t), req)
	if err != nil || r.PartialSuccess.GetRejectedSpans() != 2 || !strings.Contains(r.PartialSuccess.ErrorMessage, "spanId") || e.runs("shop") != 3 {
		t.Errorf("%v, %v, %d runs", r, err, e.runs("shop"))
	}
}

// Each refusal has the code by which clients know whether to send again.
func TestRefusals(t *testing.T) {
	readOnly := false
	e := start(t, httpapi.Options{MaxBody: 1 << 20}, otlpgrpc.Options{}, func(s engine.API) engine.API {
		return &gate{API: s, before: func() error {
			if readOnly {
				return engine.ErrReadOnly
			}
			return nil
		}}
	})
	reader, _, err := httpapi.CreateToken(context.Background(), e.store, httpapi.Token{Name: "r", Apps: httpapi.Scope{All: true}, Rights: []string{"read"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	writer, _, err := httpapi.CreateToken(context.Background(), e.store, httpapi.Token{Name: "w", Apps: httpapi.Scope{Apps: []string{"x"}}, Rights: []string{"write"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// Tokens that others make are seen by a new server only.
	again := start(t, httpapi.Options{MaxBody: 1 << 20}, otlpgrpc.Options{}, func(engine.API) engine.API { return e.store })
	for _, c := range []struct {
		name  string
		ctx   context.Context
		req   any
		opts  []grpc.CallOption
		code  codes.Code
		retry time.Duration
	}{
		{"no token", with(t), spans("a", 1), nil, codes.Unauthenticated, 0},
		{"unknown token", with(t, "authorization", "Bearer x"), spans("a", 1), nil, codes.Unauthenticated, 0},
		{"no right", with(t, "authorization", "Bearer "+reader), spans("a", 1), nil, codes.PermissionDenied, 0},
		{"app of others", with(t, "authorization", "Bearer "+writer, "x-app-id", "y"), spans("a", 1), nil, codes.NotFound, 0},
		{"undecodable", admin(t), raw("\xff\xff"), nil, codes.InvalidArgument, 0},
		{"no app", admin(t), spans("", 1), nil, codes.InvalidArgument, 0},
		{"too long", admin(t), large(1 << 20), nil, codes.ResourceExhausted, 0},
		{"too long inflated", admin(t), large(1 << 20), []grpc.CallOption{grpc.UseCompressor("gzip")}, codes.ResourceExhausted, 0},
		{"too long inflated, zstd", admin(t), large(1 << 20), []grpc.CallOption{grpc.UseCompressor("zstd")}, codes.ResourceExhausted, 0},
		{"unknown encoding", admin(t), spans("a", 1), []grpc.CallOption{grpc.UseCompressor("lz4")}, codes.Unimplemented, 0},
		{"no disk", admin(t), spans("a", 1), nil, codes.Unavailable, 30 * time.Second},
	} {
		readOnly = c.name == "no disk"
		opts := append(c.opts, grpc.ForceCodecV2(rawCodec{encoding.GetCodecV2("proto")}))
		err := again.conn.Invoke(c.ctx, httpapi.SignalTraces.Method(), c.req, new(emptypb.Empty), opts...)
		st := status.Convert(err)
		var retry time.Duration
		for _, d := range st.Details() {
			if info, ok := d.(*errdetails.RetryInfo); ok {
				retry = info.RetryDelay.AsDuration()
			}
		}
		if st.Code() != c.code || st.Message() == "" || retry != c.retry {
			t.Errorf("%s: %v %q, again in %v; want %v, %v", c.name, st.Code(), st.Message(), retry, c.code, c.retry)
		}
	}
	if err := again.conn.Invoke(admin(t), "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export", new(emptypb.Empty), new(emptypb.Empty)); status.Code(err) != codes.Unimplemented {
		t.Errorf("another method: %v", err)
	}
}

// What waits for memory in vain is told to come again, and what was given away
// comes back.
func TestOverload(t *testing.T) {
	hold, inside := make(chan struct{}), make(chan struct{}, 1)
	e := start(t, httpapi.Options{DefaultApp: "a", MaxInflightBytes: 4 << 20, QueueWait: 20 * time.Millisecond}, otlpgrpc.Options{},
		func(s engine.API) engine.API {
			return &gate{API: s, before: func() error {
				select {
				case inside <- struct{}{}:
				default:
				}
				<-hold
				return nil
			}}
		})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := e.traces.Export(admin(t), large(500<<10)); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	select {
	case <-inside:
	case <-time.After(10 * time.Second):
		close(hold)
		t.Fatal("the first is not being stored")
	}
	_, err := e.traces.Export(admin(t), large(500<<10))
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || len(st.Details()) != 1 {
		t.Errorf("the second: %v, %v", err, st.Details())
	} else if info, ok := st.Details()[0].(*errdetails.RetryInfo); !ok || info.RetryDelay.AsDuration() != time.Second {
		t.Errorf("the second: %v", st.Details())
	}
	close(hold)
	wg.Wait()
	if _, err := e.traces.Export(admin(t), large(500<<10)); err != nil {
		t.Errorf("later: %v", err)
	}
	if page := e.page("/metrics"); !strings.Contains(page, "tracebed_ingest_overloads_total 1") || !strings.Contains(page, "tracebed_body_memory_bytes 0") {
		t.Error("counters of the overload are wrong")
	}
}

// gate stands before the engine.
type gate struct {
	engine.API
	before func() error
}

func (g *gate) Submit(ctx context.Context, app string, runs []trace.Run) (func(context.Context) (engine.IngestResult, error), error) {
	if err := g.before(); err != nil {
		return nil, err
	}
	return g.API.Submit(ctx, app, runs)
}

// raw is a message as it is.
type raw string

// rawCodec sends raw messages, and others by the official codec.
type rawCodec struct{ encoding.CodecV2 }

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(raw); ok {
		return mem.BufferSlice{mem.SliceBuffer(m)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// A panic is one request's failure; what it says is not told.
func TestPanic(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "a"}, otlpgrpc.Options{}, func(s engine.API) engine.API {
		return &gate{API: s, before: func() error { panic("secret") }}
	})
	_, err := e.traces.Export(admin(t), spans("", 1))
	if st := status.Convert(err); st.Code() != codes.Internal || bytes.Contains([]byte(st.Message()), []byte("secret")) {
		t.Errorf("%v", err)
	}
	if page := e.page("/metrics"); !strings.Contains(page, "tracebed_panics_total 1") {
		t.Error("the panic is not counted")
	}
}
