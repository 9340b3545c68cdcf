package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/rollup"
)

// appState is what the engine knows of an app in memory.
//
// Readers work on a captured slice of units; the committer changes units in
// place until somebody captures them, and clones what it touches from then on
// (copy-on-write by generation: capture is O(1), a write after it clones only
// the units and rows that it changes).
type appState struct {
	id   uint32
	name string

	// gate is held for reading by every operation on the app from before its
	// state is read until it is applied, for writing while the app is deleted.
	gate sync.RWMutex
	dead bool // guarded by gate

	loaded atomic.Bool // units is complete

	// The rest is guarded by Engine.mu.
	captured bool // a reader may hold units of generation gen
	gen      uint64
	unitsGen uint64
	units    []*unit // ascending by day, every day that ever had a trace
}

// find returns the place of a day in units.
func findUnit(units []*unit, day uint32) (int, bool) {
	if n := len(units); n > 0 && units[n-1].day <= day { // nearly always today
		if units[n-1].day == day {
			return n - 1, true
		}
		return n, false
	}
	return slices.BinarySearchFunc(units, day, func(u *unit, day uint32) int { return cmp.Compare(u.day, day) })
}

// capture returns the units as they are now, for a reader. Engine.mu is held.
func (a *appState) capture() []*unit {
	a.captured = true
	return a.units
}

// own makes the slice of units changeable. Engine.mu is held.
func (a *appState) own() {
	if a.captured {
		a.gen++
		a.captured = false
	}
	if a.unitsGen != a.gen {
		a.units, a.unitsGen = slices.Clone(a.units), a.gen
	}
}

// mutable returns the unit of a day for changing, made if it is new.
// Engine.mu is held.
func (a *appState) mutable(day uint32) *unit {
	a.own()
	i, ok := findUnit(a.units, day)
	if !ok {
		u := &unit{day: day, gen: a.gen}
		a.units = slices.Insert(a.units, i, u)
		return u
	}
	if a.units[i].gen != a.gen {
		a.units[i] = a.units[i].clone(a.gen)
	}
	return a.units[i]
}

// loadDirectory reads which days an app has, with their counts. Engine.mu is
// held, so the rows are those of this moment.
func (e *Engine) loadDirectory(a *appState) error {
	if a.loaded.Load() {
		return nil
	}
	lo, hi := appSpan(prefixBucket, a.id)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return storeError(err)
	}
	var units []*unit
	for ok := it.First(); ok; ok = it.Next() {
		u, uerr := e.peekUnit(a, it)
		if uerr != nil {
			return errors.Join(uerr, it.Close())
		}
		units = append(units, u)
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return storeError(err)
	}
	a.own()
	a.units = units
	a.loaded.Store(true)
	return nil
}

// peekUnit makes the unit of a `b` row without decoding more than its front.
func (e *Engine) peekUnit(a *appState, it *pebble.Iterator) (*unit, error) {
	r := reader{b: it.Key()}
	r.take(5)
	u := &unit{day: r.uint32(), gen: a.gen}
	b, err := it.ValueAndErr()
	if err != nil {
		return nil, storeError(err)
	}
	if err := r.done("bucket key"); err != nil {
		return nil, err
	}
	var perr error
	if u.lsn, u.counts, perr = rollup.PeekDay(b); perr != nil {
		cause := fmt.Errorf("%w: row b: %w", ErrCorrupt, perr)
		if err := e.heal(e.db, a.id, u, cause); err != nil {
			return nil, err
		}
		u.lsn = e.applied.Load()
		for st := range u.counts {
			u.counts[st] = u.parts.Load().scalars.Load().Total.Count[st]
		}
	}
	return u, nil
}

var useTick atomic.Int64

// touch notes that a unit was used, for eviction.
func (u *unit) touch() {
	if p := u.parts.Load(); p != nil {
		p.used.Store(useTick.Add(1))
	}
}

// grew accounts for decoded state; the committer is asked to evict when much
// has come since it last looked.
func (e *Engine) grew(n int64) {
	if e.stateBytes.Add(n) > e.opts.StateBytes {
		select {
		case e.committer.nudge <- struct{}{}:
		default:
		}
	}
}

// evict drops the decoded rows of the least recently used clean units until
// three quarters of the budget are left. A dropped unit is replaced, not
// changed: a reader that captured it before may depend on what it holds.
// Runs on the committer.
func (e *Engine) evict() {
	type victim struct {
		app  *appState
		unit *unit
		size int64
		used int64
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var total int64
	var all []victim
	for _, a := range e.mu.byID {
		for _, u := range a.units {
			size := u.bytes()
			total += size
			if size > 0 && u.dirty == 0 {
				all = append(all, victim{a, u, size, u.parts.Load().used.Load()})
			}
		}
	}
	if total > e.opts.StateBytes {
		slices.SortFunc(all, func(x, y victim) int { return cmp.Compare(x.used, y.used) })
		for _, v := range all {
			if total <= e.opts.StateBytes/4*3 {
				break
			}
			v.app.own()
			if i, ok := findUnit(v.app.units, v.unit.day); ok {
				v.app.units[i] = &unit{day: v.unit.day, lsn: v.unit.lsn, gen: v.app.gen, counts: v.unit.counts}
			}
			total -= v.size
		}
	}
	e.stateBytes.Store(total)
}
