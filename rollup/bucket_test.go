package rollup

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomSample draws a trace; few different durations, so that extremes repeat.
func randomSample(rng *rand.Rand) Sample {
	s := Sample{Status: Status(rng.IntN(NumStatus)), DurationUS: -1, Runs: 1 + rng.Uint32N(9)}
	if s.Status != Running {
		s.DurationUS = rng.Int64N(12) * 1000
		if rng.IntN(2) == 0 {
			s.DurationUS = randomUS(rng)
		}
	}
	if rng.IntN(3) > 0 {
		s.PromptTokens, s.CompletionTokens = rng.Int64N(5000), rng.Int64N(800)
		s.TotalTokens = s.PromptTokens + s.CompletionTokens
	}
	if rng.IntN(3) > 0 {
		s.PromptCost, s.PromptPriced = Money{Lo: rng.Uint64N(maxRunPico)}, 1+rng.Uint32N(3)
		s.CompletionCost, s.CompletionPriced = Money{Lo: rng.Uint64N(1e9)}, 1
		s.TotalCost, s.TotalPriced = s.PromptCost.Add(s.CompletionCost), 1
	} else {
		s.Unpriced = rng.Uint32N(4)
	}
	return s
}

// extremes is the model of Min and Max.
func extremes(samples []Sample) (lo, hi int64) {
	first := true
	for _, s := range samples {
		if s.DurationUS < 0 {
			continue
		}
		if first {
			lo, hi, first = s.DurationUS, s.DurationUS, false
		}
		lo, hi = min(lo, s.DurationUS), max(hi, s.DurationUS)
	}
	return lo, hi
}

func buildFrom(samples []Sample) HistBucket {
	var b HistBucket
	for i := range samples {
		b.Add(&samples[i])
	}
	return b
}

// checkBucket compares b with one built from the samples that are left; what b
// claims about the extremes must be true, and exact where it is not stale.
func checkBucket(t *testing.T, b *HistBucket, left []Sample) {
	t.Helper()
	lo, hi := extremes(left)
	if b.Min > lo || b.Max < hi || (!b.MinStale && b.Min != lo) || (!b.MaxStale && b.Max != hi) {
		t.Fatalf("[%d %v, %d %v]; true extremes %d, %d", b.Min, b.MinStale, b.Max, b.MaxStale, lo, hi)
	}
	if b.DurCount == 0 && b.Stale() {
		t.Fatal("stale without durations")
	}
	resolved := b.Bucket
	resolved.SetExtremes(lo, hi)
	want := buildFrom(left)
	if resolved != want.Bucket || !b.Hist.Equal(&want.Hist) {
		t.Fatalf("got  %+v\nwant %+v", resolved, want.Bucket)
	}
}

func TestBucketRetractsExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 150 {
		var left []Sample
		var b HistBucket
		for range 80 {
			if len(left) > 0 && rng.IntN(2) == 0 {
				i := rng.IntN(len(left))
				if err := b.Remove(&left[i]); err != nil {
					t.Fatal(err)
				}
				left = slices.Delete(left, i, i+1)
			} else {
				left = append(left, randomSample(rng))
				b.Add(&left[len(left)-1])
			}
			checkBucket(t, &b, left)
		}
		rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		for i := range left {
			if err := b.Remove(&left[i]); err != nil {
				t.Fatal(err)
			}
		}
		if b.Bucket != (Bucket{}) || b.Hist.Count() != 0 {
			t.Fatalf("emptied bucket holds %+v", b)
		}
	}
}

// Merging buckets, stale ones too, claims nothing that is not true.
func TestBucketMerge(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 500 {
		var parts [2][]Sample
		var sum [2]HistBucket
		for i := range parts {
			for range rng.IntN(12) {
				parts[i] = append(parts[i], randomSample(rng))
			}
			sum[i] = buildFrom(parts[i])
			for range rng.IntN(len(parts[i]) + 1) {
				if err := sum[i].Remove(&parts[i][0]); err != nil {
					t.Fatal(err)
				}
				parts[i] = parts[i][1:]
			}
		}
		sum[0].Merge(&sum[1])
		checkBucket(t, &sum[0], append(slices.Clone(parts[0]), parts[1]...))
	}
}

func TestBucketExtremes(t *testing.T) {
	sample := func(us int64) *Sample { return &Sample{DurationUS: us} }
	var b Bucket
	remove := func(us int64) {
		t.Helper()
		if err := b.Remove(sample(us)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(lo, hi int64, loStale, hiStale bool) {
		t.Helper()
		if b.Min != lo || b.Max != hi || b.MinStale != loStale || b.MaxStale != hiStale {
			t.Fatalf("[%d %v, %d %v], want [%d %v, %d %v]", b.Min, b.MinStale, b.Max, b.MaxStale, lo, loStale, hi, hiStale)
		}
	}
	for _, us := range []int64{5, 3, 9, 7, 3} {
		b.Add(sample(us))
	}
	want(3, 9, false, false)
	remove(7)
	want(3, 9, false, false)
	remove(3)
	want(3, 9, true, false) // the other 3 is still there, but b cannot know
	b.Add(sample(4))
	want(3, 9, true, false)
	b.Add(sample(2))
	want(2, 9, false, false)
	remove(9)
	want(2, 9, false, true)
	b.SetExtremes(2, 5)
	want(2, 5, false, false)
	remove(2)
	remove(5)
	want(2, 5, true, true)
	remove(3)
	want(4, 4, false, false) // the sum tells
	b.Add(sample(4))
	remove(4)
	want(4, 4, false, false) // all are the same
	remove(4)
	if b != (Bucket{}) {
		t.Fatalf("%+v", b)
	}
	b.SetExtremes(1, 2)
	if b != (Bucket{}) {
		t.Fatal("extremes of nothing")
	}
}

func TestRemoveAbsent(t *testing.T) {
	base := Sample{
		Status: Succeeded, DurationUS: 1000, PromptTokens: 5, TotalTokens: 5,
		PromptCost: pico(7), PromptPriced: 1, TotalCost: pico(7), TotalPriced: 1, Unpriced: 1, Runs: 2,
	}
	edits := map[string]func(*Sample){
		"status":       func(s *Sample) { s.Status = Failed },
		"too short":    func(s *Sample) { s.DurationUS = 999 },
		"too long":     func(s *Sample) { s.DurationUS = 1001 },
		"no duration":  func(s *Sample) { s.DurationUS = -1 },
		"tokens":       func(s *Sample) { s.PromptTokens = 4 },
		"cost":         func(s *Sample) { s.TotalCost = pico(8) },
		"lower cost":   func(s *Sample) { s.TotalCost = pico(6) },
		"more priced":  func(s *Sample) { s.PromptPriced = 2 },
		"fewer priced": func(s *Sample) { s.PromptPriced = 0 },
		"unpriced":     func(s *Sample) { s.Unpriced = 2 },
		"runs":         func(s *Sample) { s.Runs = 3 },
	}
	for name, edit := range edits {
		b := buildFrom([]Sample{base})
		before, hist := b.Bucket, b.Hist.Clone()
		s := base
		edit(&s)
		if err := b.Remove(&s); !errors.Is(err, ErrAbsent) || b.Bucket != before || !b.Hist.Equal(&hist) {
			t.Errorf("%s: error %v, bucket %+v", name, err, b)
		}
	}
	// Sums that do not belong to any one duration.
	b := buildFrom([]Sample{{DurationUS: 2}, {DurationUS: 9}})
	b.DurSum = Uint128{Lo: 30}
	if err := b.Remove(&Sample{DurationUS: 2}); !errors.Is(err, ErrAbsent) {
		t.Errorf("impossible rest: %v", err)
	}
}

func TestScalarsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for i := range 2000 {
		var samples []Sample
		for range rng.IntN(1 + i%40) {
			samples = append(samples, randomSample(rng))
		}
		b := buildFrom(samples).Bucket
		if i%7 == 0 && len(samples) > 0 { // a terminal trace without a duration, wrapped tokens
			b.Add(&Sample{Status: Failed, DurationUS: -1, TotalTokens: -5})
		}
		enc, err := b.AppendScalars([]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		var back Bucket
		if err := back.DecodeScalars(enc[1:]); err != nil || back != b {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, back, b)
		}
		for cut := 1; cut < len(enc)-1; cut++ {
			if back.DecodeScalars(enc[1:1+cut]) == nil {
				t.Fatalf("cut to %d of %d bytes decodes", cut, len(enc)-1)
			}
		}
	}
	b := buildFrom([]Sample{{DurationUS: 1}, {DurationUS: 2}, {DurationUS: 3}}).Bucket
	if err := b.Remove(&Sample{DurationUS: 3}); err != nil {
		t.Fatal(err)
	}
	if out, err := b.AppendScalars([]byte{1}); !errors.Is(err, ErrStale) || len(out) != 1 {
		t.Fatalf("stale bucket encodes: %v", err)
	}
}

// Sizes of the storage design: a few bytes for one trace, at most 60 for a busy
// hour.
func TestScalarsSize(t *testing.T) {
	one := buildFrom([]Sample{{DurationUS: 1_500_000, Runs: 5}}).Bucket
	small, err := one.AppendScalars(nil)
	if err != nil || len(small) > 14 {
		t.Fatalf("one trace takes %d bytes, %v", len(small), err)
	}
	busy, err := busyHour(3600).AppendScalars(nil)
	if err != nil || len(busy) > 60 {
		t.Fatalf("a busy hour takes %d bytes, %v", len(busy), err)
	}
	t.Logf("one trace %d bytes, a busy hour %d", len(small), len(busy))
}

// busyHour is an hour of n usual traces.
func busyHour(n int) *HistBucket {
	rng := rand.New(rand.NewPCG(19, uint64(n)))
	b := new(HistBucket)
	for range n {
		cost := rng.Uint64N(2_000_000_000)
		s := Sample{
			Status: Status(rng.IntN(3)), DurationUS: 200_000 + int64(rng.ExpFloat64()*3e6), Runs: 5,
			PromptTokens: rng.Int64N(4000), CompletionTokens: rng.Int64N(500),
			PromptCost: pico(cost), CompletionCost: pico(cost / 3), TotalCost: pico(cost + cost/3),
			PromptPriced: 2, CompletionPriced: 2, TotalPriced: 2,
		}
		s.TotalTokens = s.PromptTokens + s.CompletionTokens
		b.Add(&s)
	}
	return b
}

func FuzzDecodeScalars(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0})
	f.Add([]byte{0, 0, 0})
	rng := rand.New(rand.NewPCG(21, 22))
	for range 5 {
		b := buildFrom([]Sample{randomSample(rng), randomSample(rng)})
		enc, err := b.AppendScalars(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(enc)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b Bucket
		if err := b.DecodeScalars(data); err != nil {
			if !errors.Is(err, ErrCorrupt) || b != (Bucket{}) {
				t.Fatalf("%v, %+v", err, b)
			}
			return
		}
		again, err := b.AppendScalars(nil)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("% x decodes but encodes as % x, %v", data, again, err)
		}
		st := b.Stats(Percentiles{})
		st.AppendJSON(nil)
	})
}

func BenchmarkBucketAdd(b *testing.B) {
	var k Bucket
	s := randomSample(rand.New(rand.NewPCG(1, 1)))
	for b.Loop() {
		k.Add(&s)
	}
}

func BenchmarkBucketAddRemove(b *testing.B) {
	k := busyHour(100).Bucket
	s := Sample{Status: Succeeded, DurationUS: 2_000_000, TotalTokens: 10, Runs: 5}
	for b.Loop() {
		k.Add(&s)
		if err := k.Remove(&s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBucketMerge(b *testing.B) {
	k := busyHour(100).Bucket
	var sum Bucket
	for b.Loop() {
		sum.Merge(&k)
	}
}
