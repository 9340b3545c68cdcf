package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/internal/dense"
	"github.com/tracebed/tracebed/rollup"
)

// BenchmarkRaggedWindow is a chart of two hours that begins and ends anywhere in
// quarters of an hour with so many traces, with and without minutes.
func BenchmarkRaggedWindow(b *testing.B) {
	defer func(q uint64) { dense.Quarter = q }(dense.Quarter)
	for _, perQuarter := range []int{64, 128, 1000, 10_000} {
		for _, minutes := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/minutes=%v", perQuarter, minutes), func(b *testing.B) {
				dense.Quarter = 1 << 60
				if minutes {
					dense.Quarter = 50
				}
				benchRagged(b, perQuarter)
			})
		}
	}
}

func benchRagged(b *testing.B, perQuarter int) {
	e, _ := newEngine(b, func(o *Options) { o.CacheBytes = 64 << 20 })
	rng := rand.New(rand.NewPCG(61, 62))
	var post []testRun
	for i := range 12 * perQuarter {
		r := oneRun(fmt.Sprintf("%08x", rng.Uint32()), epoch.Add(time.Duration(rng.Int64N(180*usPerMinute))*time.Microsecond))
		r.dur = time.Duration(200e6 + rng.ExpFloat64()*3e9)
		if post = append(post, r); len(post) == 500 || i == 12*perQuarter-1 {
			ingest(b, e, "app", post...)
			post = post[:0]
		}
	}
	if err := e.Checkpoint(bg); err != nil {
		b.Fatal(err)
	}
	v, err := e.view(bg, "app")
	if err != nil {
		b.Fatal(err)
	}
	value, closer, err := v.snap.Get(unitKey(nil, prefixQuarter, v.app, v.units[0].hour(1)))
	if err != nil {
		b.Fatal(err)
	}
	size := float64(len(value)) / 4
	_ = closer.Close()
	v.close()
	iv, _ := rollup.ParseInterval("hour")
	for b.Loop() {
		from := epoch.UnixMicro() + rng.Int64N(usPerHour)
		if _, err := e.Metrics(bg, "app", MetricsQuery{Start: from, End: from + 2*usPerHour - rng.Int64N(usPerHour/2), Interval: iv, Location: time.UTC}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(size, "B/quarter")
}
