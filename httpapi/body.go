package httpapi

import (
	"errors"
	"io"
	"os"
	"time"
)

// bytesPerSecond is the slowest rate at which a body may arrive.
const bytesPerSecond = 32 << 10

// bodyState is how far the body of a request was read.
type bodyState struct {
	n    int64 // bytes taken from the wire
	next int64 // n at which the deadline is moved on
	done bool  // nothing of it is left on the wire
	err  error // reading failed: the connection is of no use
}

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
		return n, c.srv.tooLarge()
	}
	return n, err
}

// readBody gives the whole body, decoded, in a buffer that lives until
// releaseBuffer.
func (c *call) readBody() ([]byte, error) {
	codings, err := contentCodings(c.ctx.Request.Header.PeekAll("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	body, err := c.read(c, codings, int64(c.ctx.Request.Header.ContentLength()))
	if err != nil {
		return nil, c.bodyError(err)
	}
	return body, nil
}

// bodyError turns what went wrong with a body into an answer.
func (c *call) bodyError(err error) error {
	var ae *apiError
	if errors.As(err, &ae) {
		ae.closeConn = ae.closeConn || !c.in.done
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
