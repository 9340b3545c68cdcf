package engine

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

// metricsQuery draws a chart over the days of the test: any width, ragged
// edges three times in four.
func metricsQuery(t *testing.T, rng *rand.Rand, zones []*time.Location) MetricsQuery {
	t.Helper()
	names := []string{"hour", "day", "15m", "30m", "5m", "2h", "6h", "7h", "12h", "36h", "week", "month"}
	name := names[rng.IntN(len(names))]
	iv, err := rollup.ParseInterval(name)
	if err != nil {
		t.Fatal(err)
	}
	from := epoch.UnixMicro() - usPerDay + rng.Int64N(3*usPerDay)
	width := 1 + rng.Int64N(30*usPerDay)
	if name == "5m" {
		width %= 3 * usPerDay
	}
	to := from + width
	if rng.IntN(4) == 0 {
		from, to = from-from%usPerDay, to-to%usPerDay+usPerDay-1
	}
	return MetricsQuery{Start: from, End: to, Interval: iv, Location: zones[rng.IntN(len(zones))]}
}

// forgetSums empties the memo, so that the next chart is added up anew.
func forgetSums(e *Engine) {
	e.memo.mu.Lock()
	defer e.memo.mu.Unlock()
	clear(e.memo.young)
	clear(e.memo.old)
	e.memo.size = 0
}

// naiveStats adds the traces of a stretch up one by one. Percentiles are left
// out: rollup's tests hold those against sorted durations.
func naiveStats(specs map[string]testRun, from, to int64) (s rollup.Stats) {
	for _, r := range specs {
		if us := r.start.UnixMicro(); us < from || us >= to {
			continue
		}
		s.InvocationCount++
		s.PromptTokens += int64(r.tokens)
		s.CompletionTokens++
		s.TotalTokens += int64(r.tokens) + 1
		switch {
		case r.open:
			s.RunningCount++
		case r.failed:
			s.FailureCount++
		default:
			s.SuccessCount++
		}
	}
	return s
}

func counted(s *rollup.Stats) rollup.Stats {
	return rollup.Stats{InvocationCount: s.InvocationCount, SuccessCount: s.SuccessCount, FailureCount: s.FailureCount,
		CanceledCount: s.CanceledCount, RunningCount: s.RunningCount,
		PromptTokens: s.PromptTokens, CompletionTokens: s.CompletionTokens, TotalTokens: s.TotalTokens}
}

// TestMetricsMemo: bars that come from the memo, one by one or as blocks of a
// day, are those added up anew and those of the traces, while traces change.
func TestMetricsMemo(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	var zones []*time.Location
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		zones = append(zones, loc)
	}
	e, _ := newEngine(t, nil)
	specs := map[string]testRun{}
	for round := range 150 {
		var post []testRun
		for range rng.IntN(8) {
			id := fmt.Sprintf("t%d", rng.IntN(120))
			r, known := specs[id]
			if !known {
				r = oneRun(id, epoch.Add(time.Duration(rng.Int64N(int64(29*24*time.Hour)))/1000*1000))
				r.open = true
			}
			r.tokens = 1 + rng.IntN(900)
			if r.open && rng.IntN(2) == 0 { // it ends; later copies of an ended run end later
				r.open = false
			} else if !r.open {
				r.dur += time.Duration(1+rng.IntN(5000)) * time.Millisecond
			}
			r.failed = rng.IntN(3) == 0
			specs[id] = r
			post = append(post, r)
		}
		if len(post) > 0 {
			ingest(t, e, "app", lastOfEach(post)...)
		}
		if len(specs) == 0 {
			continue
		}
		for range 4 {
			q := metricsQuery(t, rng, zones)
			checkMetrics(t, e, specs, round, q)
		}
	}
}

// lastOfEach keeps the last copy of each run, as the test's own map does.
func lastOfEach(post []testRun) (out []testRun) {
	at := map[string]int{}
	for _, r := range post {
		if i, known := at[r.id]; known {
			out[i] = r
			continue
		}
		at[r.id] = len(out)
		out = append(out, r)
	}
	return out
}

func checkMetrics(t *testing.T, e *Engine, specs map[string]testRun, round int, q MetricsQuery) {
	t.Helper()
	first, err := e.Metrics(bg, "app", q)
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Metrics(bg, "app", q) // from the memo
	if err != nil {
		t.Fatal(err)
	}
	forgetSums(e)
	anew, err := e.Metrics(bg, "app", q)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, again) || !reflect.DeepEqual(first, anew) {
		t.Fatalf("round %d, %+v: three answers differ", round, q)
	}
	if want := naiveStats(specs, q.Start, q.End+1); counted(&first.Summary) != want {
		t.Fatalf("round %d, %+v: summary %+v, want %+v", round, q, counted(&first.Summary), want)
	}
	for i := range first.Series {
		lo, hi := first.Series[i].Start.UnixMicro(), q.End+1
		if i+1 < len(first.Series) {
			hi = first.Series[i+1].Start.UnixMicro()
		}
		want := naiveStats(specs, max(lo, q.Start), hi)
		if got := counted(first.Series[i].Stats); got != want {
			t.Fatalf("round %d, %+v: bar %s: %+v, want %+v", round, q, first.Series[i].Start, got, want)
		}
	}
}
