package httpapi

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// listener wraps the accepted connections: it counts them, can close them
// all, and answers 503 itself beyond max (fasthttp's own answer is neither
// JSON nor has a Retry-After).
type listener struct {
	net.Listener
	max   int
	stall time.Duration

	mu    sync.Mutex
	conns map[*conn]struct{}

	rejecting atomic.Int32
	rejected  atomic.Uint64
}

func newListener(ln net.Listener, most int, stall time.Duration) *listener {
	return &listener{Listener: ln, max: most, stall: stall, conns: make(map[*conn]struct{})}
}

// Accept waits for a connection that is within the limit.
func (l *listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tc, ok := nc.(*net.TCPConn); ok {
			_ = tc.SetKeepAlivePeriod(time.Minute)
		}
		c := &conn{Conn: nc, l: l}
		l.mu.Lock()
		ok := len(l.conns) < l.max
		if ok {
			l.conns[c] = struct{}{}
		}
		l.mu.Unlock()
		if ok {
			return c, nil
		}
		l.reject(nc)
	}
}

const tooManyBody = `{"error":{"code":"unavailable","message":"too many connections; try again in a while"}}`

var tooManyConns = fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"+
	"Retry-After: 1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(tooManyBody), tooManyBody)

// reject answers a connection beyond the limit, at most 64 at one time.
func (l *listener) reject(nc net.Conn) {
	l.rejected.Add(1)
	if l.rejecting.Add(1) > 64 {
		l.rejecting.Add(-1)
		_ = nc.Close()
		return
	}
	go func() {
		defer l.rejecting.Add(-1)
		defer func() { _ = nc.Close() }()
		_ = nc.SetDeadline(time.Now().Add(time.Second))
		// Read first: closing with unread bytes would reset the connection
		// and take the answer with it.
		var buf [4096]byte
		_, _ = nc.Read(buf[:])
		_, _ = nc.Write(tooManyConns)
	}()
}

func (l *listener) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// closeConns ends every open connection, for a shutdown that ran out of time.
func (l *listener) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// conn writes with a deadline that counts progress, not time: a slow client
// may take hours for a download, one that takes nothing for stall is dropped.
type conn struct {
	net.Conn
	l    *listener
	sent atomic.Uint64
}

func (c *conn) Write(p []byte) (int, error) {
	done := 0
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.l.stall)); err != nil {
			return done, err
		}
		n, err := c.Conn.Write(p[done:])
		done += n
		c.sent.Add(uint64(n))
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return done, err
		}
	}
}

func (c *conn) Close() error {
	c.l.mu.Lock()
	delete(c.l.conns, c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite sends the end of the stream where the transport can.
func (c *conn) CloseWrite() error {
	if hc, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return hc.CloseWrite()
	}
	return nil
}

// isLoopback says whether only this machine can connect to addr.
func isLoopback(addr net.Addr) bool {
	ta, ok := addr.(*net.TCPAddr)
	return !ok || ta.IP.IsLoopback()
}
