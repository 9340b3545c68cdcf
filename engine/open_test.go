package engine

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func writeFile(t testing.TB, fs vfs.FS, path, text string) {
	t.Helper()
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, fs vfs.FS, path string) string {
	t.Helper()
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// files lists a directory and its store with the sizes of the files.
func files(t testing.TB, fs vfs.FS, dir string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, d := range []string{dir, fs.PathJoin(dir, storeDir)} {
		names, err := fs.List(d)
		if err != nil {
			continue
		}
		for _, n := range names {
			if st, err := fs.Stat(fs.PathJoin(d, n)); err == nil && !st.IsDir() {
				out[fs.PathJoin(d, n)] = st.Size()
			}
		}
	}
	return out
}

// closedStore makes a store with some hundred traces in tables and returns it
// closed. tidy says whether it was closed in order.
func closedStore(t testing.TB, tidy bool) (vfs.FS, Options) {
	t.Helper()
	fs, clock := vfs.NewCrashableMem(), newClock()
	o := smallOptions(fs, clock)
	e := openTest(t, "data", o)
	for i := range 60 {
		r := oneRun(fmt.Sprintf("t%03d", i), epoch.Add(3*hour))
		r.output = noise(6<<10, int64(i))
		ingest(t, e, "app", r)
	}
	if err := e.Checkpoint(bg); err != nil {
		t.Fatal(err)
	}
	if err := e.db.Flush(); err != nil {
		t.Fatal(err)
	}
	ingest(t, e, "app", oneRun("last", epoch))
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	mustClose(t, e)
	if tidy {
		return fs, o
	}
	o.FS = clone
	return clone, o
}

func TestOpenRefuses(t *testing.T) {
	marked := func(m marker) func(t *testing.T, fs vfs.FS) {
		return func(t *testing.T, fs vfs.FS) { writeFile(t, fs, "data/TRACEBED", m.text()) }
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, fs vfs.FS)
		want    error
		says    string
	}{
		"something else":  {func(t *testing.T, fs vfs.FS) { writeFile(t, fs, "data/notes.txt", "x") }, ErrNotEmpty, "notes.txt"},
		"another marker":  {func(t *testing.T, fs vfs.FS) { writeFile(t, fs, "data/TRACEBED", "hello") }, ErrNotEmpty, "choose"},
		"empty marker":    {func(t *testing.T, fs vfs.FS) { writeFile(t, fs, "data/TRACEBED", "") }, ErrNotEmpty, ""},
		"a newer version": {marked(marker{version: 99}), ErrVersion, "99"},
		"a damaged version": {func(t *testing.T, fs vfs.FS) {
			writeFile(t, fs, "data/TRACEBED", strings.Replace(marker{version: 1, seq: 7}.text(), "7", "8", 1))
		}, ErrCorrupt, "checksum"},
		"a cut marker": {func(t *testing.T, fs vfs.FS) {
			writeFile(t, fs, "data/TRACEBED", marker{version: 1, seq: 7}.text()[:40])
		}, ErrCorrupt, "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			fs := vfs.NewMem()
			if err := fs.MkdirAll("data", 0o755); err != nil {
				t.Fatal(err)
			}
			c.prepare(t, fs)
			before := files(t, fs, "data")
			for _, ro := range []bool{false, true} {
				o := smallOptions(fs, newClock())
				o.ReadOnly = ro
				_, err := Open("data", o)
				if ro && errors.Is(c.want, ErrNotEmpty) && errors.Is(err, ErrNotEmpty) {
					continue
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "data directory data") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("read-only %v: %v", ro, err)
				}
			}
			if after := files(t, fs, "data"); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("files changed: %v, before %v", after, before)
			}
		})
	}
}

func TestOpenTwice(t *testing.T) {
	fs := vfs.NewMem()
	o := smallOptions(fs, newClock())
	e := openTest(t, "data", o)
	if _, err := Open("data", o); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "stop the other process") {
		t.Errorf("second open: %v", err)
	}
	mustClose(t, e)
	if err := e.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v", err)
	}
	e = openTest(t, "data", o)
	mustClose(t, e)
}

func TestUseAfterClose(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	mustClose(t, e)
	calls := map[string]func() error{
		"Ingest":        func() error { _, err := e.Ingest(bg, "app", parseRuns(t, oneRun("u", epoch))); return err },
		"Apps":          func() error { _, err := e.Apps(bg); return err },
		"App":           func() error { _, err := e.App(bg, "app"); return err },
		"Trace":         func() error { _, err := e.Trace(bg, "app", "t"); return err },
		"TraceWithRuns": func() error { _, err := e.TraceWithRuns(bg, "app", "t"); return err },
		"Runs":          func() error { _, err := e.Runs(bg, "app", "t", RunQuery{Page: 1, PageSize: 1}); return err },
		"List":          func() error { _, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1}); return err },
		"Metrics": func() error {
			_, err := e.Metrics(bg, "app", MetricsQuery{End: usPerDay, Interval: mustInterval(t, "1h")})
			return err
		},
		"Export":      func() error { _, err := e.Export(bg, "app", ExportQuery{}, io.Discard); return err },
		"DeleteTrace": func() error { return e.DeleteTrace(bg, "app", "t") },
		"DeleteApp":   func() error { return e.DeleteApp(bg, "app") },
		"Setting":     func() error { _, err := e.Setting(bg, "k"); return err },
		"Settings":    func() error { _, err := e.Settings(bg, ""); return err },
		"PutSetting":  func() error { return e.PutSetting(bg, "k", nil) },
		"Backup":      func() error { return e.Backup(bg, "copy") },
		"Checkpoint":  func() error { return e.Checkpoint(bg) },
		"Verify":      func() error { _, err := e.Verify(bg); return err },
		"Ready":       e.Ready,
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = e.Stats()
}

// TestOpenDamaged cuts and flips every kind of file: whatever Open says, it
// must not lose data silently, and an error must leave all files in place.
func TestOpenDamaged(t *testing.T) {
	damage := map[string]func(string) string{
		"cut":   func(s string) string { return s[:len(s)/2] },
		"empty": func(string) string { return "" },
		"flip":  func(s string) string { b := []byte(s); b[len(b)/2] ^= 0x40; return string(b) },
	}
	for _, tidy := range []bool{true, false} {
		for _, kind := range []string{"MANIFEST", ".sst", ".log"} {
			for how, change := range damage {
				t.Run(fmt.Sprintf("%s %s tidy=%v", how, kind, tidy), func(t *testing.T) {
					fs, o := closedStore(t, tidy)
					hit := ""
					for path, size := range files(t, fs, "data") {
						if strings.Contains(path, kind) && size > int64(len(hit)) && size > 0 {
							hit = path
						}
					}
					if hit == "" {
						t.Skip("there is none")
					}
					writeFile(t, fs, hit, change(readFile(t, fs, hit)))
					checkDamaged(t, fs, o, hit)
				})
			}
		}
	}
}

func checkDamaged(t *testing.T, fs vfs.FS, o Options, hit string) {
	before := files(t, fs, "data")
	e, err := Open("data", o)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "data directory data") {
			t.Errorf("open: %v", err)
		}
		for path := range before {
			if _, err := fs.Stat(path); err != nil && strings.HasSuffix(path, ".sst") {
				t.Errorf("%s was deleted", path)
			}
		}
		return
	}
	defer e.Close()
	if strings.Contains(hit, "MANIFEST") {
		return // its tail has no checksum that tells damage from a crash
	}
	// It opened: then every trace is there, or reading it says that it is
	// damaged.
	for i := range 61 {
		id := fmt.Sprintf("t%03d", i)
		if i == 60 {
			if id = "last"; strings.HasSuffix(hit, ".log") {
				break // the end of a log may be missing after any crash
			}
		}
		if _, err := e.Trace(bg, "app", id); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestWatermark: a store that knows less than what was durable has lost data.
func TestWatermark(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs, o := closedStore(t, true)
		writeFile(t, fs, "data/TRACEBED", marker{version: FormatVersion, seq: 1 << 40, clean: clean}.text())
		before := files(t, fs, "data")
		for _, ro := range []bool{false, true} {
			o.ReadOnly = ro
			if _, err := Open("data", o); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "durable") {
				t.Errorf("clean %v, read-only %v: %v", clean, ro, err)
			}
		}
		for path := range before {
			if _, err := fs.Stat(path); err != nil && strings.HasSuffix(path, ".sst") {
				t.Errorf("%s was deleted", path)
			}
		}
	}
}

func TestOpenReadOnly(t *testing.T) {
	for _, tidy := range []bool{true, false} {
		fs, o := closedStore(t, tidy)
		before := files(t, fs, "data")
		o.ReadOnly = true
		e := openTest(t, "data", o)
		rep := verifyClean(t, e)
		if rep.Traces != 61 {
			t.Errorf("%d traces", rep.Traces)
		}
		if err := e.PutSetting(bg, "k", nil); !errors.Is(err, ErrReadOnly) {
			t.Errorf("a write: %v", err)
		}
		if err := e.Ready(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("ready: %v", err)
		}
		mustClose(t, e)
		if after := files(t, fs, "data"); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("files changed: %v, before %v", after, before)
		}
	}
	o := smallOptions(vfs.NewMem(), newClock())
	o.ReadOnly = true
	if _, err := Open("nothing", o); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("read-only open of nothing: %v", err)
	}
}

// TestFirstOpenFails lets every filesystem operation of a first open fail in
// turn. Open must say which directory, and the next open must succeed.
func TestFirstOpenFails(t *testing.T) {
	ops := 0
	for n := int64(0); ; n++ {
		mem := vfs.NewCrashableMem()
		var count atomic.Int64
		var hit atomic.Bool
		fs := faultyFS(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if count.Add(1)-1 == n && op.Kind != errorfs.OpFileClose {
				hit.Store(true)
				return errorfs.ErrInjected
			}
			return nil
		}))
		o := smallOptions(fs, newClock())
		var e *Engine
		var err error
		within(t, fmt.Sprintf("Open with operation %d failing", n), func() { e, err = Open("data", o) })
		if err == nil {
			_ = e.Close()
		} else if !strings.Contains(err.Error(), "data directory data") || !hit.Load() {
			t.Errorf("operation %d: %v", n, err)
		}
		if count.Load() <= n {
			break // this one had no failure
		}
		ops++
		if err != nil {
			// As after the process has ended: Pebble may still hold its lock.
			o.FS = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
			if e, err = Open("data", o); err != nil {
				t.Errorf("after a failure of operation %d: %v", n, err)
				continue
			}
			ingest(t, e, "app", oneRun("t", epoch))
			mustClose(t, e)
		}
	}
	t.Logf("%d operations", ops)
}

// TestFirstOpenCrashes kills the machine at every filesystem operation of a
// first open; the next open must succeed.
func TestFirstOpenCrashes(t *testing.T) {
	for _, percent := range []int{0, 50} {
		mem := vfs.NewCrashableMem()
		var mu sync.Mutex
		var clones []*vfs.MemFS
		fs := faultyFS(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				mu.Lock()
				defer mu.Unlock()
				clones = append(clones, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent,
					RNG: rand.New(rand.NewPCG(uint64(len(clones)), 3))}))
			}
			return nil
		}))
		o := smallOptions(fs, newClock())
		e := openTest(t, "data", o)
		mu.Lock()
		atOpen := len(clones)
		mu.Unlock()
		mustClose(t, e)
		for i, clone := range clones[:atOpen] {
			o.FS = clone
			e, err := Open("data", o)
			if err != nil {
				t.Fatalf("crash at operation %d of %d (%d %%): %v", i, atOpen, percent, err)
			}
			ingest(t, e, "app", oneRun("t", epoch))
			mustClose(t, e)
			e = openTest(t, "data", o)
			verifyClean(t, e)
			mustClose(t, e)
		}
	}
}

// TestOpenUnwritable: the reason is the permission, not another process.
func TestOpenUnwritable(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{{syscall.EACCES, "make it writable"}, {syscall.EROFS, "make it writable"}, {syscall.ENOSPC, "the disk is full"}} {
		for _, kind := range []errorfs.OpKind{errorfs.OpLock, errorfs.OpCreate} {
			mem := vfs.NewMem()
			mustClose(t, openTest(t, "data", smallOptions(mem, newClock())))
			fs := faultyFS(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind == kind {
					return &os.PathError{Op: "open", Path: op.Path, Err: c.err}
				}
				return nil
			}))
			_, err := Open("data", smallOptions(fs, newClock()))
			if err == nil || errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v in operation %d: %v", c.err, kind, err)
			}
		}
	}
}

// TestOpenOnDisk uses the real disk, with the watch for slow operations.
func TestOpenOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		e := openTest(t, dir, Options{})
		ingest(t, e, "app", oneRun("t", epoch))
		verifyClean(t, e)
		mustClose(t, e)
	}
	e := openTest(t, dir, Options{ReadOnly: true})
	verifyClean(t, e)
	mustClose(t, e)
}

func TestOptionsAreChecked(t *testing.T) {
	for _, change := range []func(*Options){
		func(o *Options) { o.Retention = -1 }, func(o *Options) { o.Retention = hour - 1 },
		func(o *Options) { o.CacheBytes = 1 }, func(o *Options) { o.MemTableBytes = 1 },
		func(o *Options) { o.StateBytes = -1 }, func(o *Options) { o.QueueBytes = -1 },
		func(o *Options) { o.MaxTraceBytes = 2 << 30 }, func(o *Options) { o.MaxTraceRuns = -1 },
		func(o *Options) { o.CheckpointEvery = -1 }, func(o *Options) { o.CheckpointDeltas = -1 },
	} {
		o := smallOptions(vfs.NewMem(), newClock())
		change(&o)
		if e, err := Open("data", o); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
			_ = e.Close()
		}
	}
}

// TestOpenReadOnlyDisk: a store on a disk that cannot be written is read, in
// bounded memory.
func TestOpenReadOnlyDisk(t *testing.T) {
	mem, o := closedStore(t, true)
	o.ReadOnly, o.StateBytes = true, 1
	o.FS = faultyFS(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && op.Kind != errorfs.OpFileClose {
			return &os.PathError{Op: "write", Path: op.Path, Err: syscall.EROFS}
		}
		return nil
	}))
	e := openTest(t, "data", o)
	defer mustClose(t, e)
	if rep := verifyClean(t, e); rep.Traces != 61 {
		t.Errorf("%d traces", rep.Traces)
	}
	within(t, "eviction", func() {
		for e.Stats().StateBytes > 4096 {
			time.Sleep(time.Millisecond)
			e.grew(0)
		}
	})
}
