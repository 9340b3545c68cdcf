package index

import (
	"math/rand/v2"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

func TestMaskOf(t *testing.T) {
	for _, c := range []struct {
		in   []rollup.Status
		want Mask
	}{
		{nil, AllStatuses},
		{[]rollup.Status{rollup.Succeeded}, 1},
		{[]rollup.Status{rollup.Running, rollup.Failed, rollup.Failed}, 0b1010},
		{[]rollup.Status{9}, 0},
		{[]rollup.Status{9, rollup.Canceled}, 0b100},
	} {
		if got := MaskOf(c.in...); got != c.want {
			t.Errorf("MaskOf(%v) = %b, want %b", c.in, got, c.want)
		}
	}
}

func TestOutOfRange(t *testing.T) {
	h := new(Hour)
	for _, x := range []Slot{{MSPerHour, 0}, {1<<32 - 1, 0}, {0, MaxN + 1}, {0, 1<<32 - 1}, {MSPerHour, 1 << 20}} {
		if h.Add(rollup.Failed, x) == nil || h.Remove(rollup.Failed, x) == nil {
			t.Errorf("slot %v was taken", x)
		}
		var s Set
		if s.Add(x) || s.Remove(x) || s.Contains(x) || s.Count() != 0 {
			t.Errorf("set took %v", x)
		}
	}
	if h.Add(rollup.NumStatus, Slot{1, 1}) == nil || h.Remove(rollup.NumStatus, Slot{1, 1}) == nil {
		t.Error("status out of range was taken")
	}
	if h.Alloc(MSPerHour) != 0 || h.CountMS(AllStatuses, MSPerHour) != 0 || h.CountMS(AllStatuses, 1<<32-1) != 0 {
		t.Error("an answer beyond the hour is not 0")
	}
	must(t, h.Add(rollup.Failed, Slot{7, MaxN}))
	for n := range uint32(SlotsPerMS) {
		must(t, h.Add(rollup.Failed, Slot{7, n}))
	}
	if n := h.Alloc(7); h.Add(rollup.Failed, Slot{7, n}) == nil {
		t.Errorf("Alloc beyond MaxN gave %d, and Add took it", n)
	}
}

// TestWholeSecondClock puts thousands of traces into single milliseconds, as
// clocks without fractions do.
func TestWholeSecondClock(t *testing.T) {
	h := new(Hour)
	const perMS = 4000
	for _, ms := range []uint32{1000, 2000, MSPerHour - 1000} {
		for i := range uint32(perMS) {
			n := h.Alloc(ms)
			if n != i {
				t.Fatalf("Alloc(%d) = %d, want %d", ms, n, i)
			}
			must(t, h.Add(rollup.Status(i%rollup.NumStatus), Slot{ms, n}))
		}
	}
	if got := h.RankMS(AllStatuses, 2000); got != perMS {
		t.Errorf("RankMS(2000) = %d", got)
	}
	if got := h.CountMS(MaskOf(rollup.Canceled), 2000); got != perMS/4 {
		t.Errorf("CountMS(2000) = %d", got)
	}
	if ms, ord, ok := h.Select(AllStatuses, 2*perMS+77); ms != MSPerHour-1000 || ord != 77 || !ok {
		t.Errorf("Select = %d, %d, %v", ms, ord, ok)
	}
	must(t, h.Remove(rollup.Failed, Slot{2000, 5}))
	if n := h.Alloc(2000); n != 5 {
		t.Errorf("Alloc after a removal below %d = %d, want 5", SlotsPerMS, n)
	}
	d, err := DecodeHour(h.AppendBinary(nil))
	must(t, err)
	if !d.Equal(h) {
		t.Error("hour changed on its way through bytes")
	}
}

// TestSelectRankInverse checks on a large hour that Select undoes RankMS.
func TestSelectRankInverse(t *testing.T) {
	h := randomHour(20_000)
	for _, m := range []Mask{AllStatuses, MaskOf(rollup.Succeeded), MaskOf(rollup.Failed, rollup.Running)} {
		for k := 0; k < h.Count(m); k += 37 {
			ms, ord, ok := h.Select(m, k)
			if !ok || h.RankMS(m, ms)+ord != k || ord >= h.CountMS(m, ms) {
				t.Fatalf("Select(%b, %d) = %d, %d, %v; RankMS %d, CountMS %d", m, k, ms, ord, ok, h.RankMS(m, ms), h.CountMS(m, ms))
			}
		}
	}
}

func TestEqual(t *testing.T) {
	a, b := randomHour(500), randomHour(500)
	if !a.Equal(b) {
		t.Fatal("equal hours differ")
	}
	ms, _, _ := b.Select(MaskOf(rollup.Succeeded), 3)
	must(t, b.Remove(rollup.Succeeded, Slot{ms, 0}))
	if a.Equal(b) {
		t.Fatal("hours of different size are equal")
	}
	must(t, b.Add(rollup.Failed, Slot{ms, 0}))
	if a.Equal(b) || b.Equal(a) {
		t.Fatal("a slot under another status makes no difference")
	}
}

func TestMemoryBytes(t *testing.T) {
	small, large := randomHour(36), randomHour(36_000)
	if got := new(Hour).MemoryBytes(); got <= 0 || got > 1024 {
		t.Errorf("empty hour: %d", got)
	}
	if s, l := small.MemoryBytes(), large.MemoryBytes(); s < 36*40 || s > 36*100 || l < 36_000*2 || l > 36_000*10 {
		t.Errorf("36 traces: %d bytes, 36 k traces: %d bytes", s, l)
	}
}

// randomHour holds n traces at uniform times: 93 % succeeded, 5 % failed,
// 1 % canceled, 1 % running.
func randomHour(n int) *Hour {
	rng := rand.New(rand.NewPCG(3, 3))
	h := new(Hour)
	for range n {
		ms := rng.Uint32N(MSPerHour)
		if h.Add(randomStatus(rng), Slot{ms, h.Alloc(ms)}) != nil {
			panic("allocated slot was taken")
		}
	}
	return h
}

func randomStatus(rng *rand.Rand) rollup.Status {
	switch p := rng.IntN(100); {
	case p < 93:
		return rollup.Succeeded
	case p < 98:
		return rollup.Failed
	case p < 99:
		return rollup.Canceled
	}
	return rollup.Running
}
