package frame

import (
	"math/bits"
	"slices"
)

const (
	hashLog  = 14
	minMatch = 5
	// chainDepth is how many earlier places of equal hash are looked at, and
	// lazyDepth for something better one byte on.
	chainDepth = 4
	lazyDepth  = 2
	// goodMatch is a length from which nothing better is looked for.
	goodMatch = 128
	// Literals without a match for 1<<skipLog bytes are looked at in wider and
	// wider steps.
	skipLog = 7
	// Inside a match every matchStep-th place is noted; every longStep-th of those
	// above longMatch, of which in contents above longFrom only the ends: what
	// they repeat is noted already. Traces repeat half of themselves so: 17 KB
	// take 45 µs instead of 53 with every second place, and 9 bytes more of 3,641.
	matchStep = 2
	longStep  = 4
	longMatch = 64
	longFrom  = 24 << 10
)

// sequence is a run of literals and the match behind it (RFC 8878
// §3.1.1.3.2.1.1).
type sequence struct {
	literals uint32
	match    uint32 // length
	offset   uint32 // Offset_Value: 1–3 for a recent offset, else offset + 3

	ll, of, ml byte // the codes of the three, see buildTables
}

// matcher turns contents of at most largest bytes into sequences, with one
// hash table of places and chains between places of equal hash.
type matcher struct {
	head  [1 << hashLog]uint16 // hash → the last place, 0 = none
	chain [largest]uint16      // place → the place before it of equal hash
	src   []byte
	rep   [3]uint32 // recent offsets

	literals []byte
	seqs     []sequence
}

// begin takes the next content.
func (m *matcher) begin(src []byte) {
	clear(m.head[:])
	m.src = src
	m.rep = [3]uint32{1, 4, 8}
	m.literals, m.seqs = slices.Grow(m.literals[:0], len(src)+16), m.seqs[:0]
}

func hash5(v uint64) uint32 {
	return uint32(v<<24*889523592379>>(64-hashLog)) & (1<<hashLog - 1)
}

// insert notes a place and returns the one before it of equal hash.
func (m *matcher) insert(at int, v uint64) uint16 {
	h := hash5(v)
	before := m.head[h]
	m.head[h] = uint16(at)
	m.chain[uint16(at)] = before
	return before
}

// segment appends the literals and sequences of src[from:to]; matches may
// begin before from.
func (m *matcher) segment(from, to int) {
	src := m.src[:to]
	at, anchor, last := from, from, to-9
	rep := int(m.rep[0])
	for at <= last {
		v := load64(src, at)
		c := m.insert(at, v)
		var length int
		var offset uint32
		if at >= rep && uint32(v>>8) == load32(src, at+1-rep) {
			at++
			length, offset = 4+matchLen(src, at+4, at-rep+4), uint32(rep)
			m.insert(at, v>>8)
		} else if (load64(src, int(c))^v)<<24 == 0 && c != 0 {
			at, length, offset = m.lazy(src, at, last, c, v)
		} else {
			at += 1 + (at-anchor)>>skipLog
			continue
		}
		next := at + 2 // what was noted above
		for at > anchor && at > int(offset) && src[at-1] == src[at-1-int(offset)] {
			at--
			length++
		}
		m.add(src, anchor, at, length, offset)
		end := at + length
		if end <= last {
			m.note(src, next, end, length)
		}
		at, anchor, rep = end, end, int(m.rep[0])
	}
	m.literals = append(m.literals, src[anchor:]...)
}

// note notes places of src[from:end], which end a match: every one of the last
// two, since what follows may begin there.
func (m *matcher) note(src []byte, from, end, length int) {
	step := matchStep
	if length > longMatch {
		if step = longStep; len(m.src) > longFrom {
			step = length
		}
	}
	for i := from; i < end-2; i += step {
		m.insert(i, load64(src, i))
	}
	m.insert(end-2, load64(src, end-2))
	m.insert(end-1, load64(src, end-1))
}

// lazy takes the best match at a place, or behind it while that is better.
func (m *matcher) lazy(src []byte, at, last int, c uint16, v uint64) (_, length int, offset uint32) {
	length, offset = m.longest(src, at, c, v, minMatch-1, 1<<16, chainDepth)
	for length < goodMatch && at < last && at+1+length < len(src) {
		v = load64(src, at+1)
		c = m.insert(at+1, v)
		n, o := m.longest(src, at+1, c, v, length, offset, lazyDepth)
		if n <= length || gain(n, o) <= gain(length, offset)+4 {
			break
		}
		at, length, offset = at+1, n, o
	}
	return at, length, offset
}

// gain weighs a match: four bits for a byte, less what its offset takes.
func gain(length int, offset uint32) int {
	return 4*length - bits.Len32(offset)
}

// longest gives the best match at a place of the first depth candidates from c on
// that is longer than a known one of at least minMatch-1 bytes.
func (m *matcher) longest(src []byte, at int, c uint16, v uint64, length int, offset uint32, depth int) (int, uint32) {
	best := gain(length, offset)
	for ; depth > 0 && c != 0; depth-- {
		// A longer match has these four bytes too.
		if load32(src, int(c)+length-3) == load32(src, at+length-3) && (load64(src, int(c))^v)<<24 == 0 {
			n := minMatch + matchLen(src, at+minMatch, int(c)+minMatch)
			if g := gain(n, uint32(at-int(c))); n > length && g > best {
				length, offset, best = n, uint32(at-int(c)), g
				if length >= goodMatch || at+length >= len(src) {
					break
				}
			}
		}
		c = m.chain[c]
	}
	return length, offset
}

// matchLen is the length of the common prefix of src[a:] and src[b:]; b < a.
func matchLen(src []byte, a, b int) (n int) {
	for ; a+n+8 <= len(src); n += 8 {
		if x := load64(src, a+n) ^ load64(src, b+n); x != 0 {
			return n + bits.TrailingZeros64(x)>>3
		}
	}
	for a+n < len(src) && src[a+n] == src[b+n] {
		n++
	}
	return n
}

// add appends the literals src[from:to] and a match behind them, and moves the
// recent offsets (RFC 8878 §3.1.1.5).
func (m *matcher) add(src []byte, from, to, length int, offset uint32) {
	if n := len(m.literals); to-from <= 16 && from+16 <= len(src) { // as most are
		*(*[16]byte)(m.literals[n : n+16]) = *(*[16]byte)(src[from : from+16])
		m.literals = m.literals[:n+to-from]
	} else {
		m.literals = append(m.literals, src[from:to]...)
	}
	r, value := &m.rep, offset+3
	first := 0 // the recent offset that Offset_Value 1 stands for
	if from == to {
		first = 1
	}
	switch {
	case first == 0 && offset == r[0]:
		value = 1
	case offset == r[1]:
		value = uint32(2 - first)
		r[0], r[1] = r[1], r[0]
	case offset == r[2]:
		value = uint32(3 - first)
		r[0], r[1], r[2] = r[2], r[0], r[1]
	default:
		r[0], r[1], r[2] = offset, r[0], r[1]
	}
	m.seqs = append(m.seqs, sequence{literals: uint32(to - from), match: uint32(length), offset: value})
}
