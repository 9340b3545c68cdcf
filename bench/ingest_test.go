package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
)

// inFlight is how many traces are on their way at one time.
const inFlight = 64

var parsers = sync.Pool{New: func() any { return new(dynamiq.Parser) }}

// ingest stores one body as a server does.
func ingest(e *engine.Engine, app string, body []byte) error {
	p := parsers.Get().(*dynamiq.Parser)
	runs, rejected, err := p.Parse(body, dynamiq.Options{})
	if err != nil {
		return err
	}
	wait, err := e.Submit(context.Background(), app, runs)
	parsers.Put(p)
	if err != nil {
		return err
	}
	res, err := wait(context.Background())
	if err == nil && len(rejected)+len(res.Rejected) > 0 {
		err = fmt.Errorf("%d runs were rejected", len(rejected)+len(res.Rejected))
	}
	return err
}

// ingestRound is what one round of BenchmarkIngest measured.
type ingestRound struct {
	bare, own, http, again cost
	walBytes               int64
	ops                    uint64
}

// BenchmarkIngest: durable ingest of 17 KB traces of 5 runs, one trace a
// request, 64 in flight, against a bare loop that only compresses the same
// bytes and commits them with sync; the same over HTTP; and everything sent
// once more. The rounds take turns, so that other load hurts all alike.
func BenchmarkIngest(b *testing.B) {
	c := loadCorpus(b)
	for range b.N {
		var got []ingestRound
		for range *rounds {
			got = append(got, runIngestRound(b, c))
		}
		reportIngest(b, got)
	}
}

func runIngestRound(b *testing.B, c *corpus) (r ingestRound) {
	dir := b.TempDir()
	phase("bare")
	s := openBare(b, filepath.Join(dir, "bare"))
	r.bare = loadN(b, c.len(), inFlight, func(_, i int) error { return s.put(i, c.body(i)) })
	s.close(b)
	drop(b, filepath.Join(dir, "bare"))

	phase("own")
	e, err := engine.Open(filepath.Join(dir, "own"), engine.Options{})
	check(b, err)
	put := func(_, i int) error { return ingest(e, c.apps[i], c.body(i)) }
	r.own = loadN(b, c.len(), inFlight, put)
	before := e.Stats()
	phase("again")
	r.again = loadN(b, c.len(), inFlight, put)
	after := e.Stats()
	r.walBytes = max(0, int64(after.WALBytes)-int64(before.WALBytes))
	r.ops = after.Ops - before.Ops
	if unchanged := after.NoopRuns - before.NoopRuns; unchanged != uint64(5*c.len()) {
		b.Fatalf("%d runs of %d were known as unchanged", unchanged, 5*c.len())
	}
	check(b, e.Close())
	drop(b, filepath.Join(dir, "own"))

	phase("http")
	threads := runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(threads + 2) // as the server has (moreThreads in cmd)
	defer runtime.GOMAXPROCS(threads)
	if e, err = engine.Open(filepath.Join(dir, "http"), engine.Options{}); err != nil {
		b.Fatal(err)
	}
	h := serveHTTP(b, e)
	r.http = loadN(b, c.len(), inFlight, func(_, i int) error { return h.post(c.apps[i], c.body(i)) })
	h.stop(b)
	check(b, e.Close())
	drop(b, filepath.Join(dir, "http"))
	return r
}

// drop removes a store that was measured. With those of all rounds left in place
// each one is written into memory that the machine has not used before: on a
// virtual one, that has to get it from its host first, from the third round on a
// trace took 50 instead of 13 µs of the kernel's time.
func drop(b *testing.B, dir string) {
	check(b, os.RemoveAll(dir))
}

func reportIngest(b *testing.B, got []ingestRound) {
	median := func(f func(r *ingestRound) float64) float64 {
		var v []float64
		for i := range got {
			v = append(v, f(&got[i]))
		}
		return Median(v)
	}
	bareRate := median(func(r *ingestRound) float64 { return r.bare.perSecond() })
	rate := median(func(r *ingestRound) float64 { return r.own.perSecond() })
	ratio := median(func(r *ingestRound) float64 { return r.own.perSecond() / r.bare.perSecond() })
	httpRate := median(func(r *ingestRound) float64 { return r.http.perSecond() })
	httpRatio := median(func(r *ingestRound) float64 { return r.http.perSecond() / r.own.perSecond() })
	cpu := median(func(r *ingestRound) float64 { return r.own.cpuMicros() })
	bareCPU := median(func(r *ingestRound) float64 { return r.bare.cpuMicros() })
	httpCPU := median(func(r *ingestRound) float64 { return r.http.cpuMicros() })
	again := median(func(r *ingestRound) float64 { return r.again.cpuMicros() })
	// What the throughput ratio would be if nothing but the processor counted:
	// the figure to trust on a busy machine.
	cpuRatio := median(func(r *ingestRound) float64 { return r.bare.cpuMicros() / r.own.cpuMicros() })
	httpCPURatio := median(func(r *ingestRound) float64 { return r.own.cpuMicros() / r.http.cpuMicros() })
	wal := median(func(r *ingestRound) float64 { return float64(r.walBytes) })
	ops := median(func(r *ingestRound) float64 { return float64(r.ops) })
	noTime(b)
	b.ReportMetric(bareRate, "bare-traces/s")
	b.ReportMetric(rate, "traces/s")
	b.ReportMetric(httpRate, "http-traces/s")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(httpRatio, "http-ratio")
	b.ReportMetric(cpuRatio, "cpu-ratio")
	b.ReportMetric(httpCPURatio, "http-cpu-ratio")
	b.ReportMetric(bareCPU, "bare-cpu-µs/trace")
	b.ReportMetric(cpu, "cpu-µs/trace")
	b.ReportMetric(httpCPU, "http-cpu-µs/trace")
	b.ReportMetric(again, "again-cpu-µs/trace")
	b.ReportMetric(wal, "again-wal-B")
	report.Set(Row{"durable ingest in process", "≥ 0.7× bare",
		fmt.Sprintf("%.2f× (%.0f of %.0f traces/s; by CPU %.2f×)", ratio, rate, bareRate, cpuRatio), ratio >= 0.7})
	report.Set(Row{"CPU per trace", "≤ 180 µs", fmt.Sprintf("%.0f µs (bare %.0f)", cpu, bareCPU), cpu <= 180})
	report.Set(Row{"the same over HTTP", "≥ 0.75× in process",
		fmt.Sprintf("%.2f× (%.0f traces/s; by CPU with the client %.2f×, %.0f µs)", httpRatio, httpRate, httpCPURatio, httpCPU), httpRatio >= 0.75})
	report.Set(Row{"sent again unchanged", "≤ 60 µs CPU, nothing written",
		fmt.Sprintf("%.0f µs, %.0f operations, %.0f B of log", again, ops, wal), again <= 60 && ops == 0})
}
