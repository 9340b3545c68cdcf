package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkTraceWithRuns: a whole trace at random, one of 20,000 ids spread
// over the store.
func BenchmarkTraceWithRuns(b *testing.B) {
	s := sharedStore(b)
	rng := rand.New(rand.NewPCG(4, 4))
	var warm, t timings
	lockThread(b)
	phase("trace")
	bytes := 0
	for range b.N {
		for i := range 5500 {
			id := s.ids[rng.IntN(len(s.ids))]
			to := &t
			if i < 500 {
				to = &warm
			}
			var got []byte
			var err error
			to.call(func() { got, err = s.e.TraceWithRuns(context.Background(), storeApp, id) })
			check(b, err)
			bytes += len(got)
		}
	}
	noTime(b)
	t.report(b, "")
	b.ReportMetric(float64(bytes)/float64(b.N)/5500, "B/trace")
	report.Set(Row{"full trace with runs", "p50 ≤ 0.15 ms",
		fmt.Sprintf("p50 %.3f, p99 %.3f ms", ms(t.wall.At(50)), ms(t.wall.At(99))), ms(t.wall.At(50)) <= 0.15})
}

// BenchmarkDisk: the directory of the store after settling.
func BenchmarkDisk(b *testing.B) {
	s := sharedStore(b)
	for range b.N {
		perTrace := float64(s.diskBytes) / float64(*traceCount)
		ratio := float64(s.jsonBytes) / float64(s.diskBytes)
		noTime(b)
		b.ReportMetric(perTrace, "disk-B/trace")
		b.ReportMetric(float64(s.jsonBytes)/float64(*traceCount), "json-B/trace")
		b.ReportMetric(ratio, "smaller")
		report.Set(Row{"disk after settling", "≤ 4.2 KB a trace, ≥ 4× smaller than JSON",
			fmt.Sprintf("%.2f KB, %.2f×", perTrace/1000, ratio), perTrace <= 4200 && ratio >= 4})
	}
}
