package index

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

// cloneHour has array, bitset and run containers and an overflow.
func cloneHour(t testing.TB) *Hour {
	h := randomHour(3000)
	for ms := uint32(100_000); ms < 100_600; ms++ {
		for n := range uint32(12) {
			if n%4 != 3 { // three of four: a bitset, not runs
				must(t, h.Add(rollup.Failed, Slot{ms, h.Alloc(ms)}))
			}
		}
	}
	for ms := uint32(200_000); ms < 200_100; ms++ {
		for h.CountMS(AllStatuses, ms) < 20 {
			must(t, h.Add(rollup.Canceled, Slot{ms, h.Alloc(ms)}))
		}
	}
	return h
}

// TestCloneIsolation mutates either side and checks that the other stays.
func TestCloneIsolation(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, decoded := range []bool{false, true} {
		h := cloneHour(t)
		if decoded {
			d, err := DecodeHour(h.AppendBinary(nil))
			must(t, err)
			h = d
		}
		before := h.AppendBinary(nil)
		c := h.Clone()
		second := c.Clone() // a clone of a clone
		churn(t, rng, c)
		if !bytes.Equal(h.AppendBinary(nil), before) || !bytes.Equal(second.AppendBinary(nil), before) {
			t.Fatal("mutating a clone changed another hour")
		}
		changed := c.AppendBinary(nil)
		churn(t, rng, h)
		churn(t, rng, second)
		if !bytes.Equal(c.AppendBinary(nil), changed) {
			t.Fatal("mutating the original changed the clone")
		}
		var s Set
		s.Add(Slot{1, 20})
		sc := s.Clone()
		s.Add(Slot{1, 21})
		sc.Add(Slot{1, 22})
		if !s.Contains(Slot{1, 21}) || s.Contains(Slot{1, 22}) || !sc.Contains(Slot{1, 22}) || sc.Count() != 2 {
			t.Fatal("set and clone share an overflow that both append to")
		}
	}
}

// churn changes h in every region.
func churn(t testing.TB, rng *rand.Rand, h *Hour) {
	for range 1000 {
		ms := rng.Uint32N(MSPerHour)
		switch rng.IntN(3) {
		case 0:
			ms = 100_000 + rng.Uint32N(600)
		case 1:
			ms = 200_000 + rng.Uint32N(100)
		}
		must(t, h.Add(randomStatus(rng), Slot{ms, h.Alloc(ms)}))
		x := Slot{200_000 + rng.Uint32N(100), rng.Uint32N(20)}
		for st := range rollup.Status(rollup.NumStatus) {
			if h.Remove(st, x) == nil {
				break
			}
		}
	}
}

// TestReadersBesideMutatedClone has readers of an hour work while its clones
// are made and mutated; the race detector is the judge.
func TestReadersBesideMutatedClone(t *testing.T) {
	h := cloneHour(t)
	other := h.sets[rollup.Failed].Clone()
	want := h.AppendBinary(nil)
	total := h.Count(AllStatuses)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(5, uint64(g)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				if !readAll(rng, h, other, want, total) {
					t.Error("a reader saw a change")
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(6, 6))
	for range 5 {
		churn(t, rng, h.Clone())
	}
	close(stop)
	wg.Wait()
}

// readAll makes every kind of read.
func readAll(rng *rand.Rand, h *Hour, other *Set, want []byte, total int) bool {
	ok := h.Count(AllStatuses) == total && bytes.Equal(h.AppendBinary(nil), want) && h.MemoryBytes() > 0
	for range 50 {
		k := rng.IntN(total)
		ms, ord, found := h.Select(AllStatuses, k)
		ok = ok && found && h.RankMS(AllStatuses, ms)+ord == k
		_, _, found = h.Select(MaskOf(rollup.Failed), 10)
		ok = ok && found && h.Alloc(ms) > 0
	}
	s := &h.sets[rollup.Failed]
	return ok && And(s, other).Count() == s.Count() && !s.intersects(&h.sets[rollup.Succeeded]) && h.Equal(h)
}
