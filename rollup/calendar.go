package rollup

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of the calendar, all texts of which name the parameter "interval".
var (
	// ErrInterval: the text is not an interval.
	ErrInterval = errors.New("invalid interval")
	// ErrTooManyBuckets: the window is too long for the interval.
	ErrTooManyBuckets = errors.New("too many buckets")
	// ErrWindow: the window ends before it starts, or lies outside of the
	// years 1 to 9999.
	ErrWindow = errors.New("invalid window")
)

// Interval is the width of a bar. The zero Interval is not valid. Intervals
// are equal (==) when they cut time in the same way.
type Interval struct {
	us    int64 // width in µs of local time; 0 for a month
	month bool
}

// The intervals that have a name.
var (
	Hour  = Interval{us: int64(time.Hour / time.Microsecond)}
	Day   = Interval{us: 24 * Hour.us}
	Week  = Interval{us: 7 * Day.us}
	Month = Interval{month: true}
)

// ParseInterval reads the parameter "interval" of contract §4: hour, day,
// week, month, 1d, 1w, or a Go duration of whole microseconds from 1s up. 24h
// is the same as day and 168h the same as week, since the grid is one of local
// time; 720h is a block of 30 days. The error is an ErrInterval.
func ParseInterval(s string) (Interval, error) {
	switch s {
	case "hour":
		return Hour, nil
	case "day", "1d":
		return Day, nil
	case "week", "1w":
		return Week, nil
	case "month":
		return Month, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d%time.Microsecond != 0 {
		return Interval{}, fmt.Errorf("%w: interval is %.40q; use a duration of at least 1s such as 15m, 1h, 24h, 168h or 720h, or one of 1d, 1w, hour, day, week, month", ErrInterval, s)
	}
	return Interval{us: d.Microseconds()}, nil
}

// String returns a text that ParseInterval reads as iv.
func (iv Interval) String() string {
	switch iv {
	case Interval{}:
		return "invalid"
	case Hour:
		return "hour"
	case Day:
		return "day"
	case Week:
		return "week"
	case Month:
		return "month"
	}
	s := (time.Duration(iv.us) * time.Microsecond).String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

// Fixed returns the width of iv in local time; false for a month.
func (iv Interval) Fixed() (time.Duration, bool) {
	return time.Duration(iv.us) * time.Microsecond, !iv.month && iv.us > 0
}

// mondayOffset moves the grid of weeks: 1970-01-01 was a Thursday, three days
// after a Monday.
var mondayOffset = 3 * Day.us

// label numbers the bars: it returns that of a local time, in µs of wall clock
// since 1970-01-01 00:00.
func (iv Interval) label(local int64) int64 {
	switch {
	case iv.month:
		y, m, _ := time.UnixMicro(local).UTC().Date()
		return int64(y)*12 + int64(m) - 1
	case iv == Week:
		return floorDiv(local+mondayOffset, iv.us)
	}
	return floorDiv(local, iv.us)
}

// edge returns the local time at which a bar begins.
func (iv Interval) edge(label int64) int64 {
	switch {
	case iv.month:
		y := floorDiv(label, 12)
		return time.Date(int(y), time.Month(label-y*12+1), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	case iv == Week:
		return label*iv.us - mondayOffset
	}
	return label * iv.us
}

// width returns the longest bar in local µs.
func (iv Interval) width() int64 {
	if iv.month {
		return 31 * Day.us
	}
	return iv.us
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// The years 1 to 9999 in µs since the epoch.
var (
	firstUS = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastUS  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// Boundaries cuts the window [startUS, endUS], both included, in µs since the
// epoch, into the bars of a zone (nil: UTC). It returns the first instant of
// every bar, ascending, from the one that holds startUS (and may begin before
// it) to the one that holds endUS, and behind these the first instant that
// lies after the last bar: one more element than there are bars.
//
// The rule: bar L covers the local times from edge(L) to edge(L+1), edges being
// multiples of the interval since 1970-01-01 00:00 on the local clock (weeks:
// since a Monday; months: the calendar). Bar L begins at the FIRST instant at
// which the local clock has reached edge(L), and ends where a later bar begins.
// So every instant lies in one bar, also where the clock is set back over an
// edge, which makes the bar before or after longer; a bar that the clock jumps
// over whole, such as a date that did not exist, is left out. For intervals of
// an hour or less a new bar begins wherever the clock is set back, too: the
// hour that comes twice is two bars, not one of double length.
//
// More than limit bars are an ErrTooManyBuckets; the time taken is bounded by
// limit, not by the window.
func Boundaries(iv Interval, loc *time.Location, startUS, endUS int64, limit int) ([]int64, error) {
	if iv.width() <= 0 {
		return nil, fmt.Errorf("%w: interval is empty", ErrInterval)
	}
	if startUS > endUS || startUS < firstUS || endUS > lastUS {
		return nil, fmt.Errorf("%w: it must not end before it starts, and lie in the years 1 to 9999", ErrWindow)
	}
	bars := (endUS-startUS)/iv.width() + 2
	c := cutter{
		iv: iv, start: startUS, end: endUS, limit: limit,
		out: make([]int64, 0, max(min(bars, int64(limit)), 0)+2),
	}
	if !c.cut(zone{loc}) {
		return nil, fmt.Errorf("%w: interval %s gives more than %d bars in this window; take a longer interval or a shorter window", ErrTooManyBuckets, iv, limit)
	}
	return c.out, nil
}

// cutter walks over the stretches of constant offset of a zone.
type cutter struct {
	iv         Interval
	start, end int64
	limit      int
	out        []int64
}

// maxClockShift bounds how far a clock is ever set back or forward: from one
// side of the date line to the other and an hour more.
var maxClockShift = 2 * Day.us

// cut fills out; false says that there are too many bars.
func (c *cutter) cut(z zone) bool {
	iv := c.iv
	// Short bars begin anew where the clock is set back. For the others the
	// latest label so far counts, even if the clock shows an earlier one.
	short := iv.us > 0 && iv.us <= Hour.us
	// Begin where the state at the bar of start does not depend on what was
	// before: short bars never last longer than their width, and two days
	// after any begin no earlier local time is in the lead.
	t := c.start - iv.width()
	if !short {
		t -= 2 * maxClockShift
	}
	offset, until := z.at(t)
	label := iv.label(t + offset)
	for {
		edge := iv.edge(label+1) - offset
		for edge < until {
			label++
			if c.add(edge) {
				return len(c.out)-1 <= c.limit
			}
			if edge += iv.us; iv.month {
				edge = iv.edge(label+1) - offset
			}
		}
		// Nothing can happen until the clock is near the next edge, which
		// skips the changes of centuries for very long bars.
		t = until
		if !short {
			t = max(t, iv.edge(label+1)-maxClockShift)
		}
		before := offset
		offset, until = z.at(t)
		now := iv.label(t + offset)
		if now > label || (short && offset < before) {
			label = now
			if c.add(t) {
				return len(c.out)-1 <= c.limit
			}
		}
	}
}

// add takes the first instant of a bar and says whether that was the last one
// needed. Of those at or before start only the latest is kept.
func (c *cutter) add(t int64) (done bool) {
	if t <= c.start {
		c.out = append(c.out[:0], t)
		return false
	}
	c.out = append(c.out, t)
	return t > c.end || len(c.out)-1 > c.limit
}
