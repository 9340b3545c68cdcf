package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/rollup"
)

const hour = time.Hour

func keepThree(o *Options) { o.Retention = 3 * hour }

func TestExpireRemovesRowsAndKeepsCharts(t *testing.T) {
	e, clock := newEngine(t, keepThree)
	for i := range 48 {
		at := epoch.Add(time.Duration(i) * 15 * time.Minute)
		ingest(t, e, "app", oneRun(fmt.Sprintf("t%02d", i), at))
		ingest(t, e, "app", testRun{trace: fmt.Sprintf("o%02d", i), id: "x", parent: "gone", start: at, dur: hour})
	}
	q := MetricsQuery{Start: epoch.UnixMicro(), End: epoch.Add(24*hour).UnixMicro() - 1, Interval: mustInterval(t, "24h")}
	before, err := e.Metrics(bg, "app", q)
	if err != nil {
		t.Fatal(err)
	}
	n, err := e.Expire(bg)
	if err != nil || n != 2*36 {
		t.Fatalf("expired %d, %v; want 72", n, err)
	}
	verifyClean(t, e)
	if ids := listIDs(t, e, "app", ListQuery{}); len(ids) != 24 {
		t.Errorf("%d traces left: %v", len(ids), ids)
	}
	after, err := e.Metrics(bg, "app", q)
	if err != nil || after.Summary != before.Summary {
		t.Errorf("charts changed: %+v, before %+v (%v)", after.Summary, before.Summary, err)
	}
	if _, err := e.Trace(bg, "app", "t00"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an expired trace: %v", err)
	}
	if err := e.DeleteTrace(bg, "app", "t00"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleting an expired trace: %v", err)
	}
	info, err := e.App(bg, "app")
	if err != nil || info.TraceCount != 24 || !info.FirstStart.Equal(epoch.Add(9*hour)) {
		t.Errorf("app: %+v, %v", info, err)
	}
	res := ingest(t, e, "app", oneRun("t00", epoch))
	if len(res.Rejected) != 1 || res.Created != 0 {
		t.Errorf("a run before the cutoff: %+v", res)
	}
	if n, err := e.Expire(bg); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	clock.advance(24 * hour)
	if n, err := e.Expire(bg); n != 24 || err != nil {
		t.Errorf("the rest: %d, %v", n, err)
	}
	verifyClean(t, e)
}

func mustInterval(t testing.TB, s string) rollup.Interval {
	t.Helper()
	iv, err := rollup.ParseInterval(s)
	if err != nil {
		t.Fatal(err)
	}
	return iv
}

// TestListAfterExpire: a filter whose next match lies before the cutoff must
// end there; the index of those hours is gone.
func TestListAfterExpire(t *testing.T) {
	for _, asc := range []bool{false, true} {
		e, _ := newEngine(t, func(o *Options) { o.Retention, o.StateBytes = 3*hour, 1 })
		old := oneRun("old", epoch)
		old.failed = true
		specs := []testRun{old}
		for i := range 3 * jumpAfter {
			specs = append(specs, oneRun(fmt.Sprintf("t%03d", i), epoch.Add(11*hour+time.Duration(i)*time.Second)))
		}
		hit := oneRun("hit", epoch.Add(11*hour+30*time.Minute)) // the walk goes on behind it
		hit.failed = true
		ingest(t, e, "app", append(specs, hit)...)
		if _, err := e.Expire(bg); err != nil {
			t.Fatal(err)
		}
		if err := e.Checkpoint(bg); err != nil {
			t.Fatal(err)
		}
		failed := Filter{Statuses: []rollup.Status{rollup.Failed}}
		if ids := listIDs(t, e, "app", ListQuery{Filter: failed, Ascending: asc}); len(ids) != 1 {
			t.Errorf("found %v", ids)
		}
		exportAll(t, e, "app", ExportQuery{Filter: failed})
		failed.Window.To = epoch.Add(11*hour + 20*time.Minute).UnixMicro()
		if ids := listIDs(t, e, "app", ListQuery{Filter: failed, Ascending: asc}); len(ids) != 0 {
			t.Errorf("found %v", ids)
		}
		exportAll(t, e, "app", ExportQuery{Filter: failed})
	}
}

// TestMetricsAfterExpire: bars that cut an expired hour add up to the whole,
// also when they were asked for before the hour went.
func TestMetricsAfterExpire(t *testing.T) {
	e, _ := newEngine(t, keepThree)
	for i := range 8 {
		ingest(t, e, "app", oneRun(fmt.Sprint(i), epoch.Add(time.Duration(i)*7*time.Minute)))
	}
	q := MetricsQuery{Start: epoch.UnixMicro(), End: epoch.Add(2*hour).UnixMicro() - 1, Interval: mustInterval(t, "15m")}
	half := q
	half.Start = epoch.Add(15 * time.Minute).UnixMicro() // remembers some bars, not all
	if _, err := e.Metrics(bg, "app", half); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Expire(bg); err != nil {
		t.Fatal(err)
	}
	m, err := e.Metrics(bg, "app", q)
	if err != nil {
		t.Fatal(err)
	}
	var sum uint64
	for _, p := range m.Series {
		sum += p.Stats.InvocationCount
	}
	if sum != 8 || m.Summary.InvocationCount != 8 {
		t.Errorf("bars add up to %d, the summary says %d; 8 were sent", sum, m.Summary.InvocationCount)
	}
}

func TestRetainChecksCutoff(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	for _, cutoff := range []int64{0, -usPerHour, 1, epoch.UnixMicro() + 1, -1 << 63, 1<<63 - 1} {
		if _, err := e.Apply(bg, &Op{Kind: OpRetain, Cutoff: cutoff}); !errors.Is(err, ErrInvalid) {
			t.Errorf("cutoff %d: %v", cutoff, err)
		}
	}
	if ids := listIDs(t, e, "app", ListQuery{}); len(ids) != 1 {
		t.Errorf("left: %v", ids)
	}
}

// TestExpireInterrupted: after the first step nothing old is visible, Verify
// finds no difference, and the next expiry takes the rest.
func TestExpireInterrupted(t *testing.T) {
	e, clock := newEngine(t, keepThree)
	specs := make([]testRun, 0, retainBatch+100)
	for i := range retainBatch + 100 {
		specs = append(specs, testRun{trace: fmt.Sprintf("t%04d", i), id: "r", parent: "gone",
			start: epoch.Add(time.Duration(i) * time.Second), dur: time.Second})
	}
	ingest(t, e, "app", specs...)
	cutoff := epoch.Add(9 * hour).UnixMicro()
	res, err := e.Apply(bg, &Op{Kind: OpRetain, Cutoff: cutoff})
	if err != nil || res.Updated != retainBatch {
		t.Fatalf("first step: %+v, %v", res, err)
	}
	verifyClean(t, e)
	if info, err := e.App(bg, "app"); err != nil || info.TraceCount != 0 {
		t.Errorf("app: %+v, %v", info, err)
	}
	if n, err := e.PromoteOrphans(bg); n != 0 || err != nil {
		t.Errorf("promoted %d expired traces, %v", n, err)
	}
	// A trace that was moved out of the expired hours is not half there.
	moved := testRun{trace: fmt.Sprintf("t%04d", retainBatch+50), id: "r", start: epoch.Add(11 * hour), dur: 2 * hour}
	if res := ingest(t, e, "app", moved); len(res.Rejected) != 1 {
		t.Errorf("moved: %+v", res)
	}
	clock.advance(hour)
	if n, err := e.Expire(bg); n != 100 || err != nil {
		t.Errorf("the rest: %d, %v", n, err)
	}
	verifyClean(t, e)
	if res := ingest(t, e, "app", moved); res.Created != 1 {
		t.Errorf("moved, later: %+v", res)
	}
	verifyClean(t, e)
}

// TestExpireThenCrash: the journal of expired hours must not be replayed on
// units whose rows are gone.
func TestExpireThenCrash(t *testing.T) {
	fs, clock := vfs.NewCrashableMem(), newClock()
	o := smallOptions(fs, clock)
	o.CheckpointDeltas, o.Retention = 1<<20, 3*hour
	e := openTest(t, "data", o)
	long := oneRun("a", epoch)
	long.dur = hour
	ingest(t, e, "app", long, oneRun("b", epoch), oneRun("new", epoch.Add(11*hour)))
	if err := e.Checkpoint(bg); err != nil {
		t.Fatal(err)
	}
	ingest(t, e, "app", oneRun("c", epoch), oneRun("d", epoch.Add(9*hour)))
	if err := e.DeleteTrace(bg, "app", "a"); err != nil { // an extreme goes
		t.Fatal(err)
	}
	if n, err := e.Expire(bg); n != 2 || err != nil {
		t.Fatalf("expired %d, %v", n, err)
	}
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	q := MetricsQuery{Start: epoch.UnixMicro(), End: epoch.Add(24*hour).UnixMicro() - 1, Interval: mustInterval(t, "1h")}
	want, err := e.Metrics(bg, "app", q)
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, e)
	o.FS = clone
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	verifyClean(t, e)
	noRepairs(t, e)
	got, err := e.Metrics(bg, "app", q)
	if err != nil || got.Summary != want.Summary {
		t.Errorf("after the crash %+v, before %+v (%v)", got.Summary, want.Summary, err)
	}
	if err := e.Checkpoint(bg); err != nil {
		t.Errorf("checkpoint: %v", err)
	}
}

// TestExpireExactlyOneStep: where the traces that go are exactly those of one
// step, the indexes and quarters of their hours go as well.
func TestExpireExactlyOneStep(t *testing.T) {
	e, _ := newEngine(t, keepThree)
	specs := []testRun{oneRun("stays", epoch.Add(10*hour))}
	for i := range retainBatch {
		specs = append(specs, oneRun(fmt.Sprintf("t%04d", i), epoch.Add(time.Duration(i)*time.Second)))
	}
	ingest(t, e, "app", specs...)
	if err := e.Checkpoint(bg); err != nil {
		t.Fatal(err)
	}
	if n, err := e.Expire(bg); n != retainBatch || err != nil {
		t.Fatalf("expired %d, %v", n, err)
	}
	for _, prefix := range []byte{prefixIndex, prefixQuarter} {
		if n := countKeys(t, e, prefix); n != 1 {
			t.Errorf("%d keys of %q, want that of the hour that stays", n, prefix)
		}
	}
	verifyClean(t, e)
}

func countKeys(t testing.TB, e *Engine, prefix byte) (n int) {
	t.Helper()
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}
