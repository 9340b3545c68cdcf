package bench

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Sizes of the data. The defaults are those of the bars.
var (
	traceCount = flag.Int("traces", 400_000, "traces of the store for lists, traces, exports and disk")
	yearCount  = flag.Int("year", 1_000_000, "traces of the app with a year of metrics")
	rounds     = flag.Int("rounds", 9, "rounds of the comparisons; medians are reported")
	loadCount  = flag.Int("load", 20_000, "traces ingested in one round")
)

// report is the table that is printed at the end.
var report Report

// atEnd runs when all benchmarks are done: stores that they share are removed.
var atEnd struct {
	sync.Mutex
	funcs []func()
}

func cleanupAtEnd(f func()) {
	atEnd.Lock()
	defer atEnd.Unlock()
	atEnd.funcs = append(atEnd.funcs, f)
}

// TestMain also is the main function of the children that build a store to be
// killed and that open it again.
func TestMain(m *testing.M) {
	flag.Parse()
	if mode := os.Getenv(childEnv); mode != "" {
		if err := runChild(mode); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	for _, f := range atEnd.funcs {
		f()
	}
	if n, _ := report.WriteTo(os.Stdout); n > 0 {
		fmt.Printf("%s, %d processors, load average %s; %d traces, %d over a year\n",
			runtime.Version(), runtime.GOMAXPROCS(0), loadAverage(), *traceCount, *yearCount)
	}
	os.Exit(code)
}

// noTime drops the time per iteration, which means nothing here: the
// benchmarks measure inside and report their own figures.
func noTime(b *testing.B) { b.ReportMetric(0, "ns/op") }

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

func micros(d time.Duration) float64 { return float64(d) / 1e3 }

// check ends the benchmark when something went wrong that makes its figures
// meaningless.
func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
