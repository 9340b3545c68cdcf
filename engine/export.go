package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tracebed/tracebed/engine/frame"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
)

// Export streams traces to w, newest first, one a line, with memory for one
// trace at a time. It ends early, with a valid end and a cursor to go on, when
// the limit is reached or the deadline has passed.
//
// A trace whose stored bytes are damaged ends the export with ErrCorrupt; what
// was written before is then no complete document.
//
// Errors: ErrNotFound (the app), ErrInvalid (cursor, limit), ErrCorrupt, the
// error of ctx, or of w.
func (e *Engine) Export(ctx context.Context, app string, q ExportQuery, w io.Writer) (ExportResult, error) {
	if q.Limit < 0 {
		return ExportResult{}, fmt.Errorf("%w: limit %d is negative", ErrInvalid, q.Limit)
	}
	var cur *cursor
	if q.Cursor != "" {
		c, err := parseCursor(q.Cursor)
		if err != nil {
			return ExportResult{}, err
		}
		if c.ascending {
			return ExportResult{}, fmt.Errorf("%w: cursor: it was given for a list in ascending order", ErrInvalid)
		}
		cur = &c
	}
	v, err := e.view(ctx, app)
	if err != nil {
		return ExportResult{}, err
	}
	defer v.close()
	x := &exporter{v: v, q: q, w: w}
	if g, ok := w.(frame.Gatherer); ok {
		g.Gather(x.loosely)
	} else {
		w = looseWriter{x}
	}
	x.out = newExportWriter(w, q)
	err = x.run(cur)
	return x.result, err
}

type exporter struct {
	v      *view
	q      ExportQuery
	w      io.Writer // the client
	out    exportWriter
	result ExportResult
	buf    []byte

	wk    *walker
	bs    *bodies
	since time.Time // when the iterators were opened
}

func (x *exporter) run(cur *cursor) (err error) {
	mask := index.MaskOf(x.q.Statuses...)
	wk, err := x.v.walker(mask, x.v.clamp(x.q.Window), false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, wk.close()) }()
	bs, err := x.v.bodies(mask == index.AllStatuses)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bs.close()) }()
	x.wk, x.bs, x.since = wk, bs, time.Now()
	if cur != nil {
		wk.behind(cur)
	} else {
		wk.first()
	}
	if err := x.out.begin(); err != nil {
		return err
	}
	var last cursor
	for {
		if err := x.regain(); err != nil {
			return err
		}
		more, err := wk.next()
		if err != nil {
			return err
		}
		if !more {
			x.result.Complete = true
			break
		}
		if x.cut() {
			x.result.NextCursor = last.String()
			break
		}
		if err := x.write(bs, wk); err != nil {
			return err
		}
		x.result.Count++
		last.startUS, last.id = wk.row.startUS, append(last.id[:0], wk.id...)
	}
	return x.out.end()
}

// cut says that the export ends before the next trace. One trace is always
// written, so that going on by cursor gets ahead.
func (x *exporter) cut() bool {
	if x.result.Count == 0 {
		return false
	}
	if x.q.Limit > 0 && x.result.Count >= x.q.Limit {
		return true
	}
	return !x.q.Deadline.IsZero() && !x.v.e.opts.Now().Before(x.q.Deadline)
}

func (x *exporter) write(bs *bodies, wk *walker) error {
	b, err := bs.get(wk.row.startUS, wk.id)
	if err == nil {
		err = x.writeBody(&b)
	}
	if errors.Is(err, ErrCorrupt) {
		id, _ := decodeID(wk.id)
		return fmt.Errorf("trace %q: %w", id, err)
	}
	return err
}

// writeBody copies the stored blocks where that is possible. A trace that
// reads as stale differs from what is stored and is written as text.
func (x *exporter) writeBody(b *body) error {
	end := b.headEnd
	if x.q.IncludeRuns {
		end = b.blocksLen
	}
	stale := x.v.stale(b.flags, b.updatedUS)
	if !stale && b.pieces != nil {
		return x.writePieces(b, end)
	}
	if !stale && x.q.Zstd {
		return x.out.stored(b.blocks[:end])
	} else if stale {
		return x.writeStale(b)
	}
	var err error
	if x.q.IncludeRuns {
		x.buf, err = b.appendAll(x.buf[:0])
	} else {
		x.buf, err = b.appendHead(x.buf[:0])
	}
	if err != nil {
		return err
	}
	return x.out.text(x.buf)
}

func (x *exporter) writeStale(b *body) (err error) {
	if x.buf, err = b.appendHead(x.buf[:0]); err != nil {
		return err
	}
	obj := trace.MarkStale(append(x.buf, '}'))
	out := append([]byte(nil), obj[:len(obj)-1]...)
	if x.q.IncludeRuns {
		if x.buf, err = b.appendAll(x.buf[:0]); err != nil {
			return err
		}
		out = append(out, x.buf[b.headRaw:]...)
	}
	return x.out.text(out)
}

// writePieces is writeBody for a body in pieces, of which one is held at a time.
func (x *exporter) writePieces(b *body, end int) error {
	if x.q.Zstd {
		first := true
		return b.eachBlocks(end, func(blocks []byte) error {
			if !first {
				return x.out.more(blocks)
			}
			first = false
			return x.out.stored(blocks)
		})
	}
	r, err := b.content()
	if err != nil {
		return err
	}
	defer r.Close()
	left := b.rawSize
	if !x.q.IncludeRuns {
		left = b.headRaw
	}
	x.buf = slices.Grow(x.buf[:0], pieceBytes)
	for first := true; left > 0; first = false {
		n, err := io.ReadFull(r, x.buf[:min(left, pieceBytes)])
		if err != nil {
			return fmt.Errorf("%w: body of a trace: %w", ErrCorrupt, err)
		}
		left -= n
		write := x.out.more
		if first {
			write = x.out.text
		}
		if err := write(x.buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
