package trace

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{"2026-06-10T09:15:00.104233+00:00", "2026-06-10T09:15:00.104233Z"},
		{"2026-06-10T09:15:00+00:00", "2026-06-10T09:15:00Z"},
		{"2026-06-10T09:15:00.000000Z", "2026-06-10T09:15:00.000000Z"},
		{"2026-06-10t09:15:00z", "2026-06-10T09:15:00Z"},
		{"2026-06-10 09:15:00.5-05:30", "2026-06-10T14:45:00.5Z"},
		{"2026-06-10T00:15:00.120+14:00", "2026-06-09T10:15:00.120Z"},
		{"2026-06-10T09:15:00.1234567899999Z", "2026-06-10T09:15:00.123456789Z"},
		{"2024-02-29T23:59:59.9Z", "2024-02-29T23:59:59.9Z"},
		{"2000-02-29T00:00:00-00:00", "2000-02-29T00:00:00Z"},
		{"1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"1970-01-01T01:00:00+01:00", "1970-01-01T00:00:00Z"},
		{"1969-12-31T23:30:00-00:30", "1970-01-01T00:00:00Z"},
		{"2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.25Z"},
		{"2017-01-01T00:59:60+01:00", "2017-01-01T00:00:00Z"},
		{"2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z"},
	} {
		got, err := ParseTime([]byte(c.in))
		if err != nil || !got.Valid {
			t.Errorf("ParseTime(%s): %v", c.in, err)
			continue
		}
		if out := string(AppendTime(nil, got)); out != c.out {
			t.Errorf("ParseTime(%s) = %s, want %s", c.in, out, c.out)
		}
	}
	for _, in := range []string{
		"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2262-04-11T23:47:16.854775808Z",
		"2262-04-11T23:47:17Z", "9999-12-31T00:00:00Z", "0000-01-01T00:00:00Z",
	} {
		if _, err := ParseTime([]byte(in)); !errors.Is(err, ErrTimeRange) {
			t.Errorf("ParseTime(%s): %v, want ErrTimeRange", in, err)
		}
	}
	for _, in := range []string{
		"", "2026", "2026-06-10", "2026-06-10T09:15:00", "2026-06-10T09:15Z", "2026-06-10T09:15:00+0000",
		"2026-06-10T09:15:00+00", "2026-06-10T09:15:00+24:00", "2026-06-10T09:15:00+00:60", "2026-06-10T09:15:00,5Z",
		"2026-06-10T09:15:00.Z", "2026-06-10T09:15:00.", "2026-06-10T09:15:00.5", "2026-06-10_09:15:00Z",
		"2026-13-10T09:15:00Z", "2026-00-10T09:15:00Z", "2026-02-29T09:15:00Z", "2100-02-29T09:15:00Z",
		"2026-04-31T09:15:00Z", "2026-06-00T09:15:00Z", "2026-06-10T24:00:00Z", "2026-06-10T09:60:00Z",
		"2026-06-10T09:15:61Z", "2026-06-10T09:15:60Z", "2026-06-10T09:15:00ZZ", " 2026-06-10T09:15:00Z",
		"2026-06-10T09:15:00Z ", "-026-06-10T09:15:00Z", "2026-06-10T09:15:00 00:00", "2x26-06-10T09:15:00Z",
		"2026-06-10T09:15:0xZ", "2026-06-10T09:15:00+0x:00", "1781082900", "２026-06-10T09:15:00Z",
	} {
		if _, err := ParseTime([]byte(in)); !errors.Is(err, ErrTimeSyntax) {
			t.Errorf("ParseTime(%q): %v, want ErrTimeSyntax", in, err)
		}
	}
}

// Times made by package time come back as the same instant and text.
func TestTimeAgreesWithStandardLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(ns int64, digits int, offset int) {
		t.Helper()
		at := time.Unix(0, ns).In(time.FixedZone("", offset*60))
		layout := "2006-01-02T15:04:05"
		if digits > 0 {
			layout += "." + strings.Repeat("0", digits)
		}
		unit := int64(math.Pow10(9 - digits))
		want := ns / unit * unit
		got, err := ParseTime([]byte(at.Format(layout + "Z07:00")))
		if err != nil || got.NS != want || int(got.Digits) != digits {
			t.Fatalf("%s: %+v, %v, want %d", at.Format(layout+"Z07:00"), got, err, want)
		}
		if text := string(AppendTime(nil, got)); text != time.Unix(0, want).UTC().Format(layout+"Z") {
			t.Fatalf("AppendTime of %d with %d digits = %s", want, digits, text)
		}
		// Fewer digits than needed: as many as needed.
		if text := string(AppendTime(nil, Time{NS: ns, Valid: true})); text != time.Unix(0, ns).UTC().Format(time.RFC3339Nano) {
			t.Fatalf("AppendTime of %d = %s", ns, text)
		}
	}
	for day := range int64(MaxNS / (secondsPerDay * nsPerSecond)) {
		check(day*secondsPerDay*nsPerSecond, 0, 0)
	}
	for range 20_000 {
		check(rng.Int64(), rng.IntN(10), rng.IntN(2*1439)-1439)
	}
}

func TestTimeEdges(t *testing.T) {
	if got := string(AppendTime(nil, Time{})); got != "null" {
		t.Errorf("null time = %s", got)
	}
	for _, c := range []struct{ ns, us int64 }{{0, 0}, {999, 0}, {1000, 1}, {-1, -1}, {-1000, -1}, {-1001, -2}} {
		if got := (Time{NS: c.ns}).MicrosFloor(); got != c.us {
			t.Errorf("MicrosFloor(%d) = %d, want %d", c.ns, got, c.us)
		}
	}
	for us, want := range map[int64]string{
		0: "0", 1: "0.001", 10: "0.01", 100: "0.1", 1000: "1", 2807637: "2807.637", 9001800: "9001.8",
		3800000: "3800", -1500: "-1.5", math.MaxInt64: "9223372036854775.807", math.MinInt64: "-9223372036854775.808",
	} {
		if got := string(AppendMillis(nil, us)); got != want {
			t.Errorf("AppendMillis(%d) = %s, want %s", us, got, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = ParseTime([]byte("2026-06-10T09:15:00.104233+00:00")) }); n != 0 {
		t.Errorf("ParseTime allocates %v times", n)
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-06-10T09:15:00.104233+00:00")
	f.Add("2016-12-31T23:59:60Z")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := ParseTime([]byte(in))
		if err != nil {
			return
		}
		text := AppendTime(nil, got)
		again, err := ParseTime(text)
		if err != nil || again != got {
			t.Fatalf("%q → %s → %+v, %v, want %+v", in, text, again, err, got)
		}
		if want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(strings.Replace(in, " ", "T", 1))); err == nil &&
			want.UnixNano() != got.NS && want.Year() < 2262 {
			t.Fatalf("%q = %d, package time says %d", in, got.NS, want.UnixNano())
		}
	})
}

func BenchmarkParseTime(b *testing.B) {
	in := []byte("2026-06-10T09:15:00.104233+00:00")
	for b.Loop() {
		if _, err := ParseTime(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendTime(b *testing.B) {
	at, err := ParseTime([]byte("2026-06-10T09:15:00.104233+00:00"))
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	for b.Loop() {
		dst = AppendTime(dst[:0], at)
	}
}
