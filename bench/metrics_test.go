package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

// BenchmarkMetrics: a year by day and by hour of an app with 1 M traces and of
// one with 10,000, every query with other ragged edges, in three zones. The
// two apps take turns. The cold query is the first one after opening.
func BenchmarkMetrics(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "store")
	check(b, os.CopyFS(dir, os.DirFS(yearDir(b))))
	for _, iv := range []struct {
		name     string
		interval rollup.Interval
		bar      float64 // ms
	}{{"day", rollup.Day, 1}, {"hour", rollup.Hour, 3}} {
		worst, p50, cpu, cold, ratio := 0.0, 0.0, 0.0, 0.0, 0.0
		at := ""
		for _, zone := range []string{"UTC", "America/New_York", "Asia/Kolkata"} {
			b.Run(iv.name+"/"+filepath.Base(zone), func(b *testing.B) {
				loc, err := time.LoadLocation(zone)
				check(b, err)
				e, err := engine.Open(dir, engine.Options{})
				check(b, err)
				var t metricsTimes
				lockThread(b)
				phase("metrics-" + iv.name)
				for range b.N {
					t.run(b, e, iv.interval, loc, 300)
				}
				check(b, e.Close())
				r := float64(t.big.wall.At(50)) / float64(t.small.wall.At(50))
				noTime(b)
				t.big.report(b, "")
				t.small.report(b, "10k-")
				b.ReportMetric(ms(t.cold.wall.At(50)), "cold-ms")
				b.ReportMetric(r, "1M/10k")
				cpu = max(cpu, ms(t.big.cpu.At(99)))
				p50, cold, ratio = max(p50, ms(t.big.wall.At(50))), max(cold, ms(t.cold.wall.At(50))), max(ratio, r)
				if p := ms(max(t.big.wall.At(99), t.small.wall.At(99))); p > worst {
					worst, at = p, zone
				}
			})
		}
		report.Set(Row{"metrics, a year by " + iv.name, fmt.Sprintf("p99 ≤ %.0f ms, the same at 10 k", iv.bar),
			fmt.Sprintf("p50 %.2f, p99 %.2f ms (%s), CPU p99 %.2f, cold %.1f ms; %.2f× of 10 k", p50, worst, at, cpu, cold, ratio), worst <= iv.bar})
	}
}

type metricsTimes struct {
	big, small, cold, warm timings
}

func (t *metricsTimes) run(b *testing.B, e *engine.Engine, iv rollup.Interval, loc *time.Location, n int) {
	rng := rand.New(rand.NewPCG(6, 6))
	const warm = 5
	for i := range n + warm {
		day := int64(24 * time.Hour / time.Microsecond)
		q := engine.MetricsQuery{Interval: iv, Location: loc}
		q.Start = yearStart.UnixMicro() + rng.Int64N(day)
		q.End = yearStart.Add(yearSpan).UnixMicro() - rng.Int64N(day)
		for _, app := range []string{yearApp, smallApp} {
			to := &t.small
			switch {
			case i == 0 && app == yearApp:
				to = &t.cold
			case i < warm:
				to = &t.warm
			case app == yearApp:
				to = &t.big
			}
			var got engine.Metrics
			var err error
			to.call(func() { got, err = e.Metrics(context.Background(), app, q) })
			check(b, err)
			if got.Summary.InvocationCount == 0 {
				b.Fatal("the charts are empty")
			}
		}
	}
}
