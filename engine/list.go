package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/tracebed/tracebed/index"
)

// MaxPageSize is the most rows of one page (contract §4).
const MaxPageSize = 1000

// List returns one page of the traces of an app, with the exact number of all
// that match. Any page costs the same: its place is computed from the indexes.
//
// Errors: ErrNotFound (the app), ErrInvalid (page, size, cursor), ErrCorrupt.
func (e *Engine) List(ctx context.Context, app string, q ListQuery) (ListPage, error) {
	if q.PageSize < 1 || q.PageSize > MaxPageSize {
		return ListPage{}, fmt.Errorf("%w: page_size %d: it must be 1–%d", ErrInvalid, q.PageSize, MaxPageSize)
	}
	if q.Cursor == "" && q.Page < 1 {
		return ListPage{}, fmt.Errorf("%w: page %d: it must be 1 or more", ErrInvalid, q.Page)
	}
	var cur *cursor
	if q.Cursor != "" {
		c, err := parseCursor(q.Cursor)
		if err != nil {
			return ListPage{}, err
		}
		if c.ascending != q.Ascending {
			return ListPage{}, fmt.Errorf("%w: cursor: it was given for the other order of sort", ErrInvalid)
		}
		cur = &c
	}
	v, err := e.view(ctx, app)
	if err != nil {
		return ListPage{}, err
	}
	defer v.close()
	mask := index.MaskOf(q.Statuses...)
	if v.format2 && mask&^rareStatuses == 0 && q.Preview > 0 && q.Preview <= previewBytes {
		page, err := v.list(mask, q, cur, v.rareWalker)
		if !errors.Is(err, ErrCorrupt) {
			return page, err
		}
		e.opts.Logger.Error("rows of rare traces are damaged; the list is made of others: run tracebed verify --repair",
			"app", app, "error", err)
	}
	return v.list(mask, q, cur, v.walker)
}

// list makes a page with one of the two walkers.
func (v *view) list(mask index.Mask, q ListQuery, cur *cursor, walk func(index.Mask, Window, bool) (*walker, error)) (ListPage, error) {
	win := v.clamp(q.Window)
	below, err := v.countBelow(mask, win.From)
	if err != nil {
		return ListPage{}, err
	}
	upTo, err := v.countBelow(mask, win.To)
	if err != nil {
		return ListPage{}, err
	}
	page := ListPage{TotalCount: int64(upTo - below)}
	w, err := walk(mask, win, q.Ascending)
	if err != nil {
		return ListPage{}, err
	}
	w.below, w.upTo = below, upTo
	var a *ahead
	if w.sparse {
		a = v.ahead()
		defer a.stop()
	}
	f, err := w.page(q, cur)
	if err = errors.Join(err, w.close()); err != nil {
		return ListPage{}, err
	}
	if w.rare && w.left > 0 && len(f.rows) < q.PageSize {
		return ListPage{}, fmt.Errorf("%w: %d rows of rare traces are missing", ErrCorrupt, w.left)
	}
	if len(f.rows) > q.PageSize || len(f.rows) == q.PageSize && w.left > 0 {
		f.cut(q.PageSize)
		page.NextCursor = (&cursor{q.Ascending, f.rows[q.PageSize-1].startUS, f.ids[q.PageSize-1]}).String()
	}
	page.Rows, err = v.traceRows(&f, q, a)
	return page, err
}

// page collects the rows of a page and, where it is not known how many are
// left, one more, which tells whether there is a next page.
func (w *walker) page(q ListQuery, cur *cursor) (found, error) {
	if cur != nil {
		w.behind(cur)
		return w.collect(q.PageSize + 1)
	}
	total := w.upTo - w.below
	if q.Page > total/q.PageSize+1 { // also keeps the product small
		return found{}, nil
	}
	offset := (q.Page - 1) * q.PageSize
	if offset >= total {
		return found{}, nil
	}
	w.left = total - offset
	if offset == 0 && !w.sparse {
		w.first()
		return w.collect(q.PageSize)
	}
	rank := w.rank()
	p, err := w.v.selectRank(w.mask, rank)
	if err != nil {
		return found{}, err
	}
	// Matches of this millisecond inside the window and before ours.
	skip := min(w.upTo, rank-p.ahead+p.same) - 1 - rank
	if w.asc {
		skip = rank - max(w.below, rank-p.ahead)
	}
	w.left += skip
	w.atMS(p.ms)
	for range skip {
		if ok, err := w.next(); err != nil || !ok {
			return found{}, err
		}
	}
	return w.collect(q.PageSize)
}
