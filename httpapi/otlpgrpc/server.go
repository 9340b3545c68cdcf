package otlpgrpc

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tracebed/tracebed/httpapi"
)

// Options bound what clients can take up. The zero value is good.
type Options struct {
	// TLS, when not nil, makes Serve speak TLS only. Default nil.
	TLS *tls.Config
	// MaxConns bounds the open connections; one more is closed at once. Each may
	// have 256 KiB of requests that nobody has read. Default 512.
	MaxConns int
	// ReadTimeout bounds the arrival of a request's headers; its message gets
	// the same plus one second for every 32 KiB. Default 30 s.
	ReadTimeout time.Duration
	// StallTimeout closes a connection that takes no byte, or answers no ping,
	// for so long. Default 60 s.
	StallTimeout time.Duration
	// IdleTimeout closes connections without a request. Default 2 m.
	IdleTimeout time.Duration
	// Logger takes what goes wrong with connections, at debug level. Default:
	// discard.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxConns <= 0 {
		o.MaxConns = 512
	}
	for _, d := range []struct {
		at   *time.Duration
		zero time.Duration
	}{{&o.ReadTimeout, 30 * time.Second}, {&o.StallTimeout, time.Minute}, {&o.IdleTimeout, 2 * time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.zero
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

const (
	// maxStreams are the requests that a connection may have open. SDKs have one.
	maxStreams = 64
	// maxUnread is what a connection may send that nobody has read.
	maxUnread = 256 << 10
	// maxHeaders bounds the metadata of a request, in bytes.
	maxHeaders = 16 << 10
	// pingAfter is how long a connection may be silent before it is pinged.
	pingAfter = time.Minute
)

// Server serves OTLP/gRPC. Use New, then Serve, then Shutdown, each once.
type Server struct {
	api   *httpapi.Server
	opt   Options
	http  *http.Server
	conns atomic.Int64
}

// New makes a server in front of api, whose options (authentication, largest
// body, default app) hold here too. Shut this one down before api.
func New(api *httpapi.Server, opt Options) *Server {
	s := &Server{api: api, opt: opt.withDefaults()}
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(s.opt.TLS == nil)
	protocols.SetHTTP2(s.opt.TLS != nil)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		Protocols:         &protocols,
		ReadHeaderTimeout: s.opt.ReadTimeout,
		IdleTimeout:       s.opt.IdleTimeout,
		MaxHeaderBytes:    maxHeaders,
		ErrorLog:          log.New(connLog{s.opt.Logger}, "", 0),
		ConnState:         s.count,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerConnection: maxUnread,
			MaxReceiveBufferPerStream:     maxUnread,
			SendPingTimeout:               pingAfter,
			PingTimeout:                   s.opt.StallTimeout,
			WriteByteTimeout:              s.opt.StallTimeout,
		},
	}
	return s
}

// Serve answers requests on ln until Shutdown; it closes ln. The error is nil
// after a Shutdown, httpapi.ErrNotLoopback where authentication is off and
// other machines could connect.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.api.MayListen(ln.Addr()); err != nil {
		_ = ln.Close()
		return err
	}
	if s.opt.TLS != nil {
		config := s.opt.TLS.Clone()
		config.NextProtos = []string{"h2"}
		ln = tls.NewListener(ln, config)
	}
	if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops accepting, lets running requests finish until ctx ends, then
// closes what is left. Clients are told to connect elsewhere (GOAWAY).
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// count keeps the open connections within their bound.
func (s *Server) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if s.conns.Add(1) > int64(s.opt.MaxConns) {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		s.conns.Add(-1)
	}
}

// signals are the methods that are served.
var signals = map[string]httpapi.Signal{
	httpapi.SignalTraces.Method():  httpapi.SignalTraces,
	httpapi.SignalLogs.Method():    httpapi.SignalLogs,
	httpapi.SignalMetrics.Method(): httpapi.SignalMetrics,
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !grpcType(media) {
		http.Error(w, "this port takes gRPC only; OTLP over HTTP goes to the port of the UI", http.StatusUnsupportedMediaType)
		return
	}
	answer, st := s.call(w, r)
	if err := finish(w, answer, st); err != nil {
		s.opt.Logger.Debug("connection", "event", "the answer was not taken", "error", err)
	}
}

// grpcType says whether messages are protobuf in gRPC's frames.
func grpcType(media string) bool {
	return media == "application/grpc" || media == "application/grpc+proto"
}

// call runs the method that the request names.
func (s *Server) call(w http.ResponseWriter, r *http.Request) ([]byte, *status) {
	sig, known := signals[r.URL.Path]
	if !known && r.URL.Path != healthCheck || r.Method != http.MethodPost {
		return nil, &status{code: unimplemented, message: "no such method; OTLP's trace, logs and metrics services are served"}
	}
	coding := strings.ToLower(r.Header.Get("Grpc-Encoding"))
	switch coding {
	case "identity":
		coding = ""
	case "", "gzip", "deflate", "zstd":
	default:
		return nil, &status{code: unimplemented, message: "grpc-encoding is not supported; use " + acceptEncoding}
	}
	m := &message{body: r.Body, deadline: http.NewResponseController(w).SetReadDeadline, limit: s.opt.ReadTimeout, start: time.Now()}
	compressed, length, st := m.header()
	switch {
	case st != nil:
		return nil, st
	case !compressed:
		coding = ""
	case coding == "":
		return nil, &status{code: internal, message: "the message is marked as compressed and grpc-encoding does not say how"}
	}
	if !known {
		return s.health(m, coding)
	}
	answer, err := s.api.ExportOTLP(httpapi.OTLPExport{
		Signal: sig, Authorization: r.Header.Get("Authorization"), Host: r.Host, Origin: r.Header.Get("Origin"),
		App: r.Header.Get("X-App-Id"), Coding: coding, Body: m, Length: length, Client: r.RemoteAddr,
	})
	if err != nil {
		return nil, statusOf(err)
	}
	return answer, nil
}

// statusOf is an error of httpapi as gRPC's status.
func statusOf(err error) *status {
	var e *httpapi.OTLPError
	if !errors.As(err, &e) {
		return &status{code: internal, message: "internal error"}
	}
	return &status{code: e.Code, message: e.Message, retryAfter: e.RetryAfter}
}

// connLog takes what net/http has to say: broken connections of clients.
type connLog struct{ log *slog.Logger }

var _ io.Writer = connLog{}

// Write logs at debug level; package log calls it.
func (l connLog) Write(p []byte) (int, error) {
	l.log.Debug("connection", "event", strings.TrimSpace(string(p)))
	return len(p), nil
}
