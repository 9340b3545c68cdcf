package engine

import (
	"fmt"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

// TestSplitOps: all runs are there once and in order, traces stay whole, and no
// operation is larger than allowed but for one trace that is so by itself.
func TestSplitOps(t *testing.T) {
	for _, c := range []struct {
		name         string
		traces, runs int
		bytes        int
		ops          int
	}{
		{"nothing", 0, 0, 0, 0},
		{"one", 1, 5, 100, 1},
		{"as many as fit", opMaxTraces, 2, 100, 1},
		{"one more", opMaxTraces + 1, 2, 100, 2},
		{"by bytes", 10, 1, opMaxBytes/2 + 1, 10},
		{"by bytes, two fit", 10, 1, opMaxBytes / 2, 5},
		{"each too large", 3, 2, opMaxBytes, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := make([]byte, c.bytes)
			var groups [][]trace.Run
			for i := range c.traces {
				var g []trace.Run
				for k := range c.runs {
					g = append(g, trace.Run{ID: fmt.Sprint(i, ".", k), TraceID: fmt.Sprint(i), JSON: text})
				}
				groups = append(groups, g)
			}
			ops := splitOps(groups, opMaxBytes)
			if len(ops) != c.ops {
				t.Fatalf("%d operations, want %d", len(ops), c.ops)
			}
			n := 0
			for _, op := range ops {
				for _, r := range op {
					if want := fmt.Sprint(n/c.runs, ".", n%c.runs); r.ID != want {
						t.Fatalf("run %s, want %s", r.ID, want)
					}
					n++
				}
				if n%c.runs != 0 {
					t.Fatal("a trace is cut")
				}
			}
			if n != c.traces*c.runs {
				t.Fatalf("%d runs, want %d", n, c.traces*c.runs)
			}
		})
	}
}
