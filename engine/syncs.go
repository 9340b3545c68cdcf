package engine

import (
	"fmt"
	"sync/atomic"
	"time"
)

// syncs are the batches that wait for their fsync, oldest first.
//
// Who answers them is woken when a sync of the log begins, and not when there is
// a batch. A goroutine that is made ready runs next on its processor, unless
// another is made ready before that: then it goes behind all that are ready
// there. The committer wakes Pebble's log writer, and with it the sync, and then
// woke the one that answers: with 64 clients the log was written after the 15
// traces that were ready had been prepared, and during its sync there was
// nothing left to do: 0.71 of the bare loop's rate instead of 0.84
// (BenchmarkIngest).
type syncs struct {
	batches chan *commitBatch
	wake    chan struct{}
	begun   atomic.Uint64 // syncs of the log
	late    *time.Timer   // wakes where no sync comes, as none does for an empty batch
}

// syncLate is when late wakes.
const syncLate = 5 * time.Millisecond

func (s *syncs) init() {
	s.batches, s.wake = make(chan *commitBatch, 64), make(chan struct{}, 1)
	s.late = time.AfterFunc(time.Hour, s.rouse)
	s.late.Stop()
}

// begins is called by the log writer before each sync.
func (s *syncs) begins() {
	s.begun.Add(1)
	s.rouse()
}

func (s *syncs) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look
	}
}

// add is called by the committer with a batch that is applied; begun syncs had
// begun before that.
func (s *syncs) add(cb *commitBatch, begun uint64) {
	empty := cb.batch.Empty()
	s.batches <- cb // not the committer's from here on
	if s.begun.Load() != begun || empty {
		s.rouse() // its sync may be the one that has begun
		return
	}
	s.late.Reset(syncLate)
}

// close ends next once it has given all batches.
func (s *syncs) close() {
	s.late.Stop()
	close(s.batches)
	s.rouse()
}

// next waits for a batch; nil after close.
func (s *syncs) next() *commitBatch {
	for {
		select {
		case cb := <-s.batches:
			return cb
		default:
			<-s.wake
		}
	}
}

// syncLoop waits for the fsync of each batch in order and answers.
func (e *Engine) syncLoop() {
	defer e.loops.Done()
	for cb := e.syncs.next(); cb != nil; cb = e.syncs.next() {
		err := cb.batch.SyncWait()
		if f := e.failed.get(); f != nil {
			err = f
		} else if err != nil {
			e.fail(fmt.Errorf("%w: %w", ErrReadOnly, err))
			err = e.failed.get()
		}
		if err == nil {
			if err := e.guards.acks.note(cb.seq); err != nil {
				e.opts.Logger.Warn("the last acknowledged operation could not be noted", "error", err)
			}
			e.durable.Lock()
			e.durable.seq, e.durable.at = cb.seq, time.Now()
			e.durable.cond.Broadcast()
			e.durable.Unlock()
		}
		e.answer(cb.reqs, err)
		_ = cb.batch.Close()
	}
}
