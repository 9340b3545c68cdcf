package rollup

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomUS draws durations over the whole range, most of them in ms to minutes.
func randomUS(rng *rand.Rand) int64 {
	switch rng.IntN(10) {
	case 0:
		return rng.Int64N(200)
	case 1:
		return int64(rng.Uint64() >> (1 + rng.UintN(63)))
	}
	return int64(math.Exp(rng.NormFloat64()*1.5 + 14))
}

func TestCells(t *testing.T) {
	if last := CellOf(math.MaxInt64); last != NumCells-1 {
		t.Fatalf("last cell is %d of %d", last, NumCells)
	}
	next := int64(0)
	for c := range uint16(NumCells) {
		lo, hi := CellBounds(c)
		if lo != next || CellOf(lo) != c || CellOf(hi) != c {
			t.Fatalf("cell %d is [%d, %d]; want it to start at %d", c, lo, hi, next)
		}
		mid := CellMid(c)
		if d := max(mid-lo, hi-mid); float64(d) > float64(lo)/128 {
			t.Fatalf("cell %d [%d, %d]: midpoint %d is too far off", c, lo, hi, mid)
		}
		next = hi + 1 // wraps after the last cell
	}
	if next != math.MinInt64 {
		t.Fatalf("the last cell ends at %d", next-1)
	}
	if CellOf(-5) != 0 {
		t.Fatal("a negative duration does not count as 0")
	}
}

// trueRank is the percentile by definition: sort, take rank ceil(p·n/100).
func trueRank(sorted []int64, percent int) int64 {
	return sorted[(percent*len(sorted)+99)/100-1]
}

func TestPercentilesWithinOnePercent(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for round := range 300 {
		values := make([]int64, 1+rng.IntN(400))
		var h Hist
		var d Dense
		for i := range values {
			values[i] = randomUS(rng)
			h.Add(values[i])
			d.AddValue(values[i])
		}
		slices.Sort(values)
		p := h.Percentiles()
		if dp := d.Percentiles(); dp != p {
			t.Fatalf("round %d: dense %+v, sparse %+v", round, dp, p)
		}
		for _, c := range []struct {
			percent int
			got     int64
		}{{50, p.P50}, {90, p.P90}, {95, p.P95}, {99, p.P99}, {1, h.Percentile(1)}, {100, h.Percentile(100)}} {
			want := trueRank(values, c.percent)
			if math.Abs(float64(c.got)-float64(want)) > 0.01*float64(want) {
				t.Fatalf("round %d: p%d of %d values is %d, want %d ± 1 %%", round, c.percent, len(values), c.got, want)
			}
			if c.got != h.Percentile(uint64(c.percent)) {
				t.Fatalf("round %d: p%d differs between one and all", round, c.percent)
			}
		}
	}
}

func TestNearestRankLargeCounts(t *testing.T) {
	for _, c := range []struct{ percent, n, want uint64 }{
		{50, 0, 0}, {50, 1, 1}, {99, 100, 99}, {95, 20, 19}, {90, 10, 9}, {99, 101, 100},
		{100, math.MaxUint64, math.MaxUint64}, {50, 1 << 63, 1 << 62},
	} {
		if got := nearestRank(c.percent, c.n); got != c.want {
			t.Errorf("p%d of %d is rank %d, want %d", c.percent, c.n, got, c.want)
		}
	}
}

// A histogram after any adds, takes and merges equals one built from what is
// left, in bytes too.
func TestHistRetractsExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		var all []int64
		var h Hist
		for range rng.IntN(300) {
			if len(all) > 0 && rng.IntN(3) == 0 {
				i := rng.IntN(len(all))
				if err := h.Sub(all[i]); err != nil {
					t.Fatal(err)
				}
				all = slices.Delete(all, i, i+1)
				continue
			}
			all = append(all, randomUS(rng))
			h.Add(all[len(all)-1])
		}
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		cut := rng.IntN(len(all) + 1)
		var a, b Hist
		var d Dense
		for i, v := range all {
			if i < cut {
				a.Add(v)
			} else {
				b.Add(v)
			}
		}
		d.Add(&a)
		d.Add(&b)
		before := b.Clone()
		a.Merge(&b)
		dense := d.Hist()
		if !a.Equal(&h) || !dense.Equal(&h) || !b.Equal(&before) {
			t.Fatalf("%v, %v and %v differ", h.Cells(), a.Cells(), dense.Cells())
		}
		enc := h.AppendBinary(nil)
		var back Hist
		if err := back.Decode(enc); err != nil || !back.Equal(&h) || !bytes.Equal(enc, a.AppendBinary(nil)) {
			t.Fatalf("decode: %v", err)
		}
		d.Reset()
		if d != (Dense{}) {
			t.Fatal("Reset leaves something behind")
		}
	}
}

func TestHistSubAbsent(t *testing.T) {
	var h Hist
	h.Add(1000)
	before := h.Clone()
	if err := h.Sub(5000); !errors.Is(err, ErrAbsent) || !h.Equal(&before) {
		t.Fatalf("error %v, cells %v", err, h.Cells())
	}
	if err := h.Sub(1000); err != nil || h.Count() != 0 || h.Percentile(50) != 0 {
		t.Fatalf("error %v, cells %v", err, h.Cells())
	}
	if p := h.Percentiles(); p != (Percentiles{}) {
		t.Fatalf("percentiles of nothing: %+v", p)
	}
}

func FuzzHistDecode(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 1})
	f.Add([]byte{2, 5, 1, 0, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1})
	h := benchHists(1, 90)[0]
	f.Add(h.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Hist
		if err := h.Decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) || h.Count() != 0 {
				t.Fatal(err)
			}
			return
		}
		if cap(h.cells) > len(b)+8 {
			t.Fatalf("%d bytes took %d cells", len(b), cap(h.cells))
		}
		if again := h.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("% x decodes but encodes as % x", b, again)
		}
		h.Percentiles()
	})
}

// benchHists makes n histograms of about the given number of cells.
func benchHists(n, cells int) []Hist {
	rng := rand.New(rand.NewPCG(9, uint64(cells)))
	hists := make([]Hist, n)
	for i := range hists {
		for len(hists[i].cells) < cells {
			hists[i].Add(int64(math.Exp(rng.NormFloat64() + 14)))
		}
	}
	return hists
}

func BenchmarkDenseMerge(b *testing.B) {
	for _, c := range []struct {
		name     string
		n, cells int
	}{{"24x90", 24, 90}, {"24x300", 24, 300}, {"365x90", 365, 90}, {"365x300", 365, 300}} {
		hists := benchHists(c.n, c.cells)
		b.Run(c.name, func(b *testing.B) {
			var d Dense
			total := 0
			for b.Loop() {
				d.Reset()
				total = 0
				for i := range hists {
					d.Add(&hists[i])
					total += len(hists[i].cells)
				}
				d.Percentiles()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(total), "ns/cell")
		})
	}
}

func BenchmarkHistMerge24x90(b *testing.B) {
	hists := benchHists(24, 90)
	for b.Loop() {
		var h Hist
		for i := range hists {
			h.Merge(&hists[i])
		}
	}
}

func BenchmarkHistAddSub(b *testing.B) {
	h := benchHists(1, 300)[0]
	v := int64(1_000_000)
	for b.Loop() {
		v = v*3%1_700_000_023 + 1
		h.Add(v)
		if err := h.Sub(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHistPercentiles(b *testing.B) {
	h := benchHists(1, 90)[0]
	for b.Loop() {
		h.Percentiles()
	}
}

func BenchmarkHistDecode(b *testing.B) {
	enc := benchHists(1, 90)[0].AppendBinary(nil)
	var h Hist
	for b.Loop() {
		if err := h.Decode(enc); err != nil {
			b.Fatal(err)
		}
	}
}
