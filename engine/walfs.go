package engine

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walFS stands between Pebble and the filesystem for the files of the log.
// Pebble panics, or ends the process in a way that cannot be recovered, when a
// log cannot be created, closed or synced (db.go, rotateWAL). So the first
// failure turns the engine read-only and is then hidden from Pebble: from that
// moment on nothing is written to any log, and every write that waits for its
// sync is answered with the failure, because it is noted before the sync
// returns (syncLoop). Reads go on.
type walFS struct {
	vfs.FS
	e    *Engine
	dead *atomic.Bool
}

func newWALFS(fs vfs.FS, e *Engine) vfs.FS { return walFS{FS: fs, e: e, dead: new(atomic.Bool)} }

func (f walFS) Unwrap() vfs.FS { return f.FS }

func (f walFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, ".log") {
		return f.FS.Create(name, c)
	}
	return f.open(func() (vfs.File, error) { return f.FS.Create(name, c) })
}

func (f walFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, ".log") {
		return f.FS.ReuseForWrite(old, name, c)
	}
	return f.open(func() (vfs.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

func (f walFS) open(open func() (vfs.File, error)) (vfs.File, error) {
	if !f.dead.Load() {
		file, err := open()
		if err == nil {
			return walFile{File: file, fs: f}, nil
		}
		f.failed(err)
	}
	return walFile{File: vfs.NewMemFile(nil), fs: f}, nil
}

func (f walFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return dirFile{File: file, e: f.e}, err
}

func (f walFS) failed(err error) {
	f.dead.Store(true)
	f.e.fail(fmt.Errorf("%w: the log cannot be written: %w; restart after mending the disk", ErrReadOnly, err))
}

// walFile is one file of the log.
type walFile struct {
	vfs.File
	fs walFS
}

// hide does an operation unless the log is dead, and notes its failure.
func (w walFile) hide(do func() error) {
	if w.fs.dead.Load() {
		return
	}
	if err := do(); err != nil {
		w.fs.failed(err)
	}
}

func (w walFile) Write(p []byte) (int, error) {
	w.hide(func() error { _, err := w.File.Write(p); return err })
	return len(p), nil
}

func (w walFile) WriteAt(p []byte, at int64) (int, error) {
	w.hide(func() error { _, err := w.File.WriteAt(p, at); return err })
	return len(p), nil
}

func (w walFile) Preallocate(at, n int64) error {
	w.hide(func() error { return w.File.Preallocate(at, n) })
	return nil
}

func (w walFile) Sync() error {
	w.hide(w.File.Sync)
	return nil
}

func (w walFile) SyncData() error {
	w.hide(w.File.SyncData)
	return nil
}

func (w walFile) SyncTo(n int64) (whole bool, err error) {
	w.hide(func() error { whole, err = w.File.SyncTo(n); return err })
	return whole, nil
}

func (w walFile) Close() error {
	err := w.File.Close()
	w.hide(func() error { return err })
	return nil
}

// dirFile is a directory. That it cannot be synced must not be hidden, because
// tables are found through it, and Pebble must not hear of it either.
type dirFile struct {
	vfs.File
	e *Engine
}

func (d dirFile) Sync() error {
	if err := d.File.Sync(); err != nil {
		pebbleLogger{d.e}.Fatalf("sync of the directory: %v", err)
	}
	return nil
}
