package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	units, err := e.readDirectory(a)
	if errors.Is(err, ErrCorrupt) {
		e.opts.Logger.Error("damaged list of days made again", slog.String("app", a.name), slog.Any("error", err))
		units, err = e.searchDirectory(a)
	}
	if err != nil {
		return err
	}
	a.own()
	a.units = units
	a.loaded.Store(true)
	return nil
}

func (e *Engine) readDirectory(a *appState) ([]*unit, error) {
	lo, hi := appSpan(prefixBucket, a.id)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, storeError(err)
	}
	var units []*unit
	for ok := it.First(); ok; ok = it.Next() {
		r := reader{b: it.Key()}
		r.take(5)
		day := r.uint32()
		b, err := it.ValueAndErr()
		var u *unit
		if err = errors.Join(storeError(err), r.done("bucket key")); err == nil {
			u, err = e.peekUnit(a, day, b)
		}
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		units = append(units, u)
	}
	return units, storeError(errors.Join(it.Error(), it.Close()))
}

// expiredDays is how far behind the retention cutoff searchDirectory looks:
// nothing else says which of those days had traces.
const expiredDays = 20 * 366

// searchDirectory finds the days of an app whose rows `b` lie in a damaged
// block, by its traces and, where those have expired, day by day. A day that
// cannot be read nor made again is listed too, so that a chart of it is an
// error.
func (e *Engine) searchDirectory(a *appState) (units []*unit, err error) {
	days, err := daysWithRows(e.db, a.id)
	if err != nil {
		return nil, err
	}
	cut := dayOf(e.cutoff.Load())
	for day := cut - min(cut, expiredDays); day < cut; day++ {
		days[day] = true
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		b, closer, err := e.db.Get(unitKey(nil, prefixBucket, a.id, day))
		switch {
		case err == nil:
			var u *unit
			if u, err = e.peekUnit(a, day, b); err == nil {
				units = append(units, u)
			}
			err = errors.Join(err, closer.Close())
		case errors.Is(err, pebble.ErrNotFound) && day < cut:
			continue
		case errors.Is(err, pebble.ErrNotFound), errors.Is(storeError(err), ErrCorrupt):
			u := &unit{day: day, gen: a.gen, lsn: e.applied.Load()}
			units, err = append(units, u), e.healPeeked(a, u, storeError(err))
			if int64(day)*usPerDay < e.cutoff.Load() {
				err = nil // its chart says so
			}
		}
		if err != nil {
			return nil, storeError(err)
		}
	}
	return units, nil
}

// healPeeked makes a unit from its rows.
func (e *Engine) healPeeked(a *appState, u *unit, cause error) error {
	if errors.Is(cause, pebble.ErrNotFound) {
		cause = fmt.Errorf("%w: row b is missing", ErrCorrupt)
	}
	if err := e.heal(e.db, a.id, u, cause); err != nil {
		return err
	}
	u.lsn = e.applied.Load()
	u.counts = u.parts.Load().scalars.Load().Total.Count
	return nil
}

// peekUnit makes the unit of a `b` row without decoding more than its front.
func (e *Engine) peekUnit(a *appState, day uint32, b []byte) (*unit, error) {
	u := &unit{day: day, gen: a.gen}
	var perr error
	if b, perr = unseal(b); perr == nil {
		u.lsn, u.counts, perr = rollup.PeekDay(b)
	}
	if perr != nil {
		if err := e.healPeeked(a, u, fmt.Errorf("%w: row b: %w", ErrCorrupt, perr)); err != nil {
			return nil, err
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
