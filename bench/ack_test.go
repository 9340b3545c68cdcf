package bench

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// BenchmarkAck: one client that waits for each trace, in process and over
// HTTP, against the fsync of the same disk. All take turns of 100.
func BenchmarkAck(b *testing.B) {
	c := loadCorpus(b)
	dir := b.TempDir()
	e, err := engine.Open(filepath.Join(dir, "store"), engine.Options{})
	check(b, err)
	h := serveHTTP(b, e)
	probe := newFsyncProbe(b, dir)
	const turn = 100
	var own, http Latencies
	at := 0
	for range b.N {
		for range min(20, c.len()/2/turn) {
			probe.run(b, turn)
			for i := range 2 * turn {
				k := at % c.len()
				at++
				start := time.Now()
				if i < turn {
					err = ingest(e, c.apps[k], c.body(k))
					own.Add(time.Since(start))
				} else {
					err = h.post(c.apps[k], c.body(k))
					http.Add(time.Since(start))
				}
				check(b, err)
			}
		}
	}
	h.stop(b)
	check(b, e.Close())
	fsync := probe.got.At(50)
	noTime(b)
	b.ReportMetric(ms(fsync), "fsync-p50-ms")
	b.ReportMetric(ms(own.At(50)), "ack-p50-ms")
	b.ReportMetric(ms(own.At(99)), "ack-p99-ms")
	b.ReportMetric(ms(http.At(50)), "http-ack-p50-ms")
	over := ms(own.At(50) - fsync)
	report.Set(Row{"one client, ack", "p50 ≤ fsync p50 + 0.6 ms",
		fmt.Sprintf("fsync %.2f, ack %.2f, over HTTP %.2f ms", ms(fsync), ms(own.At(50)), ms(http.At(50))), over <= 0.6})
}
