package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
)

// manyTraces are so many of two runs each, 6 KB together.
func manyTraces(n int) (runs []testRun) {
	for i := range n {
		id := fmt.Sprintf("t%03d", i)
		start := epoch.Add(time.Duration(i) * time.Second)
		runs = append(runs,
			testRun{trace: id, id: id + "-root", start: start, dur: time.Second},
			testRun{trace: id, id: id + "-llm", parent: id + "-root", start: start, dur: time.Second, tokens: 3, output: noise(6<<10, int64(i))})
	}
	return runs
}

// TestIngestManyOperations: what one call of many operations on several
// goroutines answers is the sum of them, and refusals name runs of the call.
func TestIngestManyOperations(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.MaxTraceBytes = 8 << 10 })
	runs := manyTraces(200)
	for _, i := range []int{1, 201, 399} { // llm runs of three traces, in different operations
		runs[i].output = noise(9<<10, int64(i))
	}
	before := e.Stats().Ops
	res := ingest(t, e, "app", runs...)
	if res.Created != 2*197 || res.Updated != 0 || len(res.Rejected) != 6 {
		t.Errorf("created %d, updated %d, rejected %d", res.Created, res.Updated, len(res.Rejected))
	}
	for i, r := range res.Rejected {
		if want := []int{0, 1, 200, 201, 398, 399}[i]; r.Index != want || r.ID != runs[want].id {
			t.Errorf("rejected %d: run %d %q, want %d", i, r.Index, r.ID, want)
		}
	}
	if ops := e.Stats().Ops - before; ops < 6 {
		t.Errorf("%d operations: the test wants many", ops)
	}
	if res := ingest(t, e, "app", runs...); res.Unchanged != 2*197 || res.Created != 0 || len(res.Rejected) != 6 {
		t.Errorf("again: %+v", res)
	}
	page, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1000})
	if err != nil || page.TotalCount != 197 || len(page.Rows) != 197 {
		t.Errorf("%d of %d traces, %v", len(page.Rows), page.TotalCount, err)
	}
	verifyClean(t, e)
}

// TestIngestManyOperationsFail: an error ends a call of many operations, with
// nobody left behind, and what was stored of it is whole.
func TestIngestManyOperationsFail(t *testing.T) {
	e, _ := newEngine(t, nil)
	runs := parseRuns(t, manyTraces(400)...)
	ctx, cancel := context.WithCancel(bg)
	done := make(chan error, 1)
	go func() {
		_, err := e.Ingest(ctx, "app", runs)
		done <- err
	}()
	for e.Stats().Ops < 3 {
		time.Sleep(100 * time.Microsecond)
	}
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := e.Ingest(bg, "app", runs); err != nil { // no trace is still locked
		t.Fatal(err)
	}
	page, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1})
	if err != nil || page.TotalCount != 400 {
		t.Errorf("%d traces, %v", page.TotalCount, err)
	}
	verifyClean(t, e)
}

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
			var runs []trace.Run
			for i := range c.traces {
				for k := range c.runs {
					runs = append(runs, trace.Run{ID: fmt.Sprint(i, ".", k), TraceID: fmt.Sprint(i), JSON: text})
				}
			}
			ops := splitOps(arrange(runs), opMaxBytes)
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

// TestArrange: runs of a trace come side by side in the order of receipt, and
// those that lie so are not copied.
func TestArrange(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"a1", "a1"}, {"a1 a2 b1", "a1 a2 b1"}, {"a1 b1 a2", "a1 a2 b1"},
		{"b1 a1 a2 b2 c1 a3", "b1 b2 a1 a2 a3 c1"}, {"a1 b1 b2 c1", "a1 b1 b2 c1"},
	} {
		var runs []trace.Run
		for _, f := range strings.Fields(c.in) {
			runs = append(runs, trace.Run{ID: f, TraceID: f[:1]})
		}
		got := arrange(runs)
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		if s := strings.Join(ids, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.in, s, c.want)
		}
		if len(runs) > 0 && (&got[0] == &runs[0]) != (c.in == c.want) {
			t.Errorf("%s: copied %v", c.in, &got[0] != &runs[0])
		}
	}
}
