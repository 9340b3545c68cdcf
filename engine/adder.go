package engine

import (
	"sync"

	"github.com/tracebed/tracebed/rollup"
)

// adder adds up stretches of time. Its dense histograms are 32 KB each, so
// adders are used again.
type adder struct {
	v     *view
	rows  rowReader // the derived rows that are not in memory
	sum   rollup.Bucket
	dense rollup.Dense
	run   rollup.Dense // of a run of days
	out   rollup.Stats
	at    int // place in the units where the last stretch began
	// edges holds stretches inside one quarter of an hour, which are counted
	// row by row; the series and the summary share them.
	edges map[edgeKey]*rollup.HistBucket
	block block
}

type edgeKey struct{ from, to int64 }

var adders = sync.Pool{New: func() any { return &adder{edges: map[edgeKey]*rollup.HistBucket{}} }}

// begin prepares an adder for a view, end lets go of it.
func (m *adder) begin(v *view) {
	m.v, m.at, m.block = v, 0, block{}
	m.rows = rowReader{Reader: v.snap, app: v.app}
}

func (m *adder) end() error {
	err := m.rows.close()
	m.v, m.rows, m.block = nil, rowReader{}, block{}
	clear(m.edges)
	return err
}

// span is the range of units whose days overlap a stretch. Stretches mostly
// ascend, so the search goes on from where the last one began.
func (m *adder) span(from, to int64) (lo, hi int) {
	if from >= to || to <= 0 || from > maxStartUS {
		return 0, 0
	}
	units, first, last := m.v.units, dayOf(max(from, 0)), dayOf(min(to-1, maxStartUS))
	lo = m.at
	if lo == 0 || units[lo-1].day >= first {
		lo, _ = findUnit(units, first)
	}
	for lo < len(units) && units[lo].day < first {
		lo++
	}
	m.at = lo
	for hi = lo; hi < len(units) && units[hi].day <= last; {
		hi++
	}
	return lo, hi
}

// add puts a stretch into the sums: runs of days, whole days, then whole
// hours, quarters, and rows at the edges.
func (m *adder) add(from, to int64) error {
	lo, hi := m.span(from, to)
	for units := m.v.units[lo:hi]; len(units) > 0; {
		n, err := m.addRun(units, from, to)
		if err != nil {
			return err
		}
		if n == 0 {
			u, start := units[0], int64(units[0].day)*usPerDay
			if err := m.addDay(u, max(from-start, 0), min(to-start, usPerDay)); err != nil {
				return err
			}
			u.touch()
			n = 1
		}
		units = units[n:]
	}
	return nil
}

// runDays is how many days are added up together for long stretches. A year of
// a busy app is 365 merges of day histograms; with runs it is about 40.
const runDays = 32

// addRun adds the run of days that the first of the units lies in, if the
// stretch [from, to) covers it, and returns how many of the units those are.
func (m *adder) addRun(units []*unit, from, to int64) (n int, err error) {
	run := units[0].day / runDays
	start := int64(run) * runDays * usPerDay
	if from > start || to < start+runDays*usPerDay {
		return 0, nil
	}
	for n < len(units) && units[n].day/runDays == run {
		n++
	}
	units = units[:n]
	seq, key := newest(units), memoKey{app: m.v.app, from: start, width: runDays * usPerDay}
	e := m.v.e.memo.get(key, seq)
	if e == nil {
		if e, err = m.sumDays(units); err != nil {
			return 0, err
		}
		e.seq = seq
		m.v.e.memo.put(key, e)
	}
	m.sum.Merge(&e.sum.Bucket)
	m.dense.Add(&e.sum.Hist)
	return n, nil
}

// sumDays adds up whole days.
func (m *adder) sumDays(units []*unit) (*memoEntry, error) {
	e := &memoEntry{sum: new(rollup.HistBucket)}
	m.run.Reset()
	for _, u := range units {
		s, err := m.v.e.dayScalars(&m.rows, m.v.app, u)
		if err != nil {
			return nil, err
		}
		u.touch()
		if s.Total.IsEmpty() {
			continue
		}
		d, err := m.v.e.dayHists(&m.rows, m.v.app, u)
		if err != nil {
			return nil, err
		}
		e.sum.Bucket.Merge(&s.Total)
		m.run.Add(&d.Total)
	}
	e.sum.Hist = m.run.Hist()
	return e, nil
}

// addDay adds the part [from, to) of a day, in µs since its start.
func (m *adder) addDay(u *unit, from, to int64) error {
	s, err := m.v.e.dayScalars(&m.rows, m.v.app, u)
	if err != nil || s.Total.IsEmpty() {
		return err
	}
	d, err := m.v.e.dayHists(&m.rows, m.v.app, u)
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
	q, err := m.v.e.quarterHours(&m.rows, m.v.app, u, h)
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
	s, err := m.v.e.dayScalars(&m.rows, m.v.app, u)
	if err != nil {
		return err
	}
	d, err := m.v.e.dayHists(&m.rows, m.v.app, u)
	if err != nil {
		return err
	}
	m.sum.Merge(&s.Hours[h])
	m.dense.Add(&d.Hours[h])
	return nil
}

// edge counts the rows of a stretch inside a quarter of an hour.
func (m *adder) edge(from, to int64) (*rollup.HistBucket, error) {
	key := edgeKey{from, to}
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
