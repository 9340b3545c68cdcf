package engine

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// rowIter goes over rows of an app in the order of start: those of all traces
// (`s`), or those of some rare statuses (`r`), merged. It goes one way, as it
// was made; positions are places (see placeKey).
type rowIter struct {
	its  []headIter
	back bool // oldest first: against the order of keys
	at   int  // the one that stands first
	key  []byte
}

// headIter is an iterator over the keys behind one head.
type headIter struct {
	*pebble.Iterator
	head []byte
	ok   bool // stands on a row
}

func (v *view) rowIter(heads [][]byte, win Window, back bool) (*rowIter, error) {
	r := &rowIter{back: back, its: make([]headIter, 0, len(heads))}
	for _, head := range heads {
		lo, hi := placeSpan(head, win.From, win.To)
		it, err := v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
		if err != nil {
			return nil, errors.Join(storeError(err), r.close())
		}
		r.its = append(r.its, headIter{Iterator: it, head: head})
	}
	return r, nil
}

func (r *rowIter) close() (err error) {
	for i := range r.its {
		err = errors.Join(err, r.its[i].Close())
	}
	return storeError(err)
}

func (r *rowIter) err() (err error) {
	for i := range r.its {
		err = errors.Join(err, r.its[i].Error())
	}
	return storeError(err)
}

// first stands on the first row of the way.
func (r *rowIter) first() bool {
	for i := range r.its {
		if it := &r.its[i]; r.back {
			it.ok = it.Last()
		} else {
			it.ok = it.First()
		}
	}
	return r.pick()
}

// seek stands on the first row at a place or, going back, before it.
func (r *rowIter) seek(place []byte) bool {
	for i := range r.its {
		it := &r.its[i]
		r.key = append(append(r.key[:0], it.head...), place...)
		if r.back {
			it.ok = it.SeekLT(r.key)
		} else {
			it.ok = it.SeekGE(r.key)
		}
	}
	return r.pick()
}

func (r *rowIter) next() bool {
	if it := &r.its[r.at]; r.back {
		it.ok = it.Prev()
	} else {
		it.ok = it.Next()
	}
	return r.pick()
}

// pick finds the iterator whose row comes first.
func (r *rowIter) pick() bool {
	r.at = 0
	for i := 1; i < len(r.its); i++ {
		if !r.its[i].ok {
			continue
		}
		if !r.its[r.at].ok || (bytes.Compare(r.its[i].place(), r.its[r.at].place()) < 0) != r.back {
			r.at = i
		}
	}
	return r.its[r.at].ok
}

// place and value are those of the row it stands on, valid until it moves.
func (r *rowIter) place() []byte { return r.its[r.at].place() }

func (h *headIter) place() []byte { return h.Key()[len(h.head):] }

func (r *rowIter) value() ([]byte, error) {
	v, err := r.its[r.at].ValueAndErr()
	return v, storeError(err)
}
