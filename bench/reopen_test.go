package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// opened is what a child reports of opening a store.
type opened struct {
	openNS, listNS int64 // opening; then the first list page
	rss, hwm       int64 // after opening
	traces, tail   int64
}

const openedFormat = "opened %d %d %d %d %d %d\n"

// childOpen opens a store that was killed and reports.
func childOpen(dir string) error {
	var o opened
	start := time.Now()
	e, err := engine.Open(dir, engine.Options{})
	if err != nil {
		return err
	}
	o.openNS = int64(time.Since(start))
	o.rss, o.hwm = procStatus("VmRSS"), procStatus("VmHWM")
	start = time.Now()
	if _, err := e.List(context.Background(), yearApp, engine.ListQuery{Page: 1, PageSize: 20}); err != nil {
		return err
	}
	o.listNS = int64(time.Since(start))
	for app, n := range map[string]*int64{yearApp: &o.traces, tailApp: &o.tail} {
		info, err := e.App(context.Background(), app)
		if err != nil {
			return err
		}
		*n = info.TraceCount
	}
	fmt.Printf(openedFormat, o.openNS, o.listNS, o.rss, o.hwm, o.traces, o.tail)
	return e.Close()
}

// BenchmarkReopen: opening a store of 1 M traces after kill -9 in the middle of
// full-size writes, in a fresh process, each time on another copy.
func BenchmarkReopen(b *testing.B) {
	dir := yearDir(b)
	var open, rss, hwm, list []float64
	for range b.N {
		for i := range *rounds {
			cp := filepath.Join(b.TempDir(), fmt.Sprint(i))
			check(b, os.CopyFS(cp, os.DirFS(dir)))
			out, err := child("open", cp)
			check(b, err)
			var o opened
			if _, err := fmt.Sscanf(out, openedFormat, &o.openNS, &o.listNS, &o.rss, &o.hwm, &o.traces, &o.tail); err != nil {
				b.Fatalf("%v in %q", err, out)
			}
			// Bodies in the channel and in flight were not acknowledged.
			if o.traces != int64(*yearCount) || o.tail < tailSize-3*inFlight {
				b.Fatalf("%d and %d traces came back", o.traces, o.tail)
			}
			open, list = append(open, float64(o.openNS)/1e9), append(list, float64(o.listNS)/1e6)
			rss, hwm = append(rss, float64(o.rss)/(1<<20)), append(hwm, float64(o.hwm)/(1<<20))
			check(b, os.RemoveAll(cp))
		}
	}
	noTime(b)
	b.ReportMetric(Median(open), "open-s")
	b.ReportMetric(Median(list), "first-list-ms")
	b.ReportMetric(Median(rss), "rss-MiB")
	b.ReportMetric(Median(hwm), "rss-peak-MiB")
	report.Set(Row{"reopen after kill -9, 1 M traces", "≤ 2 s, ≤ 300 MiB",
		fmt.Sprintf("%.2f s, %.0f MiB, peak %.0f; first list %.1f ms", Median(open), Median(rss), Median(hwm), Median(list)),
		Median(open) <= 2 && Median(hwm) <= 300})
}
