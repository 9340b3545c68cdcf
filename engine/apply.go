package engine

import (
	"errors"
	"fmt"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// preload reads what a delta at startUS will change, so that the batch can be
// applied without touching the disk under Engine.mu. Committer only.
func (e *Engine) preload(a *appState, startUS int64) error {
	i, ok := findUnit(a.units, dayOf(startUS))
	if !ok {
		return nil // applyDelta makes an empty one
	}
	u, h := a.units[i], int(hourOf(startUS)%hoursPerDay)
	u.touch()
	s, err := e.dayScalars(e.db, a.id, u)
	if err != nil {
		return err
	}
	if _, err := e.dayHists(e.db, a.id, u); err != nil {
		return err
	}
	if p := &u.loaded().hours[h]; s.Hours[h].IsEmpty() && u.dirty>>h&1 == 0 {
		p.index.CompareAndSwap(nil, new(index.Hour)) // no need to ask the disk
		p.quarters.CompareAndSwap(nil, new(rollup.QuarterHours))
		return nil
	}
	if _, err := e.hourIndex(e.db, a.id, u, h); err != nil {
		return err
	}
	_, err = e.quarterHours(e.db, a.id, u, h)
	return err
}

// unitFor returns the changeable unit of a start time, with every part that a
// delta there changes. preload ran before; Engine.mu is held.
func (a *appState) unitFor(startUS int64) (u *unit, p *dayParts, h int) {
	u = a.mutable(dayOf(startUS))
	p, h = u.loaded(), int(hourOf(startUS)%hoursPerDay)
	if u.lsn == 0 { // new
		p.scalars.CompareAndSwap(nil, new(rollup.DayScalars))
		p.hists.CompareAndSwap(nil, new(rollup.DayHists))
		p.hours[h].index.CompareAndSwap(nil, new(index.Hour))
		p.hours[h].quarters.CompareAndSwap(nil, new(rollup.QuarterHours))
	}
	return u, p, h
}

// applyDelta changes index and buckets by one delta. A delta that does not fit
// marks the unit as broken; it is then made again from its rows.
func (a *appState) applyDelta(seq uint64, d *delta) *unit {
	u, p, h := a.unitFor(d.startUS)
	if p.hours[h].index.Load() == nil { // another hour of a new unit
		p.hours[h].index.Store(new(index.Hour))
		p.hours[h].quarters.Store(new(rollup.QuarterHours))
	}
	u.lsn = seq
	u.dirty |= 1 << h
	qh := p.mutableQuarters(h)
	qh.LSN = seq
	minute := minuteOf(d.startUS)
	x, s, hist := p.mutableIndex(h), p.mutableScalars(), p.mutableHists()
	st := d.sample.Status
	if !d.remove {
		u.counts[st]++
		s.Add(h, &d.sample)
		if d.sample.DurationUS >= 0 {
			hist.Add(h, d.sample.DurationUS)
		}
		err := errors.Join(qh.Add(minute, &d.sample), x.Add(st, d.slot()))
		u.broken = err != nil || u.broken
		return u
	}
	u.counts[st]--
	err := s.Remove(h, &d.sample)
	if d.sample.DurationUS >= 0 {
		err = errors.Join(err, hist.Sub(h, d.sample.DurationUS))
	}
	err = errors.Join(err, qh.Remove(minute, &d.sample), x.Remove(st, d.slot()))
	u.broken = err != nil || u.broken
	return u
}

// settle makes a unit exact after deltas: rebuilds what did not fit, and brings
// its quarters in order (settleQuarters). Engine.mu is held and the batch is
// applied.
func (e *Engine) settle(a *appState, u *unit) error {
	if u.broken {
		return e.repairUnit(a, u, fmt.Errorf("%w: derived state", ErrCorrupt))
	}
	p := u.parts.Load()
	e.settleQuarters(a, u, p)
	if !p.scalars.Load().Stale() {
		return nil
	}
	s := p.mutableScalars()
	for h := range s.Hours {
		if !s.Hours[h].Stale() {
			continue
		}
		var sum rollup.Bucket
		for i := range p.hours[h].quarters.Load().Quarters {
			sum.Merge(&p.hours[h].quarters.Load().Quarters[i].Bucket)
		}
		s.Hours[h].SetExtremes(sum.Min, sum.Max)
	}
	s.ResolveTotal()
	return nil
}
