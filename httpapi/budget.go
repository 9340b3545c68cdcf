package httpapi

import (
	"context"
	"sync"
	"time"
)

// budget shares out bytes of memory, first come first served. A share larger
// than the whole is cut to the whole: such a request goes alone.
type budget struct {
	mu      sync.Mutex
	size    int64
	free    int64
	waiting []*waiter
}

// lanes are a budget in two parts, so that small bodies never wait for large
// ones: an application that sends a few runs is not to feel one that sends
// 50 MB at a time.
type lanes struct{ small, large *budget }

// newLanes gives small bodies a share in 1/parts.
func newLanes(size, parts int64) lanes {
	small := size / parts
	return lanes{newBudget(small), newBudget(size - small)}
}

// of is the lane of a body that needs n bytes: the small one for what fits it
// many times.
func (l lanes) of(n int64) *budget {
	if n <= l.small.size/16 {
		return l.small
	}
	return l.large
}

func (l lanes) used() int64 { return l.small.used() + l.large.used() }

type waiter struct {
	n     int64
	ready chan struct{} // closed when the share was given
}

// maxWaiters bounds the queue; past it, refusing is kinder than waiting.
const maxWaiters = 1024

func newBudget(size int64) *budget { return &budget{size: size, free: size} }

// acquire waits up to d for n bytes and says how many it took (to give to
// release), or false.
func (b *budget) acquire(ctx context.Context, n int64, d time.Duration) (int64, bool) {
	b.mu.Lock()
	n = min(n, b.size)
	if len(b.waiting) == 0 && n <= b.free {
		b.free -= n
		b.mu.Unlock()
		return n, true
	}
	if len(b.waiting) >= maxWaiters {
		b.mu.Unlock()
		return 0, false
	}
	w := &waiter{n: n, ready: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()

	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.ready:
		return n, true
	case <-t.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, o := range b.waiting {
		if o == w {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.grant() // those behind may fit now
			return 0, false
		}
	}
	return n, true // given at the last moment
}

// try takes n more bytes without waiting, ahead of those who wait: it is for
// a holder that can only finish or give up.
func (b *budget) try(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free {
		return false
	}
	b.free -= n
	return true
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	b.free += n
	b.grant()
	b.mu.Unlock()
}

// grant serves the queue from its front; mu is held.
func (b *budget) grant() {
	for len(b.waiting) > 0 && b.waiting[0].n <= b.free {
		w := b.waiting[0]
		b.waiting[0] = nil
		b.waiting = b.waiting[1:]
		b.free -= w.n
		close(w.ready)
	}
}

func (b *budget) used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size - b.free
}
