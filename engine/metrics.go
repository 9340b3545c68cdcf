package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

// MaxBuckets is the most bars of one Metrics answer (contract §4).
const MaxBuckets = 10_000

// Metrics returns the charts of an app: every bar of the window in ascending
// order, empty ones too, and the sums over the whole window. The first and the
// last bar hold only what lies inside the window, exact to the microsecond.
//
// After retention has removed traces, hours before the cutoff are answered
// from the buckets that stay: an hour that a bar or the window cuts counts
// where it begins.
//
// Errors: ErrNotFound (the app), ErrInvalid (window, interval), ErrCorrupt.
func (e *Engine) Metrics(ctx context.Context, app string, q MetricsQuery) (Metrics, error) {
	if q.End < q.Start {
		return Metrics{}, fmt.Errorf("%w: end_time: it lies before start_time", ErrInvalid)
	}
	loc := q.Location
	if loc == nil {
		loc = time.UTC
	}
	bounds, err := rollup.Boundaries(q.Interval, loc, q.Start, q.End, MaxBuckets)
	if err != nil {
		return Metrics{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	v, err := e.view(ctx, app)
	if err != nil {
		return Metrics{}, err
	}
	defer v.close()
	m := adders.Get().(*adder)
	defer adders.Put(m)
	m.begin(v)
	out, err := m.metrics(bounds, q.Start, q.End+1)
	if err := errors.Join(err, m.end()); err != nil {
		return Metrics{}, err
	}
	return out, nil
}

func (m *adder) metrics(bounds []int64, from, to int64) (out Metrics, err error) {
	out.Series = make([]Point, len(bounds)-1)
	for i := range out.Series {
		p := &out.Series[i]
		p.Start = time.UnixMicro(bounds[i]).UTC()
		st, err := m.stats(max(bounds[i], from), min(bounds[i+1], to), from, to)
		if err != nil {
			return Metrics{}, err
		}
		if p.Stats = st; st == &m.out { // used again for the next
			p.Stats = new(rollup.Stats)
			*p.Stats = *st
		}
		if err := m.v.step(); err != nil {
			return Metrics{}, err
		}
	}
	st, err := m.stats(from, to, from, to)
	if err != nil {
		return Metrics{}, err
	}
	out.Summary = *st
	return out, nil
}

var noStats rollup.Stats

// stats answers the stretch [lo, hi) of the window [from, to): empty ones at
// once, those of whole quarters from the memo. The result is good until the
// next call, and not to be written to.
func (m *adder) stats(lo, hi, from, to int64) (*rollup.Stats, error) {
	if st := m.block.next(lo, hi); st != nil {
		return st, nil
	}
	if i, j := m.span(lo, hi); i == j {
		return &noStats, nil
	}
	if lo%usPerQuarter != 0 || hi%usPerQuarter != 0 {
		return m.compute(lo, hi)
	}
	width, start, bars := hi-lo, lo, int64(1)
	if width < usPerDay && usPerDay%width == 0 {
		first := lo - (lo-lo%width)%usPerDay
		if first >= from && first+usPerDay <= to {
			start, bars = first, usPerDay/width
		}
	}
	stats, err := m.bars(start, width, bars)
	if err != nil {
		return nil, err
	}
	k := (lo - start) / width
	m.block = block{stats: stats[k+1:], lo: hi, width: width}
	return &stats[k], nil
}

// bars answers n stretches in a row from the memo, or adds them up and puts
// them there.
func (m *adder) bars(start, width, n int64) ([]rollup.Stats, error) {
	i, j := m.span(start, start+n*width)
	seq := newest(m.v.units[i:j])
	key := memoKey{app: m.v.app, from: start, width: width, bars: uint32(n)}
	if start < m.v.cutoff && (start%usPerHour != 0 || width%usPerHour != 0) {
		key.cutoff = m.v.cutoff
	}
	if e := m.v.e.memo.valid(key, seq); e != nil {
		return e.stats, nil
	}
	e := &memoEntry{seq: seq, stats: make([]rollup.Stats, n)}
	for k := range e.stats {
		lo := start + int64(k)*width
		st, err := m.compute(lo, lo+width)
		if err != nil {
			return nil, err
		}
		e.stats[k] = *st
	}
	m.v.e.memo.put(key, e)
	return e.stats, nil
}

// compute adds up a stretch without the memo of bars.
func (m *adder) compute(from, to int64) (*rollup.Stats, error) {
	m.sum = rollup.Bucket{}
	m.dense.Reset()
	if err := m.add(from, to); err != nil {
		return nil, err
	}
	m.out = m.sum.Stats(m.dense.Percentiles())
	return &m.out, nil
}

// newest is the last operation in any of the units.
func newest(units []*unit) (lsn uint64) {
	for _, u := range units {
		lsn = max(lsn, u.lsn)
	}
	return lsn
}
