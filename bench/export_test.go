package bench

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
)

// BenchmarkExport: traces with their runs as one zstd frame made of stored
// blocks, against decoding and compressing again (the export as text, piped
// into a streaming encoder at the store's level that works beside it), both to
// a writer that drops everything; and the spliced one over HTTP, with the
// client. They take turns.
func BenchmarkExport(b *testing.B) {
	s := sharedStore(b)
	most := min(40_000, *traceCount)
	few := min(10_000, *traceCount)
	h := serveHTTP(b, s.e)
	defer h.stop(b)
	for range b.N {
		var spliced, again, http loads
		for round := range 2**rounds + 1 {
			phase("spliced")
			own := timed(b, most, func() error { return export(s.e, most, true, io.Discard) })
			phase("recompressed")
			old := timed(b, few, func() error { return recompress(s.e, few) })
			phase("http-export")
			web := timed(b, most, func() error { _, err := h.download(storeApp, most); return err })
			if round > 0 { // the first warms up
				spliced, again, http = append(spliced, own), append(again, old), append(http, web)
			}
		}
		rate, oldRate, webRate := spliced.perSecond(), again.perSecond(), http.perSecond()
		noTime(b)
		b.ReportMetric(rate, "traces/s")
		b.ReportMetric(oldRate, "recompressed-traces/s")
		b.ReportMetric(webRate, "http-traces/s")
		b.ReportMetric(rate/oldRate, "ratio")
		b.ReportMetric(webRate/oldRate, "http-ratio")
		b.ReportMetric(spliced.cpuMicros(), "cpu-µs/trace")
		b.ReportMetric(again.cpuMicros(), "recompressed-cpu-µs/trace")
		b.ReportMetric(http.cpuMicros(), "http-cpu-µs/trace")
		report.Set(Row{"export with runs, spliced", "≥ 10× recompressing",
			fmt.Sprintf("%.1f× (%.0f of %.0f traces/s; CPU %.1f of %.0f µs)", rate/oldRate, rate, oldRate,
				spliced.cpuMicros(), again.cpuMicros()), rate >= 10*oldRate})
		report.Set(Row{"spliced export over HTTP", "≥ 5× recompressing",
			fmt.Sprintf("%.1f× (%.0f traces/s; CPU %.1f µs)", webRate/oldRate, webRate, http.cpuMicros()), webRate >= 5*oldRate})
	}
}

// BenchmarkExportHeap: what an export holds in memory, for 1,000 and 100,000
// traces.
func BenchmarkExportHeap(b *testing.B) {
	s := sharedStore(b)
	most := min(100_000, *traceCount)
	for range b.N {
		check(b, export(s.e, most, true, io.Discard))
		small, _ := heapPeak(func() { check(b, export(s.e, 1000, true, io.Discard)) })
		large, allocated := heapPeak(func() { check(b, export(s.e, most, true, io.Discard)) })
		noTime(b)
		b.ReportMetric(float64(small)/1e6, "peak-1k-MB")
		b.ReportMetric(float64(large)/1e6, "peak-100k-MB")
		b.ReportMetric(float64(allocated)/float64(most), "alloc-B/trace")
		report.Set(Row{"heap of an export", "flat from 1 k to 100 k traces",
			fmt.Sprintf("peak %.1f MB and %.1f MB, %.0f B allocated a trace", float64(small)/1e6, float64(large)/1e6,
				float64(allocated)/float64(most)), large <= small+8<<20})
	}
}

// timed runs do, which handles n traces.
func timed(b *testing.B, n int, do func() error) cost {
	start, cpu := time.Now(), cpuTime(b)
	check(b, do())
	return cost{time.Since(start), cpuTime(b) - cpu, n}
}

func export(e *engine.Engine, n int, compressed bool, w io.Writer) error {
	res, err := e.Export(context.Background(), storeApp, engine.ExportQuery{Limit: int64(n), IncludeRuns: true, Zstd: compressed}, w)
	if err == nil && res.Count != int64(n) {
		err = fmt.Errorf("%d traces instead of %d", res.Count, n)
	}
	return err
}

func recompress(e *engine.Engine, n int) error {
	zw, err := zstd.NewWriter(io.Discard, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(8<<20))
	if err != nil {
		return err
	}
	if err := export(e, n, false, zw); err != nil {
		return err
	}
	return zw.Close()
}
