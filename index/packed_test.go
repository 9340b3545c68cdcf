package index

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// containerShapes are bitmaps with containers of each kind: few and many single values,
// runs, bitsets, and all of them side by side.
func containerShapes(r *rand.Rand) []*roaring.Bitmap {
	fill := func(bm *roaring.Bitmap, from, to uint32, one, length int) {
		for v := from; v < to; v += uint32(1 + r.IntN(one)) {
			for range 1 + r.IntN(length) {
				if v < to {
					bm.Add(v)
				}
				v++
			}
		}
	}
	var out []*roaring.Bitmap
	mixed := roaring.New()
	for i, s := range [][2]int{{9000, 1}, {40, 1}, {3, 1}, {400, 300}, {1, 5000}} {
		bm := roaring.New()
		fill(bm, 0, 5<<16, s[0], s[1])
		fill(mixed, uint32(2*i)<<16+uint32(r.IntN(5000)), uint32(2*i+1)<<16, s[0], s[1])
		out = append(out, bm)
	}
	full := roaring.New()
	full.AddRange(1<<16, 3<<16)
	return append(out, mixed, full, roaring.BitmapOf(uint32(MSPerHour*SlotsPerMS-1)))
}

// TestPacked: what is read from the stored form is what roaring says.
func TestPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 4 {
		var packs []*packed
		bms := containerShapes(r)
		for i, bm := range bms {
			var w bitmapWriter
			p, err := newPacked(w.append(nil, bm))
			must(t, err)
			packs = append(packs, p)
			checkPacked(t, fmt.Sprintf("round %d, shape %d", round, i), p, bm, r)
		}
		for i, a := range bms {
			for k, b := range bms {
				if got, want := packs[i].intersects(packs[k]), a.Intersects(b); got != want {
					t.Fatalf("round %d: %d and %d intersect: %v, want %v", round, i, k, got, want)
				}
				// Without what they share they do not.
				var w bitmapWriter
				rest := roaring.AndNot(b, a)
				if rest.IsEmpty() {
					continue
				}
				p, err := newPacked(w.append(nil, rest))
				must(t, err)
				if packs[i].intersects(p) || p.intersects(packs[i]) {
					t.Fatalf("round %d: %d intersects what it has been taken out of", round, i)
				}
			}
		}
	}
}

func checkPacked(t *testing.T, what string, p *packed, bm *roaring.Bitmap, r *rand.Rand) {
	t.Helper()
	if !p.bitmap().Equals(bm) || p.count() != int(bm.GetCardinality()) {
		t.Fatalf("%s: decoded %d members of %d", what, p.count(), bm.GetCardinality())
	}
	if p.memoryBytes() < len(p.b) {
		t.Fatalf("%s: %d bytes of memory for %d", what, p.memoryBytes(), len(p.b))
	}
	at := []uint32{0, 1, 1<<16 - 1, 1 << 16, 3 << 16, bm.Minimum(), bm.Maximum(), bm.Maximum() + 1, MSPerHour * SlotsPerMS}
	for range 2000 {
		at = append(at, r.Uint32N(11<<16))
	}
	for _, v := range at {
		want := 0
		if v > 0 {
			want = int(bm.Rank(v - 1))
		}
		if got := p.rank(v); got != want {
			t.Fatalf("%s: rank of %d is %d, want %d", what, v, got, want)
		}
		if got, want := p.contains(v), bm.Contains(v); got != want {
			t.Fatalf("%s: contains %d: %v, want %v", what, v, got, want)
		}
	}
	last := p.count() - 1
	for _, k := range []int{0, last, last / 2, r.IntN(last + 1), r.IntN(last + 1), r.IntN(last + 1)} {
		want, err := bm.Select(uint32(k))
		must(t, err)
		if got := p.selectBit(k); got != want {
			t.Fatalf("%s: member %d is %d, want %d", what, k, got, want)
		}
	}
	for k := range min(last+1, 70_000) {
		if v := p.selectBit(k); p.rank(v) != k {
			t.Fatalf("%s: member %d is %d, whose rank is %d", what, k, v, p.rank(v))
		}
	}
}
