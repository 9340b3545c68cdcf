package httpapi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/tracebed/tracebed/engine/otlp"
)

// OTLPExport is an OTLP request that another transport than this server's own
// has taken: package otlpgrpc. Its body is protobuf.
type OTLPExport struct {
	Signal Signal
	// Authorization is the value of the header or metadata of this name.
	Authorization string
	// Host and Origin are what the client said of them, "" = nothing. Without
	// authentication they keep pages of other sites out.
	Host, Origin string
	// App is the app that the request names, "" = none.
	App string
	// Coding of Body: "", "gzip", "deflate" or "zstd".
	Coding string
	// Body is read to its end if all before that is in order. Its error is
	// taken for one of the connection.
	Body io.Reader
	// Length of Body in bytes.
	Length int64
	// Client is for the log.
	Client string
}

// OTLPError is an export that was not taken, in terms of google.rpc.
type OTLPError struct {
	// Code is a google.rpc.Code: 3 invalid argument, 4 deadline exceeded, 5 not
	// found, 7 permission denied, 8 resource exhausted (the body is too long, or
	// the token is above its limits: then RetryAfter is set),
	// 13 internal, 14 unavailable, 16 unauthenticated.
	Code uint64
	// Message says what is wrong, for people.
	Message string
	// RetryAfter says that the same export may be taken later, 0 = never.
	RetryAfter time.Duration
}

func (e *OTLPError) Error() string { return e.Message }

// methods are the full names of the signals' OTLP/gRPC methods.
var methods = map[Signal]string{
	SignalTraces:  "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
	SignalLogs:    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
	SignalMetrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}

// Method is the full name of the signal's OTLP/gRPC method, "" for no signal.
func (sig Signal) Method() string { return methods[sig] }

// foreignRoutes count the requests of other transports; the router does not
// know them. They stand at their signal.
func foreignRoutes() []*route {
	out := []*route{signalNone: {method: "gRPC", pattern: "other"}}
	for sig := SignalTraces; sig <= SignalMetrics; sig++ {
		out = append(out, &route{method: "gRPC", pattern: sig.Method(), right: rightWrite, otlp: sig})
	}
	return out
}

// MayListen is ErrNotLoopback where other machines could reach addr while
// authentication is off.
func (s *Server) MayListen(addr net.Addr) error {
	if s.opt.AuthOff && !isLoopback(addr) {
		return fmt.Errorf("listen on %s: %w", addr, ErrNotLoopback)
	}
	return nil
}

// Ready says whether the server takes writes; the error says why not.
func (s *Server) Ready() error {
	if s.draining.Load() {
		return unavailable("the server is shutting down", 1)
	}
	if err := s.store.Ready(); err != nil {
		return unavailable("the store is not ready: "+clean(err), 5)
	}
	return nil
}

// ExportOTLP takes an export as POST /v1/traces would: with the same rights,
// limits, counters and effects. It returns the protobuf message of the answer
// once all good spans are durable; any error is an *OTLPError.
func (s *Server) ExportOTLP(x OTLPExport) ([]byte, error) {
	s.foreign.Add(1)
	defer s.foreign.Add(-1)
	start := time.Now()
	rt := s.foreignRoutes[x.Signal]
	bad, err := s.export(x, rt)
	took := time.Since(start)
	status := 200
	var e *apiError
	if err != nil {
		e = toAPIError(err)
		status = e.status
		s.stats.refuse(e.code)
	}
	s.stats.request(rt, status, took)
	switch {
	case status == 503:
		s.log.Warn("request refused", "route", x.Signal.Method(), "reason", e.message)
	case status >= 500:
		s.log.Error("request failed", "route", x.Signal.Method(), "error", e.cause)
	case s.log.Enabled(s.base, slog.LevelDebug):
		s.log.Debug("request", "method", "gRPC", "route", x.Signal.Method(), "status", status, "took", took, "client", x.Client)
	}
	if e != nil {
		return nil, &OTLPError{Code: grpcCode(status), Message: e.message, RetryAfter: time.Duration(e.retryAfter) * time.Second}
	}
	return bad.proto(), nil
}

// export is ExportOTLP without its frame.
func (s *Server) export(x OTLPExport, rt *route) (bad rejection, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.stats.panics.Add(1)
			// The value of a panic may hold payload; its type and place do not.
			s.log.Error("panic in a handler", "route", x.Signal.Method(), "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = &apiError{status: 500, code: codeInternal, message: "internal error"}
		}
	}()
	if s.draining.Load() {
		return bad, unavailable("the server is shutting down", 1)
	}
	in := intake{srv: s}
	defer in.release()
	if s.opt.AuthOff {
		err = sameSite(x.Host, x.Origin)
	} else {
		in.token, err = s.authenticate([]byte(x.Authorization), rt.right)
	}
	if err != nil {
		return bad, err
	}
	if err := in.admit(max(x.Length, 0)); err != nil {
		return bad, err
	}
	defer func() { in.settle(max(x.Length, 0)) }()
	app, err := in.checkApp(x.App)
	if err != nil {
		return bad, err
	}
	var codings []string
	if x.Coding != "" {
		codings = []string{x.Coding}
	}
	wire := &wireReader{r: x.Body}
	if x.Signal == SignalMetrics { // read and dropped, see otlpMetrics
		if x.Length > s.opt.MaxBody {
			return bad, s.tooLarge()
		}
		_, err := io.Copy(io.Discard, wire)
		return bad, wire.explain(err)
	}
	body, err := in.read(wire, codings, x.Length)
	if err != nil {
		return bad, wire.explain(err)
	}
	s.stats.ingestBytes.Add(uint64(len(body)))
	return in.storeOTLP(app, body, otlp.Protobuf, x.Signal)
}

// wireReader remembers whether it was the wire that failed.
type wireReader struct {
	r   io.Reader
	err error
}

func (w *wireReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// explain turns what went wrong with a body into an answer.
func (w *wireReader) explain(err error) error {
	var ae *apiError
	switch {
	case err == nil || errors.As(err, &ae):
		return err
	case w.err == nil:
		return badField("grpc-encoding", "the message cannot be decoded: "+clean(err))
	case errors.Is(w.err, os.ErrDeadlineExceeded):
		return &apiError{status: 408, code: codeBadRequest, message: "the message did not arrive in time"}
	}
	return badField("body", "cannot be read to its end: "+clean(w.err))
}
