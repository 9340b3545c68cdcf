package engine

import (
	"github.com/tracebed/tracebed/engine/internal/dense"
	"github.com/tracebed/tracebed/rollup"
)

// settleQuarters brings the changed quarters of an hour in order: a busy one
// gets its minutes, and extremes that a removal left unknown are found by a look
// at the rows of the minute, or of the quarter where it has no minutes. A removal
// hits an extreme of n rows with probability of about 2/n and then costs n rows:
// constant on average.
func (e *Engine) settleQuarters(a *appState, u *unit, p *dayParts) {
	for h := range p.hours {
		q := p.hours[h].quarters.Load()
		if u.dirty>>h&1 == 0 || q == nil {
			continue
		}
		for i := range q.Quarters {
			switch busy, kept := q.Quarters[i].Traces() >= dense.Quarter, q.Minutes[i] != nil; {
			case busy && !kept && e.keepsMinutes(u, h) && p.uncounted[h]>>i&1 == 0:
				q = p.mutableQuarters(h)
				if q.Minutes[i] = e.countMinutes(a, u.hourUS(h)+int64(i)*usPerQuarter, &q.Quarters[i]); q.Minutes[i] == nil {
					p.uncounted[h] |= 1 << i
				}
			case kept && !busy:
				q = p.mutableQuarters(h)
				q.Minutes[i] = nil
			}
		}
		if q.Stale() {
			e.settleExtremes(a, u, h, p.mutableQuarters(h))
		}
	}
}

// keepsMinutes says whether an hour's busy quarters get minutes: not in rows of
// format 1, and not without all of their rows.
func (e *Engine) keepsMinutes(u *unit, h int) bool {
	return e.writesMinutes() && u.hourUS(h) >= e.cutoff.Load()
}

func (e *Engine) writesMinutes() bool { return e.format2.Load() || e.committer.upgrading }

// countMinutes makes the minutes of a quarter from its rows: once, when it has
// become busy. Where a row cannot be read there are none, and charts count rows.
func (e *Engine) countMinutes(a *appState, from int64, quarter *rollup.HistBucket) *rollup.Minutes {
	m, n := new(rollup.Minutes), uint64(0)
	err := scanRows(e.db, a.id, from, from+usPerQuarter, func(s *summary) error {
		n++
		return m.Add(int((s.startUS-from)/usPerMinute), &s.sample)
	})
	if err != nil || n != quarter.Traces() {
		e.opts.Logger.Error("minutes of a quarter of an hour cannot be counted", "app", a.name,
			"quarter", from/usPerQuarter, "rows", n, "traces", quarter.Traces(), "error", err)
		return nil
	}
	return m
}

// settleExtremes finds the extremes of an hour's minutes and quarters that are
// not known.
func (e *Engine) settleExtremes(a *appState, u *unit, h int, q *rollup.QuarterHours) {
	for i := range q.Quarters {
		from := u.hourUS(h) + int64(i)*usPerQuarter
		if m := q.Minutes[i]; m != nil {
			for minute, lo, hi, ok := m.StaleMinute(); ok; minute, lo, hi, ok = m.StaleMinute() {
				at := from + int64(minute)*usPerMinute
				lo, hi = e.extremes(a, u, at, at+usPerMinute, lo, hi)
				m.SetExtremes(minute, lo, hi)
			}
			q.ResolveExtremes(i)
		}
		if b := &q.Quarters[i]; b.Stale() {
			b.SetExtremes(e.extremes(a, u, from, from+usPerQuarter, b.Min, b.Max))
		}
	}
}

// extremes are the shortest and the longest duration of the rows from ≤ start <
// to. The bounds that are known stand in where a row cannot be read, which must
// not keep checkpoints from being written.
func (e *Engine) extremes(a *appState, u *unit, from, to, minUS, maxUS int64) (_, _ int64) {
	var found rollup.Bucket
	err := scanRows(e.db, a.id, from, to, func(s *summary) error {
		found.Add(&s.sample)
		return nil
	})
	if err != nil {
		e.opts.Logger.Error("shortest and longest of a stretch cannot be found",
			"app", a.name, "start_us", from, "error", err)
		e.healed.add(dayOfApp{a.id, u.day}) // the next checkpoint tries again
		return minUS, maxUS
	}
	return found.Min, found.Max
}
