package rollup

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// day is what one app did on one day, in all three kinds of rows.
type day struct {
	scalars  DayScalars
	hists    DayHists
	quarters [hoursPerDay]QuarterHours
}

func (d *day) add(quarter int, s *Sample) {
	d.scalars.Add(quarter/4, s)
	if s.DurationUS >= 0 {
		d.hists.Add(quarter/4, s.DurationUS)
	}
	d.quarters[quarter/4].Quarters[quarter%4].Add(s)
}

func randomDay(seed uint64, traces int) *day {
	rng := rand.New(rand.NewPCG(23, seed))
	d := new(day)
	d.scalars.LSN, d.hists.LSN = rng.Uint64(), rng.Uint64()
	for range traces {
		s := randomSample(rng)
		d.add(rng.IntN(1+rng.IntN(96)), &s)
	}
	return d
}

func TestDayRoundTrip(t *testing.T) {
	for seed := range uint64(60) {
		d := randomDay(seed, int(seed*seed/4))
		b, err := d.scalars.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var scalars DayScalars
		if err := scalars.Decode(b); err != nil || scalars != d.scalars {
			t.Fatalf("b row: %v", err)
		}
		lsn, counts, err := PeekDay(b)
		if err != nil || lsn != d.scalars.LSN || counts != d.scalars.Total.Count {
			t.Fatalf("peek: %v, %d, %v", err, lsn, counts)
		}
		var total Bucket
		if lsn, err := DecodeDayTotal(b, &total); err != nil || lsn != d.scalars.LSN || total != d.scalars.Total {
			t.Fatalf("total: %v", err)
		}
		checkHistRow(t, d)
		for h := range d.quarters {
			q, err := d.quarters[h].AppendBinary(nil, true)
			if err != nil {
				t.Fatal(err)
			}
			back := QuarterHours{LSN: 99}
			if err := back.Decode(q); err != nil || back.LSN != 0 {
				t.Fatalf("q row: %v", err)
			}
			var sum HistBucket
			for i := range back.Quarters {
				sum.Merge(&back.Quarters[i])
			}
			if sum.Bucket != d.scalars.Hours[h] || !sum.Hist.Equal(&d.hists.Hours[h]) {
				t.Fatalf("quarters of hour %d do not add up to it", h)
			}
		}
	}
}

func checkHistRow(t *testing.T, d *day) {
	t.Helper()
	b := d.hists.AppendBinary(nil)
	hists := DayHists{Hours: [hoursPerDay]Hist{3: benchHists(1, 5)[0]}} // leftovers must go
	if err := hists.Decode(b); err != nil || hists.LSN != d.hists.LSN || !hists.Total.Equal(&d.hists.Total) {
		t.Fatalf("h row: %v", err)
	}
	var total Hist
	if lsn, err := DecodeDayHist(b, &total); err != nil || lsn != d.hists.LSN || !total.Equal(&d.hists.Total) {
		t.Fatalf("day histogram: %v", err)
	}
	for h := range hists.Hours {
		var hour Hist
		err := DecodeHourHist(b, h, &hour)
		if err != nil || !hour.Equal(&d.hists.Hours[h]) || !hists.Hours[h].Equal(&d.hists.Hours[h]) {
			t.Fatalf("histogram of hour %d: %v", h, err)
		}
	}
	if again := hists.AppendBinary(nil); !bytes.Equal(again, b) {
		t.Fatal("the h row is not stable")
	}
}

func TestDayRetracts(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	for range 40 {
		var d DayScalars
		var h DayHists
		var left []Sample
		var hours []int
		for range 60 {
			s, hour := randomSample(rng), rng.IntN(24)
			d.Add(hour, &s)
			if s.DurationUS >= 0 {
				h.Add(hour, s.DurationUS)
			}
			left, hours = append(left, s), append(hours, hour)
		}
		keep := rng.IntN(60)
		for i := 59; i >= keep; i-- {
			if err := d.Remove(hours[i], &left[i]); err != nil {
				t.Fatal(err)
			}
			if left[i].DurationUS >= 0 {
				if err := h.Sub(hours[i], left[i].DurationUS); err != nil {
					t.Fatal(err)
				}
			}
		}
		stale := d.Stale()
		if _, err := d.AppendBinary(nil); stale != errors.Is(err, ErrStale) {
			t.Fatalf("stale %v, error %v", stale, err)
		}
		var want DayScalars
		var wantHists DayHists
		perHour := make([][]Sample, 24)
		for i := range keep {
			want.Add(hours[i], &left[i])
			if left[i].DurationUS >= 0 {
				wantHists.Add(hours[i], left[i].DurationUS)
			}
			perHour[hours[i]] = append(perHour[hours[i]], left[i])
		}
		for i := range d.Hours {
			d.Hours[i].SetExtremes(extremes(perHour[i]))
		}
		d.ResolveTotal()
		if d != want || !bytes.Equal(h.AppendBinary(nil), wantHists.AppendBinary(nil)) {
			t.Fatalf("got  %+v\nwant %+v", d.Total, want.Total)
		}
	}
}

func TestDayRemoveAbsent(t *testing.T) {
	d, h := DayScalars{}, DayHists{}
	s := Sample{DurationUS: 500, Runs: 1}
	d.Add(3, &s)
	h.Add(3, 500)
	before := d
	if err := d.Remove(4, &s); !errors.Is(err, ErrAbsent) || d != before {
		t.Errorf("wrong hour: %v", err)
	}
	if err := h.Sub(4, 500); !errors.Is(err, ErrAbsent) || h.Total.Count() != 1 {
		t.Errorf("wrong hour: %v", err)
	}
	d.Total, h.Total = Bucket{}, Hist{}
	before = d
	if err := d.Remove(3, &s); !errors.Is(err, ErrAbsent) || d != before {
		t.Errorf("damaged total: %v", err)
	}
	if err := h.Sub(3, 500); !errors.Is(err, ErrAbsent) || h.Hours[3].Count() != 1 {
		t.Errorf("damaged total: %v", err)
	}
}

// Rows that are well formed in their parts but not as a whole.
func TestRowsThatContradict(t *testing.T) {
	d := randomDay(1, 50)
	d.scalars.Hours[2].Runs++
	b, err := d.scalars.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := new(DayScalars).Decode(b); !errors.Is(err, ErrCorrupt) {
		t.Errorf("b row: %v", err)
	}
	d.hists.Hours[2].Add(5)
	if err := new(DayHists).Decode(d.hists.AppendBinary(nil)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("h row: %v", err)
	}
	q := &d.quarters[0]
	q.Quarters[1].Hist.Add(5)
	if b, err = q.AppendBinary(nil, true); err != nil {
		t.Fatal(err)
	}
	if err := new(QuarterHours).Decode(b); !errors.Is(err, ErrCorrupt) {
		t.Errorf("q row: %v", err)
	}
	q.Quarters[1].MinStale = true
	if _, err = q.AppendBinary(nil, true); !q.Stale() || !errors.Is(err, ErrStale) {
		t.Errorf("stale q row: %v", err)
	}
}

func FuzzDecodeDay(f *testing.F) {
	for _, n := range []int{0, 1, 40} {
		b, err := randomDay(uint64(n), n).scalars.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lsn, counts, peekErr := PeekDay(b)
		var total Bucket
		_, totalErr := DecodeDayTotal(b, &total)
		var d DayScalars
		if err := d.Decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if peekErr != nil || totalErr != nil || lsn != d.LSN || counts != d.Total.Count || total != d.Total {
			t.Fatalf("the front reads differently: %v, %v", peekErr, totalErr)
		}
		if again, err := d.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("does not encode as it was: %v", err)
		}
	})
}

func FuzzDecodeDayHists(f *testing.F) {
	for _, n := range []int{0, 1, 40} {
		f.Add(randomDay(uint64(n), n).hists.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var total, hour Hist
		_, totalErr := DecodeDayHist(b, &total)
		hourErr := DecodeHourHist(b, 23, &hour)
		var d DayHists
		if err := d.Decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if totalErr != nil || hourErr != nil || !total.Equal(&d.Total) || !hour.Equal(&d.Hours[23]) {
			t.Fatalf("the parts read differently: %v, %v", totalErr, hourErr)
		}
		if again := d.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatal("does not encode as it was")
		}
	})
}

func FuzzDecodeQuarters(f *testing.F) {
	for _, n := range []int{0, 1, 40} {
		b, err := randomDay(uint64(n), n).quarters[0].AppendBinary(nil, true)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var q QuarterHours
		if err := q.Decode(b); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if again, err := q.AppendBinary(nil, true); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("does not encode as it was: %v", err)
		}
	})
}

func benchDay() *day {
	d := new(day)
	rng := rand.New(rand.NewPCG(27, 28))
	for range 24 * 114 { // a million traces a year
		s := randomSample(rng)
		if s.DurationUS >= 0 {
			s.DurationUS = 200_000 + int64(rng.ExpFloat64()*3e6)
		}
		d.add(rng.IntN(96), &s)
	}
	return d
}

func BenchmarkDayScalarsEncode(b *testing.B) {
	d := benchDay()
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = d.scalars.AppendBinary(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(buf)), "bytes")
}

func BenchmarkDayScalarsDecode(b *testing.B) {
	row, err := benchDay().scalars.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	var d DayScalars
	for b.Loop() {
		if err := d.Decode(row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeekDay(b *testing.B) {
	row, err := benchDay().scalars.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := PeekDay(row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDayTotalDecode(b *testing.B) {
	row, err := benchDay().scalars.AppendBinary(nil)
	if err != nil {
		b.Fatal(err)
	}
	var total Bucket
	for b.Loop() {
		if _, err := DecodeDayTotal(row, &total); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDayHistsDecode(b *testing.B) {
	row := benchDay().hists.AppendBinary(nil)
	var d DayHists
	for b.Loop() {
		if err := d.Decode(row); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(row)), "bytes")
}
