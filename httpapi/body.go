package httpapi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// How bodies stay within MaxInflightBytes. A body takes a share of the reading
// budget (a quarter) for its buffer before a byte of it is read, then, when it
// is whole, a share of the storing budget (the rest) for what parsing and
// storing need. The two are apart so that nobody holds a part of one budget
// while waiting for the rest of it: those who store always end, and those who
// read wait only for them. Who waits has its body in the client still.

const (
	// storeFactor is what a body needs to be stored, in bodies: the canonical
	// runs, the trace, its frame, the batch, and Pebble's flush of that (heap
	// profile of 50 MB bodies that do not compress).
	storeFactor = 8
	// bytesPerSecond is the slowest rate at which a body may arrive.
	bytesPerSecond = 32 << 10
	// pooledBuf is the largest buffer that is kept for the next body.
	pooledBuf = 1 << 20
	// firstBuf is the buffer of a body of unknown length to begin with.
	firstBuf = 64 << 10
	// inflateGuess is how much larger an encoded body is expected to be.
	inflateGuess = 8
)

// bodyState is how far the body of a request was read.
type bodyState struct {
	n       int64 // bytes taken from the wire
	next    int64 // n at which the deadline is moved on
	done    bool  // nothing of it is left on the wire
	err     error // reading failed: the connection is of no use
	buf     *[]byte
	reading int64 // shares that are held
	storing int64
}

var bufPool = sync.Pool{New: func() any { b := make([]byte, 0, firstBuf); return &b }}

// Read takes bytes from the wire. A body must arrive within ReadTimeout plus
// a second for every 32 KiB that came, and is at most MaxBody long.
func (c *call) Read(p []byte) (int, error) {
	b := &c.in
	if b.err != nil {
		return 0, b.err
	}
	r := c.ctx.RequestBodyStream()
	if b.done || r == nil {
		b.done = true
		return 0, io.EOF
	}
	if b.n >= b.next {
		limit := c.srv.opt.ReadTimeout + time.Duration(b.n/bytesPerSecond)*time.Second
		if err := c.ctx.Conn().SetReadDeadline(c.ctx.Time().Add(limit)); err != nil {
			b.err = err
			return 0, err
		}
		b.next = b.n + 256<<10
	}
	n, err := r.Read(p)
	b.n += int64(n)
	switch {
	case err == io.EOF && b.n < int64(c.ctx.Request.Header.ContentLength()):
		b.err = io.ErrUnexpectedEOF
		return n, b.err
	case err == io.EOF, b.n == int64(c.ctx.Request.Header.ContentLength()):
		b.done = true
		return n, io.EOF
	case err != nil:
		b.err = err
	case b.n > c.srv.opt.MaxBody:
		return n, c.tooLarge()
	}
	return n, err
}

func (c *call) tooLarge() *apiError {
	text := fmt.Sprintf("longer than the limit of %d bytes", c.srv.opt.MaxBody)
	return &apiError{status: 413, code: codeTooLarge, message: "the body is " + text,
		details: map[string]string{"body": text}, closeConn: true}
}

// readBody gives the whole body, decoded, in a buffer that lives until
// releaseBody. Memory is bounded by MaxBody and by the budgets.
func (c *call) readBody() ([]byte, error) {
	codings, err := contentCodings(c.ctx.Request.Header.PeekAll("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	length := int64(c.ctx.Request.Header.ContentLength())
	if length > c.srv.opt.MaxBody {
		return nil, c.tooLarge()
	}
	guess := max(length, 0)
	switch {
	case length < 0:
		guess = 1 << 20
	case len(codings) > 0:
		guess = min(max(length*inflateGuess, firstBuf), c.srv.opt.MaxBody)
	}
	for _, coding := range codings {
		guess += decoderBytes[coding]
	}
	if err := c.share(c.srv.reading, &c.in.reading, guess); err != nil {
		return nil, err
	}
	c.in.buf = bufPool.Get().(*[]byte)
	buf := (*c.in.buf)[:0]
	if len(codings) == 0 && length > int64(cap(buf)) {
		buf = make([]byte, 0, length)
	}
	r, done, err := decodeChain(c, codings)
	if err == nil {
		buf, err = c.fill(buf, r)
		done()
	}
	*c.in.buf = buf
	if err != nil {
		return nil, c.bodyError(err)
	}
	return buf, nil
}

// fill reads r to its end. The buffer doubles as far as the budget goes.
func (c *call) fill(buf []byte, r io.Reader) ([]byte, error) {
	limit := c.srv.opt.MaxBody
	for {
		if len(buf) == cap(buf) {
			if int64(len(buf)) > limit {
				return buf, c.tooLarge()
			}
			grown := min(2*int64(cap(buf))+firstBuf, limit+1)
			if !c.grow(grown) {
				return buf, c.overloaded()
			}
			next := make([]byte, len(buf), grown)
			copy(next, buf)
			buf = next
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return buf, c.tooLarge()
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

// grow takes more of the reading budget, without waiting, for a buffer of n.
func (c *call) grow(n int64) bool {
	more := n - c.in.reading
	if more <= 0 || c.in.reading >= c.srv.reading.size {
		return true // has it, or has all there is
	}
	if !c.srv.reading.try(more) {
		return false
	}
	c.in.reading += more
	return true
}

// share waits for n bytes of a budget.
func (c *call) share(b *budget, held *int64, n int64) error {
	got, ok := b.acquire(c.srv.base, n, c.srv.opt.QueueWait)
	if !ok {
		return c.overloaded()
	}
	*held += got
	return nil
}

func (c *call) overloaded() *apiError {
	c.srv.stats.overloads.Add(1)
	e := unavailable("the server has as much to store as it has memory for; send it again later", 1)
	e.closeConn = !c.in.done
	return e
}

// releaseBody gives the buffer and the shares back.
func (c *call) releaseBody() {
	c.releaseBuffer()
	if b := &c.in; b.storing > 0 {
		c.srv.storing.release(b.storing)
		b.storing = 0
	}
}

// releaseBuffer gives the buffer and its share of the reading budget back.
func (c *call) releaseBuffer() {
	b := &c.in
	if b.buf != nil {
		if cap(*b.buf) <= pooledBuf {
			bufPool.Put(b.buf)
		}
		b.buf = nil
	}
	if b.reading > 0 {
		c.srv.reading.release(b.reading)
		b.reading = 0
	}
}

// bodyError turns what went wrong with a body into an answer.
func (c *call) bodyError(err error) error {
	var ae *apiError
	if errors.As(err, &ae) {
		return ae
	}
	if c.in.err == nil { // the wire is fine, so what it carried is not
		return badField("Content-Encoding", "the body cannot be decoded: "+clean(err))
	}
	if errors.Is(c.in.err, os.ErrDeadlineExceeded) {
		return &apiError{status: 408, code: codeBadRequest, message: "the body did not arrive in time", closeConn: true}
	}
	e := badField("body", "ended before it was whole, or its chunks are malformed")
	e.closeConn = true
	return e
}

// smallBody reads a body of at most 64 KiB.
func (c *call) smallBody() ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(c, firstBuf+1))
	switch {
	case err != nil:
		return nil, c.bodyError(err)
	case len(raw) > firstBuf:
		return nil, &apiError{status: 413, code: codeTooLarge, message: "the body is longer than 64 KiB", closeConn: true}
	}
	return raw, nil
}
