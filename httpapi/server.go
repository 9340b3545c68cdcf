package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/engine"
)

// Server answers the calls of the contract from a store. Use New, then Serve,
// then Shutdown, each once.
type Server struct {
	store  engine.API
	opt    Options
	log    *slog.Logger
	fast   *fasthttp.Server
	router *router
	routes []*route
	tokens tokenSet

	// base is the context of every call of the store; it ends when a shutdown
	// runs out of time. (fasthttp's own would end when a shutdown begins.)
	base   context.Context
	cancel context.CancelFunc

	reading, storing lanes   // parts of MaxInflightBytes, see intake.go
	answers          *budget // see answers.go
	exports          chan struct{}
	lingering        chan struct{}

	backups  sync.Mutex // held while one is made
	verifier verifier
	growth   growth
	stats    counters
	openapi  []byte
	draining atomic.Bool
	inflight atomic.Int64 // requests and lingering connections
	foreign  atomic.Int64 // requests of other transports, see otlp_export.go

	foreignRoutes []*route

	mu sync.Mutex
	ln *listener
}

// ErrNotLoopback is returned by Serve when authentication is off and the
// listener can be reached from other machines.
var ErrNotLoopback = errors.New("authentication is off, which needs a loopback listener such as 127.0.0.1:8787")

// New makes a server of a store and loads its tokens. The store stays the
// caller's, who closes it after Shutdown has returned.
func New(store engine.API, opt Options) (*Server, error) {
	s := &Server{store: store, opt: opt.withDefaults()}
	s.log = s.opt.Logger
	s.base, s.cancel = context.WithCancel(context.Background())
	s.reading = newLanes(s.opt.MaxInflightBytes/4, 2)
	s.storing = newLanes(s.opt.MaxInflightBytes-s.opt.MaxInflightBytes/4, 4)
	s.answers = newBudget(s.opt.MaxInflightBytes / answerParts)
	s.exports = make(chan struct{}, s.opt.MaxExports)
	s.lingering = make(chan struct{}, 64)
	s.routes = s.table()
	s.router = newRouter(s.routes)
	s.foreignRoutes = foreignRoutes()
	s.stats.init(s.routes, s.foreignRoutes)
	s.tokens.requests, s.tokens.bytes, s.tokens.now = s.opt.TokenRequests, s.opt.TokenBytes, s.opt.Now
	if err := s.tokens.load(s.base, store, s.opt.AdminToken); err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	s.verifier.load(s.base, store)
	doc, err := openAPI(s.routes, s.opt.Version)
	if err != nil {
		return nil, err
	}
	s.openapi = doc
	s.fast = &fasthttp.Server{
		Handler:                      s.serve,
		ErrorHandler:                 s.malformed,
		Logger:                       fastLog{s.log},
		Concurrency:                  s.opt.MaxConns + 1,
		ReadBufferSize:               16 << 10, // also the limit of the headers
		ReadTimeout:                  s.opt.ReadTimeout,
		IdleTimeout:                  s.opt.IdleTimeout,
		MaxRequestBodySize:           int(s.opt.MaxBody),
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		SecureErrorLogMessage:        true,
		CloseOnShutdown:              true,
	}
	return s, nil
}

// Serve answers requests on ln until Shutdown; it closes ln. The error is nil
// after a Shutdown.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.MayListen(ln.Addr()); err != nil {
		_ = ln.Close()
		return err
	}
	l := newListener(ln, s.opt.MaxConns, s.opt.StallTimeout)
	s.mu.Lock()
	s.ln = l
	s.mu.Unlock()
	if s.draining.Load() { // else Shutdown finds s.ln
		_ = ln.Close() // Shutdown may have closed it just now
		return nil
	}
	var watchers sync.WaitGroup
	defer watchers.Wait()
	watchers.Go(s.watchGrowth)
	if s.opt.VerifyEvery > 0 {
		watchers.Go(func() { s.verifyEvery(s.opt.VerifyEvery) })
	}
	var serving net.Listener = l
	if s.opt.TLS != nil {
		// Above the wrapped connections: their deadlines are those of the wire.
		serving = tls.NewListener(l, s.opt.TLS)
	}
	err := s.fast.Serve(serving)
	if !s.draining.Load() {
		s.cancel() // nothing is served any more: end the watchers
	}
	if s.draining.Load() {
		return nil
	}
	return err
}

// Shutdown stops accepting, lets running requests finish until ctx ends, then
// cancels what is left and closes its connections. When it returns nil, no
// request uses the store any more. The error says what did not end.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	err := s.fast.ShutdownWithContext(ctx)
	for s.foreign.Load() > 0 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	s.cancel()
	s.mu.Lock()
	l := s.ln
	s.mu.Unlock()
	if l != nil {
		_ = l.Listener.Close() // a Serve that fasthttp did not know of yet ends too
		if err != nil {
			l.closeConns()
		}
	}
	// Handlers see the cancelled context or the closed connection soon.
	for end := time.Now().Add(5 * time.Second); s.inflight.Load()+s.foreign.Load() > 0; {
		if time.Now().After(end) {
			return fmt.Errorf("%d requests did not end", s.inflight.Load()+s.foreign.Load())
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		if !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}

// fastLog takes what fasthttp has to say: broken connections of clients.
type fastLog struct{ log *slog.Logger }

// Printf logs at debug level; fasthttp calls it.
func (l fastLog) Printf(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("connection", "event", fmt.Sprintf(format, args...))
	}
}
