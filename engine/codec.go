package engine

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tracebed/tracebed/rollup"
)

// reader takes bytes apart. The first error sticks; later reads give zeros, so
// that a decoder checks once at its end.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	if r.bad {
		return 0
	}
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// skipUvarint is uvarint without its value.
func (r *reader) skipUvarint() {
	for i := 0; i < len(r.b) && i < binary.MaxVarintLen64-1; i++ {
		if r.b[i] < 0x80 {
			r.b = r.b[i+1:]
			return
		}
	}
	r.uvarint() // cut, or so long that it may be too large
}

// uvarint32 is uvarint for a number that must fit 32 bits.
func (r *reader) uvarint32() uint32 {
	v := r.uvarint()
	if v > math.MaxUint32 {
		r.bad = true
		return 0
	}
	return uint32(v)
}

// count reads a number of elements of at least size bytes each, so that a
// damaged count cannot ask for more memory than there are bytes.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) varint() int64 {
	if r.bad {
		return 0
	}
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes reads a length and that many bytes (aliasing the input).
func (r *reader) bytes() []byte { return r.take(r.count(1)) }

// done reports an error when anything was missing or is left over.
func (r *reader) done(what string) error {
	if r.bad || len(r.b) != 0 {
		return fmt.Errorf("%w: malformed %s", ErrCorrupt, what)
	}
	return nil
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// Presence bits of a sample: most traces have no or few of these.
const (
	hasDuration = 1 << iota
	hasTokens
	hasPromptCost
	hasCompletionCost
	hasTotalCost
	hasUnpriced
	hasBigMoney // some amount needs more than 64 bits of pico-USD
	hasSums     // the totals are the sums of prompt and completion, and left out
)

// totalsAreSums says that the totals need not be stored; with format 2 they are
// not: 39 instead of 46 bytes of a row.
func totalsAreSums(s *rollup.Sample) bool {
	return s.TotalTokens == s.PromptTokens+s.CompletionTokens && s.TotalCost == s.PromptCost.Add(s.CompletionCost) &&
		s.TotalPriced == s.PromptPriced && s.TotalPriced == s.CompletionPriced && (s.TotalTokens != 0 || s.TotalPriced != 0)
}

// appendSample encodes what a trace contributes to its buckets, with sums
// without the totals where they can be told.
func appendSample(dst []byte, s *rollup.Sample, sums bool) []byte {
	sums = sums && totalsAreSums(s)
	var bits byte
	set := func(on bool, bit byte) {
		if on {
			bits |= bit
		}
	}
	set(s.DurationUS >= 0, hasDuration)
	set(s.PromptTokens != 0 || s.CompletionTokens != 0 || s.TotalTokens != 0, hasTokens)
	set(s.PromptPriced != 0, hasPromptCost)
	set(s.CompletionPriced != 0, hasCompletionCost)
	set(s.TotalPriced != 0 && !sums, hasTotalCost)
	set(sums, hasSums)
	set(s.Unpriced != 0, hasUnpriced)
	set(s.PromptCost.Hi|s.CompletionCost.Hi|s.TotalCost.Hi != 0, hasBigMoney)
	dst = append(dst, byte(s.Status), bits)
	dst = binary.AppendUvarint(dst, uint64(s.Runs))
	if bits&hasDuration != 0 {
		dst = binary.AppendUvarint(dst, uint64(s.DurationUS))
	}
	if bits&hasTokens != 0 {
		dst = binary.AppendVarint(dst, s.PromptTokens)
		dst = binary.AppendVarint(dst, s.CompletionTokens)
		if !sums {
			dst = binary.AppendVarint(dst, s.TotalTokens)
		}
	}
	cost := func(bit byte, n uint32, m rollup.Money) {
		if bits&bit == 0 {
			return
		}
		dst = binary.AppendUvarint(dst, uint64(n))
		if bits&hasBigMoney != 0 {
			dst = binary.AppendUvarint(dst, m.Hi)
		}
		dst = binary.AppendUvarint(dst, m.Lo)
	}
	cost(hasPromptCost, s.PromptPriced, s.PromptCost)
	cost(hasCompletionCost, s.CompletionPriced, s.CompletionCost)
	cost(hasTotalCost, s.TotalPriced, s.TotalCost)
	if bits&hasUnpriced != 0 {
		dst = binary.AppendUvarint(dst, uint64(s.Unpriced))
	}
	return dst
}

// sample decodes what appendSample wrote into s, which is zero.
func (r *reader) sample(s *rollup.Sample) {
	s.Status = rollup.Status(r.byte())
	bits := r.byte()
	s.Runs = r.uvarint32()
	s.DurationUS = -1
	if bits&hasDuration != 0 {
		s.DurationUS = int64(r.uvarint())
	}
	if bits&hasTokens != 0 {
		s.PromptTokens, s.CompletionTokens = r.varint(), r.varint()
		if bits&hasSums == 0 {
			s.TotalTokens = r.varint()
		}
	}
	r.cost(bits, hasPromptCost, &s.PromptPriced, &s.PromptCost)
	r.cost(bits, hasCompletionCost, &s.CompletionPriced, &s.CompletionCost)
	r.cost(bits, hasTotalCost, &s.TotalPriced, &s.TotalCost)
	if bits&hasSums != 0 {
		s.TotalTokens = s.PromptTokens + s.CompletionTokens
		s.TotalPriced, s.TotalCost = s.PromptPriced, s.PromptCost.Add(s.CompletionCost)
		r.bad = r.bad || bits&hasTotalCost != 0 || !totalsAreSums(s)
	}
	if bits&hasUnpriced != 0 {
		s.Unpriced = r.uvarint32()
	}
	if s.Status >= rollup.NumStatus || s.DurationUS < -1 {
		r.bad = true
	}
}

// cost reads the cost that a bit says is there.
func (r *reader) cost(bits, bit byte, n *uint32, m *rollup.Money) {
	if bits&bit == 0 {
		return
	}
	if *n = r.uvarint32(); *n == 0 {
		r.bad = true
	}
	if bits&hasBigMoney != 0 {
		m.Hi = r.uvarint()
	}
	m.Lo = r.uvarint()
}
