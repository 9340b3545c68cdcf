package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// drop removes every nth row of a closed store under a prefix.
func drop(t *testing.T, fs vfs.FS, prefix byte, nth int) (n int) {
	t.Helper()
	db, err := pebble.Open(fs.PathJoin("data", storeDir), &pebble.Options{FS: fs, FormatMajorVersion: pebbleFormat, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok, i := it.First(), 0; ok; ok, i = it.Next(), i+1 {
		if i%nth == 0 {
			n++
			if err := db.Delete(it.Key(), pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(it.Close(), db.Close(), remark(fs)); err != nil {
		t.Fatal(err)
	}
	return n
}

// repairStore has traces in two days, some with orphans, several in one ms.
func repairStore(t *testing.T) (vfs.FS, Options) {
	t.Helper()
	fs, clock := vfs.NewMem(), newClock()
	o := smallOptions(fs, clock)
	e := openTest(t, "data", o)
	for i := range 40 {
		r := oneRun(fmt.Sprint("a", i), epoch.Add(time.Duration(i/4)*197*time.Minute))
		r.failed, r.dur = i%3 == 0, time.Duration(i+1)*time.Millisecond
		ingest(t, e, "app", r)
		if i%5 == 0 {
			ingest(t, e, "app", testRun{trace: r.trace, id: r.id + "-o", parent: "none", start: r.start, dur: time.Second})
		}
	}
	mustClose(t, e)
	return fs, o
}

// TestRepair garbles or removes rows of every derived kind: Repair makes the
// same answers of the bodies again, and verify finds nothing afterwards.
func TestRepair(t *testing.T) {
	base, o := repairStore(t)
	want := answersOf(t, o, base)
	derived := []byte{prefixSummary, prefixLocator, prefixOrphan, prefixBucket, prefixHist, prefixIndex, prefixQuarter, prefixRare}
	for _, prefix := range derived {
		ways := map[string]func(fs vfs.FS) int{
			"some removed": func(fs vfs.FS) int { return drop(t, fs, prefix, 3) },
			"all removed":  func(fs vfs.FS) int { return drop(t, fs, prefix, 1) },
		}
		for name, change := range garble {
			ways[name] = func(fs vfs.FS) int { return rewrite(t, fs, prefix, change) }
		}
		if prefix == prefixOrphan {
			ways = map[string]func(fs vfs.FS) int{"some removed": ways["some removed"]} // it has no value
		}
		for name, way := range ways {
			t.Run(fmt.Sprintf("%c %s", prefix, name), func(t *testing.T) {
				fs := copyOf(t, base)
				if way(fs) == 0 {
					t.Fatal("nothing was changed")
				}
				repairs(t, withFS(o, fs), want)
			})
		}
	}
}

// repairs runs Repair and compares the answers before and after a restart.
func repairs(t *testing.T, o Options, want string) {
	t.Helper()
	e := openTest(t, "data", o)
	rep, err := e.Repair(bg)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.After.Differences) > 0 || len(rep.Left) > 0 {
		t.Fatalf("after %d differences, %d are left: %q; not mended: %q", len(rep.Before.Differences), len(rep.After.Differences), rep.After.Differences, rep.Left)
	}
	if got := answers(t, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	mustClose(t, e)
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	verifyClean(t, e)
	noRepairs(t, e)
	if got := answers(t, e); got != want {
		t.Errorf("after a restart: got  %s\nwant %s", got, want)
	}
	ingest(t, e, "app", oneRun("new", epoch))
	verifyClean(t, e)
	if again, err := e.Repair(bg); err != nil || again.Summaries+again.Locators+again.OrphanEntries+again.ListRows+again.Days != 0 {
		t.Errorf("a second repair: %+v, %v", again, err)
	}
}

// TestRepairLeavesBodies: a body that cannot be read stays, and is named.
func TestRepairLeavesBodies(t *testing.T) {
	base, o := repairStore(t)
	fs := copyOf(t, base)
	n := 0
	rewrite(t, fs, prefixBody, func(_, v []byte) []byte {
		if n++; n == 7 {
			return v[:len(v)/2]
		}
		return v
	})
	e := openTest(t, "data", withFS(o, fs))
	defer mustClose(t, e)
	rep, err := e.Repair(bg)
	if err != nil || len(rep.Left) != 1 || len(rep.After.Differences) == 0 {
		t.Fatalf("%v, left %q, after %q", err, rep.Left, rep.After.Differences)
	}
	if info, err := e.App(bg, "app"); err != nil || info.TraceCount != 40 {
		t.Errorf("%+v, %v", info, err)
	}
	o.FS = copyOf(t, base)
	o.ReadOnly = true
	ro := openTest(t, "data", o)
	defer mustClose(t, ro)
	if _, err := ro.Repair(bg); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}
