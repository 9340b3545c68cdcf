package engine

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/index"
)

// jumpAfter is how many rows that do not match are looked at one by one before
// the index is asked for the next that does: a jump costs about as much.
const jumpAfter = 32

// walker goes over the summary rows of a view in start order, giving those of
// the mask inside a window.
type walker struct {
	v      *view
	mask   index.Mask
	win    Window
	asc    bool
	it     *pebble.Iterator
	ok     bool // the iterator stands on a row not yet given
	misses int
	row    summary
	id     []byte // key form, of row; valid until next
}

func (v *view) walker(m index.Mask, w Window, asc bool) (*walker, error) {
	wk := &walker{v: v, mask: m, win: w, asc: asc}
	if w.From >= w.To {
		return wk, nil
	}
	var err error
	lo, hi := summarySpan(v.app, w.From, w.To)
	wk.it, err = v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	return wk, storeError(err)
}

func (w *walker) close() error {
	if w.it == nil {
		return nil
	}
	return storeError(w.it.Close())
}

// first stands on the first row of the window.
func (w *walker) first() {
	if w.it == nil {
		return
	}
	if w.asc {
		w.ok = w.it.Last()
	} else {
		w.ok = w.it.First()
	}
}

// atMS stands on the first row, in walking order, of a millisecond.
func (w *walker) atMS(ms int64) {
	if w.asc {
		// Rows of the ms and later ones have smaller keys.
		_, behind := summarySpan(w.v.app, ms*1000, ms*1000+1)
		w.ok = w.it.SeekLT(behind)
	} else {
		w.ok = w.it.SeekGE(summaryAt(nil, w.v.app, ms*1000+999))
	}
}

// behind stands on the first row behind a cursor.
func (w *walker) behind(c *cursor) {
	if w.it == nil {
		return
	}
	key := summaryKey(nil, w.v.app, c.startUS, c.id)
	if w.asc {
		w.ok = w.it.SeekLT(key)
		return
	}
	w.ok = w.it.SeekGE(append(key, 0)) // the first key that is greater
}

// next gives the next row of the mask; false at the end or on an error.
func (w *walker) next() (bool, error) {
	for w.it != nil && w.ok {
		if err := w.v.step(); err != nil {
			return false, err
		}
		val, err := w.it.ValueAndErr()
		if err != nil {
			return false, storeError(err)
		}
		startUS, id, err := splitSummaryKey(w.it.Key())
		if err != nil {
			return false, err
		}
		if len(val) > 1 && w.mask>>val[1]&1 == 0 { // the status, without decoding
			if w.misses++; w.misses > jumpAfter {
				w.misses = 0
				if err := w.jump(startUS); err != nil {
					return false, err
				}
				continue
			}
			w.advance()
			continue
		}
		w.misses = 0
		if w.row, err = decodeSummary(val, startUS); err != nil {
			return false, err
		}
		w.id = append(w.id[:0], id...)
		w.advance()
		return true, nil
	}
	if w.it == nil {
		return false, nil
	}
	return false, storeError(w.it.Error())
}

func (w *walker) advance() {
	if w.asc {
		w.ok = w.it.Prev()
	} else {
		w.ok = w.it.Next()
	}
}

// jump asks the index for the next millisecond with a row of the mask, from
// the millisecond of us on, and stands at its start. Rows of the mask that were
// already given cannot be there: they would have reset the count of misses, and
// more than jumpAfter rows have passed since; a millisecond that still is
// being walked is finished row by row.
func (w *walker) jump(us int64) error {
	ms := us / 1000
	if w.asc {
		below, err := w.v.countBelow(w.mask, (ms+1)*1000)
		if err != nil {
			return err
		}
		end, err := w.v.countBelow(w.mask, w.win.To)
		if err != nil {
			return err
		}
		return w.jumpTo(ms, below, below < end)
	}
	below, err := w.v.countBelow(w.mask, ms*1000)
	if err != nil {
		return err
	}
	// Before the window retention may have removed the index.
	end, err := w.v.countBelow(w.mask, w.win.From)
	if err != nil {
		return err
	}
	return w.jumpTo(ms, below-1, below > end)
}

func (w *walker) jumpTo(ms int64, rank int, found bool) error {
	// The rest of this millisecond may still hold matches: leave it only when
	// its rows are behind us.
	for w.ok {
		w.advance()
		if !w.ok {
			return storeError(w.it.Error())
		}
		startUS, _, err := splitSummaryKey(w.it.Key())
		if err != nil {
			return err
		}
		if startUS/1000 != ms {
			break
		}
		if val, err := w.it.ValueAndErr(); err != nil || (len(val) > 1 && w.mask>>val[1]&1 == 1) {
			return storeError(err)
		}
	}
	if !found {
		w.ok = false
		return nil
	}
	p, err := w.v.selectRank(w.mask, rank)
	if err != nil {
		return err
	}
	w.atMS(p.ms)
	return nil
}

// collect gives up to n rows.
func (w *walker) collect(n int) (rows []summary, ids [][]byte, err error) {
	for len(rows) < n {
		ok, err := w.next()
		if err != nil || !ok {
			return rows, ids, err
		}
		rows = append(rows, w.row)
		ids = append(ids, append([]byte(nil), w.id...))
	}
	return rows, ids, nil
}
