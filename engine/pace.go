package engine

import (
	"time"

	"github.com/tracebed/tracebed/internal/turns"
)

// How the disk is left to small requests while large ones are stored. Every byte
// of a large body is written four times or so: to the log, by the flush and by
// compactions. A small request waits in its fsync for what the disk has been
// given before, so beside small ones nobody gives it much at once, and whoever
// did leaves it idle for longer than that took: the committer after a large
// batch, flushes and compactions every 128 KiB. Large bodies come in at about
// 0.4 of the rate then (TestOverload: p99 of a small write 5 to 6 instead of 11
// ms, of a read 4 instead of 6 ms; 7 ms and 0.6 of the rate with half the rest).
// Without small requests, or large ones, all of it goes at full speed.
const (
	// restTimes is how much longer than it was busy the disk is left idle.
	restTimes = 8
	// restMost bounds one such time.
	restMost = 250 * time.Millisecond
	// paceBytes of a table are written between two of them.
	paceBytes = 128 << 10
	// largeFor is how long after a large batch tables are made of such.
	largeFor = 2 * time.Second
)

// restAfter is how long the disk is left idle after work that took some time.
// Where there is none, a filesystem of the embedder's, only the processor rests.
func (e *Engine) restAfter(took time.Duration) time.Duration {
	if !e.opts.watchDisk {
		return took
	}
	return min(restTimes*took, restMost)
}

// paces says that tables are written a little at a time: small requests come
// beside large ones, and the room that is kept for them is not running out.
func (e *Engine) paces() bool {
	last := e.lastLarge.Load()
	if !e.opts.watchDisk || last == 0 || time.Now().UnixNano()-last > int64(largeFor) || !turns.Shared().Beside() || e.closed.Load() {
		return false
	}
	m := e.db.Metrics()
	return e.roomForSmall(m.MemTable.Size, m.Levels[0].Sublevels)
}

// roomForSmall says that small requests are far from where they wait (awaitRoom).
func (e *Engine) roomForSmall(memTableBytes uint64, sublevels int32) bool {
	return memTableBytes < memTables*e.opts.MemTableBytes-e.opts.MemTableBytes/2 && sublevels < l0Sublevels*3/4
}
