package httpapi

import (
	"bufio"
	"io"
	"net"
	"time"
)

const (
	// drainBytes is how much of an unwanted body is read to keep a connection.
	drainBytes = 256 << 10
	// drainTime bounds that reading.
	drainTime = time.Second
	// lingerTime and lingerBytes bound how long a connection that is to close
	// goes on reading, so that the client can finish sending and see the answer.
	lingerTime  = 10 * time.Second
	lingerBytes = 256 << 20
)

// finishBody makes the connection ready for what follows. What is left of a
// body must not be taken for the next request (fasthttp does not look): a
// short rest is read, a long one ends the connection.
func (c *call) finishBody() {
	c.release()
	defer c.answering.release()
	b := &c.in
	if c.taken {
		c.hijackAndClose()
		return
	}
	if c.answering.from != nil {
		c.writeLarge()
		return
	}
	if c.ctx.RequestBodyStream() == nil || b.done {
		if c.closeAfter {
			c.ctx.Response.Header.SetConnectionClose()
		}
		return
	}
	if b.err == nil && !c.closeAfter && int64(c.ctx.Request.Header.ContentLength())-b.n <= drainBytes {
		_ = c.ctx.Conn().SetReadDeadline(time.Now().Add(drainTime))
		b.next = 1 << 62 // keep that deadline
		if n, _ := io.CopyN(io.Discard, c, drainBytes+1); n <= drainBytes && b.done {
			return
		}
	}
	if b.err != nil { // the client has gone, or its chunks have no end
		c.ctx.Response.Header.SetConnectionClose()
		return
	}
	c.lingerAfter()
}

// hijackAndClose tells fasthttp that the answer is out and the connection of
// no further use.
func (c *call) hijackAndClose() {
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(net.Conn) {})
}

// lingerAfter writes the answer now and reads on for a while before closing:
// a close with unread bytes in the socket resets the connection, and the
// client would see that instead of its 413 or 503.
func (c *call) lingerAfter() {
	r := &c.ctx.Response
	r.Header.SetConnectionClose()
	r.SkipBody = c.ctx.IsHead()
	select {
	case c.srv.lingering <- struct{}{}:
	default: // enough of them: just close
		return
	}
	w := bufio.NewWriter(c.ctx.Conn())
	err := r.Write(w)
	if err == nil {
		err = w.Flush()
	}
	half, _ := c.ctx.Conn().(interface{ CloseWrite() error }) // conn, or TLS above it
	lingering := c.srv.lingering
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(nc net.Conn) {
		defer func() { <-lingering }()
		if err != nil || half == nil || half.CloseWrite() != nil {
			return
		}
		if nc.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
			_, _ = io.CopyN(io.Discard, nc, lingerBytes)
		}
	})
}
