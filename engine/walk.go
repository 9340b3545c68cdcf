package engine

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// jumpAfter is how many rows that do not match are looked at one by one before
// the index is asked for the next that does: a jump costs about as much.
const jumpAfter = 32

// sparseFrom is how many rows there are for each match where jumping at once,
// and looking bodies up, begins: at 20 it costs what walking does, and less
// when the blocks are not in the cache.
const sparseFrom = 16

// walker goes over the summary rows of a view in start order, giving those of
// the mask inside a window.
type walker struct {
	v      *view
	mask   index.Mask
	win    Window
	asc    bool
	rare   bool // over `r` rows, which have the list rows
	heads  [][]byte
	it     *rowIter
	ok     bool // the iterator stands on a row not yet given
	paused bool // until resume there is none
	row    summary
	text   []byte  // list row of row, where it was stored with it
	id     []byte  // key form, of row; valid until next
	after  *cursor // where the walk began, nil at the window's edge

	sparse bool // jump at the first row that does not match
	misses int  // rows passed since the last match
	given  int
	// What the index says, when it has been asked: matches that are still to
	// come (else -1), and those that start before the window and before its end.
	left, below, upTo int
}

func (v *view) walker(m index.Mask, w Window, asc bool) (*walker, error) {
	wk := &walker{v: v, mask: m, win: w, asc: asc, left: -1, sparse: v.sparse(m, w)}
	wk.heads = [][]byte{appKey(nil, prefixSummary, v.app)}
	return wk, wk.open()
}

// rareWalker is a walker for a mask of rare statuses.
func (v *view) rareWalker(m index.Mask, w Window, asc bool) (*walker, error) {
	wk := &walker{v: v, mask: m, win: w, asc: asc, left: -1, rare: true, heads: rareHeads(v.app, m)}
	return wk, wk.open()
}

// open opens the iterator; an empty window has none.
func (w *walker) open() (err error) {
	if w.win.From < w.win.To {
		w.it, err = w.v.rowIter(w.heads, w.win, w.asc)
	}
	return err
}

// sparse says that the days of a window have so few matches that a jump to each
// is cheaper than the rows between them: a page of 20 of a status that 1 % of
// 400,000 traces have took 0.33 ms of CPU and takes 0.24 (BenchmarkList).
func (v *view) sparse(m index.Mask, w Window) bool {
	match, all := 0, 0
	for _, u := range v.units {
		if u.day >= dayOf(w.From) && int64(u.day) <= w.To/usPerDay {
			match += countOf(&u.counts, m)
			all += countOf(&u.counts, index.AllStatuses)
		}
	}
	return match*sparseFrom < all
}

func (w *walker) close() error {
	if w.it == nil {
		return nil
	}
	return w.it.close()
}

// first stands on the first row of the window.
func (w *walker) first() { w.ok = w.it != nil && w.it.first() }

// atMS stands on the first row, in walking order, of a millisecond.
func (w *walker) atMS(ms int64) {
	switch {
	case !w.asc:
		w.ok = w.it.seek(placeKey(nil, ms*1000+999, nil))
	case ms > 0: // rows of the ms and later ones have smaller keys
		w.ok = w.it.seek(placeKey(nil, ms*1000-1, nil))
	default:
		w.first()
	}
}

// behind stands on the first row behind a cursor.
func (w *walker) behind(c *cursor) {
	w.after = c
	if w.it == nil {
		return
	}
	w.seekBehind(c.startUS, c.id)
}

func (w *walker) seekBehind(startUS int64, id []byte) {
	place := placeKey(nil, startUS, id)
	if !w.asc {
		place = append(place, 0) // the first key that is greater
	}
	w.ok = w.it.seek(place)
}

// next gives the next row of the mask; false at the end or on an error.
func (w *walker) next() (bool, error) {
	for w.it != nil && w.ok && w.left != 0 {
		if err := w.v.step(); err != nil {
			return false, err
		}
		val, err := w.it.value()
		if err != nil {
			return false, err
		}
		startUS, id, err := splitPlace(w.it.place())
		if err != nil {
			return false, err
		}
		// The status, without decoding; one that does not exist is an error below.
		if len(val) > 1 && val[1] < rollup.NumStatus && w.mask>>val[1]&1 == 0 {
			if w.misses++; w.sparse || w.misses > jumpAfter {
				w.misses = 0
				if err := w.jump(startUS / 1000); err != nil {
					return false, err
				}
				continue
			}
			w.advance()
			continue
		}
		w.misses = 0
		if err := w.decode(val, startUS); err != nil {
			return false, err
		}
		w.id = append(w.id[:0], id...)
		w.given++
		if w.left > 0 {
			w.left--
		}
		w.advance()
		return true, nil
	}
	if w.it == nil {
		return false, nil
	}
	return false, w.it.err()
}

func (w *walker) decode(val []byte, startUS int64) (err error) {
	if !w.rare {
		w.row, err = decodeSummary(val, startUS)
		return err
	}
	w.row, w.text, err = decodeRare(val, startUS)
	w.text = bytes.Clone(w.text) // the iterator goes on
	return err
}

func (w *walker) advance() { w.ok = w.it.next() }

// jump goes from a row of ms that does not match to the next millisecond with
// a match, as the index says. In a millisecond with a match it takes one row.
func (w *walker) jump(ms int64) error {
	if w.left < 0 {
		if err := w.count(); err != nil {
			return err
		}
	}
	if w.left <= 0 {
		w.left, w.ok = 0, false
		return nil
	}
	p, err := w.v.selectRank(w.mask, w.rank())
	if err != nil {
		return err
	}
	if w.asc && p.ms > ms || !w.asc && p.ms < ms {
		w.atMS(p.ms)
	} else {
		w.advance()
	}
	return nil
}

// rank is that of the next match, 0 being the oldest of the app.
func (w *walker) rank() int {
	if w.asc {
		return w.upTo - w.left
	}
	return w.below + w.left - 1
}

// count asks the index how many matches are still to come.
func (w *walker) count() (err error) {
	if w.below, err = w.v.countBelow(w.mask, w.win.From); err != nil {
		return err
	}
	if w.upTo, err = w.v.countBelow(w.mask, w.win.To); err != nil {
		return err
	}
	from, to := w.below, w.upTo // ranks from where the walk began
	if c := w.after; c != nil && c.startUS >= w.win.From && c.startUS < w.win.To {
		same, err := w.sameStart(c)
		if err != nil {
			return err
		}
		if w.asc {
			from, err = w.v.countBelow(w.mask, c.startUS+1)
			from -= same
		} else {
			to, err = w.v.countBelow(w.mask, c.startUS)
			to += same
		}
		if err != nil {
			return err
		}
	} else if c != nil && w.asc == (c.startUS >= w.win.To) {
		from = to // the whole window is before the cursor
	}
	w.left = max(to-from-w.given, 0)
	return nil
}

// sameStart counts the matches behind a cursor that start with its trace.
func (w *walker) sameStart(c *cursor) (n int, err error) {
	lo, hi := summarySpan(w.v.app, c.startUS, c.startUS+1)
	key := summaryKey(nil, w.v.app, c.startUS, c.id)
	if w.asc {
		hi = key
	} else {
		lo = append(key, 0)
	}
	it, err := w.v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return 0, storeError(err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var val []byte
		if val, err = it.ValueAndErr(); err == nil && len(val) > 1 && w.mask>>val[1]&1 == 1 {
			n++
		}
	}
	return n, storeError(errors.Join(err, it.Error(), it.Close()))
}

// found are rows of a walk.
type found struct {
	rows  []summary
	ids   [][]byte
	texts [][]byte // list rows, nil where they are to be read from the bodies
}

// cut keeps the first n.
func (f *found) cut(n int) {
	f.rows, f.ids = f.rows[:n], f.ids[:n]
	if f.texts != nil {
		f.texts = f.texts[:n]
	}
}

// collect gives up to n rows.
func (w *walker) collect(n int) (f found, err error) {
	if w.it == nil {
		return found{}, nil
	}
	f.rows, f.ids = make([]summary, 0, n), make([][]byte, 0, n)
	if w.rare {
		f.texts = make([][]byte, 0, n)
	}
	arena := make([]byte, 0, 17*n) // of ids: 17 bytes each as a rule
	for len(f.rows) < n {
		ok, err := w.next()
		if err != nil || !ok {
			return f, err
		}
		f.rows = append(f.rows, w.row)
		from := len(arena)
		arena = append(arena, w.id...)
		f.ids = append(f.ids, arena[from:len(arena):len(arena)])
		if w.rare {
			f.texts = append(f.texts, w.text)
		}
	}
	return f, nil
}
