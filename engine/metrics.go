package engine

import (
	"context"
	"fmt"
	"sync"
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
	m.v = v
	defer func() { m.v = nil; clear(m.edges) }()
	return m.metrics(bounds, q.Start, q.End+1)
}

// adder adds up stretches of time. Its dense histogram is 30 KB, so adders are
// used again.
type adder struct {
	v     *view
	sum   rollup.Bucket
	dense rollup.Dense
	// edges holds stretches inside one quarter of an hour, which are counted
	// row by row; the series and the summary share them.
	edges map[memoKey]*rollup.HistBucket
}

var adders = sync.Pool{New: func() any { return &adder{edges: map[memoKey]*rollup.HistBucket{}} }}

func (m *adder) metrics(bounds []int64, from, to int64) (out Metrics, err error) {
	out.Series = make([]Point, len(bounds)-1)
	for i := range out.Series {
		lo, hi := max(bounds[i], from), min(bounds[i+1], to)
		out.Series[i].Start = time.UnixMicro(bounds[i]).UTC()
		if out.Series[i].Stats, err = m.stats(lo, hi); err != nil {
			return Metrics{}, err
		}
		if err := m.v.step(); err != nil {
			return Metrics{}, err
		}
	}
	out.Summary, err = m.stats(from, to)
	return out, err
}

// stats answers one stretch: empty ones at once, those of whole units from
// the rows they are stored in or from the memo.
func (m *adder) stats(from, to int64) (rollup.Stats, error) {
	lo, hi := m.span(from, to)
	if lo == hi {
		return rollup.Stats{}, nil
	}
	var seq uint64
	for _, u := range m.v.units[lo:hi] {
		seq = max(seq, u.lsn)
	}
	key := memoKey{app: m.v.app, from: from, to: to}
	if from < m.v.cutoff {
		key.cutoff = m.v.cutoff
	}
	worth := from%usPerQuarter == 0 && to%usPerQuarter == 0
	if worth {
		if b := m.v.e.memo.get(key, seq); b != nil {
			return b.bucket.Stats(b.pct), nil
		}
	}
	m.sum = rollup.Bucket{}
	m.dense.Reset()
	if err := m.add(from, to); err != nil {
		return rollup.Stats{}, err
	}
	pct := m.dense.Percentiles()
	if worth && m.sum.DurCount > 0 {
		m.v.e.memo.put(key, &memoBucket{seq: seq, bucket: m.sum, hist: m.dense.Hist(), pct: pct})
	}
	return m.sum.Stats(pct), nil
}

// span is the range of units whose days overlap a stretch.
func (m *adder) span(from, to int64) (lo, hi int) {
	if from >= to || to <= 0 {
		return 0, 0
	}
	lo, _ = findUnit(m.v.units, dayOf(max(from, 0)))
	hi, ok := findUnit(m.v.units, dayOf(min(to-1, maxStartUS)))
	if ok {
		hi++
	}
	return lo, max(lo, hi)
}

// add puts a stretch into the sums: whole days, then whole hours, quarters,
// and rows at the edges.
func (m *adder) add(from, to int64) error {
	lo, hi := m.span(from, to)
	for _, u := range m.v.units[lo:hi] {
		u.touch()
		start := int64(u.day) * usPerDay
		if err := m.addDay(u, max(from-start, 0), min(to-start, usPerDay)); err != nil {
			return err
		}
	}
	return nil
}

// addDay adds the part [from, to) of a day, in µs since its start.
func (m *adder) addDay(u *unit, from, to int64) error {
	s, err := m.v.e.dayScalars(m.v.snap, m.v.app, u)
	if err != nil || s.Total.IsEmpty() {
		return err
	}
	d, err := m.v.e.dayHists(m.v.snap, m.v.app, u)
	if err != nil {
		return err
	}
	if from == 0 && to == usPerDay {
		m.sum.Merge(&s.Total)
		m.dense.Add(&d.Total)
		return nil
	}
	for h := int(from / usPerHour); h < hoursPerDay && int64(h)*usPerHour < to; h++ {
		if s.Hours[h].IsEmpty() {
			continue
		}
		start := int64(h) * usPerHour
		lo, hi := max(from-start, 0), min(to-start, usPerHour)
		if lo == 0 && hi == usPerHour {
			m.sum.Merge(&s.Hours[h])
			m.dense.Add(&d.Hours[h])
			continue
		}
		if err := m.addHour(u, h, lo, hi); err != nil {
			return err
		}
	}
	return nil
}

// addHour adds the part [from, to) of an hour, in µs since its start.
func (m *adder) addHour(u *unit, h int, from, to int64) error {
	start := int64(u.hour(h)) * usPerHour
	if start < m.v.cutoff { // quarters and rows are gone
		return m.addExpired(u, h, from)
	}
	q, err := m.v.e.quarterHours(m.v.snap, m.v.app, u, h)
	if err != nil {
		return err
	}
	for i := range q.Quarters {
		at := int64(i) * usPerQuarter
		lo, hi := max(from-at, 0), min(to-at, usPerQuarter)
		if lo >= hi || q.Quarters[i].IsEmpty() {
			continue
		}
		b := &q.Quarters[i]
		if lo != 0 || hi != usPerQuarter {
			if b, err = m.edge(start+at+lo, start+at+hi); err != nil {
				return err
			}
		}
		m.sum.Merge(&b.Bucket)
		m.dense.Add(&b.Hist)
	}
	return nil
}

// addExpired answers for part of an hour of which only the bucket is left: the
// stretch that holds the start of the hour counts all of it.
func (m *adder) addExpired(u *unit, h int, from int64) error {
	if from != 0 {
		return nil
	}
	s, err := m.v.e.dayScalars(m.v.snap, m.v.app, u)
	if err != nil {
		return err
	}
	d, err := m.v.e.dayHists(m.v.snap, m.v.app, u)
	if err != nil {
		return err
	}
	m.sum.Merge(&s.Hours[h])
	m.dense.Add(&d.Hours[h])
	return nil
}

// edge counts the rows of a stretch inside a quarter of an hour.
func (m *adder) edge(from, to int64) (*rollup.HistBucket, error) {
	key := memoKey{from: from, to: to}
	if b := m.edges[key]; b != nil {
		return b, nil
	}
	b := new(rollup.HistBucket)
	err := scanRows(m.v.snap, m.v.app, from, to, func(s *summary) error {
		b.Add(&s.sample)
		return m.v.step()
	})
	m.edges[key] = b
	return b, err
}
