package rollup

import (
	"math"
	"time"
)

// zone finds the offset of local time.
type zone struct {
	loc *time.Location // nil is UTC
}

// zoneStep divides every instant at which a rule of summer time changes an
// offset.
const zoneStep = int64(15 * time.Minute / time.Microsecond)

// at returns the offset east of UTC at instant t and an instant after t up to
// which it stays the same, all in µs.
//
// On the last day of a leap year ZoneBounds of Go 1.26 gives an end that is not
// after t, because it takes every year of a rule for 365 days long; a loop that
// trusts it stands still. Within such a day at goes on in small steps.
func (z zone) at(t int64) (offset, until int64) {
	if z.loc == nil || z.loc == time.UTC {
		return 0, math.MaxInt64
	}
	local := time.UnixMicro(t).In(z.loc)
	_, seconds := local.Zone()
	offset = int64(seconds) * 1e6
	_, end := local.ZoneBounds()
	if end.IsZero() {
		return offset, math.MaxInt64
	}
	if until = end.UnixMicro(); until <= t {
		until = (floorDiv(t, zoneStep) + 1) * zoneStep
	}
	return offset, until
}
