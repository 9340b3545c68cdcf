package model

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Point is one bucket of a chart; Start is its first instant in µs.
type Point struct {
	Start int64
	Stats *Stats
}

// Metrics is a chart: the whole window and its buckets in ascending order.
type Metrics struct {
	Summary *Stats
	Series  []Point
}

// quarter is the step of the walk: every offset from UTC of the zones that
// are tested, and every interval, is a multiple of it.
const quarter = int64(15 * time.Minute / time.Microsecond)

// Metrics computes the chart of a window, both ends included, in µs, from the
// traces themselves.
func (s *Store) Metrics(app string, start, end int64, interval string, loc *time.Location) (*Metrics, error) {
	starts, err := Buckets(start, end, interval, loc)
	if err != nil {
		return nil, err
	}
	all := s.Select(app, Filter{From: start, To: end + 1})
	m := &Metrics{Summary: statsOf(all)}
	for i, from := range starts {
		var in []*Trace
		for _, t := range all {
			if us := t.StartUS(); us >= from && (i+1 == len(starts) || us < starts[i+1]) {
				in = append(in, t)
			}
		}
		m.Series = append(m.Series, Point{Start: from, Stats: statsOf(in)})
	}
	return m, nil
}

// Buckets are the first instants, in µs, of the buckets that touch the window
// from start to end, found by walking through it.
//
// Calendar buckets (day, week, month) go by the local date, which never goes
// back: a minute that is lived twice around midnight belongs to the later
// date already begun. Other intervals are multiples since the epoch on the
// local clock. Where the clock is set back, an interval of up to an hour is
// lived twice, as two buckets; a longer one just lasts longer.
func Buckets(start, end int64, interval string, loc *time.Location) ([]int64, error) {
	label, calendar, width, err := numbering(interval)
	if err != nil {
		return nil, err
	}
	// Walk from far enough before start to have passed its bucket's begin.
	at := (start-3*width)/quarter*quarter - quarter
	var starts []int64
	var last int64
	var lastOffset int
	for first := true; at <= end; at, first = at+quarter, false {
		local := time.UnixMicro(at).In(loc)
		l := label(local)
		_, offset := local.Zone()
		again := !calendar && width <= 3_600_000_000 && offset < lastOffset && l <= last
		if first || l > last || l < last && !calendar || again {
			if at <= start {
				starts = starts[:0]
			}
			starts = append(starts, at)
			last = l
		}
		lastOffset = offset
	}
	return starts, nil
}

// numbering gives the function that numbers the buckets of an interval, whether
// they go by the calendar, and a width in µs that no bucket exceeds threefold.
func numbering(interval string) (label func(time.Time) int64, calendar bool, width int64, err error) {
	const hour = int64(time.Hour / time.Microsecond)
	date := func(t time.Time) int64 {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	}
	switch interval {
	case "day", "1d", "24h":
		return date, true, 24 * hour, nil
	case "week", "1w", "168h":
		return func(t time.Time) int64 { // days since a Monday, by sevens
			return floorDiv(date(t)-4, 7) // 1970-01-05 was a Monday
		}, true, 168 * hour, nil
	case "month":
		return func(t time.Time) int64 { return int64(t.Year())*12 + int64(t.Month()) }, true, 744 * hour, nil
	case "hour":
		interval = "1h"
	}
	d, err := time.ParseDuration(interval)
	if err != nil || d.Microseconds()%quarter != 0 || d <= 0 {
		return nil, false, 0, fmt.Errorf("interval %q", interval)
	}
	us := d.Microseconds()
	return func(t time.Time) int64 {
		_, offset := t.Zone()
		return floorDiv(t.UnixMicro()+int64(offset)*1_000_000, us)
	}, false, us, nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Percentile is the nearest-rank percentile of sorted values: the value at
// rank ⌈q·n⌉.
func Percentile(sorted []int64, percent int64) int64 {
	n := int64(len(sorted))
	rank := (percent*n + 99) / 100
	return sorted[max(rank, 1)-1]
}

// Stats are the figures of one bucket or window, durations in µs, sorted.
type Stats struct {
	Count                                 map[string]int // traces by status
	Durations                             []int64
	Prompt, Completion, Total             int64
	PromptCost, CompletionCost, TotalCost *big.Int
	Unpriced, Invocations                 int
}

func statsOf(traces []*Trace) *Stats {
	s := &Stats{Count: map[string]int{}, Invocations: len(traces)}
	for _, t := range traces {
		s.Count[t.Status]++
		if t.DurationUS != nil {
			s.Durations = append(s.Durations, *t.DurationUS)
		}
		s.Prompt += t.Usage.Prompt
		s.Completion += t.Usage.Completion
		s.Total += t.Usage.Total
		s.PromptCost = addCost(s.PromptCost, t.Usage.PromptCost)
		s.CompletionCost = addCost(s.CompletionCost, t.Usage.CompletionCost)
		s.TotalCost = addCost(s.TotalCost, t.Usage.TotalCost)
		s.Unpriced += t.Unpriced
	}
	slices.Sort(s.Durations)
	return s
}
