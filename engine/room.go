package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// When Pebble itself stalls, Engine.mu is held and reads wait too. So the
	// committer waits before it takes the lock, at these bounds; Pebble's own
	// are higher (pebbleOptions).
	memTables   = 4  // memtables that may wait to be written to tables
	l0Sublevels = 30 // sublevels of level 0

	spaceEvery = 500 * time.Millisecond // between two looks at the free space
	roomPoll   = 5 * time.Millisecond

	// holdAfter is how many times in a row writing a memtable to tables may
	// fail before new data is refused.
	holdAfter = 3
	maxPause  = time.Second // between two tries
)

// room says whether new data can be taken. Unlike a failure it comes back.
type room struct {
	full      atomic.Pointer[error] // the disk is nearly full
	held      atomic.Pointer[error] // tables cannot be written
	failures  atomic.Int64          // of flushes in a row
	free      atomic.Int64          // bytes free on the disk when last looked, -1 = unknown
	unchecked int64                 // bytes applied since awaitRoom last looked; committer only
}

// takesData is nil while new data can be taken. Deletes, settings and expiry
// go on where it is not: they free space, or revoke.
func (e *Engine) takesData() error {
	for _, p := range []*atomic.Pointer[error]{&e.room.full, &e.room.held} {
		if err := p.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// checkSpace compares the free space with the floor.
func (e *Engine) checkSpace() {
	use, err := e.opts.FS.GetDiskUsage(e.dir)
	if err != nil {
		e.room.free.Store(-1)
		e.room.full.Store(nil) // not known here
		return
	}
	e.room.free.Store(int64(min(use.AvailBytes, 1<<62)))
	floor := e.minFree(use)
	was := e.room.full.Load() != nil
	if use.AvailBytes >= floor {
		if was {
			e.room.full.Store(nil)
			e.opts.Logger.Warn("there is room on the disk again; new data is taken")
		}
		return
	}
	full := fmt.Errorf("%w: %d MiB are free on the disk and %d MiB are kept free; free some space",
		ErrUnavailable, use.AvailBytes>>20, floor>>20)
	e.room.full.Store(&full)
	if !was {
		e.opts.Logger.Error("the disk is nearly full; new data is refused until there is room", slog.Any("error", full))
	}
}

// minFree is the floor in bytes: Options.MinFreeBytes, or 5 % of the disk, at
// most 1 GiB and at least what the memtables need to be written out twice.
func (e *Engine) minFree(use vfs.DiskUsage) uint64 {
	switch n := e.opts.MinFreeBytes; {
	case n < 0:
		return 0
	case n > 0:
		return uint64(n)
	}
	return max(min(use.TotalBytes/20, 1<<30), 2*e.opts.MemTableBytes)
}

// watchSpace looks at the free space until Close begins.
func (e *Engine) watchSpace() {
	defer e.loops.Done()
	every := time.NewTicker(spaceEvery)
	defer every.Stop()
	for {
		select {
		case <-e.closing:
			return
		case <-every.C:
			e.checkSpace()
		}
	}
}

// flushFailed is told of every background error, flushed of every success.
// Pebble repeats a failing flush in a hot loop (style.md 3c.4): the next table
// waits longer and longer, and new data is refused until one succeeds.
func (e *Engine) flushFailed(err error, disk *diskState) {
	n := e.room.failures.Add(1)
	disk.pause.Store(int64(min(time.Millisecond<<min(n, 20), maxPause)))
	if n == holdAfter {
		held := fmt.Errorf("%w: tables cannot be written: %w", ErrUnavailable, err)
		e.room.held.Store(&held)
		e.opts.Logger.Error("new data is refused until tables can be written", slog.Any("error", err))
	}
}

func (e *Engine) flushed(disk *diskState) {
	e.room.failures.Store(0)
	disk.pause.Store(0)
	e.room.held.Store(nil)
}

// awaitRoom waits until a batch of some bytes can be applied without a stall.
func (e *Engine) awaitRoom(bytes int64) error {
	every := int64(e.opts.MemTableBytes / 4)
	if e.room.unchecked += bytes; e.room.unchecked < every {
		return nil
	}
	for waited := false; ; waited = true {
		m := e.db.Metrics()
		if m.MemTable.Size < memTables*e.opts.MemTableBytes && m.Levels[0].Sublevels < l0Sublevels {
			e.room.unchecked = bytes
			return nil
		}
		if err := errors.Join(e.failed.get(), e.takesData()); err != nil {
			return err
		}
		if !waited {
			e.stallBegins()
			defer e.stallEnds()
			e.opts.Logger.Warn("writes wait for the disk", slog.Uint64("memtable_bytes", m.MemTable.Size),
				slog.Int64("l0_sublevels", int64(m.Levels[0].Sublevels)))
		}
		select {
		case <-time.After(roomPoll):
		case <-e.failCh:
		}
	}
}

// flush writes the memtables to tables. Unlike Pebble's it ends when that
// cannot succeed.
func (e *Engine) flush(ctx context.Context) error {
	done, err := e.db.AsyncFlush()
	if err != nil {
		return storeError(err)
	}
	poll := time.NewTicker(10 * roomPoll)
	defer poll.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-e.failCh:
			return e.failed.get()
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
			if held := e.room.held.Load(); held != nil {
				return *held
			}
		}
	}
}
