package rollup

import (
	"encoding/binary"
	"math/bits"
)

// Scalars are a Bucket as bytes: a bitmap of 16 bits (little endian) that says
// which fields are present, then those fields as uvarints in the order of the
// bits. An absent field is 0; an empty bucket is no bytes at all. A busy hour
// takes 40–60 bytes. There is one encoding only: a field that is present is not
// zero, and every integer has its shortest form.
//
// The durations stand behind the counts when there are any: sum (up to 128
// bits), min, max−min. Their number is the number of ended traces, or is given
// when it is not.
const (
	bitCount       = 0 // four bits, one per Status
	bitDurCount    = 4 // DurCount differs from the number of ended traces
	bitTokens      = 5 // three: prompt, completion, total
	bitCost        = 8 // three
	bitPriced      = 11
	bitUnpriced    = 14
	bitRuns        = 15
	scalarsMinSize = 3
)

// AppendScalars appends the encoding of b, nothing when it is empty. The error
// is ErrStale when an extreme is not exact.
func (b *Bucket) AppendScalars(dst []byte) ([]byte, error) {
	if b.Stale() {
		return dst, ErrStale
	}
	if b.IsEmpty() {
		return dst, nil
	}
	at := len(dst)
	dst = append(dst, 0, 0)
	var present uint16
	put := func(bit int, v uint64) {
		if v != 0 {
			present |= 1 << bit
			dst = binary.AppendUvarint(dst, v)
		}
	}
	for i, n := range b.Count {
		put(bitCount+i, n)
	}
	if b.DurCount != b.ended() {
		present |= 1 << bitDurCount
		dst = binary.AppendUvarint(dst, b.DurCount)
	}
	if b.DurCount > 0 {
		dst = appendUvarint128(dst, b.DurSum)
		dst = binary.AppendUvarint(dst, uint64(b.Min))
		dst = binary.AppendUvarint(dst, uint64(b.Max-b.Min))
	}
	put(bitTokens, uint64(b.PromptTokens))
	put(bitTokens+1, uint64(b.CompletionTokens))
	put(bitTokens+2, uint64(b.TotalTokens))
	for i, m := range [3]Money{b.PromptCost, b.CompletionCost, b.TotalCost} {
		if !m.IsZero() {
			present |= 1 << (bitCost + i)
			dst = m.AppendBinary(dst)
		}
	}
	put(bitPriced, b.PromptPriced)
	put(bitPriced+1, b.CompletionPriced)
	put(bitPriced+2, b.TotalPriced)
	put(bitUnpriced, b.Unpriced)
	put(bitRuns, b.Runs)
	binary.LittleEndian.PutUint16(dst[at:], present)
	return dst, nil
}

// ended is the number of traces that should have a duration.
func (b *Bucket) ended() uint64 { return b.Count[Succeeded] + b.Count[Failed] + b.Count[Canceled] }

// DecodeScalars replaces b by what AppendScalars wrote; data must hold that and
// nothing else. The error is an ErrCorrupt and leaves b empty.
func (b *Bucket) DecodeScalars(data []byte) error {
	*b = Bucket{}
	if len(data) == 0 {
		return nil
	}
	r := scalarReader{rest: data}
	r.readAll(b)
	switch {
	case r.bad != "":
	case len(r.rest) != 0:
		r.bad = "bytes behind the last field"
	case b.IsEmpty():
		r.bad = "sums without a trace"
	case !b.durationsAgree():
		r.bad = "sum of durations does not fit their extremes"
	default:
		return nil
	}
	*b = Bucket{}
	return corrupt("bucket", r.bad)
}

// durationsAgree checks n·min ≤ sum ≤ n·max and that one duration is both.
func (b *Bucket) durationsAgree() bool {
	if b.DurCount == 0 {
		return true
	}
	if b.Min < 0 || b.Max < b.Min || (b.DurCount == 1 && b.Min != b.Max) {
		return false
	}
	return b.DurSum.Cmp(mul64(b.DurCount, uint64(b.Min))) >= 0 &&
		b.DurSum.Cmp(mul64(b.DurCount, uint64(b.Max))) <= 0
}

// scalarReader takes fields from the front of rest; bad says what is wrong,
// and once it is set every further read gives 0.
type scalarReader struct {
	present uint16
	rest    []byte
	bad     string
}

func (r *scalarReader) readAll(b *Bucket) {
	r.readCounts(&b.Count)
	b.DurCount = b.ended()
	if r.present>>bitDurCount&1 == 1 {
		n := r.uvarint()
		if n == b.DurCount {
			r.bad = "needless number of durations"
		}
		b.DurCount = n
	}
	if b.DurCount > 0 {
		b.DurSum = r.uvarint128()
		b.Min = int64(r.uvarint())
		b.Max = b.Min + int64(r.uvarint()) // durationsAgree finds an overflow
	}
	b.PromptTokens = int64(r.field(bitTokens))
	b.CompletionTokens = int64(r.field(bitTokens + 1))
	b.TotalTokens = int64(r.field(bitTokens + 2))
	b.PromptCost = r.money(bitCost)
	b.CompletionCost = r.money(bitCost + 1)
	b.TotalCost = r.money(bitCost + 2)
	b.PromptPriced = r.field(bitPriced)
	b.CompletionPriced = r.field(bitPriced + 1)
	b.TotalPriced = r.field(bitPriced + 2)
	b.Unpriced = r.field(bitUnpriced)
	b.Runs = r.field(bitRuns)
}

// readCounts reads the bitmap and the counts by status. Their sum must not
// overflow, since it is taken all over.
func (r *scalarReader) readCounts(counts *[NumStatus]uint64) {
	if len(r.rest) < scalarsMinSize {
		r.bad = "cut short"
		return
	}
	r.present = binary.LittleEndian.Uint16(r.rest)
	r.rest = r.rest[2:]
	sum, carry := uint64(0), uint64(0)
	for i := range counts {
		counts[i] = r.field(bitCount + i)
		if sum, carry = bits.Add64(sum, counts[i], 0); carry != 0 {
			r.bad = "counts overflow"
		}
	}
}

func (r *scalarReader) uvarint() uint64 {
	if r.bad != "" {
		return 0
	}
	v, rest, err := readUvarint(r.rest)
	if err != nil {
		r.bad = err.Error()
		return 0
	}
	r.rest = rest
	return v
}

func (r *scalarReader) uvarint128() Uint128 {
	if r.bad != "" {
		return Uint128{}
	}
	v, rest, err := readUvarint128(r.rest)
	if err != nil {
		r.bad = err.Error()
		return Uint128{}
	}
	r.rest = rest
	return v
}

// field reads a field that is not zero when its bit is set.
func (r *scalarReader) field(bit int) uint64 {
	if r.present>>bit&1 == 0 {
		return 0
	}
	v := r.uvarint()
	if v == 0 && r.bad == "" {
		r.bad = "a field that is present is zero"
	}
	return v
}

func (r *scalarReader) money(bit int) Money {
	if r.present>>bit&1 == 0 {
		return Money{}
	}
	v := r.uvarint128()
	if v.IsZero() && r.bad == "" {
		r.bad = "a field that is present is zero"
	}
	return Money(v)
}
