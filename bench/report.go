// Package bench measures Tracebed against the bars of its storage design:
// every bar is a ratio to something measured in the same run, or a latency or
// size with a fixed limit. The generator of the data is package gen.
//
//	go test -run '^$' -bench . -benchtime 1x -timeout 30m ./bench
//
// prints the figures of each benchmark and, at the end, one table of all bars.
// The benchmarks measure; they never fail because a figure is poor. They do
// check that what they measured gave the right answer.
//
// They need a Unix system, some 4 GB of disk in $TMPDIR (a real disk, not
// tmpfs, for the figures that contain an fsync) and 3 GB of memory.
package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Row is one bar of the table and what was measured for it.
type Row struct {
	What     string // the bar's subject
	Bar      string // the limit, as text
	Measured string // the figures, as text
	Reached  bool
}

// Report collects rows. The zero value is empty and ready; it is safe for
// concurrent use.
type Report struct {
	mu   sync.Mutex
	rows []Row
}

// Set adds a row, or replaces the one with the same subject: a benchmark may
// run more than once.
func (r *Report) Set(row Row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.rows {
		if r.rows[i].What == row.What {
			r.rows[i] = row
			return
		}
	}
	r.rows = append(r.rows, row)
}

// WriteTo prints the table, in the order in which subjects were first set.
// Nothing is printed when there are no rows.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return 0, nil
	}
	table := [][4]string{{"what", "bar", "measured", "reached"}}
	for _, row := range r.rows {
		yes := "no"
		if row.Reached {
			yes = "yes"
		}
		table = append(table, [4]string{row.What, row.Bar, row.Measured, yes})
	}
	var width [4]int
	for _, line := range table {
		for i, cell := range line {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for i, line := range table {
		for k, cell := range line {
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", width[k]-len([]rune(cell))))
		}
		b.WriteString("|\n")
		if i == 0 {
			for _, n := range width {
				b.WriteString("|" + strings.Repeat("-", n+2))
			}
			b.WriteString("|\n")
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// Latencies are the times that single calls took. The zero value is empty.
type Latencies struct {
	ns     []int64
	sorted bool
}

// Add records one call.
func (l *Latencies) Add(d time.Duration) {
	l.ns, l.sorted = append(l.ns, int64(d)), false
}

// Merge adds the calls of others.
func (l *Latencies) Merge(others ...*Latencies) {
	for _, o := range others {
		l.ns, l.sorted = append(l.ns, o.ns...), false
	}
}

// At returns the nearest-rank percentile for 0 < percent ≤ 100; 100 is the
// longest. It is 0 when nothing was recorded.
func (l *Latencies) At(percent float64) time.Duration {
	if len(l.ns) == 0 {
		return 0
	}
	if !l.sorted {
		slices.Sort(l.ns)
		l.sorted = true
	}
	rank := int(float64(len(l.ns))*percent/100+0.999999) - 1
	return time.Duration(l.ns[min(max(rank, 0), len(l.ns)-1)])
}

// Median returns the middle of v, the lower one of two; 0 when v is empty. It
// does not change v.
func Median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)-1)/2]
}
