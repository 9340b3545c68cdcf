package engine

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tracebed/tracebed/internal/turns"
)

// TestSmallPassLarge: a small operation that comes while large ones wait for the
// committer is among the next two that are applied, and all of them are.
func TestSmallPassLarge(t *testing.T) {
	var mu sync.Mutex
	var order []string
	e, _ := newEngine(t, func(o *Options) {
		o.MemTableBytes = 8 << 20
		o.OnApply = func(_ uint64, op *Op) {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind == OpUpsert {
				order = append(order, op.Runs[0].TraceID)
			}
		}
	})
	ingest(t, e, "app", oneRun("first", epoch)) // makes the app, and tells of small requests
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := e.onCommitter(bg, func() error { close(held); <-release; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	for i := range 3 {
		var runs []testRun
		for k := range 8 {
			r := oneRun(fmt.Sprintf("large%d-%d", i, k), epoch.Add(time.Duration(k)*time.Second))
			r.output = noise(260<<10, int64(i*10+k))
			runs = append(runs, r)
		}
		parsed := parseRuns(t, runs...)
		all.Go(func() {
			if res, err := e.Ingest(bg, "app", parsed); err != nil || res.Created != 8 {
				t.Errorf("%+v, %v", res, err)
			}
		})
	}
	within(t, "large ones wait", func() {
		for len(e.bulk) < cap(e.bulk) {
			time.Sleep(time.Millisecond)
		}
	})
	all.Go(func() {
		if _, err := e.Ingest(bg, "app", parseRuns(panicker{}, oneRun("small", epoch))); err != nil {
			t.Error(err)
		}
	})
	within(t, "the small one waits", func() {
		for len(e.queue) < 1 {
			time.Sleep(time.Millisecond)
		}
	})
	if !turns.Shared().Beside() {
		t.Error("nobody knows of the small one")
	}
	close(release)
	all.Wait()
	if at := slices.Index(order, "small"); at < 1 || at > 2 || len(order) != 26 {
		t.Errorf("of %d operations the small one was number %d", len(order), at)
	}
	verifyClean(t, e)
}

// TestLongTakeTurns: traces that are long are made one at a time, also by
// workers of one operation and when one operation grows several of them.
func TestLongTakeTurns(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.MemTableBytes = 16 << 20 })
	var all sync.WaitGroup
	for w := range 3 {
		for i := range 2 {
			r := oneRun(fmt.Sprintf("long%d-%d", w, i), epoch.Add(time.Duration(i)*time.Second))
			r.output = noise(longBytes, int64(w))
			parsed := parseRuns(t, r)
			all.Go(func() {
				if _, err := e.Ingest(bg, "app", parsed); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	var more []testRun
	for w := range 3 {
		for i := range 2 {
			r := oneRun(fmt.Sprintf("long%d-%d", w, i), epoch)
			r.id = "more"
			more = append(more, r)
		}
	}
	if res := ingest(t, e, "app", more...); res.Created != 6 {
		t.Errorf("%+v", res)
	}
	if !e.long.TryLock() {
		t.Error("the turn was not given back")
	}
	verifyClean(t, e)
}
