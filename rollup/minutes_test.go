package rollup

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMinutes: random traces in and out, through clones and encodings, against
// buckets made of what is left.
func TestMinutes(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for range 200 {
		m := new(Minutes)
		var held [minutesPerQuarter][]Sample
		for range 1 + rng.IntN(120) {
			k := rng.IntN(1 + rng.IntN(minutesPerQuarter))
			switch n := len(held[k]); {
			case n > 0 && rng.IntN(3) == 0:
				i := rng.IntN(n)
				if err := m.Remove(k, &held[k][i]); err != nil {
					t.Fatal(err)
				}
				held[k] = slices.Delete(held[k], i, i+1)
			default:
				s := randomSample(rng)
				if err := m.Add(k, &s); err != nil {
					t.Fatal(err)
				}
				held[k] = append(held[k], s)
			}
			if rng.IntN(10) == 0 {
				m = throughBytes(t, m, &held)
			}
		}
		checkMinutes(t, rng, throughBytes(t, m, &held), &held)
		checkMinutes(t, rng, m, &held)
	}
}

// throughBytes makes m exact and decodes what it encodes to.
func throughBytes(t *testing.T, m *Minutes, held *[minutesPerQuarter][]Sample) *Minutes {
	t.Helper()
	for k, lo, hi, ok := m.StaleMinute(); ok; k, lo, hi, ok = m.StaleMinute() {
		if _, err := m.AppendBinary(nil); !errors.Is(err, ErrStale) {
			t.Fatalf("stale minutes were encoded: %v", err)
		}
		min, max := extremes(held[k])
		if lo > min || hi < max {
			t.Fatalf("the bounds %d, %d do not hold %d, %d", lo, hi, min, max)
		}
		m.SetExtremes(k, min, max)
	}
	b, err := m.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	back := &Minutes{raw: b}
	if same, err := back.Equal(m); err != nil || !same {
		t.Fatalf("decoded minutes differ: %v", err)
	}
	if err := back.decode(); err != nil {
		t.Fatal(err)
	}
	if again, err := back.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("minutes do not encode as they were: %v", err)
	}
	return &Minutes{raw: b}
}

func checkMinutes(t *testing.T, rng *rand.Rand, m *Minutes, held *[minutesPerQuarter][]Sample) {
	t.Helper()
	from := rng.IntN(minutesPerQuarter)
	to := from + rng.IntN(minutesPerQuarter-from+1)
	var got, want HistBucket
	var dense Dense
	if err := m.AddTo(from, to, &got.Bucket, &dense); err != nil {
		t.Fatal(err)
	}
	got.Hist = dense.Hist()
	for _, samples := range held[from:to] {
		for i := range samples {
			want.Add(&samples[i])
		}
	}
	if got.Bucket != want.Bucket || !got.Hist.Equal(&want.Hist) {
		t.Fatalf("minutes %d to %d: %+v, want %+v", from, to, got.Bucket, want.Bucket)
	}
}

// TestQuarterHoursClone: neither side sees what the other does after a clone.
func TestQuarterHoursClone(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	q := new(QuarterHours)
	q.KeepMinutes()
	var minutes []int
	var samples []Sample
	for range 300 {
		s := randomSample(rng)
		s.DurationUS = max(s.DurationUS, 0)
		samples, minutes = append(samples, s), append(minutes, rng.IntN(60))
		if err := q.Add(minutes[len(minutes)-1], &s); err != nil {
			t.Fatal(err)
		}
	}
	q.DropSparse(60)
	before, err := q.AppendBinary(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	c := q.Clone()
	for i := range samples[:150] {
		if err := errors.Join(c.Remove(minutes[i], &samples[i]), c.Add((minutes[i]+7)%60, &samples[i])); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := q.AppendBinary(nil, true); err != nil || !bytes.Equal(after, before) {
		t.Fatalf("a change of the clone is seen: %v", err)
	}
	var row QuarterHours
	if err := row.Decode(before); err != nil {
		t.Fatal(err)
	}
	for i, m := range row.Minutes {
		if (m != nil) != (q.Quarters[i].Traces() >= 60) {
			t.Fatalf("quarter %d of %d traces: minutes %v", i, q.Quarters[i].Traces(), m != nil)
		}
	}
	old, err := q.AppendBinary(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := row.Decode(old); err != nil || row.Minutes != [quartersPerHour]*Minutes{} {
		t.Fatalf("a row of format 1: %v, %v", err, row.Minutes)
	}
}

// TestResolveExtremes: the extremes of a quarter come from its minutes.
func TestResolveExtremes(t *testing.T) {
	q := new(QuarterHours)
	q.KeepMinutes()
	for i, d := range []int64{50, 10, 40, 90, 30} {
		if err := q.Add(i, &Sample{DurationUS: d}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(q.Remove(1, &Sample{DurationUS: 10}), q.Remove(3, &Sample{DurationUS: 90})); err != nil {
		t.Fatal(err)
	}
	if !q.Stale() {
		t.Fatal("the extremes are known too soon")
	}
	q.ResolveExtremes(0)
	if b := q.Quarters[0]; q.Stale() || b.Min != 30 || b.Max != 50 {
		t.Fatalf("extremes are %d and %d, stale %v", b.Min, b.Max, q.Stale())
	}
}

func FuzzDecodeMinutes(f *testing.F) {
	rng := rand.New(rand.NewPCG(35, 36))
	for _, n := range []int{0, 1, 100} {
		m := new(Minutes)
		for range n {
			s := randomSample(rng)
			if err := m.Add(rng.IntN(minutesPerQuarter), &s); err != nil {
				f.Fatal(err)
			}
		}
		b, err := m.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return // no minutes, and not a Minutes without bytes
		}
		m := &Minutes{raw: b}
		if err := m.decode(); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if again, err := m.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("does not encode as it was: %v", err)
		}
	})
}
