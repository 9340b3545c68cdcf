package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskFS stands between Pebble and the filesystem. Pebble panics, or calls
// Fatalf on a goroutine that nobody can save, when a log, a MANIFEST or the
// directory cannot be written (db.go rotateWAL, version_set.go). So the first
// such failure turns the engine read-only and freezes the directory: it stays
// as it was, and Pebble is told that all went well.
//
//   - Nothing written afterwards is acknowledged: the failure is noted before
//     the operation returns, and syncLoop looks for it (commit.go).
//   - Nothing that names, removes or renames a file of the store reaches the
//     disk any more, so the next open finds the MANIFEST, tables and logs of
//     the moment before the failure, all of them.
//   - New tables wait until the engine closes; reads go on.
//
// It also notes the length and checksum of every MANIFEST that was synced in
// the marker file, because Pebble takes a damaged one for a shorter one
// (style.md 3c.8).
type diskFS struct {
	vfs.FS
	e *Engine
	*diskState
}

// diskState is shared by the copies of a diskFS.
type diskState struct {
	frozen atomic.Bool
	cold   coldReads // of tables
	// pause is how long the next table waits: Pebble repeats a failing flush
	// at once and for ever (style.md 3c.4).
	pause atomic.Int64
	// removals are the tables and logs that Pebble removed while the engine
	// was opening: an open that fails must leave everything in place.
	mu       sync.Mutex
	opened   bool
	removals []string
}

// postpone says that a removal waits for the end of the opening.
func (f diskFS) postpone(name string) bool {
	if !f.ours(name) || !isTable(name) && !strings.HasSuffix(name, ".log") {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.opened {
		f.removals = append(f.removals, name)
	}
	return !f.opened
}

// opening is over: what was removed is removed.
func (f diskFS) openingDone() {
	f.mu.Lock()
	names := f.removals
	f.opened, f.removals = true, nil
	f.mu.Unlock()
	for _, name := range names {
		if err := f.Remove(name); err != nil && !oserror.IsNotExist(err) {
			f.e.opts.Logger.Warn("an old file of the store could not be removed", "path", name, "error", err)
		}
	}
}

var errFrozen = errors.New("the directory takes no writes since the disk failed")

func newDiskFS(fs vfs.FS, e *Engine) diskFS { return diskFS{FS: fs, e: e, diskState: new(diskState)} }

// Unwrap returns the filesystem below.
func (f diskFS) Unwrap() vfs.FS { return f.FS }

// ours says that a path is a file of the store; backups are written through
// the same filesystem.
func (f diskFS) ours(path string) bool { return f.PathDir(path) == f.e.storePath() }

// ghost says that a change of a path must not reach the disk.
func (f diskFS) ghost(path string) bool { return f.frozen.Load() && f.ours(path) }

// freeze fails the engine first: an operation that finds the directory frozen
// does nothing and says that all went well, and nobody may be answered on the
// strength of that (found by TestFaultSweep).
func (f diskFS) freeze(what string, err error) {
	f.e.fail(fmt.Errorf("%w: %s: %w; restart after mending the disk", ErrReadOnly, what, err))
	f.frozen.Store(true)
}

// guard does an operation on a file of the store that must not fail, unless
// the directory is frozen.
func (f diskFS) guard(what string, do func() error) {
	if f.frozen.Load() {
		return
	}
	if err := do(); err != nil {
		f.freeze(what, err)
	}
}

// Create makes logs, MANIFESTs and pointers that cannot fail for Pebble, and
// tables that can.
func (f diskFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !f.ours(name) {
		return f.FS.Create(name, c)
	}
	if isTable(name) {
		if err := f.mayWriteTable(); err != nil {
			return nil, err
		}
		file, err := f.FS.Create(name, c)
		if err != nil {
			return nil, err
		}
		return newTableFile(file, f.e), nil
	}
	return f.open(name, func() (vfs.File, error) { return f.FS.Create(name, c) })
}

// Open opens a file for reading; tables are known to the pages that read them.
func (f diskFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, opts...)
	if err != nil || !f.ours(name) || !isTable(name) {
		return file, err
	}
	return f.cold.table(file, opts), nil
}

// ReuseForWrite makes a log of an old one.
func (f diskFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !f.ours(name) {
		return f.FS.ReuseForWrite(old, name, c)
	}
	return f.open(name, func() (vfs.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

func (f diskFS) open(name string, open func() (vfs.File, error)) (file vfs.File, err error) {
	f.guard("a file of the store cannot be made", func() error { file, err = open(); return err })
	if file == nil {
		file = vfs.NewMemFile(nil) // whatever is written to it is lost, and nobody was told otherwise
	}
	s := storeFile{File: file, fs: f}
	if strings.HasPrefix(f.PathBase(name), "MANIFEST-") {
		return &manifestFile{storeFile: s, mark: manifestMark{name: f.PathBase(name)}}, nil
	}
	return s, nil
}

// mayWriteTable holds a new table back while the disk gives errors.
func (f diskFS) mayWriteTable() error {
	if d := time.Duration(f.pause.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-f.e.failCh:
		case <-f.e.closing:
		}
	}
	if !f.frozen.Load() {
		return nil
	}
	if f.e.started.Load() {
		<-f.e.closing
	}
	time.Sleep(10 * time.Millisecond) // Pebble tries again until it is closed
	return errFrozen
}

func isTable(name string) bool {
	return strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".blob")
}

// Remove, Rename and Link do nothing to a frozen store.

// Remove removes a file.
func (f diskFS) Remove(name string) error {
	if f.ghost(name) || f.postpone(name) {
		return nil
	}
	return f.FS.Remove(name)
}

// Rename renames a file.
func (f diskFS) Rename(old, name string) error {
	if f.ghost(name) {
		return nil
	}
	return f.FS.Rename(old, name)
}

// Link makes a hard link.
func (f diskFS) Link(old, name string) error {
	if f.ghost(name) {
		return nil
	}
	return f.FS.Link(old, name)
}

// OpenDir opens a directory for syncing.
func (f diskFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	if err != nil || name != f.e.storePath() {
		return file, err
	}
	return storeFile{File: file, fs: f}, nil
}

// storeFile is a log, a pointer, an OPTIONS file or the directory itself.
type storeFile struct {
	vfs.File
	fs diskFS
}

const (
	cannotWrite = "a file of the store cannot be written"
	cannotSync  = "a file of the store cannot be synced"
)

func (s storeFile) Write(p []byte) (int, error) {
	s.fs.guard(cannotWrite, func() error { _, err := s.File.Write(p); return err })
	return len(p), nil
}

func (s storeFile) WriteAt(p []byte, at int64) (int, error) {
	s.fs.guard(cannotWrite, func() error { _, err := s.File.WriteAt(p, at); return err })
	return len(p), nil
}

func (s storeFile) Preallocate(at, n int64) error {
	s.fs.guard(cannotWrite, func() error { return s.File.Preallocate(at, n) })
	return nil
}

func (s storeFile) Sync() error {
	s.fs.guard(cannotSync, s.File.Sync)
	return nil
}

// SyncData is what makes a log durable.
func (s storeFile) SyncData() error {
	s.fs.e.syncs.begins()
	s.fs.guard(cannotSync, func() error {
		if l := s.fs.e.logSync.Load(); l != nil {
			if begun, err := l.sync(s.Fd()); begun {
				return err
			}
		}
		return s.File.SyncData()
	})
	return nil
}

func (s storeFile) SyncTo(n int64) (whole bool, err error) {
	s.fs.guard(cannotSync, func() error { whole, err = s.File.SyncTo(n); return err })
	return whole, nil
}

// Stat is asked of a log that is used again; an error there is a panic too.
func (s storeFile) Stat() (info vfs.FileInfo, err error) {
	s.fs.guard("a file of the store cannot be read", func() error { info, err = s.File.Stat(); return err })
	if info == nil {
		return vfs.NewMemFile(nil).Stat()
	}
	return info, nil
}

func (s storeFile) Close() error {
	err := s.File.Close()
	s.fs.guard("a file of the store cannot be closed", func() error { return err })
	return nil
}

// manifestFile is a MANIFEST that is being written, by one goroutine at a time.
type manifestFile struct {
	storeFile
	mark manifestMark // of everything written so far
}

func (m *manifestFile) Write(p []byte) (int, error) {
	m.mark.crc = crc32.Update(m.mark.crc, crcTable, p) // first: Write may change p
	m.mark.size += int64(len(p))
	return m.storeFile.Write(p)
}

func (m *manifestFile) Sync() error {
	_ = m.storeFile.Sync()
	m.fs.guard("the marker file cannot be written", func() error {
		return m.fs.e.updateMarker(func(k *marker) { k.noteManifest(m.mark) })
	})
	return nil
}

func (m *manifestFile) SyncData() error { return m.Sync() }
