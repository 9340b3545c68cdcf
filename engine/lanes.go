package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/internal/turns"
)

// How small operations pass large ones. The committer has two queues: what is
// large waits in bulk. While small requests come, a batch takes either small
// ones or a little of what is large, and after a large batch the committer
// rests for longer than that took, so that small ones find it and the disk idle
// most of the time (pace.go). Large ones also begin to wait earlier for Pebble.
// Operations of one trace are in order all the same: each holds its stripe
// until it is applied.

const (
	// bulkBytes of frames make a request a large one.
	bulkBytes = 32 << 10
	// bulkAhead is how many large requests may be queued.
	bulkAhead = 16
	// bulkBatch bounds a large batch beside small requests, which wait for its
	// fsync; one request goes in always.
	bulkBatch = 128 << 10
	// bulkMemTables and bulkSublevels are where large requests begin to wait
	// for the disk; small ones go on up to memTables and l0Sublevels.
	bulkMemTables = memTables - 1
	bulkSublevels = l0Sublevels / 2
	// hugeWait is how long a request that Pebble does not copy into a memtable,
	// but keeps as it is, waits at most for those before it to be flushed.
	hugeWait = 10 * time.Second
)

func jsonBytes(runs []trace.Run) (n int) {
	for i := range runs {
		n += len(runs[i].JSON)
	}
	return n
}

// takeTurn waits for a turn where preparing op takes long.
func (e *Engine) takeTurn(ctx context.Context, op *Op) (give func(), err error) {
	if jsonBytes(op.Runs) < turns.Heavy {
		return func() {}, nil
	}
	t := turns.Shared()
	if err := t.Take(ctx, op.App); err != nil {
		return nil, err
	}
	return t.Give, nil
}

// awaitMemTables lets a request of more than half a memtable wait until what is
// not flushed yet is little, so that few such are in memory. Small ones go on.
func (e *Engine) awaitMemTables(ctx context.Context, bytes int64) {
	size := int64(e.opts.MemTableBytes)
	for end := time.Now().Add(hugeWait); bytes > size/2 && time.Now().Before(end); {
		if int64(e.db.Metrics().MemTable.Size) <= 2*size || e.takesData() != nil {
			return
		}
		select {
		case <-time.After(roomPoll):
		case <-e.failCh:
			return
		case <-ctx.Done():
			return
		}
	}
}

// lane is the queue of a request.
func (e *Engine) lane(r *commitReq) chan<- *commitReq {
	if r.bytes >= bulkBytes {
		return e.bulk
	}
	return e.queue
}

// bulkQueue is the queue of large requests while they may go on, else nil, which
// nobody receives from, and how soon to look again.
func (e *Engine) bulkQueue() (q <-chan *commitReq, again time.Duration) {
	if len(e.bulk) == 0 {
		return e.bulk, 0
	}
	if rest := time.Until(e.committer.restUntil); rest > 0 && turns.Shared().Beside() {
		return nil, rest
	}
	// What cannot be written is refused by commit, once the memtables are full.
	refused := e.failed.get() != nil || e.takesData() != nil
	m := e.db.Metrics()
	waits := !refused && (m.MemTable.Size >= bulkMemTables*e.opts.MemTableBytes || m.Levels[0].Sublevels >= bulkSublevels)
	if c := &e.committer; waits != c.bulkWaits {
		if c.bulkWaits = waits; waits {
			e.stallBegins()
			e.opts.Logger.Warn("large writes wait for the disk", slog.Uint64("memtable_bytes", m.MemTable.Size),
				slog.Int64("l0_sublevels", int64(m.Levels[0].Sublevels)))
		} else {
			e.stallEnds()
		}
	}
	if waits {
		return nil, roomPoll
	}
	return e.bulk, 0
}

// gather takes what waits behind the first request, up to the bounds of a batch.
func (e *Engine) gather(first *commitReq, bulk <-chan *commitReq) []*commitReq {
	reqs, bytes := []*commitReq{first}, first.bytes
	take := func(q <-chan *commitReq, most int64) {
		for len(reqs) < batchMaxReqs && bytes < most {
			select {
			case r, ok := <-q:
				if !ok {
					return // the next receive ends the loop
				}
				reqs, bytes = append(reqs, r), bytes+r.bytes
			default:
				return
			}
		}
	}
	switch beside := turns.Shared().Beside(); {
	case !beside:
		take(e.queue, batchMaxBytes)
		take(bulk, batchMaxBytes)
	case first.bytes < bulkBytes:
		take(e.queue, batchMaxBytes)
	default:
		take(e.bulk, bulkBatch)
	}
	return reqs
}

// commitLarge applies large requests and then has the committer rest from them.
func (e *Engine) commitLarge(first *commitReq) {
	began := time.Now()
	e.commit(e.gather(first, e.bulk))
	_ = e.waitDurable(e.applied.Load()) // commit finds out about a failure
	now := time.Now()
	e.lastLarge.Store(now.UnixNano())
	e.committer.restUntil = now.Add(e.restAfter(now.Sub(began)))
}

// commitBulk applies the large requests that are left when the engine closes;
// nobody waits for them any more.
func (e *Engine) commitBulk() {
	for {
		select {
		case r := <-e.bulk:
			e.commit([]*commitReq{r})
		default:
			return
		}
	}
}
