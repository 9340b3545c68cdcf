package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

// each runs f on an hour of 3.6 k, 36 k and 360 k traces (1, 10, 100 per
// second; see randomHour for the statuses).
func each(b *testing.B, f func(b *testing.B, h *Hour)) {
	for _, n := range []int{3_600, 36_000, 360_000} {
		h := randomHour(n)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			f(b, h)
		})
	}
}

// BenchmarkAdd is one trace in and out again: Alloc, Add, Remove.
func BenchmarkAdd(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		rng := rand.New(rand.NewPCG(1, 1))
		for b.Loop() {
			ms := rng.Uint32N(MSPerHour)
			x := Slot{ms, h.Alloc(ms)}
			must(b, h.Add(rollup.Running, x))
			must(b, h.Remove(rollup.Running, x))
		}
	})
}

// BenchmarkAddWholeSeconds fills an hour whose clock ticks in seconds, 100
// traces each, and reports the time of one Alloc and Add.
func BenchmarkAddWholeSeconds(b *testing.B) {
	h, i := new(Hour), uint32(0)
	for b.Loop() {
		if i == 360_000 {
			h, i = new(Hour), 0
		}
		ms := i / 100 * 1000
		must(b, h.Add(rollup.Succeeded, Slot{ms, h.Alloc(ms)}))
		i++
	}
}

func BenchmarkRankMS(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		rng := rand.New(rand.NewPCG(1, 1))
		for b.Loop() {
			h.RankMS(1, rng.Uint32N(MSPerHour))
		}
	})
}

func BenchmarkSelectOne(b *testing.B) {
	benchmarkSelect(b, MaskOf(rollup.Succeeded), (*Hour).Select)
}

func BenchmarkSelectAll(b *testing.B) { benchmarkSelect(b, AllStatuses, (*Hour).Select) }

// BenchmarkSelectFullRanks is Select by binary search with a rank from the
// start of the hour in each step, for comparison.
func BenchmarkSelectFullRanks(b *testing.B) {
	benchmarkSelect(b, AllStatuses, func(h *Hour, m Mask, k int) (uint32, int, bool) {
		lo, hi := uint32(0), uint32(MSPerHour)
		for hi-lo > 1 {
			if mid := lo + (hi-lo)/2; h.RankMS(m, mid) <= k {
				lo = mid
			} else {
				hi = mid
			}
		}
		return lo, k - h.RankMS(m, lo), true
	})
}

func benchmarkSelect(b *testing.B, m Mask, sel func(*Hour, Mask, int) (uint32, int, bool)) {
	each(b, func(b *testing.B, h *Hour) {
		rng := rand.New(rand.NewPCG(1, 1))
		n := h.Count(m)
		for b.Loop() {
			if _, _, ok := sel(h, m, rng.IntN(n)); !ok {
				b.Fatal("not found")
			}
		}
	})
}

func BenchmarkClone(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		for b.Loop() {
			h.Clone()
		}
	})
}

// BenchmarkClonePlain is Clone with roaring's full copy, for comparison.
func BenchmarkClonePlain(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		plain := plainCopy(h)
		for b.Loop() {
			for i := range plain.sets {
				plain.sets[i].bits.Clone()
			}
		}
	})
}

// BenchmarkCloneAdd is what a writer pays when a reader holds the hour: the
// clone and a batch of 20 traces at its end.
func BenchmarkCloneAdd(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		for b.Loop() {
			c := h.Clone()
			for i := range uint32(20) {
				ms := MSPerHour - 100 + i
				must(b, c.Add(rollup.Succeeded, Slot{ms, c.Alloc(ms)}))
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		var buf []byte
		for b.Loop() {
			buf = h.AppendBinary(buf[:0])
		}
		b.ReportMetric(float64(len(buf))/float64(h.Count(AllStatuses)), "B/trace")
	})
}

// BenchmarkAppendLibrary is roaring's own way, for comparison: a full copy,
// RunOptimize, ToBytes.
func BenchmarkAppendLibrary(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		plain := plainCopy(h)
		for b.Loop() {
			for i := range plain.sets {
				c := plain.sets[i].bits.Clone()
				c.RunOptimize()
				if _, err := c.ToBytes(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		buf := h.AppendBinary(nil)
		b.ReportMetric(float64(len(buf)), "input-B")
		for b.Loop() {
			if _, err := DecodeHour(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPacked is a rank and a selection in an hour as it was decoded.
func BenchmarkPacked(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		d, err := DecodeHour(h.AppendBinary(nil))
		must(b, err)
		k := uint32(0)
		for b.Loop() {
			k = k*1664525 + 1013904223
			if n := d.RankMS(AllStatuses, k%MSPerHour); n > d.Count(AllStatuses) {
				b.Fatal(n)
			}
			if _, _, ok := d.Select(1<<rollup.Failed, int(k)%d.Count(1<<rollup.Failed)); !ok {
				b.Fatal(k)
			}
		}
	})
}

func BenchmarkAnd(b *testing.B) {
	each(b, func(b *testing.B, h *Hour) {
		for b.Loop() {
			And(&h.sets[0], &h.sets[1])
		}
	})
}

// plainCopy is h without copy-on-write.
func plainCopy(h *Hour) *Hour {
	c := h.Clone()
	for i := range c.sets {
		c.sets[i].unpack()
		c.sets[i].bits.SetCopyOnWrite(false)
	}
	return c
}
