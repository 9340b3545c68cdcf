package httpapi

import (
	"fmt"
	"io"
	"sync"

	"github.com/tracebed/tracebed/internal/turns"
)

// How bodies stay within MaxInflightBytes. A body takes a share of the reading
// budget (a quarter) for its buffer before a byte of it is read, then, when it
// is whole, a share of the storing budget (the rest) for what parsing and
// storing need. The two are apart so that nobody holds a part of one budget
// while waiting for the rest of it: those who store always end, and those who
// read wait only for them. Who waits has its body in the client still. Each of
// the two has a lane for small bodies.

const (
	// storeFactor is what a body needs to be stored, in bodies: the canonical
	// runs, the trace, its frame, the batch, and Pebble's flush of that (heap
	// profile of 50 MB bodies that do not compress).
	storeFactor = 8
	// readBytes bounds one read of a body. A kernel without preemption copies what
	// one call asks for (Linux keeps up to 32 MiB of a connection) before anybody
	// else gets that processor.
	readBytes = 64 << 10
	// pooledBuf is the largest buffer that is kept for the next body.
	pooledBuf = 1 << 20
	// firstBuf is the buffer of a body of unknown length to begin with.
	firstBuf = 64 << 10
	// inflateGuess is how much larger an encoded body is expected to be.
	inflateGuess = 8
)

var bufPool = sync.Pool{New: func() any { b := make([]byte, 0, firstBuf); return &b }}

// intake is a body on its way into the store, whichever transport brings it.
type intake struct {
	srv   *Server
	token *Token // nil: no token was needed

	admitted bool  // by the limiter of the token
	charged  int64 // bytes that it was told of
	decoded  int64 // length of the body without its coding

	buf     *[]byte
	reading portion
	storing portion
}

// portion is a share of a budget.
type portion struct {
	from *budget // nil while there is none
	n    int64
}

// grow takes as much as makes the share n, without waiting. Who outgrows the
// lane of small bodies goes on in the other; whoever has a whole lane need not
// ask.
func (h *portion) grow(l lanes, n int64) bool {
	switch more := n - h.n; {
	case more <= 0, h.from == l.large && h.n == l.large.size:
		return true
	case h.from == l.small && l.of(n) == l.large:
		n = min(n, l.large.size)
		if !l.large.try(n) {
			return false
		}
		h.release()
		*h = portion{l.large, n}
		return true
	default:
		more = min(more, h.from.size-h.n)
		if !h.from.try(more) {
			return false
		}
		h.n += more
		return true
	}
}

func (h *portion) release() {
	if h.from != nil {
		h.from.release(h.n)
		*h = portion{}
	}
}

// tooLarge is the 413 of a body beyond MaxBody.
func (s *Server) tooLarge() *apiError {
	text := fmt.Sprintf("longer than the limit of %d bytes", s.opt.MaxBody)
	return &apiError{status: 413, code: codeTooLarge, message: "the body is " + text,
		details: map[string]string{"body": text}, closeConn: true}
}

// read gives the whole body, decoded, in a buffer that lives until
// releaseBuffer. length is that of the wire's bytes, −1 where nobody knows.
// Memory is bounded by MaxBody and by the budgets.
func (in *intake) read(wire io.Reader, codings []string, length int64) ([]byte, error) {
	most := in.srv.opt.MaxBody
	if length > most {
		return nil, in.srv.tooLarge()
	}
	guess := max(length, 0)
	switch {
	case length < 0:
		guess = 1 << 20
	case len(codings) > 0:
		guess = min(max(length*inflateGuess, firstBuf), most)
	}
	for _, coding := range codings {
		guess += decoderBytes[coding]
	}
	if err := in.share(in.srv.reading, &in.reading, guess); err != nil {
		return nil, err
	}
	in.buf = bufPool.Get().(*[]byte)
	buf := (*in.buf)[:0]
	if len(codings) == 0 && length >= int64(cap(buf)) {
		buf = make([]byte, 0, length+1) // one more, to read the end into
	}
	r, done, err := decodeChain(wire, codings)
	if err == nil {
		buf, err = in.fill(buf, r)
		done()
	}
	*in.buf = buf
	in.decoded = int64(len(buf))
	return buf, err
}

// fill reads r to its end. The buffer doubles as far as the budget goes.
func (in *intake) fill(buf []byte, r io.Reader) ([]byte, error) {
	limit := in.srv.opt.MaxBody
	for {
		if len(buf) == cap(buf) {
			if int64(len(buf)) > limit {
				return buf, in.srv.tooLarge()
			}
			grown := min(2*int64(cap(buf))+firstBuf, limit+1)
			if !in.reading.grow(in.srv.reading, grown) {
				return buf, in.srv.overloaded()
			}
			next := make([]byte, len(buf), grown)
			copy(next, buf)
			buf = next
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), len(buf)+readBytes)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf, in.srv.tooLarge()
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// share waits for n bytes of a budget.
func (in *intake) share(l lanes, h *portion, n int64) error {
	b := l.of(n)
	got, ok := b.acquire(in.srv.base, n, in.srv.opt.QueueWait)
	if !ok {
		return in.srv.overloaded()
	}
	*h = portion{b, got}
	return nil
}

// inTurn does work on a body of an app, in a turn when it is a large one.
func (in *intake) inTurn(app string, body []byte, work func()) error {
	if len(body) >= turns.Heavy {
		t := turns.Shared()
		if err := t.Take(in.srv.base, app); err != nil {
			return err
		}
		defer t.Give()
	}
	work()
	return nil
}

func (s *Server) overloaded() *apiError {
	s.stats.overloads.Add(1)
	return unavailable("the server has as much to store as it has memory for; send it again later", 1)
}

// release gives the buffer and the shares back.
func (in *intake) release() {
	in.releaseBuffer()
	in.storing.release()
}

// releaseBuffer gives the buffer and its share of the reading budget back.
func (in *intake) releaseBuffer() {
	if in.buf != nil {
		if cap(*in.buf) <= pooledBuf {
			bufPool.Put(in.buf)
		}
		in.buf = nil
	}
	in.reading.release()
}
