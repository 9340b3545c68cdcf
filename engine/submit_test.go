package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// spoil writes over everything that runs are made of.
func spoil(runs []trace.Run) {
	for i := range runs {
		for _, b := range [][]byte{runs[i].JSON, runs[i].Input, runs[i].Output, runs[i].Metadata, runs[i].Error} {
			for k := range b {
				b[k] = '!'
			}
		}
	}
	clear(runs)
}

// TestSubmitFreesRuns: what is done to runs after Submit does not reach the
// store, be they one trace, many operations, or a body in pieces.
func TestSubmitFreesRuns(t *testing.T) {
	long := testRun{trace: "long", id: "long-r", start: epoch, dur: time.Second, output: noise(3*pieceBytes, 5)}
	for name, specs := range map[string][]testRun{
		"one trace": {oneRun("a", epoch)}, "many operations": manyTraces(200), "in pieces": {long},
		"updates": append(manyTraces(70), manyTraces(70)[3:9]...),
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := newEngine(t, nil)
			got, _ := newEngine(t, nil)
			ingest(t, want, "app", specs...)
			var texts []string
			for i := range specs {
				texts = append(texts, specs[i].json())
			}
			var parser dynamiq.Parser
			for round, unchanged := range []int{0, 1} {
				runs, _, err := parser.Parse([]byte(`{"runs":[`+strings.Join(texts, ",")+`]}`), dynamiq.Options{})
				if err != nil {
					t.Fatal(err)
				}
				wait, err := got.Submit(bg, "app", runs)
				spoil(runs)
				if err != nil {
					t.Fatal(err)
				}
				res, err := wait(bg)
				if err != nil || (res.Created == 0) != (unchanged == 1) || res.Created+res.Unchanged != len(specs) {
					t.Errorf("round %d: %+v, %v", round, res, err)
				}
			}
			for _, id := range listIDs(t, want, "app", ListQuery{PageSize: 100}) {
				a, err := want.TraceWithRuns(bg, "app", id)
				if err != nil {
					t.Fatal(err)
				}
				b, err := got.TraceWithRuns(bg, "app", id)
				if err != nil || !bytes.Equal(a, b) {
					t.Fatalf("%s: %v\n%.300s\n%.300s", id, err, a, b)
				}
			}
			verifyClean(t, got)
		})
	}
}

// TestSubmitRejects: refusals name runs by what they were.
func TestSubmitRejects(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.MaxTraceRuns = 1 })
	runs := parseRuns(t, oneRun("a", epoch), testRun{trace: "b", id: "b1", start: epoch}, testRun{trace: "b", id: "b2", start: epoch})
	wait, err := e.Submit(bg, "app", runs)
	spoil(runs)
	if err != nil {
		t.Fatal(err)
	}
	res, err := wait(bg)
	if err != nil || res.Created != 1 || len(res.Rejected) != 2 || res.Rejected[0].ID != "b1" || res.Rejected[1].Index != 2 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestSubmitOnApply: the hook gets the runs as they were.
func TestSubmitOnApply(t *testing.T) {
	var got [][]byte
	e, _ := newEngine(t, func(o *Options) {
		o.OnApply = func(_ uint64, op *Op) {
			for i := range op.Runs {
				got = append(got, bytes.Clone(op.Runs[i].JSON))
			}
		}
	})
	var want [][]byte
	for i := range 20 {
		runs := parseRuns(t, oneRun(fmt.Sprint("t", i), epoch))
		want = append(want, bytes.Clone(runs[0].JSON))
		wait, err := e.Submit(bg, "app", runs)
		spoil(runs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wait(bg); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Error("the hook saw other runs")
	}
}

// TestSubmitThenClose: what was submitted is stored by Close, and wait says so
// afterwards; a closed engine and an impossible app are errors at once.
func TestSubmitThenClose(t *testing.T) {
	c, fs := newClock(), vfs.NewMem()
	e := openTest(t, "data", smallOptions(fs, c))
	if _, err := e.Submit(bg, "", parseRuns(t, oneRun("a", epoch))); !errors.Is(err, ErrInvalid) {
		t.Errorf("empty app: %v", err)
	}
	over, cancel := context.WithCancel(bg)
	cancel()
	if _, err := e.Submit(over, "app", parseRuns(t, oneRun("a", epoch))); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	wait, err := e.Submit(bg, "app", parseRuns(t, manyTraces(100)...))
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, e)
	if res, err := wait(bg); err != nil || res.Created != 200 {
		t.Errorf("after Close: %+v, %v", res, err)
	}
	if _, err := e.Submit(bg, "app", parseRuns(t, oneRun("a", epoch))); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	e = openTest(t, "data", smallOptions(fs, c))
	defer mustClose(t, e)
	page, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1})
	if err != nil || page.TotalCount != 100 {
		t.Errorf("%d traces, %v", page.TotalCount, err)
	}
}
