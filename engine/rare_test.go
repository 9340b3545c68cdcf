package engine

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

var rareFilters = [][]rollup.Status{{rollup.Failed}, {rollup.Canceled}, {rollup.Failed, rollup.Canceled}}

// rareQuery is a page that may be made of `r` rows.
func rareQuery(rng *rand.Rand) ListQuery {
	q := ListQuery{Page: 1 + rng.IntN(4), PageSize: 1 + rng.IntN(9), Ascending: rng.IntN(2) == 0,
		Preview: []int{1, 10, 100, previewBytes}[rng.IntN(4)]}
	q.Statuses = rareFilters[rng.IntN(3)]
	if rng.IntN(2) == 0 {
		edge := func() int64 { return epoch.UnixMicro() + rng.Int64N(3*usPerHour) }
		if rng.IntN(2) == 0 { // right between the traces of one ms
			edge = func() int64 { return epoch.UnixMicro() + rng.Int64N(3)*usPerHour + rng.Int64N(3000) }
		}
		q.Window = Window{From: edge(), To: edge()}
	}
	return q
}

// bothWays asks for a page of `r` rows and for the same made of bodies.
func bothWays(t *testing.T, e *Engine, app string, q ListQuery, cur *cursor) (rows int, next string) {
	t.Helper()
	v, err := e.view(bg, app)
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	mask := index.MaskOf(q.Statuses...)
	got, err := v.list(mask, q, cur, v.rareWalker)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	want, err := v.list(mask, q, cur, v.walker)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Fatalf("%s %+v behind %v:\n got %s\nwant %s", app, q, cur, a, b)
	}
	return len(got.Rows), got.NextCursor
}

// TestRareLists: pages of failed and canceled traces come out of their own rows
// as they come out of the bodies, whatever happened to the traces before.
func TestRareLists(t *testing.T) {
	for seed := range uint64(6) {
		e, clock := newEngine(t, func(o *Options) { o.OrphanTimeout, o.Retention = time.Minute, 11*time.Hour })
		w, rows := newWorkload(seed, 1, ""), 0
		w.traces = 60
		for i := range 300 {
			ingest(t, e, w.app(), w.runs()...)
			switch i % 10 {
			case 3:
				_ = e.DeleteTrace(bg, w.app(), w.trace())
			case 5:
				_, _ = e.PutEvaluations(bg, w.app(), w.trace(), w.evaluations())
			case 7:
				clock.advance(time.Minute)
				if _, err := e.PromoteOrphans(bg); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func() {
			for range 60 {
				q := rareQuery(w.rng)
				app := w.app()
				n, next := bothWays(t, e, app, q, nil)
				rows += n
				for range 3 {
					if next == "" {
						break
					}
					cur, err := parseCursor(next)
					if err != nil {
						t.Fatal(err)
					}
					q.Cursor = next
					n, next = bothWays(t, e, app, q, &cur)
					rows += n
				}
			}
			verifyClean(t, e)
		}
		check()
		if _, err := e.Expire(bg); err != nil {
			t.Fatal(err)
		}
		check()
		if err := e.DeleteApp(bg, "app1"); err != nil {
			t.Fatal(err)
		}
		if n := rowsUnder(t, e, prefixRare, "app1"); n != 0 {
			t.Errorf("%d rows of an app that was deleted", n)
		}
		if rows < 500 {
			t.Errorf("only %d rows were looked at", rows)
		}
		mustClose(t, e)
	}
}

// rowsUnder counts the rows of a prefix of all apps but, where it is not the
// name of one, of that app.
func rowsUnder(t *testing.T, e *Engine, prefix byte, gone string) (n int) {
	t.Helper()
	known := map[uint32]bool{}
	for _, a := range e.appList() {
		known[a.id] = a.name != gone
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		key := reader{b: it.Key()[1:]}
		if !known[key.uint32()] {
			n++
		}
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

func failedRuns(n int) (out []testRun) {
	for i := range n {
		r := oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Minute))
		r.failed, r.canceled = i%2 == 0, i%4 == 1
		r.output = strings.Repeat("because ", i*40)
		out = append(out, r)
	}
	return out
}

// TestRareRowLost: where a row is missing or cannot be read the page is made of
// the bodies, verify says so, and repair writes it again.
func TestRareRowLost(t *testing.T) {
	for name, change := range map[string]func(b *pebble.Batch, key []byte) error{
		"missing": func(b *pebble.Batch, key []byte) error { return b.Delete(key, nil) },
		"cut":     func(b *pebble.Batch, key []byte) error { return b.Set(key, []byte{summaryVersion}, nil) },
	} {
		e, _ := newEngine(t, nil)
		ingest(t, e, "app", failedRuns(20)...)
		q := ListQuery{Filter: Filter{Statuses: rareFilters[0]}, Page: 1, PageSize: 10, Preview: previewBytes}
		want, err := e.List(bg, "app", q)
		if err != nil || len(want.Rows) != 10 {
			t.Fatal(len(want.Rows), err)
		}
		v, err := e.view(bg, "app")
		if err != nil {
			t.Fatal(err)
		}
		s, id, err := v.find("t8")
		v.close()
		if err != nil {
			t.Fatal(err)
		}
		b := e.db.NewBatch()
		if err := change(b, rareKey(nil, v.app, &s, id)); err != nil {
			t.Fatal(err)
		}
		if err := e.db.Apply(b, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		got, err := e.List(bg, "app", q)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v\n got %v\nwant %v", name, err, got, want)
		}
		rep, err := e.Verify(bg)
		if err != nil || len(rep.Differences) == 0 {
			t.Errorf("%s: verify: %v, %q", name, err, rep.Differences)
		}
		fixed, err := e.Repair(bg)
		if err != nil || fixed.ListRows != 1 || len(fixed.After.Differences) > 0 {
			t.Errorf("%s: repair: %v, %+v", name, err, fixed)
		}
		bothWays(t, e, "app", q, nil)
	}
}

// TestRareLong: a list row that is long for other reasons than input and output
// is read from the body.
func TestRareLong(t *testing.T) {
	e, _ := newEngine(t, nil)
	r := oneRun("long", epoch)
	r.failed = true
	run := strings.Replace(r.json(), `"message":"boom"`, `"message":"`+strings.Repeat("boom ", 20_000)+`"`, 1)
	if _, err := e.Ingest(bg, "app", parseTexts(t, run)); err != nil {
		t.Fatal(err)
	}
	ingest(t, e, "app", failedRuns(3)...)
	for _, preview := range []int{100, previewBytes} {
		if n, _ := bothWays(t, e, "app", ListQuery{Filter: Filter{Statuses: rareFilters[0]}, Page: 1, PageSize: 5, Preview: preview}, nil); n != 3 {
			t.Errorf("%d rows", n)
		}
	}
	verifyClean(t, e)
}

// TestFormat1: a directory of format 1 stays one, without rows that only
// format 2 has, until Repair makes it one of format 2; also when it is
// cut off between store and marker.
func TestFormat1(t *testing.T) {
	fs, clock := vfs.NewMem(), newClock()
	o := smallOptions(fs, clock)
	o.format = 1
	e := openTest(t, "data", o)
	ingest(t, e, "app", failedRuns(30)...)
	long := oneRun("long", epoch) // with a list row of its own
	long.output = noise(12_000, 3)
	ingest(t, e, "app", long)
	mustClose(t, e)
	o.format = 0
	e = openTest(t, "data", o)
	ingest(t, e, "app", oneRun("more", epoch))
	if n := rowsUnder(t, e, prefixRare, "app"); n != 0 || e.format() != 1 {
		t.Fatalf("format %d, %d rows of format 2", e.format(), n)
	}
	verifyClean(t, e)
	lists := func(e *Engine) (all []string) {
		for _, st := range rareFilters {
			for _, asc := range []bool{false, true} {
				all = append(all, listIDs(t, e, "app", ListQuery{Filter: Filter{Statuses: st}, Ascending: asc, Preview: 100})...)
			}
		}
		return all
	}
	want := lists(e)
	rep, err := e.Repair(bg) // the day has busy quarters, which get minutes
	if err != nil || rep.ListRows == 0 || rep.Summaries+rep.Locators != 0 || rep.Days > 1 || len(rep.After.Differences) > 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
	check := func(e *Engine) {
		t.Helper()
		sent := append(failedRuns(30), long) // bodies stay as they were
		if res := ingest(t, e, "app", sent...); res.Unchanged != len(sent) {
			t.Errorf("sent again: %+v", res)
		}
		if e.format() != 2 || !e.format2.Load() || !slices.Equal(lists(e), want) {
			t.Errorf("format %d, lists %q, want %q", e.format(), lists(e), want)
		}
		verifyClean(t, e)
	}
	check(e)
	mustClose(t, e)
	e = openTest(t, "data", o)
	check(e)
	mustClose(t, e)
	m, _, err := readMarker(fs, "data")
	if err != nil || m.version != 2 {
		t.Fatalf("marker %+v, %v", m, err)
	}
	m.version = 1 // as if the marker had not been written any more
	if err := writeMarker(fs, "data", m); err != nil {
		t.Fatal(err)
	}
	e = openTest(t, "data", o)
	check(e)
	mustClose(t, e)
	if m, _, err = readMarker(fs, "data"); err != nil || m.version != 2 {
		t.Fatalf("marker %+v, %v", m, err)
	}
}
