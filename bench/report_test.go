package bench

import (
	"strings"
	"testing"
	"time"
)

func TestLatencies(t *testing.T) {
	var l Latencies
	if l.At(50) != 0 {
		t.Error("no calls, but a percentile")
	}
	for i := 100; i > 0; i-- {
		l.Add(time.Duration(i))
	}
	for _, c := range []struct {
		percent float64
		want    time.Duration
	}{{1, 1}, {50, 50}, {99, 99}, {99.5, 100}, {100, 100}} {
		if got := l.At(c.percent); got != c.want {
			t.Errorf("At(%v) = %d, want %d", c.percent, got, c.want)
		}
	}
	l.Add(0)
	if got := l.At(0.1); got != 0 {
		t.Errorf("a call added later is not seen: %d", got)
	}
	var all Latencies
	all.Merge(&l, &l)
	if got := all.At(50); got != 50 {
		t.Errorf("median of the same calls twice = %d", got)
	}
}

func TestMedian(t *testing.T) {
	in := []float64{9, 1, 5}
	if got := Median(in); got != 5 || in[0] != 9 {
		t.Errorf("Median = %v, input now %v", got, in)
	}
	if Median(nil) != 0 || Median([]float64{4, 2}) != 2 {
		t.Error("edge cases")
	}
}

func TestReport(t *testing.T) {
	var r Report
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil || b.Len() != 0 {
		t.Fatalf("an empty report prints %q, %v", b.String(), err)
	}
	r.Set(Row{What: "list", Bar: "≤ 1 ms", Measured: "2 ms"})
	r.Set(Row{What: "disk", Bar: "4.2 KB", Measured: "3.9 KB", Reached: true})
	r.Set(Row{What: "list", Bar: "≤ 1 ms", Measured: "0.5 ms", Reached: true})
	if _, err := r.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"| what | bar    | measured | reached |\n" +
		"|------|--------|----------|---------|\n" +
		"| list | ≤ 1 ms | 0.5 ms   | yes     |\n" +
		"| disk | 4.2 KB | 3.9 KB   | yes     |\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
