package turns

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeysTakeTurns: a key with one waiter is served after one turn of a key
// with many, whatever came first.
func TestKeysTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := New(1, 1)
		if err := tt.Take(t.Context(), "held"); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(key string) {
			go func() {
				if err := tt.Take(t.Context(), key); err != nil {
					t.Error(err)
				}
				order = append(order, key) // only the holder of the turn is here
				tt.Give()
			}()
			synctest.Wait()
		}
		for range 3 {
			wait("noisy")
		}
		wait("quiet")
		wait("other")
		tt.Give()
		synctest.Wait()
		want := []string{"noisy", "quiet", "other", "noisy", "noisy"}
		for i := range want {
			if i >= len(order) || order[i] != want[i] {
				t.Fatalf("turns went to %v, not %v", order, want)
			}
		}
	})
}

// TestGivingUp: who gives up leaves its turn to the others.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := New(1, 1)
		if err := tt.Take(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tt.Take(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v", err)
		}
		tt.Give()
		if tt.held != 0 || len(tt.byKey) != 0 || len(tt.lines) != 0 {
			t.Fatalf("left behind: %+v", tt)
		}
	})
}

// TestNeverTooMany: many takers, of whom some give up, never hold more turns
// than there are, and leave all of them.
func TestNeverTooMany(t *testing.T) {
	const turns = 3
	tt := New(turns, turns)
	var held atomic.Int32
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 300 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(200))*time.Microsecond)
				if tt.Take(ctx, string(rune('a'+rng.IntN(5)))) == nil {
					if n := held.Add(1); n > turns {
						t.Errorf("%d turns are held", n)
					}
					held.Add(-1)
					tt.Give()
				}
				cancel()
			}
		})
	}
	all.Wait()
	if tt.held != 0 || len(tt.byKey) != 0 || len(tt.lines) != 0 {
		t.Errorf("%d turns are held, %d keys and %d lines are left", tt.held, len(tt.byKey), len(tt.lines))
	}
}

// TestSmallRequestsTakeOne: one processor is left alone while small requests
// come, and used a while after the last of them.
func TestSmallRequestsTakeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tt := New(2, 1)
		for want := range 3 {
			if got := tt.TryTake(); got != (want < 2) {
				t.Fatalf("without small requests there are two turns: %v after %d", got, want)
			}
		}
		tt.Give()
		tt.Small()
		if tt.TryTake() {
			t.Fatal("beside small requests there is one turn")
		}
		time.Sleep(smallFor)
		if !tt.TryTake() {
			t.Fatal("the last small request was long ago")
		}
	})
}
