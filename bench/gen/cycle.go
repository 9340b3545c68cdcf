package gen

import (
	"math"
	"time"
)

// cycle maps the number of a trace to its time, such that the rate follows the
// day: 0.3 of the average at 03:00 UTC, 1.7 at 15:00.
type cycle struct {
	first float64 // integral of the rate from midnight to the window's start, s
	step  float64 // integral of the rate from one trace to the next, s
}

const (
	daySeconds = 86400
	lowest     = 3 * 3600
	swing      = 0.7
)

// integral of the relative rate from midnight to x seconds; it grows by
// exactly daySeconds a day.
func integral(x float64) float64 {
	const w = 2 * math.Pi / daySeconds
	return x - swing/w*math.Sin(w*(x-lowest))
}

func newCycle(start time.Time, window time.Duration, traces int) cycle {
	x := start.Sub(start.Truncate(24 * time.Hour)).Seconds()
	first := integral(x)
	return cycle{first: first, step: (integral(x+window.Seconds()) - first) / float64(traces)}
}

// at returns the time of trace n, in whole microseconds.
func (c cycle) at(start time.Time, n float64) time.Time {
	want := c.first + n*c.step
	base := integral(0)
	day := math.Floor((want - base) / daySeconds)
	want -= day * daySeconds
	lo, hi := 0.0, float64(daySeconds)
	for hi-lo > 1e-6 {
		if mid := (lo + hi) / 2; integral(mid) < want {
			lo = mid
		} else {
			hi = mid
		}
	}
	us := int64(day*daySeconds*1e6) + int64(lo*1e6)
	return start.Truncate(24 * time.Hour).Add(time.Duration(us) * time.Microsecond)
}
