package gen

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"
)

type variedRun struct {
	ID     string  `json:"id"`
	Trace  string  `json:"trace_id"`
	End    *string `json:"end_time"`
	Status *string `json:"status"`
	Parent *string `json:"parent_run_id"`
}

func variedRuns(t *testing.T, body []byte) []variedRun {
	t.Helper()
	var b struct {
		Runs []variedRun `json:"runs"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatalf("%v in %.2000s", err, body)
	}
	return b.Runs
}

func TestVariedIsDeterministic(t *testing.T) {
	a, b := New(5, Options{Varied: true}), New(5, Options{Varied: true})
	for i := range 300 {
		x, y := a.Next(), b.NextInto(nil)
		if !bytes.Equal(x.Body, y.Body) || !bytes.Equal(x.Stale, y.Stale) || x.Start != y.Start {
			t.Fatalf("trace %d differs", i)
		}
	}
}

// TestVariedStale: the stale copy has an open root and runs of the final one
// only, with the same ids; what has ended in it is equal byte for byte.
func TestVariedStale(t *testing.T) {
	g := New(6, Options{Varied: true})
	for range 500 {
		tr := g.Next()
		final := map[string]variedRun{}
		for _, r := range variedRuns(t, tr.Body) {
			if r.Trace != tr.ID || r.Status == nil || r.End == nil {
				t.Fatalf("a final run is open or of another trace: %+v", r)
			}
			final[r.ID] = r
		}
		open := 0
		for _, r := range variedRuns(t, tr.Stale) {
			if _, ok := final[r.ID]; !ok {
				t.Fatalf("run %s is not in the final trace", r.ID)
			}
			if r.Parent == nil && r.Status == nil && r.End == nil {
				open++
			}
		}
		if open != 1 {
			t.Fatalf("%d open roots", open)
		}
	}
}

func TestVariedSpread(t *testing.T) {
	const n = 20_000
	g := New(1, Options{Varied: true, Traces: n})
	var sizes []int
	var starts []time.Time
	runs := map[int]int{}
	for range n {
		tr := g.Next()
		sizes, starts = append(sizes, len(tr.Body)), append(starts, tr.Start)
		runs[bytes.Count(tr.Body, []byte(`"parent_run_id"`))]++
	}
	for count := 1; count <= 12; count++ {
		if runs[count] == 0 {
			t.Errorf("no trace of %d runs", count)
		}
	}
	slices.Sort(sizes)
	for _, c := range []struct{ percent, least, most int }{{1, 3000, 4500}, {50, 13_000, 18_000}, {99, 60_000, 150_000}} {
		if got := sizes[n*c.percent/100]; got < c.least || got > c.most {
			t.Errorf("p%d of the sizes is %d, want %d to %d", c.percent, got, c.least, c.most)
		}
	}
	late, burst := 0, 0
	var newest time.Time
	for i, s := range starts {
		if newest.Sub(s) > 30*time.Minute {
			late++
		}
		if s.After(newest) {
			newest = s
		}
		if i >= 10 && starts[i].Sub(starts[i-10]).Abs() < 20*time.Second {
			burst++
		}
	}
	if late < 5 || burst < 100 {
		t.Errorf("%d late traces and %d in bursts", late, burst)
	}
}
