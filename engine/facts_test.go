package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// The facts are those of style.md 3c: how Pebble fails. Each has a test here
// that the engine is not taken in by it.

// onLog calls hook for every operation of the kinds on a log file.
func onLog(fs vfs.FS, hook func() error, kinds ...errorfs.OpKind) vfs.FS {
	return faultyFS(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		for _, k := range kinds {
			if op.Kind == k && strings.HasSuffix(op.Path, ".log") {
				return hook()
			}
		}
		return nil
	}))
}

var syncKinds = []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}

// TestFact01FsyncErrorIsNoSuccess: one failing fsync of the log is an error
// for who waits for it, for ever; the process lives, reads go on, and a restart
// recovers.
func TestFact01FsyncErrorIsNoSuccess(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var fail atomic.Bool
	o := smallOptions(onLog(mem, func() error {
		if fail.CompareAndSwap(true, false) { // once: the next fsync says that all is well
			return syscall.EIO
		}
		return nil
	}, syncKinds...), newClock())
	e := openTest(t, "data", o)
	ingest(t, e, "app", oneRun("before", epoch))
	fail.Store(true)
	for _, id := range []string{"t", "u"} {
		if _, err := e.Ingest(bg, "app", parseRuns(t, oneRun(id, epoch))); !errors.Is(err, ErrReadOnly) || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := e.Trace(bg, "app", "before"); err != nil {
		t.Errorf("a read: %v", err)
	}
	if err := e.Ready(); !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "restart") {
		t.Errorf("ready: %v", err)
	}
	o.FS = mem.CrashClone(vfs.CrashCloneCfg{})
	_ = e.Close()
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	if _, err := e.Trace(bg, "app", "before"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	verifyClean(t, e)
}

// TestFact02AnswerAfterFsync: what readers see may not be durable yet; the
// answer to the writer, and to one who sends the same again, waits for it.
func TestFact02AnswerAfterFsync(t *testing.T) {
	var on atomic.Bool
	gate := make(chan struct{})
	e := openTest(t, "data", smallOptions(onLog(vfs.NewMem(), func() error {
		if on.Load() {
			<-gate
		}
		return nil
	}, syncKinds...), newClock()))
	defer mustClose(t, e)
	ingest(t, e, "app", oneRun("before", epoch))
	on.Store(true)
	answers := make(chan error, 2)
	post := func() {
		_, err := e.Ingest(bg, "app", parseRuns(panicker{}, oneRun("t", epoch)))
		answers <- err
	}
	go post()
	for { // readers see it first
		if _, err := e.Trace(bg, "app", "t"); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	go post() // changes nothing
	select {
	case err := <-answers:
		t.Fatalf("answered before the fsync: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(gate)
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

// TestFact03FullDiskInTheLog: no space for the log is an error that says so.
func TestFact03FullDiskInTheLog(t *testing.T) {
	var on atomic.Bool
	e := openTest(t, "data", smallOptions(onLog(vfs.NewMem(), func() error {
		if on.Load() {
			return syscall.ENOSPC
		}
		return nil
	}, errorfs.OpFileWrite), newClock()))
	defer e.Close()
	ingest(t, e, "app", oneRun("before", epoch))
	on.Store(true)
	_, err := e.Ingest(bg, "app", parseRuns(t, oneRun("t", epoch)))
	if !errors.Is(err, ErrReadOnly) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if _, err := e.Trace(bg, "app", "before"); err != nil {
		t.Errorf("a read: %v", err)
	}
}

// TestFact04 (a failing flush is tried again in a hot loop) is
// TestTablesCannotBeWritten.

// damageTable flips a bit in every table of a closed store.
func damageTable(t *testing.T, fs vfs.FS) {
	t.Helper()
	for path, size := range files(t, fs, "data") {
		if strings.HasSuffix(path, ".sst") && size > 4096 {
			b := []byte(readFile(t, fs, path))
			b[len(b)/2] ^= 1
			writeFile(t, fs, path, string(b))
		}
	}
}

// TestFact05DamagedBlockIsAnError: a block with a wrong checksum is an error of
// the read that needs it; the process lives and other blocks stay readable.
func TestFact05DamagedBlockIsAnError(t *testing.T) {
	fs, o := closedStore(t, true)
	damageTable(t, fs)
	e := openTest(t, "data", o)
	defer e.Close()
	good, bad := 0, 0
	for i := range 60 {
		_, err := e.TraceWithRuns(bg, "app", fmt.Sprintf("t%03d", i))
		switch {
		case err == nil:
			good++
		case errors.Is(err, ErrCorrupt):
			bad++
		default:
			t.Errorf("trace %d: %v", i, err)
		}
	}
	if good == 0 || bad == 0 || e.Stats().Corruptions == 0 {
		t.Errorf("%d readable, %d damaged, %d counted", good, bad, e.Stats().Corruptions)
	}
}

// TestFact06CorruptionHasOneClass: every damage that Pebble reports is
// ErrCorrupt, whichever of its errors it is.
func TestFact06CorruptionHasOneClass(t *testing.T) {
	fs, _ := closedStore(t, true)
	damageTable(t, fs)
	db, err := pebble.Open(fs.PathJoin("data", storeDir), &pebble.Options{FS: fs, FormatMajorVersion: pebbleFormat, ReadOnly: true,
		Logger: silent{}, EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		_, _ = it.ValueAndErr()
	}
	err = errors.Join(it.Error(), it.Close())
	if err == nil || !errors.Is(storeError(err), ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if storeError(pebble.ErrNotFound) == nil || errors.Is(storeError(pebble.ErrNotFound), ErrCorrupt) {
		t.Error("not found is damage")
	}
}

// TestFact07FirstLogIsChecked: the log of a store that was just made has
// detection of damage too: a flipped bit is found, or nothing is missing.
func TestFact07FirstLogIsChecked(t *testing.T) {
	mem := vfs.NewCrashableMem()
	o := smallOptions(mem, newClock())
	e := openTest(t, "data", o)
	for i := range 20 {
		r := oneRun(fmt.Sprint("t", i), epoch)
		r.output = noise(4<<10, int64(i))
		ingest(t, e, "app", r)
	}
	killed := mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	mustClose(t, e)
	tried := 0
	for path, size := range files(t, killed, "data") {
		if !strings.HasSuffix(path, ".log") {
			continue
		}
		for at := int64(0); at < size; at += max(1, size/40) {
			fs := copyOf(t, killed)
			b := []byte(readFile(t, fs, path))
			b[at] ^= 4
			writeFile(t, fs, path, string(b))
			tried++
			e, err := Open("data", withFS(o, fs))
			if err != nil {
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s byte %d: %v", path, at, err)
				}
				continue
			}
			if ids := listIDs(t, e, "app", ListQuery{}); len(ids) != 20 {
				t.Errorf("%s byte %d: opened with %d of 20 traces", path, at, len(ids))
			}
			mustClose(t, e)
		}
	}
	if tried < 20 {
		t.Errorf("%d flips", tried)
	}
}

// TestFact08DamagedManifest: a changed bit anywhere in the MANIFEST, which
// Pebble takes for a shorter one, refuses the store and deletes nothing.
func TestFact08DamagedManifest(t *testing.T) {
	for _, tidy := range []bool{true, false} {
		base, o := closedStore(t, tidy)
		tried := 0
		for path, size := range files(t, base, "data") {
			if !strings.Contains(path, "MANIFEST") {
				continue
			}
			for at := int64(0); at < size; at += max(1, size/50) {
				fs := copyOf(t, base)
				b := []byte(readFile(t, fs, path))
				b[at] ^= 0x10
				writeFile(t, fs, path, string(b))
				before := files(t, fs, "data")
				_, err := Open("data", withFS(o, fs))
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("tidy %v, byte %d: %v", tidy, at, err)
				}
				if after := files(t, fs, "data"); fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("tidy %v, byte %d: files changed", tidy, at)
				}
				tried++
			}
		}
		if tried == 0 {
			t.Error("no MANIFEST")
		}
	}
}

// TestFact09NoClaimOfErasure: deleted bytes stay in tables and logs until they
// are rewritten. What is promised is that no answer shows them; docs say the
// rest.
func TestFact09NoClaimOfErasure(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	if err := e.DeleteTrace(bg, "app", "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.TraceWithRuns(bg, "app", "t"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	doc, err := os.ReadFile("../docs/guarantees.md")
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(doc)), " "), "deleted bytes stay on the disk") {
		t.Errorf("docs/guarantees.md does not say so (%v)", err)
	}
}

// TestFact10OneLog: the second log of Pebble, which absorbs a stalling disk,
// is not used: it needs a second disk.
func TestFact10OneLog(t *testing.T) {
	e, _ := newEngine(t, nil)
	if o := e.pebbleOptions(nil, false); o.WALFailover != nil || o.WALDir != "" || o.DisableWAL {
		t.Errorf("%+v", o)
	}
}

// TestFact11ContextEndsScans: Pebble's iterators do not look at the context;
// the engine does, and a second Close is an error, no panic.
func TestFact11ContextEndsScans(t *testing.T) {
	e, _ := newEngine(t, nil)
	for i := range 600 {
		if i%100 == 0 {
			ingest(t, e, "app", oneRun(fmt.Sprint("first", i), epoch))
		}
		ingest(t, e, "app", oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Millisecond)))
	}
	for name, scan := range map[string]func(context.Context) error{
		"export": func(ctx context.Context) error { _, err := e.Export(ctx, "app", ExportQuery{}, io.Discard); return err },
		"verify": func(ctx context.Context) error { _, err := e.Verify(ctx); return err },
	} {
		ctx := &lateContext{Context: bg, after: 1}
		if err := scan(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mustClose(t, e)
	if err := e.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v", err)
	}
}

// lateContext ends after it was asked a few times.
type lateContext struct {
	context.Context
	after int64
	asked atomic.Int64
}

func (c *lateContext) Err() error {
	if c.asked.Add(1) > c.after {
		return context.Canceled
	}
	return nil
}

// TestFact12NoMergeOperands: merges are not idempotent and their errors loop
// for ever; no source file of the engine writes one.
func TestFact12NoMergeOperands(t *testing.T) {
	e, _ := newEngine(t, nil)
	if e.pebbleOptions(nil, false).Merger != nil {
		t.Error("a merger is set")
	}
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	merge := regexp.MustCompile(`(\bb|batch|db|gone)\.Merge\(`)
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".go") || strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		if at := merge.FindIndex(text); at != nil {
			t.Errorf("%s writes a merge operand: %.60s", n.Name(), text[at[0]:])
		}
	}
}

// TestFact13FormatIsFixed: names and the format are those that stores were
// made with, compared as constants.
func TestFact13FormatIsFixed(t *testing.T) {
	e, _ := newEngine(t, nil)
	if v := e.db.FormatMajorVersion(); v != pebbleFormat || pebbleFormat.String() != "024" {
		t.Errorf("format %d", v)
	}
	if o := e.pebbleOptions(nil, false); o.Comparer != nil {
		t.Error("a comparer is set; stores have the default's name")
	}
}
