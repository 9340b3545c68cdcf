package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// faultyFS is errorfs.Wrap, which forgets to wrap a log that is used again.
func faultyFS(fs vfs.FS, inj errorfs.Injector) vfs.FS {
	return reusing{FS: errorfs.Wrap(fs, inj), base: fs, inj: inj}
}

type reusing struct {
	vfs.FS
	base vfs.FS
	inj  errorfs.Injector
}

func (r reusing) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.inj.MaybeError(errorfs.Op{Kind: errorfs.OpReuseForWrite, Path: name}); err != nil {
		return nil, err
	}
	if err := r.base.Rename(old, name); err != nil {
		return nil, err
	}
	return r.FS.OpenReadWrite(name, c)
}

// failWAL makes every operation of the kinds on a WAL file fail while on is
// set.
func failWAL(on *atomic.Bool, kinds ...errorfs.OpKind) errorfs.Injector {
	return errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && strings.HasSuffix(op.Path, ".log") {
			for _, k := range kinds {
				if op.Kind == k {
					return errorfs.ErrInjected
				}
			}
		}
		return nil
	})
}

// within fails the test when fn does not return soon.
func within(t *testing.T, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s does not return:\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// TestDiskFails: a WAL that cannot be written or synced never gives a nil
// error, and the engine stays readable and can be closed.
func TestDiskFails(t *testing.T) {
	sync := []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}
	write := []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}
	create := []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}
	for name, kinds := range map[string][]errorfs.OpKind{"sync": sync, "write": write, "create": create} {
		t.Run(name, func(t *testing.T) { testDiskFails(t, kinds) })
	}
}

func testDiskFails(t *testing.T, kinds []errorfs.OpKind) {
	mem := vfs.NewMem()
	var on atomic.Bool
	var fatal atomic.Int32
	clock := newClock()
	o := smallOptions(faultyFS(mem, failWAL(&on, kinds...)), clock)
	o.OnFatal = func(error) { fatal.Add(1) }
	e := openTest(t, "data", o)
	acked := make([]int, 4)
	var wg sync.WaitGroup
	for w := range acked {
		wg.Go(func() {
			for i := range 400 {
				if i == 10 && w == 0 {
					on.Store(true)
				}
				big := oneRun(fmt.Sprintf("w%d-%d", w, i), epoch.Add(time.Duration(i)*time.Millisecond))
				big.output = noise(8<<10, int64(w*1000+i))
				_, err := e.Ingest(bg, "app", parseRuns(panicker{}, big))
				if err == nil {
					acked[w]++
					continue
				}
				if !errors.Is(err, ErrReadOnly) {
					t.Errorf("error %v, want ErrReadOnly", err)
				}
				return
			}
			t.Errorf("writer %d met no error", w)
		})
	}
	within(t, "ingest", wg.Wait)
	if err := e.Ready(); !errors.Is(err, ErrReadOnly) {
		t.Errorf("ready: %v", err)
	}
	within(t, "a read", func() {
		if _, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 10}); err != nil {
			t.Errorf("list: %v", err)
		}
		_ = e.Stats()
	})
	within(t, "a write", func() {
		for _, err := range []error{e.PutSetting(bg, "k", nil), e.Checkpoint(bg), e.DeleteTrace(bg, "app", "w0-0"), e.DeleteApp(bg, "app")} {
			if !errors.Is(err, ErrReadOnly) {
				t.Errorf("write: %v", err)
			}
		}
	})
	within(t, "Close", func() {
		if err := e.Close(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("close: %v", err)
		}
	})
	time.Sleep(10 * time.Millisecond)
	if n := fatal.Load(); n != 1 {
		t.Errorf("OnFatal called %d times", n)
	}
	on.Store(false)
	o.FS = mem
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	verifyClean(t, e)
	for w, n := range acked {
		for i := range n {
			if _, err := e.Trace(bg, "app", fmt.Sprintf("w%d-%d", w, i)); err != nil {
				t.Errorf("acknowledged and lost: %v", err)
			}
		}
	}
}
