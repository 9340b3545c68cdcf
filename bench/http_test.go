package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
)

// server is Tracebed's HTTP server on loopback and a client with connections
// that stay open. The client is a load generator's: it shares the processors
// with the server, so it does no more than writing a request and reading its
// answer.
type server struct {
	srv    *httpapi.Server
	addr   string
	served chan error
	idle   chan *conn
}

// conn is a connection and the memory of its requests.
type conn struct {
	net.Conn
	head []byte
	out  net.Buffers
	in   [4096]byte // an answer
}

func serveHTTP(tb testing.TB, e *engine.Engine) *server {
	srv, err := httpapi.New(e, httpapi.Options{AuthOff: true})
	check(tb, err)
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	check(tb, err)
	h := &server{srv: srv, addr: ln.Addr().String(), served: make(chan error, 1), idle: make(chan *conn, 2*inFlight)}
	go func() { h.served <- srv.Serve(ln) }()
	return h
}

// connection is an idle connection or a new one.
func (h *server) connection() (*conn, error) {
	select {
	case c := <-h.idle:
		return c, nil
	default:
		c, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", h.addr)
		return &conn{Conn: c}, err
	}
}

// post sends one body; any answer but 200 is an error.
func (h *server) post(app string, body []byte) error {
	c, err := h.connection()
	if err != nil {
		return err
	}
	c.head = append(c.head[:0], "POST /v1/apps/"...)
	c.head = append(append(c.head, app...), "/traces HTTP/1.1\r\nHost: "...)
	c.head = append(append(c.head, h.addr...), "\r\nContent-Type: application/json\r\nContent-Length: "...)
	c.head = append(strconv.AppendInt(c.head, int64(len(body)), 10), "\r\n\r\n"...)
	c.out = append(c.out[:0], c.head, body)
	out := c.out // WriteTo takes what it has written off
	if _, err := out.WriteTo(c.Conn); err != nil {
		return err
	}
	if err := c.answer(); err != nil {
		return err
	}
	h.idle <- c
	return nil
}

// answer reads the answer to the request that was sent; it is an error where it
// is not 200 or not short.
func (c *conn) answer() error {
	n, whole := 0, 0
	for whole == 0 || n < whole {
		got, err := c.Read(c.in[n:])
		if n += got; err != nil {
			return err
		}
		if whole == 0 {
			whole = answerLen(c.in[:n])
		}
		if n == len(c.in) || whole > len(c.in) {
			return fmt.Errorf("a long answer: %.200s", c.in[:n])
		}
	}
	if !bytes.HasPrefix(c.in[:n], []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("the answer is %.300s", c.in[:n])
	}
	return nil
}

// answerLen is the length of the answer that begins with b, 0 where that does
// not tell yet.
func answerLen(b []byte) int {
	head, _, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return 0
	}
	_, length, _ := bytes.Cut(head, []byte("Content-Length: "))
	length, _, _ = bytes.Cut(length, []byte("\r\n"))
	n, err := strconv.Atoi(string(length))
	if err != nil {
		return math.MaxInt
	}
	return len(head) + 4 + n
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
	for range len(h.idle) {
		check(tb, (<-h.idle).Close())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	check(tb, h.srv.Shutdown(ctx))
	check(tb, <-h.served)
}
