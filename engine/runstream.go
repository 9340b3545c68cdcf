package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

const (
	// streamBytes is the size of a decoded trace from which its runs are read
	// piece by piece instead of all at once.
	streamBytes = 4 << 20
	// streamBuffer is what such a read holds at first; it grows to twice the
	// longest run.
	streamBuffer = 1 << 20
)

const runsOpening = `,"runs":[`

// eachRun calls fn with every stored run, newest first; the slice is valid
// during the call only. fn ends it by saying false. Memory is bounded by a few
// MiB, or twice the longest run.
func (b *body) eachRun(fn func(run []byte) (more bool, err error)) error {
	if b.rawSize <= streamBytes {
		all, err := b.appendAll(nil)
		if err != nil {
			return err
		}
		s := runStream{buf: all, lo: b.headRaw, hi: len(all)}
		return s.each(fn)
	}
	if err := b.need(b.rawSize); err != nil { // it may be one run, and twice while it is found
		return err
	}
	r, err := b.content()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, int64(b.headRaw)); err != nil {
		return fmt.Errorf("%w: object of a trace: %w", ErrCorrupt, err)
	}
	s := runStream{r: r, buf: make([]byte, streamBuffer), most: b.rawSize - b.headRaw}
	return s.each(fn)
}

// runStream takes the runs out of a member "runs" that may come in pieces.
type runStream struct {
	r      io.Reader // nil: all of it is in buf
	buf    []byte
	lo, hi int // what is in buf and not taken yet
	most   int // bytes of all runs
	s      jsonscan.Scanner
}

var errNoMore = errors.New("it ends too early")

func (x *runStream) each(fn func(run []byte) (bool, error)) error {
	err := x.need(len(runsOpening))
	if err == nil && !bytes.HasPrefix(x.buf[x.lo:x.hi], []byte(runsOpening)) {
		err = errors.New("no member runs")
	}
	x.lo += len(runsOpening)
	for first := true; err == nil; first = false {
		if err = x.need(1); err != nil {
			break
		}
		if x.buf[x.lo] == ']' {
			return nil
		}
		if !first {
			x.lo++ // the comma; canonical runs have no space around it
		}
		var run []byte
		if run, err = x.run(); err != nil {
			break
		}
		if more, err := fn(run); err != nil || !more {
			return err
		}
	}
	return fmt.Errorf("%w: runs of a trace: %w", ErrCorrupt, err)
}

// run takes the next run. Where the piece at hand ends inside it, more is read
// and it is scanned anew; pieces double, so that costs one scan more.
func (x *runStream) run() ([]byte, error) {
	for {
		x.s.Reset(x.buf[x.lo:x.hi])
		raw, err := x.s.Skip()
		if err == nil && raw[0] == '{' {
			x.lo += x.s.Offset()
			return raw, nil
		}
		if err == nil {
			err = errors.New("a run that is no object")
		}
		if more := x.fill(); more != nil {
			return nil, err
		}
	}
}

// need reads until n bytes are at hand.
func (x *runStream) need(n int) error {
	for x.hi-x.lo < n {
		if err := x.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads more; errNoMore when there is none.
func (x *runStream) fill() error {
	if x.r == nil {
		return errNoMore
	}
	if x.lo > 0 {
		x.hi = copy(x.buf, x.buf[x.lo:x.hi])
		x.lo = 0
	}
	if x.hi == len(x.buf) {
		// No more than there is to come, and one byte to see the end of it.
		x.buf = append(make([]byte, 0, max(len(x.buf)+1, min(2*len(x.buf), x.most+1))), x.buf...)
		x.buf = x.buf[:cap(x.buf)]
	}
	// As much as there is room for: what was scanned is scanned again.
	n, err := io.ReadFull(x.r, x.buf[x.hi:])
	x.hi += n
	switch {
	case n > 0:
		return nil
	case err == io.EOF:
		return errNoMore
	}
	return err
}
