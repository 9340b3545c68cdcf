package engine

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWant: who is waited for.
func TestWant(t *testing.T) {
	for _, tt := range []struct {
		name       string
		last, came int
		ago        time.Duration
		want       int
	}{
		{"a lone client", 1, 0, 0, 0},
		{"two in turns", 1, 1, 0, 0},
		{"a few", 6, 1, 0, 0},
		{"those of the last batch", 8, 0, 0, 7},
		{"and those who came since", 4, 5, 0, 8},
		{"many", 40, 40, 0, siblingsMost - 1},
		{"answered a moment ago", 9, 0, siblingsWait, 8},
		{"answered long ago", 9, 0, siblingsWait + 1, 0},
		{"the first batch of all", 0, 0, 0, 0},
	} {
		s := siblings{last: tt.last}
		if got := s.want(tt.came, tt.ago); got != tt.want {
			t.Errorf("%s: waits for %d, not %d", tt.name, got, tt.want)
		}
	}
}

// TestAwaitTurn: the committer goes on when the last that it waits for has
// come, or when their time is over.
func TestAwaitTurn(t *testing.T) {
	for _, tt := range []struct {
		name          string
		last, returns int
		want          time.Duration
	}{
		{"all return", 10, 9, 900 * time.Microsecond},
		{"one stays away", 10, 8, siblingsWait},
		{"nobody is expected", 5, 4, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &Engine{queue: make(chan *commitReq, 64)}
				e.durable.cond = sync.NewCond(&e.durable.Mutex)
				e.committer.init()
				for range 2 { // what the first wait leaves must not end the second
					e.committer.siblings.last, e.durable.at = tt.last, time.Now()
					go func() {
						for range tt.returns {
							time.Sleep(100 * time.Microsecond)
							e.queue <- &commitReq{}
							e.arrived()
						}
					}()
					began := time.Now()
					e.awaitTurn()
					if took := time.Since(began); took != tt.want {
						t.Errorf("went on after %v, not %v", took, tt.want)
					}
					time.Sleep(time.Second)
					for len(e.queue) > 0 {
						<-e.queue
						e.arrived()
					}
				}
			})
		})
	}
}

// TestAwaitTurnCounts: requests that came while the disk wrote are other
// clients than those of the batch.
func TestAwaitTurnCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &Engine{queue: make(chan *commitReq, 64)}
		e.durable.cond = sync.NewCond(&e.durable.Mutex)
		e.committer.init()
		e.applied.Store(1)
		e.committer.siblings.last = 5
		for range 4 {
			e.queue <- &commitReq{}
		}
		time.AfterFunc(3*time.Millisecond, func() {
			e.durable.Lock()
			e.durable.seq, e.durable.at = 1, time.Now()
			e.durable.cond.Broadcast()
			e.durable.Unlock()
		})
		began := time.Now()
		e.awaitTurn()
		if took := time.Since(began); took != 3*time.Millisecond+siblingsWait {
			t.Errorf("went on after %v: five more were expected", took)
		}
	})
}
