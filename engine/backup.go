package engine

import (
	"context"
	"errors"
	"fmt"

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
	if err != nil {
		return fmt.Errorf("backup to %s: %w", dir, err)
	}
	seq := e.durableSeq()
	copyStore := func() error {
		return e.db.Checkpoint(fs.PathJoin(dir, storeDir), pebble.WithFlushedWAL())
	}
	if e.writable() != nil {
		err = copyStore() // nothing writes
	} else if err = e.db.Flush(); err == nil {
		err = e.onCommitter(ctx, copyStore)
	}
	if err != nil {
		return fmt.Errorf("backup to %s: %w", dir, storeError(err))
	}
	if err := writeMarker(fs, dir, marker{version: FormatVersion, seq: seq}); err != nil {
		return fmt.Errorf("backup to %s: %w", dir, err)
	}
	for _, d := range made {
		if err := syncDir(fs, d); err != nil {
			return fmt.Errorf("backup to %s: %w", dir, err)
		}
	}
	return nil
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

// Stats returns counters and gauges.
func (e *Engine) Stats() Stats {
	s := Stats{
		Seq: e.applied.Load(), Batches: e.batches.Load(), Ops: e.ops.Load(),
		QueueOps: e.queueOps.Load(), QueueBytes: e.queueBytes.Load(), StateBytes: e.stateBytes.Load(),
		Corruptions: e.corruptions.Load(), Checkpoints: e.checkpoints.Load(), RebuiltUnits: e.rebuilt.Load(),
		WriteStalls: e.stalls.Load(), NoopRuns: e.noopRuns.Load(),
	}
	leave, err := e.enter(context.Background())
	if err != nil {
		return s
	}
	defer leave()
	m := e.db.Metrics()
	s.DiskBytes = m.DiskSpaceUsage()
	s.MemtableBytes = m.MemTable.Size
	s.BlockCacheBytes = m.BlockCache.Size
	s.CompactionDebtBytes = m.Compact.EstimatedDebt
	s.L0Files, s.L0Sublevels = m.Levels[0].TablesCount, int64(m.Levels[0].Sublevels)
	s.WALBytes = m.WAL.Size
	return s
}
