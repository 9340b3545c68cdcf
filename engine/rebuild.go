package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"

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
	err := scanRows(r, app, int64(day)*usPerDay, int64(day+1)*usPerDay, func(s *summary) error {
		h := int(hourOf(s.startUS) % hoursPerDay)
		out.scalars.Add(h, &s.sample)
		if s.sample.DurationUS >= 0 {
			out.hists.Add(h, s.sample.DurationUS)
		}
		out.hours[h].quarters.Quarters[quarterOf(s.startUS)].Add(&s.sample)
		return out.hours[h].index.Add(s.sample.Status, s.slot)
	})
	return out, err
}

func quarterOf(us int64) int { return int(us % usPerHour / usPerQuarter) }

// scanRows calls fn for the summary of every trace with from ≤ start < to,
// newest first.
func scanRows(r pebble.Reader, app uint32, from, to int64, fn func(*summary) error) error {
	if from >= to {
		return nil
	}
	lo, hi := summarySpan(app, from, to)
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return storeError(err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var startUS int64
		if startUS, _, err = splitSummaryKey(it.Key()); err != nil {
			break
		}
		var v []byte
		if v, err = it.ValueAndErr(); err != nil {
			break
		}
		var s summary
		if s, err = decodeSummary(v, startUS); err == nil {
			err = fn(&s)
		}
	}
	return storeError(errors.Join(err, it.Error(), it.Close()))
}

// heal answers for a derived row that cannot be read: where the cause is
// damage, everything of the unit that is not in memory is derived again from
// the rows, unless retention has removed some of those. Nothing on disk
// changes; the next checkpoint of the unit does that.
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
	return nil
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
	d.install(u.loaded(), true)
	u.broken, u.dirty = false, 1<<hoursPerDay-1
	for st := range u.counts {
		u.counts[st] = d.scalars.Total.Count[st]
	}
	return nil
}
