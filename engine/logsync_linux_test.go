package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// needLogSyncer skips where the kernel, or a sandbox, has no such thing.
func needLogSyncer(t *testing.T) *logSyncer {
	t.Helper()
	s := newLogSyncer()
	if s == nil {
		t.Skip("io_setup is refused here; the engine uses fdatasync")
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestLogSyncer: a sync comes to its end by itself, and while it is on its way
// another is left to the caller.
func TestLogSyncer(t *testing.T) {
	s := needLogSyncer(t)
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all sync.WaitGroup
	var begun atomic.Int64
	for range 4 {
		all.Go(func() {
			for range 50 {
				if _, err := f.Write(make([]byte, 5000)); err != nil {
					t.Error(err)
				}
				did, err := s.sync(f.Fd())
				if err != nil {
					t.Error(err)
				}
				if did {
					begun.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := begun.Load(); n == 0 || n > 200 {
		t.Errorf("%d syncs of 200 were begun", n)
	}
	s.mu.Lock()
	if did, _ := s.sync(f.Fd()); did {
		t.Error("a second sync was begun beside the first")
	}
	s.mu.Unlock()
}

// TestLogSyncerRefuses: what cannot be synced this way is left to the caller,
// whose fdatasync says why; so is everything after close.
func TestLogSyncerRefuses(t *testing.T) {
	s := newLogSyncer()
	if s == nil {
		t.Skip("io_setup is refused here; the engine uses fdatasync")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, fd := range map[string]uintptr{"a pipe": w.Fd(), "no file": 1 << 20} {
		if did, err := s.sync(fd); did || err != nil {
			t.Errorf("%s: begun %t, %v", name, did, err)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if did, err := s.sync(f.Fd()); did || err != nil {
		t.Errorf("closed: begun %t, %v", did, err)
	}
}

// TestLogSyncerErrors: a failure of the disk is one of the sync.
func TestLogSyncerErrors(t *testing.T) {
	for res, want := range map[int64]error{0: nil, -int64(syscall.EIO): syscall.EIO, -int64(syscall.ENOSPC): syscall.ENOSPC} {
		if err := (&ioEvent{res: res}).err(); !errors.Is(err, want) {
			t.Errorf("result %d: %v", res, err)
		}
	}
}

// TestLogSyncerInUse: an engine on the disk syncs its log this way, one on a
// filesystem of the embedder's does not, and after Close nothing is left open.
func TestLogSyncerInUse(t *testing.T) {
	needLogSyncer(t)
	before := openFiles(t)
	dir := t.TempDir()
	e := openTest(t, dir, Options{})
	s := e.logSync.Load()
	if s == nil {
		t.Fatal("there is none")
	}
	ingest(t, e, "app", oneRun("a", time.Now()))
	if s.cb.opcode != aioFdatasync {
		t.Error("the log was synced in another way")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if after := openFiles(t); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
	e = openTest(t, dir, Options{})
	if got := listIDs(t, e, "app", ListQuery{}); len(got) != 1 || got[0] != "a" {
		t.Errorf("reopened with %v", got)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	other, _ := newEngine(t, nil)
	if other.logSync.Load() != nil {
		t.Error("a filesystem of the embedder's is passed by")
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestAIOLayout: the sizes and places that the kernel knows.
func TestAIOLayout(t *testing.T) {
	var cb iocb
	got := []uintptr{unsafe.Sizeof(cb), unsafe.Offsetof(cb.opcode), unsafe.Offsetof(cb.fd), unsafe.Offsetof(cb.flags),
		unsafe.Offsetof(cb.completed), unsafe.Sizeof(ioEvent{}), unsafe.Offsetof(ioEvent{}.res)}
	if want := []uintptr{64, 16, 20, 56, 60, 32, 16}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}
