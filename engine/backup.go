package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Backup writes a consistent copy of the store to dir, which must not exist.
// Tables are hard links where the filesystem can. The copy is a data directory
// that Open takes.
//
// Writes are taken meanwhile, and wait while the log is copied: a copy of a log
// that grows can end in half a record, which Pebble then takes for damage. The
// log is made short before.
func (e *Engine) Backup(ctx context.Context, dir string) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	fs := e.opts.FS
	if _, err := fs.Stat(dir); !oserror.IsNotExist(err) {
		return fmt.Errorf("backup to %s: %w: it exists; name a new directory", dir, errors.Join(ErrInvalid, err))
	}
	made, err := makeDir(fs, dir)
	if err == nil {
		err = e.copyTo(ctx, dir)
	}
	for _, d := range made {
		if err == nil {
			err = syncDir(fs, d)
		}
	}
	if err != nil {
		// Half a copy is of no use, and its links keep old tables on the disk.
		return fmt.Errorf("backup to %s: %w", dir, errors.Join(storeError(err), fs.RemoveAll(dir)))
	}
	return nil
}

// copyTo makes the copy in an empty directory. The marker comes last: without
// it the directory is not taken for a store.
func (e *Engine) copyTo(ctx context.Context, dir string) error {
	seq := e.durableSeq()
	copyStore := func() error {
		return unpanicked(func() error {
			return e.db.Checkpoint(e.opts.FS.PathJoin(dir, storeDir), pebble.WithFlushedWAL())
		})
	}
	err := e.failed.get()
	if err != nil {
		return err // the directory is frozen
	}
	if e.opts.ReadOnly {
		err = e.linkFiles(dir)
	} else if err = e.flush(ctx); err == nil {
		err = e.onCommitter(ctx, copyStore)
	}
	if err != nil {
		return err
	}
	return markBackup(e.opts.FS, dir, e.format(), seq)
}

// linkFiles copies a store that was opened for reading: nobody changes its
// files, and Pebble's checkpoints need a store that is open for writing. Only
// tables are linked, because a later start goes on writing the other files.
func (e *Engine) linkFiles(dir string) error {
	fs := e.opts.FS
	files, _, err := e.archived(e.dir)
	if err != nil {
		return err
	}
	if err := fs.MkdirAll(fs.PathJoin(dir, storeDir), 0o755); err != nil {
		return err
	}
	for _, f := range files[:len(files)-1] { // the marker is written anew
		put := vfs.Copy
		if strings.HasSuffix(f.name, ".sst") || strings.HasSuffix(f.name, ".blob") {
			put = func(fs vfs.FS, from, to string) error { return vfs.LinkOrCopy(fs, from, to) }
		}
		if err := put(fs, f.path, fs.PathJoin(dir, f.name)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return syncDir(fs, fs.PathJoin(dir, storeDir))
}

// markBackup makes a copy a data directory, with the guards of one.
func markBackup(fs vfs.FS, dir string, format int, seq uint64) error {
	desc, err := pebble.Peek(fs.PathJoin(dir, storeDir), fs)
	if err != nil {
		return err
	}
	f, err := markManifest(fs, desc.ManifestFilename, math.MaxInt64)
	if err != nil {
		return err
	}
	return writeMarker(fs, dir, marker{version: format, seq: seq, manifests: []manifestMark{f}})
}

// makeDir makes a directory and the parents that are missing, and returns the
// directories that got a new entry: until they are synced it may be lost.
func makeDir(fs vfs.FS, dir string) (changed []string, err error) {
	for d := dir; ; d = fs.PathDir(d) {
		if _, err := fs.Stat(d); err == nil || fs.PathDir(d) == d {
			break
		}
		changed = append(changed, fs.PathDir(d))
	}
	return changed, fs.MkdirAll(dir, 0o755)
}

func (e *Engine) durableSeq() uint64 {
	e.durable.Lock()
	defer e.durable.Unlock()
	return e.durable.seq
}

// Checkpoint writes changed indexes and buckets now and waits for it. The
// engine does it by itself; call it before copying a directory by other means.
func (e *Engine) Checkpoint(ctx context.Context) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := e.writable(); err != nil {
		return err
	}
	return e.onCommitter(ctx, e.checkpoint)
}

// onCommitter runs f between two batches and waits for it.
func (e *Engine) onCommitter(ctx context.Context, f func() error) error {
	p, err := e.enqueue(ctx, &commitReq{noOp: true, before: f})
	if err != nil {
		return err
	}
	return p.wait(ctx)
}
