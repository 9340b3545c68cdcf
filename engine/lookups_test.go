package engine

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
)

// unused is how many iterators lie there for the next request.
func (l *lookups) unused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.free)
}

// TestLookups: iterators are used again until something is committed, and show
// what was committed before they are taken.
func TestLookups(t *testing.T) {
	e, _ := newEngine(t, nil)
	sees := func(id string) bool {
		t.Helper()
		it, gen, err := e.lookups.take(e.db)
		if err != nil {
			t.Fatal(err)
		}
		defer e.lookups.put(it, gen)
		return it.SeekPrefixGE(locatorKey(nil, e.appNamed("app").id, appendID(nil, id)))
	}
	ingest(t, e, "app", oneRun("a", epoch))
	if n := e.lookups.unused(); n != 0 {
		t.Errorf("%d iterators are kept after a commit", n)
	}
	if !sees("a") || sees("b") {
		t.Error("a lookup does not show the store")
	}
	first, gen, _ := e.lookups.take(e.db)
	second, _, _ := e.lookups.take(e.db)
	e.lookups.put(first, gen)
	if again, _, _ := e.lookups.take(e.db); again != first || again == second {
		t.Error("an unused iterator is not used again")
	}
	ingest(t, e, "app", oneRun("b", epoch))
	e.lookups.put(first, gen) // of before the commit
	e.lookups.put(second, gen)
	if n := e.lookups.unused(); n != 0 {
		t.Errorf("%d stale iterators are kept", n)
	}
	if !sees("b") {
		t.Error("a lookup does not show the last commit")
	}
	if e.lookups.unused() != 1 {
		t.Error("an iterator is not kept")
	}
	if err := e.Close(); err != nil { // Pebble minds an iterator that stays open
		t.Error(err)
	}
}

// TestLookupsWhenIdle: an idle engine keeps no old tables for the next request.
func TestLookupsWhenIdle(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.CheckpointEvery = time.Millisecond })
	ingest(t, e, "app", oneRun("a", epoch))
	ingest(t, e, "app", oneRun("a", epoch)) // changes nothing, and puts its iterator back
	within(t, "nothing is kept", func() {
		for e.lookups.unused() > 0 {
			time.Sleep(time.Millisecond)
		}
	})
}

// TestLookupsShared: many send copies of the same traces at once, and each
// trace is made once.
func TestLookupsShared(t *testing.T) {
	e, _ := newEngine(t, nil)
	const senders, traces = 8, 200
	var all sync.WaitGroup
	created := make([]int, senders)
	var copies [traces][]trace.Run
	for i := range copies {
		copies[i] = parseRuns(t, oneRun(fmt.Sprint(i), epoch))
	}
	for s := range senders {
		all.Go(func() {
			for i := range traces {
				res, err := e.Ingest(t.Context(), "app", copies[i])
				if err != nil {
					t.Error(err)
					return
				}
				created[s] += res.Created
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range created {
		sum += n
	}
	if sum != traces {
		t.Errorf("%d runs were made of %d", sum, traces)
	}
	verifyClean(t, e)
}
