package engine

import (
	"errors"
	"fmt"
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
	// edges holds stretches inside one minute or quarter of an hour, which are
	// counted row by row; the series and the summary share them.
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
// hours, quarters, minutes, and rows at the edges.
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

// runs are how many days are added up together for long stretches, the longest
// first. A year of a busy app is 365 merges of day histograms; with runs of 32 it
// is about 40, and a month of it about 14 with runs of 4.
var runs = [...]uint32{32, 4}

// addRun adds the longest run of days that the first of the units lies in and the
// stretch [from, to) covers, and returns how many of the units those are.
func (m *adder) addRun(units []*unit, from, to int64) (n int, err error) {
	for _, days := range runs {
		run := units[0].day / days
		start, width := int64(run*days)*usPerDay, int64(days)*usPerDay
		if from > start || to < start+width {
			continue
		}
		for n < len(units) && units[n].day/days == run {
			n++
		}
		return n, m.addDays(units[:n], start, width)
	}
	return 0, nil
}

// addDays adds the units of a run, from the memo if it has them.
func (m *adder) addDays(units []*unit, start, width int64) (err error) {
	seq, key := newest(units), memoKey{app: m.v.app, from: start, width: width}
	e := m.v.e.memo.valid(key, seq)
	if e == nil {
		if e, err = m.sumDays(units); err != nil {
			return err
		}
		e.seq = seq
		m.v.e.memo.put(key, e)
	}
	m.sum.Merge(&e.sum.Bucket)
	m.dense.Add(&e.sum.Hist)
	return nil
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
	return m.addHours(u, s, d, from, to)
}

// addHours adds the hours of a part of a day, and parts of the first and the last
// of them. The histogram of more than half a day is that of the day without the
// other hours.
func (m *adder) addHours(u *unit, s *rollup.DayScalars, d *rollup.DayHists, from, to int64) error {
	first, last := int((from+usPerHour-1)/usPerHour), int(to/usPerHour) // whole hours
	without := last-first > hoursPerDay/2
	if without {
		m.dense.Add(&d.Total)
	}
	for h := range hoursPerDay {
		switch whole := first <= h && h < last; {
		case whole:
			m.sum.Merge(&s.Hours[h])
			if !without {
				m.dense.Add(&d.Hours[h])
			}
		case without:
			m.dense.Sub(&d.Hours[h])
		}
	}
	for _, part := range [2]int64{from / usPerHour, to / usPerHour} {
		lo, hi := max(from-part*usPerHour, 0), min(to-part*usPerHour, usPerHour)
		if lo >= hi || lo == 0 && hi == usPerHour || s.Hours[part].IsEmpty() {
			continue
		}
		if err := m.addHour(u, int(part), lo, hi); err != nil {
			return err
		}
		if from/usPerHour == to/usPerHour {
			break
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
		if lo == 0 && hi == usPerQuarter {
			m.sum.Merge(&q.Quarters[i].Bucket)
			m.dense.Add(&q.Quarters[i].Hist)
		} else if err := m.addQuarter(q.Minutes[i], start+at, lo, hi); err != nil {
			return err
		}
	}
	return nil
}

// addQuarter adds the part [lo, hi) of a quarter of an hour, in µs since its
// start: whole minutes, where it is kept by minutes, and rows.
func (m *adder) addQuarter(minutes *rollup.Minutes, start, lo, hi int64) error {
	first, last := (lo+usPerMinute-1)/usPerMinute, hi/usPerMinute
	if minutes == nil || first >= last {
		return m.addEdge(start+lo, start+hi)
	}
	if err := minutes.AddTo(int(first), int(last), &m.sum, &m.dense); err != nil {
		return fmt.Errorf("%w: quarter of an hour %d: %w", ErrCorrupt, start/usPerQuarter, err)
	}
	return errors.Join(m.addEdge(start+lo, start+first*usPerMinute), m.addEdge(start+last*usPerMinute, start+hi))
}

func (m *adder) addEdge(from, to int64) error {
	if from >= to {
		return nil
	}
	b, err := m.edge(from, to)
	if err != nil {
		return err
	}
	m.sum.Merge(&b.Bucket)
	m.dense.Add(&b.Hist)
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

// edge counts the rows of a stretch inside a minute or a quarter of an hour.
func (m *adder) edge(from, to int64) (*rollup.HistBucket, error) {
	key := edgeKey{from, to}
	if b := m.edges[key]; b != nil {
		return b, nil
	}
	b := new(rollup.HistBucket)
	err := m.rows.scan(from, to, func(s *summary) error {
		b.Add(&s.sample)
		return m.v.step()
	})
	m.edges[key] = b
	return b, err
}
