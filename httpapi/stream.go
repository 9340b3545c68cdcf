package httpapi

import (
	"bytes"
	"io"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/tracebed/tracebed/engine/frame"
)

// chunkSize is how much a stream gathers before it writes: about the memory of
// one download, and about what one chunk holds. What comes in one piece of up to
// pieceMost stays in one, so that none of it is needed while the client waits.
const (
	chunkSize = 256 << 10
	pieceMost = 2 << 20
)

// chunkRoom is the space in front of a chunk for its length in hex and CRLF,
// so that a chunk is one write.
const chunkRoom = 10

// stream writes an answer of unknown length straight to the connection, from
// the handler's goroutine. The header goes out with the first full chunk, so
// an error before that can still be answered properly. A slow client blocks
// Write and with it the producer; nothing piles up.
//
// It exists because fasthttp's body stream writer passes all data through a
// pipe and 4 KiB buffers to another goroutine. BenchmarkDownload, on a loaded
// 2-core machine: this 1,200–1,950 MB/s, fasthttp's 280–310, bare writes to a
// loopback connection 1,850–2,400.
type stream struct {
	c       *call
	buf     *[]byte // chunkRoom, then what was gathered
	through func(write func() error) error
	begun   bool
	chunked bool // false for HTTP/1.0: the end of the connection ends the body
	written int64
	err     error
}

var chunkPool = sync.Pool{New: func() any { b := make([]byte, chunkRoom, chunkSize+chunkSize/4); return &b }}

func newStream(c *call) *stream {
	return &stream{c: c, buf: chunkPool.Get().(*[]byte), chunked: c.ctx.Request.Header.IsHTTP11(),
		through: func(write func() error) error { return write() }}
}

// Gather is that of frame.Gatherer.
func (s *stream) Gather(through func(write func() error) error) { s.through = through }

// Write takes p, or part of it when the client has gone or the server stops.
func (s *stream) Write(p []byte) (int, error) {
	done := 0
	for s.err == nil && done < len(p) {
		n := min(len(p)-done, pieceMost)
		*s.buf = append(*s.buf, p[done:done+n]...)
		done += n
		if len(*s.buf) >= chunkRoom+chunkSize {
			s.flush()
		}
	}
	s.written += int64(done)
	return done, s.err
}

// flush writes what was gathered as one chunk.
func (s *stream) flush() {
	n := len(*s.buf) - chunkRoom
	if s.err = s.c.srv.base.Err(); s.err != nil || n == 0 {
		return
	}
	if !s.begun {
		s.begin()
	}
	b, from := *s.buf, chunkRoom
	if s.chunked {
		b = append(b, '\r', '\n')
		b[from-2], b[from-1] = '\r', '\n'
		from -= 2
		for ; n > 0; n >>= 4 {
			from--
			b[from] = hexDigits[n&15]
		}
	}
	if s.err == nil {
		s.err = s.through(func() error {
			_, err := s.c.ctx.Conn().Write(b[from:])
			return err
		})
	}
	*s.buf = b[:chunkRoom]
}

// begin writes the header. From here on the connection is ours.
func (s *stream) begin() {
	s.begun, s.c.taken = true, true
	h := &s.c.ctx.Response.Header
	h.SetConnectionClose()
	if s.chunked {
		h.SetContentLength(-1)
	} else {
		h.SetContentLength(-2)
	}
	_, s.err = s.c.ctx.Conn().Write(h.Header())
}

// end finishes the body. A body that fits one chunk becomes an ordinary
// answer, which keeps the connection.
func (s *stream) end(trailers [][2]string) error {
	defer s.release()
	h := &s.c.ctx.Response.Header
	if !s.begun {
		body := bytes.Clone((*s.buf)[chunkRoom:])
		for _, t := range trailers {
			h.Set(t[0], t[1])
		}
		if s.chunked {
			s.c.ctx.Response.SetBodyStream(&held{b: body}, -1)
		} else {
			s.c.ctx.Response.SetBodyRaw(body)
		}
		return nil
	}
	s.flush()
	if s.err != nil || !s.chunked {
		return s.err
	}
	last := []byte("0\r\n")
	for _, t := range trailers {
		last = append(append(append(append(last, t[0]...), ": "...), t[1]...), '\r', '\n')
	}
	_, s.err = s.c.ctx.Conn().Write(append(last, '\r', '\n'))
	return s.err
}

// abort gives the buffer back; an answer that has begun is left without an
// end, so that the client sees that it is not whole.
func (s *stream) abort() { s.release() }

func (s *stream) release() {
	if s.buf != nil {
		if cap(*s.buf) <= 2*chunkSize {
			*s.buf = (*s.buf)[:chunkRoom]
			chunkPool.Put(s.buf)
		}
		s.buf = nil
	}
}

// held is a body that is written with chunked coding although it is known,
// because only that can carry trailers.
type held struct{ b []byte }

func (h *held) Read(p []byte) (int, error) {
	if len(h.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, h.b)
	h.b = h.b[n:]
	return n, nil
}

var (
	_ fasthttp.BodyWriterTo = (*held)(nil)
	_ frame.Gatherer        = (*stream)(nil)
)

// SupportsBodyWriteTo tells fasthttp to use WriteTo.
func (h *held) SupportsBodyWriteTo() bool { return true }

// WriteTo writes the body as one chunk.
func (h *held) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(h.b)
	return int64(n), err
}

func boolText(b bool) string { return strconv.FormatBool(b) }
