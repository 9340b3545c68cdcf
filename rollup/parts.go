package rollup

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// QuarterHours are the buckets of the four quarters of one hour.
type QuarterHours struct {
	LSN      uint64
	Quarters [quartersPerHour]HistBucket
	// Minutes are those of the quarters that are kept by minutes too, nil for
	// the others; the engine decides which ones.
	Minutes [quartersPerHour]*Minutes
}

// Clone returns a copy that may be changed while others read q.
func (q *QuarterHours) Clone() *QuarterHours {
	c := *q
	for i := range c.Quarters {
		c.Quarters[i].Hist = c.Quarters[i].Hist.Clone()
		if m := q.Minutes[i]; m != nil {
			c.Minutes[i] = &Minutes{raw: m.raw, at: m.at, stale: m.stale}
		}
	}
	return &c
}

// Add puts one trace into its minute of the hour (0–59). The error is an
// ErrCorrupt, of minutes that were decoded from something else.
func (q *QuarterHours) Add(minute int, s *Sample) error {
	i := minute / minutesPerQuarter
	q.Quarters[i].Add(s)
	if m := q.Minutes[i]; m != nil {
		return m.Add(minute%minutesPerQuarter, s)
	}
	return nil
}

// Remove takes one trace out of its minute of the hour; see Bucket.Remove.
func (q *QuarterHours) Remove(minute int, s *Sample) error {
	i := minute / minutesPerQuarter
	err := q.Quarters[i].Remove(s)
	if m := q.Minutes[i]; m != nil && err == nil {
		err = m.Remove(minute%minutesPerQuarter, s)
	}
	return err
}

// KeepMinutes lets an empty q keep all its quarters by minutes, dense or not.
func (q *QuarterHours) KeepMinutes() {
	for i := range q.Minutes {
		q.Minutes[i] = new(Minutes)
	}
}

// DropSparse forgets the minutes of quarters with fewer traces than least.
func (q *QuarterHours) DropSparse(least uint64) {
	for i := range q.Minutes {
		if q.Quarters[i].Traces() < least {
			q.Minutes[i] = nil
		}
	}
}

// ResolveExtremes takes the extremes of a quarter from its minutes, if there
// are such and they know.
func (q *QuarterHours) ResolveExtremes(i int) {
	b, m := &q.Quarters[i], q.Minutes[i]
	if m == nil || m.stale != 0 || !b.Stale() {
		return
	}
	var sum Bucket
	if m.AddTo(0, minutesPerQuarter, &sum, nil) == nil {
		b.SetExtremes(sum.Min, sum.Max)
	}
}

// Stale says whether any extreme is not exact, so that q cannot be encoded.
func (q *QuarterHours) Stale() bool {
	stale := false
	for i := range q.Quarters {
		stale = stale || q.Quarters[i].Stale() || q.Minutes[i] != nil && q.Minutes[i].stale != 0
	}
	return stale
}

// AppendBinary appends the q row, in format 2 with the minutes. The error is
// ErrStale when an extreme is not exact.
func (q *QuarterHours) AppendBinary(dst []byte, format2 bool) ([]byte, error) {
	dst = binary.BigEndian.AppendUint64(dst, q.LSN)
	var err error
	for i := range q.Quarters {
		if dst, err = appendScalarsPart(dst, &q.Quarters[i].Bucket); err != nil {
			return dst, err
		}
		dst = appendHistPart(dst, &q.Quarters[i].Hist)
	}
	if !format2 || q.Minutes == [quartersPerHour]*Minutes{} {
		return dst, nil
	}
	for _, m := range q.Minutes {
		at := len(dst)
		dst = append(dst, 0)
		if m == nil {
			continue
		}
		if dst, err = m.AppendBinary(dst); err != nil {
			return dst, err
		}
		dst = putPartLength(dst, at)
	}
	return dst, nil
}

// Decode replaces q by what AppendBinary wrote; minutes are looked at when they
// are needed. The error is an ErrCorrupt and leaves q in an unknown state.
func (q *QuarterHours) Decode(b []byte) error {
	p, err := newParts(b)
	if err != nil {
		return err
	}
	q.LSN, q.Minutes = p.lsn, [quartersPerHour]*Minutes{}
	for i := range q.Quarters {
		b := &q.Quarters[i]
		if err := b.DecodeScalars(p.next()); err != nil {
			return fmt.Errorf("quarter %d: %w", i, err)
		}
		if err := decodeHistPart(p.next(), &b.Hist); err != nil {
			return fmt.Errorf("quarter %d: %w", i, err)
		}
		if p.bad == nil && b.Hist.Count() != b.DurCount {
			return corrupt("quarter", "histogram and bucket differ in count")
		}
	}
	if p.bad != nil || len(p.rest) == 0 {
		return p.end()
	}
	for i := range q.Minutes {
		if part := p.next(); len(part) > 0 {
			q.Minutes[i] = &Minutes{raw: bytes.Clone(part)}
		}
	}
	if p.bad == nil && q.Minutes == [quartersPerHour]*Minutes{} {
		return corrupt("quarters", "no minutes take no bytes")
	}
	return p.end()
}

// appendScalarsPart appends the scalars of b behind their length.
func appendScalarsPart(dst []byte, b *Bucket) ([]byte, error) {
	at := len(dst)
	dst, err := b.AppendScalars(append(dst, 0))
	if err != nil {
		return dst[:at], err
	}
	return putPartLength(dst, at), nil
}

// appendHistPart appends h behind its length, nothing but the length when h is
// empty.
func appendHistPart(dst []byte, h *Hist) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if h.Count() > 0 {
		dst = h.AppendBinary(dst)
	}
	return putPartLength(dst, at)
}

// putPartLength writes the length of what stands behind dst[at], the byte kept
// free for it; a part of 128 bytes or more is moved back to make room.
func putPartLength(dst []byte, at int) []byte {
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	dst = append(dst, length[:size-1]...)
	copy(dst[at+size:], dst[at+1:at+1+n])
	copy(dst[at:], length[:size])
	return dst
}

// decodeHistPart replaces h by a part that appendHistPart wrote.
func decodeHistPart(part []byte, h *Hist) error {
	if len(part) == 0 {
		h.Reset()
		return nil
	}
	if err := h.Decode(part); err != nil {
		return err
	}
	if h.Count() == 0 {
		return corrupt("histogram", "an empty one takes no bytes")
	}
	return nil
}

// parts walks over a row. After a mistake bad is set and next gives nothing.
type parts struct {
	lsn  uint64
	rest []byte
	bad  error
}

func newParts(b []byte) (parts, error) {
	if len(b) < lsnSize {
		return parts{}, corrupt("row", "cut short")
	}
	return parts{lsn: binary.BigEndian.Uint64(b), rest: b[lsnSize:]}, nil
}

// next returns the next part. It belongs to the row.
func (p *parts) next() []byte {
	if p.bad != nil {
		return nil
	}
	n, rest, err := readUvarint(p.rest)
	if err != nil {
		p.bad = corrupt("row", err)
		return nil
	}
	if n > uint64(len(rest)) {
		p.bad = corrupt("row", "a part is longer than the row")
		return nil
	}
	p.rest = rest[n:]
	return rest[:n:n]
}

// end returns the first mistake, or one if bytes are left over.
func (p *parts) end() error {
	if p.bad == nil && len(p.rest) != 0 {
		p.bad = corrupt("row", "bytes behind the last part")
	}
	return p.bad
}
