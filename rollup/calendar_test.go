package rollup

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func mustInterval(t testing.TB, s string) Interval {
	t.Helper()
	iv, err := ParseInterval(s)
	if err != nil {
		t.Fatal(err)
	}
	return iv
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseInterval(t *testing.T) {
	for s, want := range map[string]Interval{
		"hour": Hour, "1h": Hour, "60m": Hour, "day": Day, "1d": Day, "24h": Day, "1440m": Day,
		"week": Week, "1w": Week, "168h": Week, "month": Month,
		"15m": {us: 15 * 60 * 1e6}, "720h": {us: 30 * Day.us}, "1s": {us: 1e6}, "1.5s": {us: 15e5},
	} {
		iv, err := ParseInterval(s)
		if err != nil || iv != want {
			t.Errorf("%q: %v, %v; want %v", s, iv, err, want)
		}
		if back, err := ParseInterval(iv.String()); err != nil || back != iv {
			t.Errorf("%q prints as %q, which reads as %v, %v", s, iv, back, err)
		}
	}
	for s, want := range map[string]string{"1h": "hour", "15m": "15m", "720h": "720h", "90m": "1h30m", "30s": "30s"} {
		if got := mustInterval(t, s).String(); got != want {
			t.Errorf("%q prints as %q, want %q", s, got, want)
		}
	}
	for _, s := range []string{"", "0", "0h", "-1h", "999ms", "1s1ns", "2d", "2w", "1mo", "year", "Day", " 1h", "1e9h", strings.Repeat("9", 500)} {
		_, err := ParseInterval(s)
		if !errors.Is(err, ErrInterval) || !strings.Contains(err.Error(), "interval is") || len(err.Error()) > 400 {
			t.Errorf("%q: error %v", s, err)
		}
	}
}

// wall returns instants as local wall clock texts.
func wall(bounds []int64, loc *time.Location) []string {
	var out []string
	for _, b := range bounds {
		out = append(out, time.UnixMicro(b).In(loc).Format("2006-01-02T15:04:05Z07:00"))
	}
	return out
}

func TestBoundariesKnown(t *testing.T) {
	for _, c := range []struct {
		name, zone, interval, start, end string
		want                             []string
	}{
		{"plain hours", "UTC", "1h", "2024-05-01T10:20:00Z", "2024-05-01T12:00:00Z",
			[]string{"2024-05-01T10:00:00Z", "2024-05-01T11:00:00Z", "2024-05-01T12:00:00Z", "2024-05-01T13:00:00Z"}},
		{"before the epoch", "UTC", "15m", "1969-12-31T23:59:00Z", "1969-12-31T23:59:00Z",
			[]string{"1969-12-31T23:45:00Z", "1970-01-01T00:00:00Z"}},
		{"Kolkata hour", "Asia/Kolkata", "1h", "2024-05-01T10:45:00+05:30", "2024-05-01T10:45:00+05:30",
			[]string{"2024-05-01T10:00:00+05:30", "2024-05-01T11:00:00+05:30"}},
		{"Kathmandu 6h", "Asia/Kathmandu", "6h", "2024-05-01T10:45:00+05:45", "2024-05-01T12:00:00+05:45",
			[]string{"2024-05-01T06:00:00+05:45", "2024-05-01T12:00:00+05:45", "2024-05-01T18:00:00+05:45"}},
		{"weeks start on Monday", "UTC", "168h", "2024-05-01T00:00:00Z", "2024-05-06T00:00:00Z",
			[]string{"2024-04-29T00:00:00Z", "2024-05-06T00:00:00Z", "2024-05-13T00:00:00Z"}},
		{"months", "America/New_York", "month", "2024-02-29T12:00:00-05:00", "2024-04-01T00:00:00-04:00",
			[]string{"2024-02-01T00:00:00-05:00", "2024-03-01T00:00:00-05:00", "2024-04-01T00:00:00-04:00", "2024-05-01T00:00:00-04:00"}},
		{"30-day blocks", "UTC", "720h", "1970-01-30T00:00:00Z", "1970-01-31T00:00:00Z",
			[]string{"1970-01-01T00:00:00Z", "1970-01-31T00:00:00Z", "1970-03-02T00:00:00Z"}},
		{"New York spring", "America/New_York", "1h", "2024-03-10T01:30:00-05:00", "2024-03-10T03:30:00-04:00",
			[]string{"2024-03-10T01:00:00-05:00", "2024-03-10T03:00:00-04:00", "2024-03-10T04:00:00-04:00"}},
		{"New York autumn: one o'clock twice", "America/New_York", "1h", "2024-11-03T00:30:00-04:00", "2024-11-03T02:00:00-05:00",
			[]string{"2024-11-03T00:00:00-04:00", "2024-11-03T01:00:00-04:00", "2024-11-03T01:00:00-05:00", "2024-11-03T02:00:00-05:00", "2024-11-03T03:00:00-05:00"}},
		{"New York days of 23 and 25 hours", "America/New_York", "24h", "2024-03-10T12:00:00-04:00", "2024-03-10T12:00:00-04:00",
			[]string{"2024-03-10T00:00:00-05:00", "2024-03-11T00:00:00-04:00"}},
		{"New York 6h, autumn", "America/New_York", "6h", "2024-11-03T01:30:00-05:00", "2024-11-03T06:00:00-05:00",
			[]string{"2024-11-03T00:00:00-04:00", "2024-11-03T06:00:00-05:00", "2024-11-03T12:00:00-05:00"}},
		{"Lord Howe: half an hour back", "Australia/Lord_Howe", "1h", "2024-04-07T01:10:00+11:00", "2024-04-07T01:59:00+10:30",
			[]string{"2024-04-07T01:00:00+11:00", "2024-04-07T01:30:00+10:30", "2024-04-07T02:00:00+10:30"}},
		{"Lord Howe: half an hour forward", "Australia/Lord_Howe", "1h", "2024-10-06T01:10:00+10:30", "2024-10-06T02:40:00+11:00",
			[]string{"2024-10-06T01:00:00+10:30", "2024-10-06T02:30:00+11:00", "2024-10-06T03:00:00+11:00"}},
		{"São Paulo: a day without midnight", "America/Sao_Paulo", "day", "2018-11-03T12:00:00-03:00", "2018-11-04T12:00:00-02:00",
			[]string{"2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"São Paulo: 23 o'clock twice", "America/Sao_Paulo", "day", "2018-02-17T23:30:00-02:00", "2018-02-17T23:30:00-03:00",
			[]string{"2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"}},
		{"Havana: midnight twice", "America/Havana", "1d", "2024-11-03T00:30:00-05:00", "2024-11-03T00:30:00-05:00",
			[]string{"2024-11-03T00:00:00-04:00", "2024-11-04T00:00:00-05:00"}},
		{"St John's: back over midnight at 00:01", "America/St_Johns", "day", "2006-10-28T23:30:00-03:30", "2006-10-28T23:30:00-03:30",
			[]string{"2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30"}},
		{"Apia: 30 December 2011 did not exist", "Pacific/Apia", "day", "2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00",
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			loc := mustZone(t, c.zone)
			start, err1 := time.Parse(time.RFC3339, c.start)
			end, err2 := time.Parse(time.RFC3339, c.end)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			got, err := Boundaries(mustInterval(t, c.interval), loc, start.UnixMicro(), end.UnixMicro(), 100)
			if err != nil || !slices.Equal(wall(got, loc), c.want) {
				t.Fatalf("%v\ngot  %v\nwant %v", err, wall(got, loc), c.want)
			}
		})
	}
}

func TestBoundariesLimits(t *testing.T) {
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	ny := mustZone(t, "America/New_York")
	for _, loc := range []*time.Location{nil, time.UTC, ny} {
		got, err := Boundaries(Hour, loc, start, start+100*Hour.us-1, 100)
		if err != nil || len(got) != 101 {
			t.Errorf("100 of 100: %d, %v", len(got)-1, err)
		}
		_, err = Boundaries(Hour, loc, start, start+100*Hour.us, 100)
		if !errors.Is(err, ErrTooManyBuckets) || !strings.Contains(err.Error(), "interval") {
			t.Errorf("101 of 100: %v", err)
		}
		for _, s := range []string{"1s", "1h", "day", "month", "2000000h"} {
			if _, err := Boundaries(mustInterval(t, s), loc, firstUS, lastUS, 10_000); (err == nil) != (s == "2000000h") {
				t.Errorf("all time by %s: %v", s, err)
			}
		}
		if _, err = Boundaries(Hour, loc, start, start-1, 100); !errors.Is(err, ErrWindow) {
			t.Errorf("end before start: %v", err)
		}
		if _, err = Boundaries(Hour, loc, -1<<63, 1<<63-1, 100); !errors.Is(err, ErrWindow) {
			t.Errorf("beyond the calendar: %v", err)
		}
		if _, err = Boundaries(Interval{}, loc, start, start, 100); !errors.Is(err, ErrInterval) {
			t.Errorf("no interval: %v", err)
		}
		if _, err = Boundaries(Hour, loc, start, start, -5); !errors.Is(err, ErrTooManyBuckets) {
			t.Errorf("negative limit: %v", err)
		}
	}
}

// modelLabel numbers bars from what the local clock shows, field by field.
func modelLabel(iv Interval, t time.Time) int64 {
	y, m, d := t.Date()
	days := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	switch iv {
	case Month:
		return int64(y)*12 + int64(m)
	case Day:
		return days
	case Week: // the day number of the Monday before
		return days - int64(t.Weekday()+6)%7
	}
	h, min, s := t.Clock()
	us := days*Day.us + (int64(h)*3600+int64(min)*60+int64(s))*1e6
	return us / iv.us
}

// modelBoundaries goes through the minutes one by one.
func modelBoundaries(iv Interval, loc *time.Location, start, end int64) []int64 {
	const minute = 60 * 1e6
	short := !iv.month && iv.us <= Hour.us
	t := start/minute*minute - iv.width() - 4*Day.us
	before := time.UnixMicro(t).In(loc)
	best := modelLabel(iv, before)
	var out []int64
	for {
		t += minute
		now := time.UnixMicro(t).In(loc)
		label := modelLabel(iv, now)
		_, o1 := before.Zone()
		_, o2 := now.Zone()
		before = now
		if label > best || (short && o2 < o1) {
			best = label
			if t <= start {
				out = out[:0]
			}
			if out = append(out, t); t > end {
				return out
			}
		}
	}
}

func TestBoundariesAgainstMinuteScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	intervals := []string{"1m", "15m", "20m", "45m", "1h", "90m", "6h", "7h", "day", "48h", "week", "month"}
	rounds := 2
	if testing.Short() {
		rounds = 1
	}
	for _, name := range trickyZones {
		loc := mustZone(t, name)
		for range rounds {
			// Near a change of the clock, where there is one to be found.
			at := time.Date(2000+rng.IntN(38), time.Month(1+rng.IntN(12)), 1+rng.IntN(28), 0, 0, 0, 0, loc)
			if _, next := at.ZoneBounds(); !next.IsZero() && next.Year() < 2038 {
				at = next
			}
			start := at.Add(time.Duration(rng.IntN(72*60)-60*60) * time.Minute).UnixMicro()
			iv := mustInterval(t, intervals[rng.IntN(len(intervals))])
			end := start + rng.Int64N(min(3*iv.width(), 40*Day.us))
			got, err := Boundaries(iv, loc, start, end, 1000)
			want := modelBoundaries(iv, loc, start, end)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s by %s from %d to %d: %v\ngot  %v\nwant %v", name, iv, start, end, err, wall(got, loc), wall(want, loc))
			}
		}
	}
}

func BenchmarkBoundaries(b *testing.B) {
	start := time.Date(2024, 1, 15, 3, 4, 5, 0, time.UTC).UnixMicro()
	end := start + 365*Day.us
	for _, c := range []struct{ zone, interval string }{
		{"America/New_York", "1h"}, {"Asia/Kolkata", "1h"}, {"UTC", "1h"},
		{"America/New_York", "day"}, {"America/New_York", "month"},
	} {
		loc, iv := mustZone(b, c.zone), mustInterval(b, c.interval)
		b.Run(c.zone+"/"+iv.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Boundaries(iv, loc, start, end, 10_000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("all-time", func(b *testing.B) { // long bars must not visit every change of the clock
		loc, iv := mustZone(b, "America/New_York"), mustInterval(b, "2000000h")
		for b.Loop() {
			if _, err := Boundaries(iv, loc, firstUS, lastUS, 10_000); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// FuzzParseInterval: an interval that is taken prints as one that means the
// same.
func FuzzParseInterval(f *testing.F) {
	for _, s := range []string{"hour", "1d", "1w", "month", "24h", "15m", "1.5h", "-1h", "0", "1e9h", "999999h", "1s1ns", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		iv, err := ParseInterval(s)
		if err != nil {
			return
		}
		if again, err := ParseInterval(iv.String()); err != nil || again != iv {
			t.Fatalf("%q is %q, which is %q (%v)", s, iv, again, err)
		}
	})
}
