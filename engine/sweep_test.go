package engine

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// opClass is a kind of failure of the disk.
type opClass struct {
	name   string
	kinds  []errorfs.OpKind
	err    error
	sticky bool // once it fails it goes on failing
}

var opClasses = []opClass{
	{name: "write", kinds: []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFilePreallocate}, err: errorfs.ErrInjected},
	{name: "sync", kinds: []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, err: errorfs.ErrInjected},
	{name: "read", kinds: []errorfs.OpKind{errorfs.OpFileRead, errorfs.OpFileReadAt, errorfs.OpFileStat, errorfs.OpOpen, errorfs.OpList, errorfs.OpStat}, err: errorfs.ErrInjected},
	{name: "create", kinds: []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpMkdirAll, errorfs.OpLink}, err: errorfs.ErrInjected},
	{name: "rename", kinds: []errorfs.OpKind{errorfs.OpRename, errorfs.OpRemove, errorfs.OpRemoveAll}, err: errorfs.ErrInjected},
	{name: "directory", kinds: []errorfs.OpKind{errorfs.OpOpenDir}, err: errorfs.ErrInjected},
	{name: "no space", kinds: []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFilePreallocate, errorfs.OpCreate}, err: syscall.ENOSPC, sticky: true},
	{name: "dead disk", kinds: []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData,
		errorfs.OpFileSyncTo, errorfs.OpCreate, errorfs.OpReuseForWrite, errorfs.OpRename, errorfs.OpRemove}, err: syscall.EIO, sticky: true},
}

// injector fails the nth operation of its class, counted from 0.
type injector struct {
	class opClass
	n     int64
	count atomic.Int64
	off   atomic.Bool
}

func (in *injector) MaybeError(op errorfs.Op) error {
	if in.off.Load() {
		return nil
	}
	for _, k := range in.class.kinds {
		if op.Kind != k {
			continue
		}
		if i := in.count.Add(1) - 1; in.n < 0 || i < in.n || i > in.n && !in.class.sticky {
			return nil
		}
		return &os.PathError{Op: "injected", Path: op.Path, Err: in.class.err}
	}
	return nil
}

func (in *injector) String() string { return in.class.name }

// sweepRun is one life of a store on a disk that fails once.
type sweepRun struct {
	e       *Engine
	clock   *testClock
	acked   map[string]bool // app/trace
	gone    map[string]bool // app/trace whose delete was answered or is in doubt
	setting int
	errs    []error
}

// note keeps the error of a call that was not a success.
func (s *sweepRun) note(what string, err error) bool {
	if err != nil {
		s.errs = append(s.errs, fmt.Errorf("%s: %w", what, err))
	}
	return err == nil
}

func (s *sweepRun) post(app, id string, at time.Duration) {
	r := oneRun(id, epoch.Add(at))
	r.output = noise(3<<10, int64(len(s.acked)))
	_, err := s.e.Ingest(bg, app, parseRuns(panicker{}, r, testRun{trace: id, id: id + "-o", parent: "none", start: r.start, dur: time.Second}))
	if s.note("post", err) {
		s.acked[app+"/"+id] = true
	}
}

// work makes every kind of call.
func (s *sweepRun) work() {
	for i := range 12 {
		s.post("a", fmt.Sprint("t", i), time.Duration(i)*time.Hour)
		s.post("b", fmt.Sprint("t", i), -30*24*time.Hour+time.Duration(i)*time.Minute)
		if i == 4 || i == 8 {
			s.note("checkpoint", s.e.Checkpoint(bg))
			s.note("flush", s.e.flush(bg))
		}
		if s.note("setting", s.e.PutSetting(bg, "k", fmt.Appendf(nil, "%03d", i))) {
			s.setting = i
		}
	}
	s.gone["a/t3"] = true
	s.note("delete", s.e.DeleteTrace(bg, "a", "t3"))
	s.reads()
	s.clock.advance(2 * time.Hour)
	_, err := s.e.PromoteOrphans(bg)
	s.note("promote", err)
	for i := range 12 {
		s.gone[fmt.Sprint("b/t", i)] = true // the clock is behind the retention
	}
	_, err = s.e.Expire(bg)
	s.note("expire", err)
	s.post("c", "t", 0)
	s.gone["c/t"] = true
	s.note("delete app", s.e.DeleteApp(bg, "c"))
	s.note("backup", s.e.Backup(bg, "copy"))
	s.post("a", "last", 0)
	s.reads()
}

func (s *sweepRun) reads() {
	_, err := s.e.List(bg, "a", ListQuery{Page: 1, PageSize: 10})
	s.note("list", err)
	_, err = s.e.TraceWithRuns(bg, "a", "t1")
	s.note("trace", err)
	_, err = s.e.Export(bg, "a", ExportQuery{IncludeRuns: true}, io.Discard)
	s.note("export", err)
	_, err = charts(s.e)
	if !errors.Is(err, ErrNotFound) {
		s.note("charts", err)
	}
	_, err = s.e.Apps(bg)
	s.note("apps", err)
	_, err = s.e.Verify(bg)
	s.note("verify", err)
}

func sweepOptions(fs vfs.FS, clock *testClock) Options {
	o := smallOptions(fs, clock)
	o.CheckpointDeltas = 9
	o.Retention = 15 * 24 * time.Hour
	return o
}

// sweepOnce runs the workload with operation n failing, and then opens what a
// machine would find that died with percent of the unsynced data written.
func sweepOnce(t *testing.T, class opClass, n int64, percent int) (ops int64) {
	t.Helper()
	mem := vfs.NewCrashableMem()
	s := &sweepRun{clock: newClock(), acked: map[string]bool{}, gone: map[string]bool{}, setting: -1}
	in := &injector{class: class, n: n}
	o := sweepOptions(faultyFS(mem, in), s.clock)
	var clone *vfs.MemFS
	what := fmt.Sprintf("%s %d, %d %%", class.name, n, percent)
	within(t, what, func() {
		var err error
		if s.e, err = Open("data", o); err != nil {
			s.note("open", err)
		} else {
			s.work()
			s.readsWork(t, what, in)
		}
		clone = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(n+1), 8))})
		if s.e != nil {
			_ = s.e.Close()
		}
	})
	s.checkErrors(t, what, class)
	s.reopen(t, what, o, clone)
	return in.count.Load()
}

// readsWork: a store that takes no writes any more answers every read, once
// the disk gives its bytes again.
func (s *sweepRun) readsWork(t *testing.T, what string, in *injector) {
	if s.e.failed.get() == nil {
		return
	}
	if err := s.e.Ready(); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%s: failed and ready: %v", what, err)
	}
	if in.class.name == "read" {
		in.off.Store(true)
	}
	from := len(s.errs)
	s.reads()
	for _, err := range s.errs[from:] {
		if !errors.Is(err, ErrNotFound) { // the app may not have been made
			t.Errorf("%s: a read of a store that is read-only: %v", what, err)
		}
	}
	if err := s.e.PutSetting(bg, "k", nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("%s: a write of a store that is read-only: %v", what, err)
	}
}

// checkErrors: each error says what happened.
func (s *sweepRun) checkErrors(t *testing.T, what string, class opClass) {
	t.Helper()
	for _, err := range s.errs {
		known := errors.Is(err, class.err)
		for _, k := range []error{ErrReadOnly, ErrUnavailable, ErrCorrupt, ErrNotFound} {
			known = known || errors.Is(err, k)
		}
		if !known && !strings.Contains(err.Error(), class.err.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// reopen checks that nothing acknowledged is lost.
func (s *sweepRun) reopen(t *testing.T, what string, o Options, fs *vfs.MemFS) {
	t.Helper()
	o.FS = fs
	e, err := Open("data", o)
	if err != nil {
		t.Errorf("%s: open again: %v", what, err)
		return
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Errorf("%s: close: %v", what, err)
		}
	}()
	for key := range s.acked {
		app, id := splitKey(key)
		if _, err := e.TraceWithRuns(bg, app, id); err != nil && !s.gone[key] {
			t.Errorf("%s: acknowledged and lost: %s: %v", what, key, err)
		}
	}
	if v, err := e.Setting(bg, "k"); s.setting >= 0 && (err != nil || string(v) < fmt.Sprintf("%03d", s.setting)) {
		t.Errorf("%s: setting %q (%v), acknowledged %03d", what, v, err, s.setting)
	}
	rep, err := e.Verify(bg)
	if err != nil || len(rep.Differences) > 0 {
		t.Errorf("%s: verify: %v %q", what, err, rep.Differences)
	}
	if _, err := e.Ingest(bg, "a", parseRuns(panicker{}, oneRun("new", epoch))); err != nil {
		t.Errorf("%s: a write: %v", what, err)
	}
}

// TestFaultSweep lets the nth filesystem operation of every kind fail, for n
// spread over the workload, or with TRACEBED_SWEEP=all for every n: every call
// returns, nothing acknowledged is lost, reads go on, the next open works, and
// verify finds nothing.
func TestFaultSweep(t *testing.T) {
	samples := int64(6)
	if raceDetector {
		samples = 2
	}
	for _, class := range opClasses {
		t.Run(class.name, func(t *testing.T) {
			total := sweepOnce(t, class, -1, 100)
			step := max(1, total/samples)
			if os.Getenv("TRACEBED_SWEEP") == "all" {
				step = 1
			}
			runs := 0
			for n := int64(0); n < total && !t.Failed(); n += step {
				sweepOnce(t, class, n, []int{100, 0}[n/step%2])
				runs++
			}
			t.Logf("%d operations, %d of them failed in turn", total, runs)
		})
	}
}
