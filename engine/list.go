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
	return v.list(q, cur)
}

func (v *view) list(q ListQuery, cur *cursor) (ListPage, error) {
	mask, win := index.MaskOf(q.Statuses...), v.clamp(q.Window)
	below, err := v.countBelow(mask, win.From)
	if err != nil {
		return ListPage{}, err
	}
	upTo, err := v.countBelow(mask, win.To)
	if err != nil {
		return ListPage{}, err
	}
	page := ListPage{TotalCount: int64(upTo - below)}
	w, err := v.walker(mask, win, q.Ascending)
	if err != nil {
		return ListPage{}, err
	}
	w.below, w.upTo = below, upTo
	var a *ahead
	if w.sparse {
		a = v.ahead()
		defer a.stop()
	}
	rows, ids, err := w.page(q, cur)
	if err = errors.Join(err, w.close()); err != nil {
		return ListPage{}, err
	}
	if len(rows) > q.PageSize || len(rows) == q.PageSize && w.left > 0 {
		rows, ids = rows[:q.PageSize], ids[:q.PageSize]
		page.NextCursor = (&cursor{q.Ascending, rows[q.PageSize-1].startUS, ids[q.PageSize-1]}).String()
	}
	page.Rows, err = v.traceRows(rows, ids, q, a)
	return page, err
}

// page collects the rows of a page and, where it is not known how many are
// left, one more, which tells whether there is a next page.
func (w *walker) page(q ListQuery, cur *cursor) ([]summary, [][]byte, error) {
	if cur != nil {
		w.behind(cur)
		return w.collect(q.PageSize + 1)
	}
	total := w.upTo - w.below
	if q.Page > total/q.PageSize+1 { // also keeps the product small
		return nil, nil, nil
	}
	offset := (q.Page - 1) * q.PageSize
	if offset >= total {
		return nil, nil, nil
	}
	w.left = total - offset
	if offset == 0 && !w.sparse {
		w.first()
		return w.collect(q.PageSize)
	}
	rank := w.rank()
	p, err := w.v.selectRank(w.mask, rank)
	if err != nil {
		return nil, nil, err
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
			return nil, nil, err
		}
	}
	return w.collect(q.PageSize)
}
