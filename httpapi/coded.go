package httpapi

import (
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

var zstdWriters sync.Pool

// streamJSON answers with JSON that write makes piece by piece, in the coding
// that the client likes best. Errors of write that come before its first bytes
// are answered properly; later ones leave an answer that is visibly cut off.
func (c *call) streamJSON(write func(io.Writer) error) error {
	coding, ok := negotiate(string(c.ctx.Request.Header.Peek("Accept-Encoding")))
	if !ok {
		return &apiError{status: 406, code: codeBadRequest, message: "Accept-Encoding: one of zstd, gzip or identity must be taken"}
	}
	h := &c.ctx.Response.Header
	h.SetContentType(jsonType)
	h.Set("Vary", "Accept-Encoding")
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	if c.ctx.IsHead() {
		return nil // the trace is there: its version was asked for
	}
	s := newStream(c)
	defer s.abort()
	w, done := coder(s, coding)
	err := write(w)
	if e := done(err == nil); err == nil {
		err = e
	}
	if err == nil {
		err = s.end(nil)
	}
	return err
}

// coder encodes what is written to w. done gives the memory back, after the
// end of the coded text where that is wanted.
func coder(w io.Writer, coding string) (out io.Writer, done func(end bool) error) {
	switch coding {
	case "gzip":
		z, _ := gzipWriters.Get().(*gzip.Writer)
		if z == nil {
			z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		}
		z.Reset(w)
		return z, func(end bool) (err error) {
			if end {
				err = z.Close()
			}
			z.Reset(nil)
			gzipWriters.Put(z)
			return err
		}
	case "zstd":
		z, _ := zstdWriters.Get().(*zstd.Encoder)
		if z == nil {
			z, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
				zstd.WithWindowSize(1<<20)) // valid options
		}
		z.Reset(w)
		return z, func(end bool) (err error) {
			if end {
				err = z.Close()
			}
			z.Reset(nil)
			zstdWriters.Put(z)
			return err
		}
	}
	return w, func(bool) error { return nil }
}
