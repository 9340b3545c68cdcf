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
// a writer that drops everything; and the spliced one over HTTP.
func BenchmarkExport(b *testing.B) {
	s := sharedStore(b)
	most := min(100_000, *traceCount)
	few := min(20_000, *traceCount)
	h := serveHTTP(b, s.e)
	defer h.stop(b)
	for range b.N {
		var spliced, again, http []float64
		for round := range *rounds + 1 {
			splicedRate := rateOf(b, most, func(n int) error { return export(s.e, n, true, io.Discard) })
			againRate := rateOf(b, few, func(n int) error { return recompress(s.e, n) })
			httpRate := rateOf(b, most, func(n int) error { _, err := h.download(storeApp, n); return err })
			if round > 0 { // the first warms up
				spliced, again, http = append(spliced, splicedRate), append(again, againRate), append(http, httpRate)
			}
		}
		ratio, httpRatio := Median(spliced)/Median(again), Median(http)/Median(again)
		noTime(b)
		b.ReportMetric(Median(spliced), "traces/s")
		b.ReportMetric(Median(again), "recompressed-traces/s")
		b.ReportMetric(Median(http), "http-traces/s")
		b.ReportMetric(ratio, "ratio")
		b.ReportMetric(httpRatio, "http-ratio")
		report.Set(Row{"export with runs, spliced", "≥ 10× recompressing",
			fmt.Sprintf("%.1f× (%.0f of %.0f traces/s)", ratio, Median(spliced), Median(again)), ratio >= 10})
		report.Set(Row{"spliced export over HTTP", "≥ 5× recompressing",
			fmt.Sprintf("%.1f× (%.0f traces/s)", httpRatio, Median(http)), httpRatio >= 5})
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

func rateOf(b *testing.B, n int, do func(n int) error) float64 {
	start := time.Now()
	check(b, do(n))
	return float64(n) / time.Since(start).Seconds()
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
