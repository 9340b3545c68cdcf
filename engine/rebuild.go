package engine

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/internal/dense"
	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// rebuilt is the derived state of a day made from its summary rows alone.
type rebuilt struct {
	scalars rollup.DayScalars
	hists   rollup.DayHists
	hours   [hoursPerDay]struct {
		index    index.Hour
		quarters rollup.QuarterHours
	}
}

// rebuildDay reads the rows of an app and day and derives everything that is
// kept of them: the oracle of Verify, and the cure of a damaged row. It takes
// 1–2 µs a row.
func rebuildDay(r pebble.Reader, app, day uint32) (*rebuilt, error) {
	out := new(rebuilt)
	for h := range out.hours {
		out.hours[h].quarters.KeepMinutes()
	}
	err := scanRows(r, app, int64(day)*usPerDay, int64(day+1)*usPerDay, func(s *summary) error {
		h := int(hourOf(s.startUS) % hoursPerDay)
		out.scalars.Add(h, &s.sample)
		if s.sample.DurationUS >= 0 {
			out.hists.Add(h, s.sample.DurationUS)
		}
		return errors.Join(out.hours[h].quarters.Add(minuteOf(s.startUS), &s.sample),
			out.hours[h].index.Add(s.sample.Status, s.slot))
	})
	for h := range out.hours {
		out.hours[h].quarters.DropSparse(dense.Quarter)
	}
	return out, err
}

// hasMinutes says whether any quarter is kept by minutes.
func (d *rebuilt) hasMinutes() bool {
	for h := range d.hours {
		for _, m := range d.hours[h].quarters.Minutes {
			if m != nil {
				return true
			}
		}
	}
	return false
}

// minuteOf is the minute of its hour, 0–59.
func minuteOf(us int64) int { return int(us % usPerHour / usPerMinute) }

// scanRows calls fn for the summary of every trace with from ≤ start < to, newest
// first; it is valid during the call.
func scanRows(r pebble.Reader, app uint32, from, to int64, fn func(*summary) error) error {
	if from >= to {
		return nil
	}
	lo, hi := summarySpan(app, from, to)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return storeError(err)
	}
	return errors.Join(eachRow(it, lo, hi, fn), storeError(it.Close()))
}

// eachRow is scanRows for the keys lo ≤ key < hi of an iterator over `s` rows.
func eachRow(it *pebble.Iterator, lo, hi []byte, fn func(*summary) error) error {
	s := new(summary) // one for all: it escapes into fn
	for ok := it.SeekGE(lo); ok && bytes.Compare(it.Key(), hi) < 0; ok = it.Next() {
		startUS, _, err := splitSummaryKey(it.Key())
		if err != nil {
			return err
		}
		v, err := it.ValueAndErr()
		if err != nil {
			return storeError(err)
		}
		*s = summary{}
		if err = s.decode(v, startUS); err == nil {
			err = fn(s)
		}
		if err != nil {
			return err
		}
	}
	return storeError(it.Error())
}

// heal answers for a derived row that cannot be read: where the cause is
// damage, everything of the unit that is not in memory is derived again from
// the rows, unless retention has removed some of those. The next checkpoint
// writes all of it again.
func (e *Engine) heal(r pebble.Reader, app uint32, u *unit, cause error) error {
	if !errors.Is(cause, ErrCorrupt) || int64(u.day)*usPerDay < e.cutoff.Load() {
		return cause
	}
	d, err := rebuildDay(r, app, u.day)
	if err != nil {
		return errors.Join(cause, err)
	}
	e.rebuilt.Add(1)
	e.opts.Logger.Error("damaged index or bucket derived again from its rows",
		slog.Uint64("app", uint64(app)), slog.Uint64("day", uint64(u.day)), slog.Any("error", cause))
	d.install(u.loaded(), false)
	e.healed.add(dayOfApp{app, u.day})
	return nil
}

// dayOfApp names a unit.
type dayOfApp struct{ app, day uint32 }

// healed are the units whose rows on disk are damaged.
type healed struct {
	mu  sync.Mutex
	set map[dayOfApp]bool
}

func (h *healed) add(k dayOfApp) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.set == nil {
		h.set = map[dayOfApp]bool{}
	}
	h.set[k] = true
}

// take removes a unit and says whether it was there.
func (h *healed) take(k dayOfApp) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ok := h.set[k]
	delete(h.set, k)
	return ok
}

// list gives the units in the order of apps and days.
func (h *healed) list() []dayOfApp {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.SortedFunc(maps.Keys(h.set), func(x, y dayOfApp) int {
		return cmp.Or(cmp.Compare(x.app, y.app), cmp.Compare(x.day, y.day))
	})
}

// rewriteHealed marks the units whose rows are damaged for the checkpoint that
// is about to begin. What readers hold is of some moment: the state that is
// written is made again. Runs on the committer.
func (e *Engine) rewriteHealed() {
	for _, k := range e.healed.list() {
		e.healed.take(k)
		e.mu.Lock()
		a := e.mu.byID[k.app]
		if a == nil || int64(k.day)*usPerDay < e.cutoff.Load() {
			e.mu.Unlock()
			continue
		}
		d, err := rebuildDay(e.db, k.app, k.day)
		if err != nil {
			e.opts.Logger.Error("damaged index or bucket cannot be written again", slog.String("app", a.name), slog.Any("error", err))
			if !errors.Is(err, ErrCorrupt) {
				e.healed.add(k)
			}
		} else {
			a.mutable(k.day).replace(d, e.applied.Load())
			e.committer.minUnsaved = max(e.committer.minUnsaved, 1)
		}
		e.mu.Unlock()
	}
}

// install puts rebuilt rows into parts: all of them with replace, else only
// those that are missing.
func (d *rebuilt) install(p *dayParts, replace bool) {
	if replace || p.scalars.Load() == nil {
		p.scalars.Store(&d.scalars)
	}
	if replace || p.hists.Load() == nil {
		p.hists.Store(&d.hists)
	}
	for h := range d.hours {
		if x := &d.hours[h]; replace || p.hours[h].index.Load() == nil {
			p.hours[h].index.Store(&x.index)
		}
		if x := &d.hours[h]; replace || p.hours[h].quarters.Load() == nil {
			p.hours[h].quarters.Store(&x.quarters)
		}
	}
}

// repairUnit replaces a unit whose state did not fit a delta by one made from
// its rows. The committer holds Engine.mu and has applied the batch.
func (e *Engine) repairUnit(a *appState, u *unit, cause error) error {
	if int64(u.day)*usPerDay < e.cutoff.Load() {
		return fmt.Errorf("%w; and some of its rows have expired", cause)
	}
	d, err := rebuildDay(e.db, a.id, u.day)
	if err != nil {
		return fmt.Errorf("%w; and it cannot be made again: %w", cause, err)
	}
	e.rebuilt.Add(1)
	e.opts.Logger.Error("index or bucket did not fit its rows and was made again",
		slog.String("app", a.name), slog.Uint64("day", uint64(u.day)), slog.Any("error", cause))
	u.replace(d, u.lsn)
	return nil
}

// replace gives a unit that belongs to the committer the state of d, which has
// every operation up to lsn, and marks all of it as changed.
func (u *unit) replace(d *rebuilt, lsn uint64) {
	p := new(dayParts)
	d.install(p, true)
	u.parts.Store(p)
	u.lsn, u.broken, u.dirty = lsn, false, 1<<hoursPerDay-1
	u.counts = d.scalars.Total.Count
}

// daysWithRows lists the days in which an app has summaries: one seek a day.
func daysWithRows(r pebble.Reader, app uint32) (map[uint32]bool, error) {
	lo, hi := appSpan(prefixSummary, app)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return nil, storeError(err)
	}
	days := map[uint32]bool{}
	for ok := it.First(); ok; {
		startUS, _, err := splitSummaryKey(it.Key())
		if err != nil {
			return nil, errors.Join(err, it.Close())
		}
		day := dayOf(startUS)
		days[day] = true
		if day == 0 {
			break
		}
		ok = it.SeekGE(summaryAt(nil, app, int64(day)*usPerDay-1))
	}
	return days, storeError(errors.Join(it.Error(), it.Close()))
}
