package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/internal/turns"
)

// errMoved ends a read without a snapshot that has to be made again with one: the
// trace got another start, or went, between two look-ups, or has pieces that must
// be of one moment.
var errMoved = errors.New("the trace moved while it was read")

// looseView is a view for a read of one locator and one body: each look-up shows
// the store as it is then. A locator is there as long as its trace, and a body of
// one piece is a trace at one moment, so no snapshot is needed; making and closing
// one takes 3 to 9 of 75 µs. Who uses it must expect errMoved.
func (e *Engine) looseView(ctx context.Context, app string) (*view, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	turns.Shared().Small()
	a := e.appNamed(app)
	if a == nil {
		leave()
		return nil, fmt.Errorf("app %q: %w", app, ErrNotFound)
	}
	return &view{e: e, ctx: ctx, app: a.id, name: a.name, snap: e.db,
		cutoff: e.cutoff.Load(), format2: e.format2.Load(), leave: leave}, nil
}

// loose says that look-ups of the view may show different moments.
func (v *view) loose() bool { return v.snap == pebble.Reader(v.e.db) }

// find returns the summary of a trace of the view, ErrNotFound if it has none.
func (v *view) find(id string) (s summary, idKey []byte, err error) {
	startUS, idKey, err := v.locate(id)
	if err != nil {
		return summary{}, nil, err
	}
	err = getRow(v.snap, summaryKey(nil, v.app, startUS, idKey), func(b []byte) (err error) {
		s, err = decodeSummary(b, startUS)
		return err
	})
	return s, idKey, err
}

// locate returns the start of a trace of the view, ErrNotFound if it has none.
// The body is all that most reads of one trace need besides: without the
// summary they take two lookups instead of three (of 65 µs, 9 less).
func (v *view) locate(id string) (startUS int64, idKey []byte, err error) {
	idKey = appendID(make([]byte, 0, 1+len(id)), id)
	val, closer, err := v.snap.Get(locatorKey(nil, v.app, idKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil, fmt.Errorf("trace %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return 0, nil, storeError(err)
	}
	r := reader{b: val}
	startUS = int64(r.uint64())
	if err := errors.Join(r.done("locator"), closer.Close()); err != nil {
		return 0, nil, err
	}
	if startUS < v.cutoff {
		return 0, nil, fmt.Errorf("trace %q: %w", id, ErrNotFound)
	}
	return startUS, idKey, nil
}

// Trace returns one trace without its runs. The error is ErrNotFound when the
// app or the trace does not exist.
func (e *Engine) Trace(ctx context.Context, app, id string) (TraceRow, error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return TraceRow{}, err
	}
	defer v.close()
	s, idKey, err := v.find(id)
	if err != nil {
		return TraceRow{}, err
	}
	rows, err := v.traceRows(&found{rows: []summary{s}, ids: [][]byte{idKey}}, ListQuery{Preview: whole}, nil)
	if err != nil {
		return TraceRow{}, err
	}
	return rows[0], nil
}

// TraceWithRuns returns one trace object with a member "runs", newest first.
func (e *Engine) TraceWithRuns(ctx context.Context, app, id string) ([]byte, error) {
	text, err := withRuns(ctx, e.looseView, app, id)
	if errors.Is(err, errMoved) {
		text, err = withRuns(ctx, e.view, app, id)
	}
	return text, err
}

// withRuns is TraceWithRuns in a view that open gives.
func withRuns(ctx context.Context, open func(context.Context, string) (*view, error), app, id string) ([]byte, error) {
	v, err := open(ctx, app)
	if err != nil {
		return nil, err
	}
	defer v.close() // after a panic of Pebble too, or nobody could close the engine
	all, b, err := v.whole(id)
	if err != nil {
		return nil, err
	}
	if v.stale(b.flags, b.updatedUS) {
		head := trace.MarkStale(append(all[:b.headRaw:b.headRaw], '}'))
		all = append(head[:len(head)-1], all[b.headRaw:]...)
	}
	return append(all, '}'), nil
}

// whole decompresses a trace: its object and runs, without the closing brace.
func (v *view) whole(id string) (all []byte, b body, err error) {
	startUS, idKey, err := v.locate(id)
	if err != nil {
		return nil, body{}, err
	}
	bs := &bodies{v: v}
	if b, err = bs.get(startUS, idKey); err == nil {
		all, err = b.appendAll(nil) // which leaves room for the brace
	}
	b.table, b.row, b.blocks, b.pieces = nil, nil, nil, nil // they alias the store
	if err = errors.Join(err, bs.close()); errors.Is(err, ErrCorrupt) {
		err = fmt.Errorf("trace %q: %w", id, err)
	}
	return all, b, err
}
