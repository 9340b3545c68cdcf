package modeltest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/internal/model"
	"github.com/tracebed/tracebed/rollup"
)

// TestCalendar compares the bars of random windows near clock changes with
// those found by walking.
func TestCalendar(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	more := []*time.Location{}
	for _, name := range []string{"Europe/Berlin", "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Chatham"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		more = append(more, loc)
	}
	for range 700 {
		list := zones
		if rng.IntN(4) == 0 {
			list = more
		}
		loc, iv := list[rng.IntN(len(list))], intervals[rng.IntN(len(intervals))]
		const hour = int64(3_600_000_000)
		from := time.Date(1990+rng.IntN(45), time.Month(1+rng.IntN(12)), 1+rng.IntN(31), rng.IntN(24), 15*rng.IntN(4), 0, 0, time.UTC).UnixMicro()
		if rng.IntN(2) == 0 { // near a change of the clock
			if _, end := time.UnixMicro(from).In(loc).ZoneBounds(); !end.IsZero() {
				from = end.UnixMicro() - rng.Int64N(min(iv.hours, 72)*hour)
			}
		}
		from += int64(rng.IntN(3) - 1)
		to := from + rng.Int64N(iv.hours*hour)
		interval, err := rollup.ParseInterval(iv.text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := model.Buckets(from, to, iv.text, loc)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rollup.Boundaries(interval, loc, from, to, 10_000)
		if err != nil || len(got) < 2 || got[len(got)-1] <= to || !slices.Equal(got[:len(got)-1], want) {
			t.Fatalf("%s in %s from %v to %v: %v\n got %v\nwant %v", iv.text, loc, time.UnixMicro(from).UTC(), time.UnixMicro(to).UTC(), err, got, want)
		}
	}
}
