package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// TestFsyncHistogram: the histogram that is shown agrees with what was observed,
// at each of its bounds.
func TestFsyncHistogram(t *testing.T) {
	if h := fsyncHistogram(new(pebble.Metrics)); h.Count != 0 || h.Bounds != nil {
		t.Errorf("without a log: %+v", h)
	}
	m := new(pebble.Metrics)
	m.LogWriter.FsyncLatency = prometheus.NewHistogram(prometheus.HistogramOpts{Buckets: pebble.FsyncLatencyBuckets})
	var seen []time.Duration
	var sum time.Duration
	for d := 30 * time.Microsecond; d < 20*time.Second; d = d * 17 / 13 {
		seen, sum = append(seen, d), sum+d
		m.LogWriter.FsyncLatency.Observe(float64(d))
	}
	h := fsyncHistogram(m)
	if len(h.Bounds) != len(fsyncBounds) || !slices.IsSorted(h.Bounds) || !slices.IsSorted(h.Counts) {
		t.Fatalf("%+v", h)
	}
	for i, bound := range h.Bounds {
		if off := bound / fsyncBounds[i]; off < 0.8 || off > 1.0001 {
			t.Errorf("bound %d is %v, wanted %v", i, bound, fsyncBounds[i])
		}
		n := 0
		for _, d := range seen {
			if float64(d) <= bound*1e9 {
				n++
			}
		}
		if h.Counts[i] != uint64(n) {
			t.Errorf("at most %v s: %d, want %d", bound, h.Counts[i], n)
		}
	}
	if h.Count != uint64(len(seen)) || h.Sum < sum.Seconds()*0.999 || h.Sum > sum.Seconds()*1.001 {
		t.Errorf("%d in %v s, want %d in %v", h.Count, h.Sum, len(seen), sum.Seconds())
	}
}

func TestStats(t *testing.T) {
	c := newClock()
	e, _ := newEngine(t, func(o *Options) { o.Now = c.Now })
	before := e.Stats()
	ingest(t, e, "app", oneRun("t", epoch))
	after := e.Stats()
	if after.Seq <= before.Seq || after.Ops <= before.Ops || after.Fsync.Count <= before.Fsync.Count {
		t.Errorf("before %+v, after %+v", before, after)
	}
	names := map[string]bool{}
	for _, p := range after.Pebble {
		if key := p.Name + "/" + p.Level; names[key] || p.Help == "" {
			t.Errorf("%s comes twice or without a help", key)
		} else {
			names[key] = true
		}
	}
	l := e.listener(new(diskState))
	l.WriteStallBegin(pebble.WriteStallBeginInfo{Reason: "test"})
	c.advance(3 * time.Second)
	if s := e.Stats(); s.WriteStalls != 1 || s.StallTime != 3*time.Second {
		t.Errorf("during a stall: %d, %v", s.WriteStalls, s.StallTime)
	}
	l.WriteStallEnd()
	c.advance(3 * time.Second)
	l.BackgroundError(pebble.ErrCorruption)
	if s := e.Stats(); s.StallTime != 3*time.Second || s.BackgroundErrors != 1 {
		t.Errorf("after a stall: %v, %d background errors", s.StallTime, s.BackgroundErrors)
	}
}
