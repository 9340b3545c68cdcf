package engine

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Open opens the store in dir, creating it if dir is missing or empty.
//
// Errors name the directory and the next step: ErrInUse (another process has
// it), ErrVersion (written by another format), ErrNotEmpty (something else is
// in it), ErrCorrupt (damaged), or an error of the filesystem. A failing Open
// deletes nothing.
func Open(dir string, o Options) (*Engine, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	e := &Engine{opts: o, dir: dir, failCh: make(chan struct{}), closing: make(chan struct{}),
		queue: make(chan *commitReq, 1024), bulk: make(chan *commitReq, bulkAhead)}
	e.stuck.ch = make(chan struct{})
	e.mu.byID = map[uint32]*appState{}
	e.mu.nextApp = 1
	e.memo.most, e.rowCache.most = memoBytes, rowCacheBytes
	e.durable.cond = sync.NewCond(&e.durable.Mutex)
	e.syncs.init()
	e.committer.init()
	if err := e.guardedOpen(); err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", dir, explain(err))
	}
	return e, nil
}

// guardedOpen is open for a disk that fails meanwhile: Pebble then panics, or
// never returns (pebbleLogger.Fatalf).
func (e *Engine) guardedOpen() error {
	done := make(chan error, 1)
	go func() { done <- unpanicked(e.open) }()
	select {
	case err := <-done:
		return err
	case <-e.stuck.ch:
		return e.failed.get()
	}
}

// unpanicked makes an error of a panic of Pebble over the disk, such as a
// directory that cannot be synced (atomicfs.Marker.Move).
func unpanicked(f func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r) // a mistake, not the disk
		case error:
			err = r
		default:
			panic(r)
		}
	}()
	return f()
}

func (e *Engine) open() (err error) {
	m, fresh, err := e.claim()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.lock.Close())
		}
	}()
	if err := e.check(&m); err != nil {
		return err
	}
	e.guards.mark = m
	e.guards.mark.clean = false
	if e.db, err = pebble.Open(e.storePath(), e.pebbleOptions(e.lock, e.opts.ReadOnly)); err != nil {
		return err
	}
	if err := e.load(m, fresh); err != nil {
		return errors.Join(err, e.db.Close())
	}
	if !e.opts.ReadOnly {
		if err := e.startGuards(); err != nil {
			return errors.Join(err, e.db.Close())
		}
	}
	if err := e.dropBackup(); err != nil {
		return errors.Join(err, e.db.Close())
	}
	if err := e.failed.get(); err != nil { // the directory is frozen
		return errors.Join(err, e.db.Close())
	}
	e.started.Store(true)
	e.disk.openingDone()
	if e.opts.watchDisk && !e.opts.ReadOnly { // the disk, and nothing of the embedder's before it
		e.logSync.Store(newLogSyncer())
	}
	e.start()
	return nil
}

func (e *Engine) storePath() string { return e.opts.FS.PathJoin(e.dir, storeDir) }

// claim makes or checks the directory and locks it. fresh says that there was
// no store yet.
func (e *Engine) claim() (m marker, fresh bool, err error) {
	fs := e.opts.FS
	m, found, err := readMarker(fs, e.dir)
	if err != nil {
		return m, false, err
	}
	if !found {
		if e.opts.ReadOnly {
			return m, false, fmt.Errorf("%w: it has no file %s", ErrNotEmpty, markerName)
		}
		if err := e.checkEmpty(); err != nil {
			return m, false, err
		}
		// The marker comes first: a crash from here on leaves a directory
		// that is known as ours, with nothing in it that was acknowledged.
		m = marker{version: e.opts.format}
		if err := writeMarker(fs, e.dir, m); err != nil {
			return m, false, err
		}
		if parent := fs.PathDir(e.dir); parent != e.dir {
			_ = syncDir(fs, parent) // a parent that cannot be opened is not ours to sync
		}
	}
	if !e.opts.ReadOnly {
		if err := errors.Join(fs.MkdirAll(e.storePath(), 0o755), syncDir(fs, e.dir)); err != nil {
			return m, false, err
		}
	}
	if err := e.lockStore(); err != nil {
		return m, false, err
	}
	return m, !found || m.seq == 0, nil
}

// lockStore keeps other processes out. A directory on a disk that cannot be
// written is opened for reading without a lock: nobody can write there.
func (e *Engine) lockStore() (err error) {
	fs := e.opts.FS
	e.lock, err = pebble.LockDirectory(e.storePath(), fs)
	switch {
	case err == nil:
		return nil
	case e.opts.ReadOnly && (oserror.IsPermission(err) || errors.Is(err, syscall.EROFS)):
		e.lock, err = pebble.LockDirectory(e.storePath(), noLock{fs})
		return err
	case !oserror.IsPermission(err) && !errors.Is(err, syscall.EROFS) && !vfs.IsNoSpaceError(err):
		return errors.Join(ErrInUse, err)
	}
	return err
}

// noLock is a filesystem on which locking a file does nothing.
type noLock struct{ vfs.FS }

// Lock does nothing.
func (noLock) Lock(string) (io.Closer, error) { return keepOpen{}, nil }

// checkEmpty refuses a directory that holds anything but our own first steps.
func (e *Engine) checkEmpty() error {
	fs := e.opts.FS
	if err := fs.MkdirAll(e.dir, 0o755); err != nil {
		return err
	}
	names, err := fs.List(e.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != markerName+".tmp" && name != "lost+found" {
			return fmt.Errorf("%w: it has %q but no file %s", ErrNotEmpty, name, markerName)
		}
	}
	return nil
}

// startGuards notes what the store holds now.
func (e *Engine) startGuards() (err error) {
	if err := e.updateMarker(func(m *marker) { m.seq = e.applied.Load() }); err != nil {
		return err
	}
	e.guards.acks, err = openAcks(e.opts.FS, e.dir)
	return err
}

// check looks for what Pebble would lose without a word, before anything is
// changed, and raises the watermark of m to what was acknowledged.
func (e *Engine) check(m *marker) error {
	acked, err := readAcks(e.opts.FS, e.dir)
	if err != nil {
		return err
	}
	m.seq = max(m.seq, acked)
	if err := e.checkManifest(m); err != nil {
		return err
	}
	if m.seq == 0 || e.opts.ReadOnly {
		return nil // load compares as well
	}
	return e.checkWatermark(*m)
}

// checkWatermark opens a store for reading first: opening it for writing
// starts a new log and deletes the old ones.
func (e *Engine) checkWatermark(m marker) error {
	db, err := pebble.Open(e.storePath(), e.pebbleOptions(e.lock, true))
	if err != nil {
		return err
	}
	last, err := lastSeq(db)
	if err == nil && last < m.seq {
		err = fmt.Errorf("%w: the store ends at operation %d, but %d was durable; nothing was changed",
			ErrCorrupt, last, m.seq)
	}
	return errors.Join(err, db.Close())
}

// explain adds the class and the next step to an error of opening.
func explain(err error) error {
	switch {
	case errors.Is(err, ErrInUse):
		return fmt.Errorf("%w: stop the other process that serves it, or choose another directory", err)
	case errors.Is(err, ErrVersion):
		return fmt.Errorf("%w: open it with the release that wrote it, or export from there and ingest here", err)
	case errors.Is(err, ErrNotEmpty):
		return fmt.Errorf("%w: choose an empty directory or a Tracebed one", err)
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("%w: keep a copy of it and restore a backup", err)
	case pebble.IsCorruptionError(err), strings.Contains(err.Error(), "corrupt"),
		// What Pebble says of tables that are missing or cut.
		strings.Contains(err.Error(), "unknown to the objstorage provider"), strings.Contains(err.Error(), "object size mismatch"),
		// And of an OPTIONS file.
		strings.Contains(err.Error(), "name from file"), strings.Contains(err.Error(), "parsing options"):
		return fmt.Errorf("%w: %w: keep a copy of it and restore a backup", ErrCorrupt, err)
	case oserror.IsPermission(err), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: make it writable for this user or choose another directory", err)
	case errors.Is(err, syscall.ENOSPC), vfs.IsNoSpaceError(err):
		return fmt.Errorf("%w: the disk is full: free some space and start again", err)
	}
	return err
}
