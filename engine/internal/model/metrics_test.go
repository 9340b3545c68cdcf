package model

import (
	"strings"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	tests := []struct{ name, zone, interval, from, to, want string }{
		{"hours", "UTC", "1h", "2026-06-10T05:59:59.999999Z", "2026-06-10T07:00:00Z", "10T05:00 10T06:00 10T07:00"},
		{"ends just before", "UTC", "hour", "2026-06-10T06:00:00Z", "2026-06-10T06:59:59.999999Z", "10T06:00"},
		{"half hour zone", "Asia/Kolkata", "1h", "2026-06-10T05:00:00Z", "2026-06-10T06:00:00Z", "10T04:30 10T05:30"},
		{"local days", "Asia/Kolkata", "day", "2026-06-10T00:00:00Z", "2026-06-10T20:00:00Z", "09T18:30 10T18:30"},
		{"a day of 23 hours", "America/New_York", "24h", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", "08T05:00 09T04:00"},
		{"a day of 25 hours", "America/New_York", "1d", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", "01T04:00 02T05:00"},
		{"an hour twice", "America/New_York", "1h", "2026-11-01T04:30:00Z", "2026-11-01T07:00:00Z", "01T04:00 01T05:00 01T06:00 01T07:00"},
		{"quarters twice", "America/New_York", "15m", "2026-11-01T05:30:00Z", "2026-11-01T06:15:00Z", "01T05:30 01T05:45 01T06:00 01T06:15"},
		{"an hour is skipped", "America/New_York", "1h", "2026-03-08T06:00:00Z", "2026-03-08T08:00:00Z", "08T06:00 08T07:00 08T08:00"},
		{"six hours last seven", "America/New_York", "6h", "2026-11-01T04:00:00Z", "2026-11-01T12:00:00Z", "01T04:00 01T11:00"},
		{"half an hour twice", "Australia/Lord_Howe", "1h", "2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", "04T14:00 04T15:00 04T15:30"},
		{"half an hour skipped", "Australia/Lord_Howe", "1h", "2026-10-03T15:00:00Z", "2026-10-03T17:00:00Z", "03T14:30 03T15:30 03T16:00 03T17:00"},
		{"weeks from Monday", "UTC", "168h", "2026-06-10T00:00:00Z", "2026-06-22T00:00:00Z", "08T00:00 15T00:00 22T00:00"},
		{"local weeks", "America/New_York", "week", "2026-06-08T03:00:00Z", "2026-06-08T04:00:00Z", "01T04:00 08T04:00"},
		{"months", "America/New_York", "month", "2026-02-10T00:00:00Z", "2026-04-01T04:00:00Z", "01T05:00 01T05:00 01T04:00"},
		{"blocks of 30 days", "UTC", "720h", "1970-01-30T00:00:00Z", "1970-03-02T00:00:00Z", "01T00:00 31T00:00 02T00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := must(time.Parse(time.RFC3339Nano, tt.from)), must(time.Parse(time.RFC3339Nano, tt.to))
			starts, err := Buckets(from.UnixMicro(), to.UnixMicro(), tt.interval, loc)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, us := range starts {
				got = append(got, time.UnixMicro(us).UTC().Format("02T15:04"))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("\n got %s\nwant %s", g, tt.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	values := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[int64]int64{50: 5, 90: 9, 95: 10, 99: 10, 1: 1} {
		if got := Percentile(values, p); got != want {
			t.Errorf("p%d is %d, want %d", p, got, want)
		}
	}
	if got := Percentile(values[:1], 50); got != 1 {
		t.Error(got)
	}
}

// TestMetrics sums a handful of traces by hand.
func TestMetrics(t *testing.T) {
	s := NewStore(time.Hour)
	for id, b := range map[string][]byte{
		"p": body("a - succeeded 3599.999999 3600.5 " + llm(`"prompt_tokens":2,"prompt_tokens_cost_usd":0.1,"total_tokens_cost_usd":0.1`)),
		"q": body("a - failed 3600 3602"),
		"r": body("a - canceled 7199 7203 " + llm(`"prompt_tokens":5`)),
		"u": body("a - - 3700 -"),
	} {
		b = []byte(strings.ReplaceAll(string(b), `"trace_id":"t"`, `"trace_id":"`+id+`"`))
		if _, err := s.Post("app", b, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	base := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC).UnixMicro()
	m, err := s.Metrics("app", base+3_599_999_999, base+7_199_000_000, "1h", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Series) != 2 || m.Series[0].Stats.Invocations != 1 || m.Series[1].Stats.Invocations != 3 {
		t.Fatalf("%+v", m.Series)
	}
	sum := m.Summary
	if sum.Invocations != 4 || sum.Count["running"] != 1 || sum.Count["canceled"] != 1 || sum.Prompt != 7 ||
		sum.Unpriced != 1 || !SamePico("0.1", sum.TotalCost) || sum.CompletionCost != nil {
		t.Errorf("%+v", sum)
	}
	if d := sum.Durations; len(d) != 3 || d[0] != 500_001 || Percentile(d, 50) != 2_000_000 || d[2] != 4_000_000 {
		t.Error(d)
	}
	m, _ = s.Metrics("app", base+3_600_000_000, base+7_198_999_999, "1h", time.UTC)
	if len(m.Series) != 1 || m.Summary.Invocations != 2 {
		t.Errorf("both ends are included and nothing beyond: %+v", m.Summary)
	}
}
