package trace

import (
	"sync"

	"github.com/tracebed/tracebed/rollup"
)

var derivers = sync.Pool{New: func() any { return new(Deriver) }}

// Derive says what a trace made of runs comes out as (wire facts §6). The runs
// belong to one trace and have distinct ids; their order means nothing.
//
//   - Roots are runs without a parent, their own parents, or with a remote
//     parent. Runs whose parent is missing are orphans and keep the trace
//     running until it comes or Options.Promoted makes them roots; without any
//     root they stand in for it. Of runs in a parent cycle the earliest is the
//     orphan.
//   - Only roots decide status, start, end and duration; usage comes from all
//     runs by the leaf rule.
//
// Derive takes O(n log n) for any shape of tree and does not recurse.
func Derive(runs []Run, o Options) Summary {
	d := derivers.Get().(*Deriver)
	s := d.Derive(runs, o)
	d.Release()
	derivers.Put(d)
	return s
}

// Derive is the function Derive with the memory of d. The runs stay referenced
// until the next call or Release.
func (d *Deriver) Derive(runs []Run, o Options) Summary {
	d.link(runs, o)
	s := Summary{Orphans: !o.Promoted && len(d.orphans) > 0}
	s.Sample.Runs = uint32(len(runs))
	if len(runs) == 0 {
		s.Sample.Status, s.Sample.DurationUS = rollup.Running, -1
		s.Status = rollup.Running
		return s
	}
	s.ID = runs[0].TraceID
	s.Start = runs[d.roots[0]].Start
	s.Status, s.OpenRoot = d.status()
	if s.Orphans {
		s.Status = rollup.Running
	}
	s.Sample.Status = s.Status
	if s.Status == rollup.Running {
		s.Sample.DurationUS = -1
	} else {
		s.End = endOf(&runs[d.ended])
		s.Sample.DurationUS = d.busyNS() / 1000
	}
	d.addUsage(&s.Sample)
	return s
}

// status is that of the roots: any open, then any failed, then any canceled
// decides; a skipped root counts as succeeded.
func (d *Deriver) status() (s rollup.Status, open bool) {
	var failed, canceled bool
	for _, i := range d.roots {
		switch d.runs[i].Status {
		case RunOpen:
			return rollup.Running, true
		case RunFailed:
			failed = true
		case RunCanceled:
			canceled = true
		}
	}
	switch {
	case failed:
		return rollup.Failed, false
	case canceled:
		return rollup.Canceled, false
	}
	return rollup.Succeeded, false
}

// busyNS is the length of the union of the roots' intervals: the time between
// the turns of one conversation is not latency.
func (d *Deriver) busyNS() int64 {
	first := &d.runs[d.roots[0]]
	from, to := first.Start.NS, endOf(first).NS
	var sum int64
	for _, i := range d.roots[1:] {
		start, end := d.runs[i].Start.NS, endOf(&d.runs[i]).NS
		if start > to {
			sum += to - from
			from, to = start, end
		} else {
			to = max(to, end)
		}
	}
	return sum + to - from
}
