package rollup

import (
	"fmt"
	"math/bits"
)

const minutesPerQuarter = 15

// Minutes are the buckets of the 15 minutes of a quarter of an hour, which busy
// quarters keep: a window that begins or ends in one counts at most a minute of
// traces one by one. What was decoded stays in its bytes until the first change:
// a chart needs a few of the minutes, once.
//
// A Minutes that others read is never changed: QuarterHours.Clone first.
type Minutes struct {
	raw   []byte                         // the encoding; nil once it was changed
	at    [minutesPerQuarter]*HistBucket // nil = no trace
	own   uint16                         // minutes that no other Minutes shares
	stale uint16                         // minutes with an extreme that is not known
}

// Add puts one trace into its minute (0–14). The error is an ErrCorrupt: what m
// was decoded from was no encoding.
func (m *Minutes) Add(minute int, s *Sample) error {
	b, err := m.mutable(minute)
	if err != nil {
		return err
	}
	b.Add(s)
	m.note(minute, b)
	return nil
}

// Remove takes one trace out of its minute; see Bucket.Remove.
func (m *Minutes) Remove(minute int, s *Sample) error {
	b, err := m.mutable(minute)
	if err != nil {
		return err
	}
	err = b.Remove(s)
	m.note(minute, b)
	return err
}

func (m *Minutes) note(minute int, b *HistBucket) {
	m.stale &^= 1 << minute
	switch {
	case b.IsEmpty():
		m.at[minute] = nil
	case b.Stale():
		m.stale |= 1 << minute
	}
}

func (m *Minutes) mutable(minute int) (*HistBucket, error) {
	if err := m.decode(); err != nil {
		return nil, err
	}
	b := m.at[minute]
	switch {
	case b == nil:
		b = new(HistBucket)
	case m.own>>minute&1 == 1:
		return b, nil
	default:
		b = &HistBucket{Bucket: b.Bucket, Hist: b.Hist.Clone()}
	}
	m.at[minute] = b
	m.own |= 1 << minute
	return b, nil
}

// StaleMinute returns a minute with an extreme that is not known, and the
// bounds that are (see Bucket); ok is false when there is none. SetExtremes makes
// it exact.
func (m *Minutes) StaleMinute() (minute int, minUS, maxUS int64, ok bool) {
	if m.stale == 0 {
		return 0, 0, 0, false
	}
	minute = bits.TrailingZeros16(m.stale)
	return minute, m.at[minute].Min, m.at[minute].Max, true
}

// SetExtremes states the extremes of a stale minute; see Bucket.SetExtremes.
func (m *Minutes) SetExtremes(minute int, minUS, maxUS int64) {
	b, err := m.mutable(minute)
	if err != nil { // only what was decoded is stale
		return
	}
	b.Bucket.SetExtremes(minUS, maxUS)
	m.note(minute, b)
}

// AddTo adds the minutes [from, to) to sum and, unless it is nil,
// dense. The error is an ErrCorrupt; the sums are then of no use.
func (m *Minutes) AddTo(from, to int, sum *Bucket, dense *Dense) error {
	return m.each(from, to, func(_ int, b *HistBucket) {
		sum.Merge(&b.Bucket)
		if dense != nil {
			dense.Add(&b.Hist)
		}
	})
}

// each calls fn with the minutes that hold traces. Their buckets are valid
// during the call.
func (m *Minutes) each(from, to int, fn func(minute int, b *HistBucket)) error {
	if m.raw == nil {
		for i := from; i < to; i++ {
			if m.at[i] != nil {
				fn(i, m.at[i])
			}
		}
		return nil
	}
	p := parts{rest: m.raw}
	var b HistBucket
	for i := range to {
		scalars, hist := p.next(), p.next()
		if i < from || len(scalars)+len(hist) == 0 {
			continue
		}
		if err := b.DecodeScalars(scalars); err != nil {
			return fmt.Errorf("minute %d: %w", i, err)
		}
		if err := decodeHistPart(hist, &b.Hist); err != nil {
			return fmt.Errorf("minute %d: %w", i, err)
		}
		if p.bad == nil && (b.IsEmpty() || b.Hist.Count() != b.DurCount) {
			return corrupt("minute", "histogram and bucket differ in count")
		}
		fn(i, &b)
	}
	if to == minutesPerQuarter {
		return p.end()
	}
	return p.bad
}

// decode turns the bytes into buckets, if it did not happen yet.
func (m *Minutes) decode() error {
	if m.raw == nil {
		return nil
	}
	var at [minutesPerQuarter]*HistBucket
	err := m.each(0, minutesPerQuarter, func(i int, b *HistBucket) {
		at[i] = &HistBucket{Bucket: b.Bucket, Hist: b.Hist.Clone()}
	})
	if err != nil {
		return err
	}
	m.raw, m.at, m.own, m.stale = nil, at, 1<<minutesPerQuarter-1, 0
	return nil
}

// Equal says whether both hold the same buckets. The error is an ErrCorrupt.
func (m *Minutes) Equal(o *Minutes) (bool, error) {
	var mine, others [minutesPerQuarter]HistBucket
	for _, side := range []struct {
		from *Minutes
		to   *[minutesPerQuarter]HistBucket
	}{{m, &mine}, {o, &others}} {
		err := side.from.each(0, minutesPerQuarter, func(i int, b *HistBucket) {
			side.to[i] = HistBucket{Bucket: b.Bucket, Hist: b.Hist.Clone()}
		})
		if err != nil {
			return false, err
		}
	}
	for i := range mine {
		if mine[i].Bucket != others[i].Bucket || !mine[i].Hist.Equal(&others[i].Hist) {
			return false, nil
		}
	}
	return true, nil
}

// AppendBinary appends the one encoding of m: the scalars and the histogram of
// every minute as parts. The error is ErrStale when an extreme is not exact.
func (m *Minutes) AppendBinary(dst []byte) ([]byte, error) {
	if m.raw != nil {
		return append(dst, m.raw...), nil
	}
	for _, b := range m.at {
		if b == nil {
			dst = append(dst, 0, 0)
			continue
		}
		var err error
		if dst, err = appendScalarsPart(dst, &b.Bucket); err != nil {
			return dst, err
		}
		dst = appendHistPart(dst, &b.Hist)
	}
	return dst, nil
}

// MemoryBytes is about what m takes.
func (m *Minutes) MemoryBytes() int64 {
	n := int64(200 + len(m.raw))
	for _, b := range m.at {
		if b != nil {
			n += 280 + 16*int64(len(b.Hist.Cells()))
		}
	}
	return n
}
