package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tracebed/tracebed/rollup"
)

// listRowOf is the list row of a body as it is stored in an `r` row.
func listRowOf(b *body) ([]byte, error) {
	row, err := b.cutTo(previewBytes)
	return clipRare(row), err
}

// rareRow is the value that the `r` row of a trace must have.
func rareRow(s *summary, b *body) ([]byte, error) {
	text, err := listRowOf(b)
	return appendRare(nil, s, text), err
}

// checkRare compares the `r` row of a trace with what its body says.
func (c *verifier) checkRare(b *body, s *summary, id string) error {
	if !c.v.format2 || !isRare(s.sample.Status) {
		return nil
	}
	want, err := rareRow(s, b)
	if err != nil {
		return err
	}
	c.rares++
	err = getRow(c.v.snap, rareKey(nil, c.v.app, s, appendID(nil, id)), func(have []byte) error {
		if !bytes.Equal(have, want) {
			return fmt.Errorf("%w: row r is another", ErrCorrupt)
		}
		return nil
	})
	if errors.Is(err, ErrCorrupt) {
		c.differ("trace %q: its row in the list of its status: %v", id, err)
		return nil
	}
	return err
}

// checkRares counts the `r` rows: each trace has its own (checkRare).
func (c *verifier) checkRares() error {
	if !c.v.format2 {
		return nil
	}
	var n int64
	for _, head := range rareHeads(c.v.app, rareStatuses) {
		lo, hi := placeSpan(head, c.v.cutoff, maxStartUS+1)
		got, err := c.count(lo, hi, nil)
		if err != nil {
			return err
		}
		n += got
	}
	if n != c.rares {
		c.differ("%d rows in the lists of rare statuses for %d traces", n, c.rares)
	}
	return nil
}

// rares gives every trace of a rare status its `r` row, and removes those that
// no trace asks for.
func (r *repairer) rares() error {
	w, err := r.v.walker(rareStatuses, r.v.clamp(Window{}), false)
	if err != nil {
		return err
	}
	bs := &bodies{v: r.v}
	w.first()
	for {
		ok, err := w.next()
		if err != nil || !ok {
			err = errors.Join(err, bs.close(), w.close())
			return errors.Join(err, r.strayRares())
		}
		if err := r.rare(bs, &w.row, w.id); err != nil {
			return errors.Join(err, bs.close(), w.close())
		}
	}
}

func (r *repairer) rare(bs *bodies, s *summary, id []byte) error {
	b, err := bs.get(s.startUS, id)
	var want []byte
	if err == nil {
		want, err = rareRow(s, &b)
	}
	if errors.Is(err, ErrCorrupt) {
		return nil // the pass over the bodies has said so
	}
	if err != nil {
		return err
	}
	key := rareKey(nil, r.a.id, s, id)
	err = getRow(r.v.snap, key, func(have []byte) error {
		if !bytes.Equal(have, want) {
			return ErrCorrupt
		}
		return nil
	})
	if !errors.Is(err, ErrCorrupt) {
		return err
	}
	r.rep.ListRows++
	return r.set(key, want)
}

func (r *repairer) strayRares() error {
	for st := range rollup.Status(rollup.NumStatus) {
		head := rareHead(nil, r.a.id, st)
		err := r.each(head, prefixEnd(head), func(key, _ []byte) error {
			start, id, err := splitPlace(key[len(head):])
			if err == nil {
				var s summary
				if s, err = r.find(start, id); err == nil && s.sample.Status == st && isRare(st) {
					return nil
				}
			}
			if err != nil && !errors.Is(err, ErrCorrupt) {
				return err
			}
			r.rep.ListRows++
			return r.del(key)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
