package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/otlpgrpc"
)

// listeners are what `tracebed serve` accepts connections on.
type listeners struct{ http, grpc net.Listener } // grpc is nil where it is off

// open listens on the addresses of the flags.
func (f *serveFlags) open(ctx context.Context) (l listeners, err error) {
	if l.http, err = listenOn(ctx, "--listen", f.listen); err != nil {
		return l, err
	}
	if f.otlpGRPC == "" {
		return l, nil
	}
	if l.grpc, err = listenOn(ctx, "--otlp-grpc", f.otlpGRPC); err != nil {
		return l, errors.Join(err, l.http.Close())
	}
	return l, nil
}

func listenOn(ctx context.Context, flag, addr string) (net.Listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fail(fmt.Errorf("listen on %s: %w", addr, err), "stop what listens there, or choose another address with "+flag)
	}
	return ln, nil
}

// close is for a start that ends before anything is served.
func (l *listeners) close() error {
	if l.grpc == nil {
		return l.http.Close()
	}
	return errors.Join(l.http.Close(), l.grpc.Close())
}

// grpcText is the address of OTLP/gRPC for the log.
func (l *listeners) grpcText() string {
	if l.grpc == nil {
		return "off"
	}
	return l.grpc.Addr().String()
}

// servers are the running servers of one store.
type servers struct {
	http  *httpapi.Server
	grpc  *otlpgrpc.Server // nil where it is off
	ended chan error       // the first that ends by itself
}

// serve starts a server for each listener.
func (l *listeners) serve(server *httpapi.Server, log *slog.Logger, config *tls.Config) *servers {
	s := &servers{http: server, ended: make(chan error, 2)}
	start := func(ln net.Listener, serve func(net.Listener) error) {
		if err := serve(ln); err != nil {
			s.ended <- fmt.Errorf("serve on %s: %w", ln.Addr(), err)
		}
	}
	if l.grpc != nil {
		s.grpc = otlpgrpc.New(server, otlpgrpc.Options{Logger: log, TLS: config})
		go start(l.grpc, s.grpc.Serve)
	}
	go start(l.http, server.Serve)
	return s
}

// shutdown ends all servers at once, each when its requests have ended.
func (s *servers) shutdown(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		if s.grpc == nil {
			done <- nil
			return
		}
		err := s.grpc.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil // what is left is closed; whether it ended, httpapi knows
		}
		done <- err
	}()
	err := s.http.Shutdown(ctx)
	return errors.Join(err, <-done)
}
