package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

func status(t *testing.T, e *Engine, app, id string) string {
	t.Helper()
	row, err := e.Trace(bg, app, id)
	if err != nil {
		t.Fatal(err)
	}
	return statusText(row.Status)
}

func TestOrphansBecomeRoots(t *testing.T) {
	e, clock := newEngine(t, nil)
	child := testRun{trace: "t", id: "c", parent: "p", start: epoch, dur: time.Second}
	ingest(t, e, "app", child)
	if got := status(t, e, "app", "t"); got != "running" {
		t.Fatalf("with a missing parent: %s", got)
	}
	clock.advance(time.Hour - time.Microsecond)
	if n, err := e.PromoteOrphans(bg); n != 0 || err != nil {
		t.Fatalf("too early: %d, %v", n, err)
	}
	clock.advance(time.Microsecond)
	if n, err := e.PromoteOrphans(bg); n != 1 || err != nil {
		t.Fatalf("in time: %d, %v", n, err)
	}
	if got := status(t, e, "app", "t"); got != "succeeded" {
		t.Errorf("promoted: %s", got)
	}
	verifyClean(t, e)
	if n, err := e.PromoteOrphans(bg); n != 0 || err != nil {
		t.Errorf("twice: %d, %v", n, err)
	}
	ingest(t, e, "app", child) // nothing new
	if got := status(t, e, "app", "t"); got != "succeeded" {
		t.Errorf("sent again: %s", got)
	}
	ingest(t, e, "app", testRun{trace: "t", id: "p", start: epoch, dur: 2 * time.Second, failed: true})
	if got := status(t, e, "app", "t"); got != "failed" {
		t.Errorf("with its parent: %s", got)
	}
	verifyClean(t, e)
}

// TestPromoteCycle: runs that are each other's parents have no root; they
// must not be promoted for ever.
func TestPromoteCycle(t *testing.T) {
	e, clock := newEngine(t, nil)
	ingest(t, e, "app", testRun{trace: "t", id: "a", parent: "b", start: epoch, dur: time.Second},
		testRun{trace: "t", id: "b", parent: "a", start: epoch, dur: time.Second})
	clock.advance(2 * time.Hour)
	if n, err := e.PromoteOrphans(bg); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := status(t, e, "app", "t"); got != "succeeded" {
		t.Errorf("promoted: %s", got)
	}
	if n, err := e.PromoteOrphans(bg); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	verifyClean(t, e)
}

func TestPromoteManyInBatches(t *testing.T) {
	e, clock := newEngine(t, nil)
	var specs []testRun
	for i := range promoteBatch + 7 {
		specs = append(specs, testRun{trace: fmt.Sprint(i), id: "c", parent: "p", start: epoch, dur: time.Second})
	}
	ingest(t, e, "app", specs...)
	clock.advance(time.Hour)
	n, err := e.PromoteOrphans(bg)
	if n != promoteBatch+7 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	q := ListQuery{}
	q.Statuses = []rollup.Status{rollup.Succeeded}
	if ids := listIDs(t, e, "app", q); len(ids) != promoteBatch+7 {
		t.Errorf("%d succeeded", len(ids))
	}
}

// TestPromoteSparesUpdated: a promotion that was decided before an update came
// changes nothing.
func TestPromoteSparesUpdated(t *testing.T) {
	e, clock := newEngine(t, nil)
	ingest(t, e, "app", testRun{trace: "t", id: "c", parent: "p", start: epoch, dur: time.Second})
	decided := clock.Now().UnixMicro()
	clock.advance(time.Second)
	ingest(t, e, "app", testRun{trace: "t", id: "d", parent: "p", start: epoch, dur: time.Second})
	seq := e.Stats().Seq
	if _, err := e.Apply(bg, &Op{Kind: OpPromote, App: "app", Key: "t", Cutoff: decided}); err != nil {
		t.Fatal(err)
	}
	if got := status(t, e, "app", "t"); got != "running" || e.Stats().Seq != seq {
		t.Errorf("%s after operation %d, want running after %d", got, e.Stats().Seq, seq)
	}
}

func TestNeverPromote(t *testing.T) {
	e, clock := newEngine(t, func(o *Options) { o.OrphanTimeout = -1 })
	ingest(t, e, "app", testRun{trace: "t", id: "c", parent: "p", start: epoch, open: true})
	clock.advance(1000 * time.Hour)
	if n, err := e.PromoteOrphans(bg); n != 0 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if row, err := e.Trace(bg, "app", "t"); err != nil || row.Stale {
		t.Errorf("stale %v, %v", row.Stale, err)
	}
}
