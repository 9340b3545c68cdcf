package rollup

import (
	"encoding/binary"
	"fmt"
)

// The engine stores the buckets of one app in three kinds of rows. Each begins
// with the sequence (LSN, u64 big endian) of the last operation it contains,
// and goes on with parts, each as a uvarint length and that many bytes; length
// 0 is an empty part, and nothing may follow the last part.
//
//	b, per UTC day:  day total, 24 hours      as scalars
//	h, per UTC day:  day total, 24 hours      as histograms
//	q, per UTC hour: four quarters of an hour as scalars and histogram; of
//	                 some, or none, the minutes as such parts again
//
// Every zone's offset is a multiple of 15 minutes, so quarters are enough to
// cut at any local hour or midnight. Minutes are for windows that end anywhere.
const (
	hoursPerDay     = 24
	quartersPerHour = 4
	lsnSize         = 8
)

// DayScalars are the buckets of one UTC day, without histograms.
type DayScalars struct {
	LSN   uint64
	Total Bucket
	Hours [hoursPerDay]Bucket
}

// Add puts one trace into its hour (0–23) and the day.
func (d *DayScalars) Add(hour int, s *Sample) {
	d.Total.Add(s)
	d.Hours[hour].Add(s)
}

// Remove takes one trace out of its hour and the day; see Bucket.Remove. After
// an error d is unchanged.
func (d *DayScalars) Remove(hour int, s *Sample) error {
	before := d.Hours[hour]
	if err := d.Hours[hour].Remove(s); err != nil {
		return fmt.Errorf("hour %d: %w", hour, err)
	}
	if err := d.Total.Remove(s); err != nil {
		d.Hours[hour] = before
		return fmt.Errorf("day: %w", err)
	}
	return nil
}

// Stale says whether any extreme is not exact, so that d cannot be encoded.
func (d *DayScalars) Stale() bool {
	stale := d.Total.Stale()
	for i := range d.Hours {
		stale = stale || d.Hours[i].Stale()
	}
	return stale
}

// ResolveTotal takes the extremes of the day from those of its hours, where
// they tell: usually only a few hours, or none, are stale themselves.
func (d *DayScalars) ResolveTotal() {
	if !d.Total.Stale() {
		return
	}
	var sum Bucket
	for i := range d.Hours {
		sum.Merge(&d.Hours[i])
	}
	if d.Total.MinStale && !sum.MinStale {
		d.Total.Min, d.Total.MinStale = sum.Min, false
	}
	if d.Total.MaxStale && !sum.MaxStale {
		d.Total.Max, d.Total.MaxStale = sum.Max, false
	}
}

// AppendBinary appends the b row of d. The error is ErrStale when an extreme
// is not exact.
func (d *DayScalars) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.BigEndian.AppendUint64(dst, d.LSN)
	dst, err := appendScalarsPart(dst, &d.Total)
	for i := range d.Hours {
		if err != nil {
			return dst, err
		}
		dst, err = appendScalarsPart(dst, &d.Hours[i])
	}
	return dst, err
}

// Decode replaces d by what AppendBinary wrote. That the hours add up to the
// total is part of the check. The error is an ErrCorrupt and leaves d in an
// unknown state.
func (d *DayScalars) Decode(b []byte) error {
	p, err := newParts(b)
	if err != nil {
		return err
	}
	d.LSN = p.lsn
	if err := d.Total.DecodeScalars(p.next()); err != nil {
		return err
	}
	var sum Bucket
	for i := range d.Hours {
		if err := d.Hours[i].DecodeScalars(p.next()); err != nil {
			return fmt.Errorf("hour %d: %w", i, err)
		}
		sum.Merge(&d.Hours[i])
	}
	if err := p.end(); err != nil {
		return err
	}
	if sum != d.Total {
		return corrupt("day", "hours do not add up to the total")
	}
	return nil
}

// PeekDay reads the LSN and the day's counts by Status from the front of a b
// row, without a look at the rest. The error is an ErrCorrupt.
func PeekDay(b []byte) (lsn uint64, counts [NumStatus]uint64, err error) {
	p, err := newParts(b)
	if err != nil {
		return 0, counts, err
	}
	part := p.next()
	if p.bad != nil {
		return 0, counts, p.bad
	}
	if len(part) > 0 {
		r := scalarReader{rest: part}
		if r.readCounts(&counts); r.bad != "" {
			return 0, [NumStatus]uint64{}, corrupt("day counts", r.bad)
		}
	}
	return p.lsn, counts, nil
}

// DecodeDayTotal reads the LSN and the day's total from the front of a b row,
// without a look at the hours. The error is an ErrCorrupt.
func DecodeDayTotal(b []byte, total *Bucket) (lsn uint64, err error) {
	p, err := newParts(b)
	if err != nil {
		return 0, err
	}
	part := p.next()
	if p.bad != nil {
		return 0, p.bad
	}
	return p.lsn, total.DecodeScalars(part)
}

// DayHists are the histograms of one UTC day.
type DayHists struct {
	LSN   uint64
	Total Hist
	Hours [hoursPerDay]Hist
}

// Add puts one duration in µs into its hour (0–23) and the day.
func (d *DayHists) Add(hour int, v int64) {
	d.Total.Add(v)
	d.Hours[hour].Add(v)
}

// Sub takes one duration out of its hour and the day; after an error, an
// ErrAbsent, d is unchanged.
func (d *DayHists) Sub(hour int, v int64) error {
	if err := d.Hours[hour].Sub(v); err != nil {
		return fmt.Errorf("hour %d: %w", hour, err)
	}
	if err := d.Total.Sub(v); err != nil {
		d.Hours[hour].Add(v)
		return fmt.Errorf("day: %w", err)
	}
	return nil
}

// AppendBinary appends the h row of d.
func (d *DayHists) AppendBinary(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, d.LSN)
	dst = appendHistPart(dst, &d.Total)
	for i := range d.Hours {
		dst = appendHistPart(dst, &d.Hours[i])
	}
	return dst
}

// Decode replaces d by what AppendBinary wrote. That the hours have as many
// durations as the total is part of the check. The error is an ErrCorrupt and
// leaves d in an unknown state.
func (d *DayHists) Decode(b []byte) error {
	p, err := newParts(b)
	if err != nil {
		return err
	}
	d.LSN = p.lsn
	if err := decodeHistPart(p.next(), &d.Total); err != nil {
		return err
	}
	sum := uint64(0)
	for i := range d.Hours {
		if err := decodeHistPart(p.next(), &d.Hours[i]); err != nil {
			return fmt.Errorf("hour %d: %w", i, err)
		}
		sum += d.Hours[i].Count()
	}
	if err := p.end(); err != nil {
		return err
	}
	if sum != d.Total.Count() {
		return corrupt("day histograms", "hours do not add up to the total")
	}
	return nil
}

// DecodeDayHist reads the LSN and the day's histogram from the front of an h
// row, without a look at the hours. The error is an ErrCorrupt.
func DecodeDayHist(b []byte, total *Hist) (lsn uint64, err error) {
	p, err := newParts(b)
	if err != nil {
		return 0, err
	}
	part := p.next()
	if p.bad != nil {
		return 0, p.bad
	}
	return p.lsn, decodeHistPart(part, total)
}

// DecodeHourHist reads one hour (0–23) from an h row, skipping the others. The
// error is an ErrCorrupt.
func DecodeHourHist(b []byte, hour int, h *Hist) error {
	p, err := newParts(b)
	if err != nil {
		return err
	}
	for range hour + 1 { // the total stands in front
		p.next()
	}
	part := p.next()
	if p.bad != nil {
		return p.bad
	}
	return decodeHistPart(part, h)
}
