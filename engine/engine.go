package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Engine is an open store. It is safe for concurrent use.
type Engine struct {
	opts Options
	dir  string
	lock *pebble.Lock
	db   *pebble.DB

	// stripes serialise operations on the same trace from before its state is
	// read until the operation is applied, so that what was prepared is what
	// is installed.
	stripes [stripeCount]sync.Mutex

	// mu makes one moment of rows (Pebble) and derived state (memory): the
	// committer holds it while it applies a batch to both, a reader while it
	// takes a snapshot of both.
	mu struct {
		sync.Mutex
		byID    map[uint32]*appState
		nextApp uint32
	}
	// What writers look up without the lock: apps by name (string →
	// *appState) and, in µs, where retention has cut. Changed under mu.
	apps   sync.Map
	cutoff atomic.Int64
	// format2 says that the directory is of format 2, in which traces of rare
	// statuses have `r` rows. Changed under mu, with all traces locked.
	format2 atomic.Bool

	queue      chan *commitReq
	bulk       chan *commitReq // see lanes.go
	lastLarge  atomic.Int64    // when a large batch was applied, see pace.go
	long       sync.Mutex      // see long.go
	queueOps   atomic.Int64
	queueBytes atomic.Int64
	syncs      syncs
	applied    atomic.Uint64 // sequence of the last applied operation
	durable    struct {
		sync.Mutex
		cond *sync.Cond
		seq  uint64
		at   time.Time // when that came about
	}
	expected atomic.Int64 // length of the queue that the committer waits for, see siblings.go

	failed   failure
	failCh   chan struct{} // closed with the first fatal error
	failOnce sync.Once
	stuck    stuck
	started  atomic.Bool   // Open has succeeded
	closing  chan struct{} // closed when Close begins
	closed   atomic.Bool
	users    sync.RWMutex // held for reading by every call; Close waits
	loops    sync.WaitGroup

	backups        sync.Mutex // held by a BackupTo
	memo           bucketMemo
	rowCache       rowCache
	stateBytes     atomic.Int64
	committer      committer
	lookups        lookups
	guards         guards
	disk           diskFS                    // of the last pebbleOptions
	logSync        atomic.Pointer[logSyncer] // nil while opening, and where there is none
	room           room
	healed         healed
	lastBackground atomic.Int64
	counters
}

// counters feed Stats.
type counters struct {
	corruptions, stalls, batches, ops, checkpoints, rebuilt, noopRuns atomic.Uint64
	backgroundErrors                                                  atomic.Uint64
	stallNanos, stallBegan                                            atomic.Int64 // began: Unix ns, 0 = none
}

// enter is called by every public call; leave ends it. Between the two the
// store stays open.
func (e *Engine) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.users.RLock()
	if e.closed.Load() {
		e.users.RUnlock()
		return nil, ErrClosed
	}
	return e.users.RUnlock, nil
}

// writable is nil while operations can be taken.
func (e *Engine) writable() error {
	if err := e.failed.get(); err != nil {
		return err
	}
	if e.opts.ReadOnly {
		return fmt.Errorf("%w: it was opened for reading", ErrReadOnly)
	}
	return nil
}

// Ready is nil while the store is open and takes new data; otherwise it says
// why not: ErrClosed, ErrReadOnly (for good, see ReadOnlyReason) or
// ErrUnavailable (for now).
func (e *Engine) Ready() error {
	if e.closed.Load() {
		return ErrClosed
	}
	if err := e.writable(); err != nil {
		return err
	}
	return e.takesData()
}

// fail makes the engine read-only for good and wakes everybody who waits.
func (e *Engine) fail(err error) {
	e.failOnce.Do(func() {
		e.failed.err.Store(&err)
		close(e.failCh)
		e.durable.Lock()
		e.durable.cond.Broadcast()
		e.durable.Unlock()
		e.opts.Logger.Error("the store is read-only from now on", "error", err)
		if e.opts.OnFatal != nil && e.started.Load() {
			go e.opts.OnFatal(err)
		}
	})
}

// Close finishes what was accepted, writes changed indexes and buckets, and
// releases the directory. The engine cannot be used afterwards.
func (e *Engine) Close() error {
	if !e.closed.CompareAndSwap(false, true) {
		return ErrClosed
	}
	close(e.closing)
	done := make(chan error, 1)
	go func() {
		e.users.Lock()   // every call has left, and no other can begin
		e.users.Unlock() //nolint:staticcheck // an empty section: it only waits
		close(e.queue)
		e.loops.Wait()
		err := e.failed.get()
		if err == nil && !e.opts.ReadOnly {
			err = e.closeMarker()
		}
		done <- errors.Join(err, e.lookups.close(), e.closeStore(), e.logSync.Swap(nil).close())
	}()
	select {
	case err := <-done:
		if a := e.guards.acks; a != nil {
			err = errors.Join(err, a.f.Close())
		}
		return errors.Join(err, e.lock.Close())
	case <-e.stuck.ch: // done may never come; the next open replays the log
		return errors.Join(e.failed.get(), e.lock.Close())
	}
}

// closeStore closes Pebble, which panics when its read of a damaged blob file
// has left a file open: found by TestFlips. All was written before.
func (e *Engine) closeStore() (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r)
		default:
			err = fmt.Errorf("%w: a file stayed open: %v", ErrCorrupt, r)
		}
	}()
	return e.db.Close()
}

// stuck says that a goroutine of Pebble stands still for ever, and with it
// perhaps everything that waits for the store.
type stuck struct {
	ch   chan struct{} // closed when it happens
	once sync.Once
}

// closeMarker notes that the store was closed in order.
func (e *Engine) closeMarker() error {
	if err := e.db.LogData(nil, pebble.Sync); err != nil {
		return err
	}
	return e.updateMarker(func(m *marker) { m.seq, m.clean = e.applied.Load(), true })
}
