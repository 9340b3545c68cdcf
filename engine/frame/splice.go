package frame

import (
	"errors"
	"io"
)

// spliceBuffer is how many bytes a Splicer gathers before it writes: small
// writes are what makes chunked HTTP bodies slow.
const spliceBuffer = 256 << 10

// A Gatherer is a writer that makes large pieces of small ones itself. A
// [Splicer] then does not: what it copies of the store would be copied twice.
// *bufio.Writer is none, as a Splicer's writer need not be flushed.
type Gatherer interface {
	// Write copies up to a few MiB as a whole before it waits for the client.
	io.Writer
	// Gather says what its writes to the client go through from now on: whoever
	// reads the store can let go of it in there. Each calls write once.
	Gather(through func(write func() error) error)
}

// gather is the buffer of a Splicer whose writer is no Gatherer. Unlike
// bufio.Writer it needs nothing of p while it writes.
type gather struct {
	w   io.Writer
	buf []byte
}

func (g *gather) Write(p []byte) (int, error) {
	if g.buf = append(g.buf, p...); len(g.buf) >= spliceBuffer {
		return len(p), g.flush()
	}
	return len(p), nil
}

func (g *gather) flush() error {
	if len(g.buf) == 0 {
		return nil
	}
	_, err := g.w.Write(g.buf)
	g.buf = g.buf[:0]
	return err
}

var (
	// errUnseparated: the caller's mistake; the output would not decode.
	errUnseparated = errors.New("frame: stored blocks follow others without a separator")
	errClosed      = errors.New("frame: splicer is closed")
)

// A Splicer writes one zstd frame made of plain text and of the blocks of
// stored frames, which it copies without decoding. Any decoder that takes an
// 8 MiB window reads the result. After an error all calls return it, and what
// was written is cut short, without a last block. Not for concurrent use.
//
// A JSON array of traces is
//
//	Text(`[`), Blocks(t1), Separator(`}`, ",\n"), Blocks(t2), Text("}\n]"), Close()
type Splicer struct {
	w     io.Writer
	flush func() error
	tmp   []byte
	dirty bool // stored blocks came since the recent offsets stood at 1, 4, 8
	err   error
}

// NewSplicer returns a Splicer that writes to w in pieces of about 256 KiB, or
// as it comes where w is a [Gatherer].
func NewSplicer(w io.Writer) *Splicer {
	s := &Splicer{}
	if _, ok := w.(Gatherer); ok {
		s.w, s.flush = w, func() error { return nil }
	} else {
		g := &gather{w: w, buf: make([]byte, 0, spliceBuffer+spliceBuffer/4)}
		s.w, s.flush = g, g.flush
	}
	_, s.err = io.WriteString(s.w, Header)
	return s
}

// Text writes b as it is, in raw blocks.
func (s *Splicer) Text(b []byte) error {
	if s.err != nil {
		return s.err
	}
	s.tmp = appendRaw(s.tmp[:0], b)
	return s.write(s.tmp)
}

// Blocks writes the content of stored blocks: what [Blocks] returned for one
// stored frame. It may be called once, then only after a Separator. It returns
// [ErrCorrupt], and has written nothing of b, when the chain of blocks is
// damaged; that error does not stick, so that the caller may leave the body
// out. b is not kept.
func (s *Splicer) Blocks(b []byte) error {
	if s.err != nil {
		return s.err
	}
	if s.dirty {
		s.err = errUnseparated
		return s.err
	}
	if _, err := checkBlocks(b); err != nil {
		return err
	}
	s.dirty = len(b) > 0
	return s.write(b)
}

// More writes the blocks that follow those of the last call of Blocks in the same
// stored frame.
func (s *Splicer) More(b []byte) error {
	if s.err != nil {
		return s.err
	}
	if _, err := checkBlocks(b); err != nil {
		return err
	}
	s.dirty = s.dirty || len(b) > 0
	return s.write(b)
}

// Separator writes before, 17 spaces and after. The spaces are what makes a
// decoder ready for the next stored blocks, see resetBlocks: put them where
// JSON takes white space. With "}" and ",\n" (or "\n" for JSON Lines) there is
// one object on a line, every line starts with "{", and the spaces stand
// between the object and the comma or the line's end. It takes 30 bytes
// with these texts, of which a stored frame's header and trailer gave 9: 0.6 %
// of traces of 17 KB.
func (s *Splicer) Separator(before, after string) error {
	if s.err != nil {
		return s.err
	}
	s.tmp = appendRaw(s.tmp[:0], before)
	s.tmp = append(s.tmp, resetBlocks...)
	s.tmp = appendRaw(s.tmp, after)
	s.dirty = false
	return s.write(s.tmp)
}

// Flush hands what was gathered to the writer, for a client that waits for it.
func (s *Splicer) Flush() error {
	if s.err == nil {
		s.err = s.flush()
	}
	return s.err
}

// Close ends the frame and flushes. It does not close the writer.
func (s *Splicer) Close() error {
	if s.err != nil {
		return s.err
	}
	if err := s.write([]byte(Trailer)); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	s.err = errClosed
	return nil
}

func (s *Splicer) write(b []byte) error {
	_, s.err = s.w.Write(b)
	return s.err
}
