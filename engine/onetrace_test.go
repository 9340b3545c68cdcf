package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// earlier is run k of a trace: each starts before those that came before it, so
// that the trace moves with every one.
func earlier(id string, k int) testRun {
	r := oneRun(id, epoch.Add(-time.Duration(k)*time.Minute))
	r.id = fmt.Sprintf("%s-%03d", id, k)
	return r
}

func countRuns(t testing.TB, text []byte) int {
	var got struct {
		Runs []json.RawMessage `json:"runs"`
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Errorf("%v: %.200s", err, text)
	}
	return len(got.Runs)
}

// TestLooseView: what a read without a snapshot cannot answer is said, and is
// answered by one with a snapshot.
func TestLooseView(t *testing.T) {
	e, _ := newEngine(t, nil)
	runs := 0
	next := func() {
		ingest(t, e, "app", earlier("t", runs))
		runs++
	}
	next()
	long := oneRun("long", epoch)
	long.output = noise(3*pieceBytes, 1)
	ingest(t, e, "app", long)
	v, err := e.looseView(bg, "app")
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()

	start, id, err := v.locate("t")
	if err != nil {
		t.Fatal(err)
	}
	bs := &bodies{v: v}
	if b, err := bs.get(start, id); err != nil || b.runs != runs {
		t.Error("at rest:", b.runs, err)
	}
	if err := bs.close(); err != nil {
		t.Fatal(err)
	}
	next()
	if _, err := bs.get(start, id); !errors.Is(err, errMoved) {
		t.Error("moved between the look-ups:", err)
	}
	if _, _, err := v.whole("long"); !errors.Is(err, errMoved) {
		t.Error("in pieces:", err)
	}
	if _, _, err := v.whole("none"); !errors.Is(err, ErrNotFound) {
		t.Error("not there:", err)
	}
	for id, want := range map[string]int{"t": runs, "long": 1} {
		if text, err := e.TraceWithRuns(bg, "app", id); err != nil || countRuns(t, text) != want {
			t.Errorf("%s: %v, %.100s", id, err, text)
		}
	}
	if _, err := e.TraceWithRuns(bg, "none", "t"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `app "none"`) {
		t.Error("no such app:", err)
	}
}

// TestReadPanics: a read that panics, as Pebble may over damage, lets go of the
// engine, which can be closed.
func TestReadPanics(t *testing.T) {
	e, _ := newEngine(t, nil)
	open := oneRun("t", epoch)
	open.open = true
	ingest(t, e, "app", open)
	now := e.opts.Now
	e.opts.Now = func() time.Time { panic("the clock broke") }
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it did not panic")
			}
		}()
		_, _ = e.TraceWithRuns(bg, "app", "t")
	}()
	e.opts.Now = now
	within(t, "closing", func() { mustClose(t, e) })
}

// TestTraceMoves: a trace that moves all the time is whole whenever it is read, and
// never older than it was.
func TestTraceMoves(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", earlier("t", 0))
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for last := 0; ; {
				text, err := e.TraceWithRuns(bg, "app", "t")
				if err != nil {
					t.Error(err)
					return
				}
				n := countRuns(t, text)
				if n < last {
					t.Errorf("%d runs after %d", n, last)
				}
				last = n
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for k := 1; k < 100; k++ {
		ingest(t, e, "app", earlier("t", k))
	}
	close(done)
	readers.Wait()
	verifyClean(t, e)
}
