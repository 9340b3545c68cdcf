package httpapi

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestSmallBodiesPass: while large bodies take all they may and others queue for
// more, a small one is let in at once.
func TestSmallBodiesPass(t *testing.T) {
	l := newLanes(100<<20, 4)
	ctx := context.Background()
	large, _ := l.of(50<<20).acquire(ctx, 1<<40, time.Second)
	queued := make(chan bool)
	go func() {
		_, ok := l.of(50<<20).acquire(ctx, 50<<20, 50*time.Millisecond)
		queued <- ok
	}()
	for range 100 {
		b := l.of(64 << 10)
		n, ok := b.acquire(ctx, 64<<10, 0)
		if !ok {
			t.Fatal("a small body waits for large ones")
		}
		b.release(n)
	}
	if <-queued {
		t.Error("more was given than there is")
	}
	l.large.release(large)
	if l.used() != 0 {
		t.Errorf("%d bytes are not given back", l.used())
	}
}

// TestPortionGrows: whatever portions do, the lanes never give more than they
// have, and have all of it afterwards.
func TestPortionGrows(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		l := newLanes(1<<20, 1+rng.Int64N(4))
		portions := make([]portion, 8)
		for range 300 {
			h := &portions[rng.IntN(len(portions))]
			n := 1 + rng.Int64N(1<<uint(rng.IntN(22)))
			switch {
			case rng.IntN(4) == 0:
				h.release()
			case h.from == nil:
				if b := l.of(n); b.try(min(n, b.size)) {
					*h = portion{b, min(n, b.size)}
				}
			default:
				before := *h
				if grown := h.grow(l, n); grown && h.n < min(n, h.from.size) || !grown && *h != before {
					t.Fatalf("seed %d: %d bytes asked, %+v became %+v", seed, n, before, *h)
				}
			}
			var sum int64
			for _, h := range portions {
				sum += h.n
			}
			if sum != l.used() || l.small.free < 0 || l.large.free < 0 {
				t.Fatalf("seed %d: %d bytes are held, %d are taken, %d and %d are free", seed, sum, l.used(), l.small.free, l.large.free)
			}
		}
		for i := range portions {
			portions[i].release()
		}
		if l.used() != 0 {
			t.Fatalf("seed %d: %d bytes are not given back", seed, l.used())
		}
	}
}
