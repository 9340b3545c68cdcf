package frame

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/fse"
)

const (
	// maxCodeBits is the longest code of a literal (RFC 8878 §4.2.1).
	maxCodeBits = 11
	// leastCoded is how many literals are worth a code; fewer are stored plainly.
	leastCoded = 6
)

// huffTable is a Huffman code of literals.
type huffTable struct {
	count [256]uint32
	code  [256]huffCode
	nodes [512]huffNode
	order []uint32 // count and symbol of those that occur, rare ones first
	spare []uint32 // for sort
	fse   fse.Scratch
	text  []byte // the description
}

type huffCode struct {
	bits uint16
	n    uint8
}

type huffNode struct {
	count  uint32
	parent uint16
	depth  uint8
}

// build makes a code for the literals and returns its description (§4.2.1);
// nil when it is not worth one.
func (t *huffTable) build(literals []byte) []byte {
	var counts [2][256]uint32 // two, so that equal neighbours do not wait for each other
	b := literals
	for ; len(b) >= 4; b = b[4:] {
		counts[0][b[0]]++
		counts[1][b[1]]++
		counts[0][b[2]]++
		counts[1][b[3]]++
	}
	for _, c := range b {
		counts[0][c]++
	}
	t.order = t.order[:0]
	for s := range t.count {
		n := counts[0][s] + counts[1][s]
		t.count[s] = n
		if n > 0 {
			t.order = append(t.order, n<<8|uint32(s))
		}
	}
	if len(t.order) < 2 {
		return nil
	}
	last := int(byte(t.order[len(t.order)-1]))
	clear(t.code[:])
	t.sort()
	longest := t.limit(t.lengths())
	t.assign(longest)
	return t.describe(last, longest)
}

// sort brings order into its order: by the low byte of the counts, then by the
// high one where there is any. Counts stay below 1<<16, as contents do. 90
// symbols take 0.4 µs instead of 1.7 with slices.Sort.
func (t *huffTable) sort() {
	for shift := 8; shift < 24; shift += 8 {
		var start [256]uint16
		all := uint32(0)
		for _, s := range t.order {
			start[byte(s>>shift)]++
			all |= s >> shift
		}
		if byte(all) != 0 {
			at := uint16(0)
			for i, n := range start {
				start[i], at = at, at+n
			}
			t.spare = slices.Grow(t.spare[:0], len(t.order))[:len(t.order)]
			for _, s := range t.order {
				at := &start[byte(s>>shift)]
				t.spare[*at] = s
				*at++
			}
			t.order, t.spare = t.spare, t.order
		}
		if all>>8 == 0 {
			break
		}
	}
}

// lengths finds the depths of the symbols in the tree (two queues: symbols by
// count, and inner nodes, which come in ascending order) and how many there
// are of each.
func (t *huffTable) lengths() (perDepth [32]int) {
	n := len(t.order)
	for i, s := range t.order {
		t.nodes[i].count = s >> 8
	}
	leaf, inner, end := 0, n, n
	take := func() int {
		if leaf < n && (inner >= end || t.nodes[leaf].count <= t.nodes[inner].count) {
			leaf++
			return leaf - 1
		}
		inner++
		return inner - 1
	}
	for ; end < 2*n-1; end++ {
		a := take()
		b := take()
		t.nodes[end].count = t.nodes[a].count + t.nodes[b].count
		t.nodes[a].parent, t.nodes[b].parent = uint16(end), uint16(end)
	}
	t.nodes[2*n-2].depth = 0
	for i := 2*n - 3; i >= 0; i-- {
		t.nodes[i].depth = t.nodes[t.nodes[i].parent].depth + 1
		if i < n {
			perDepth[min(t.nodes[i].depth, 31)]++
		}
	}
	return perDepth
}

// limit shortens codes to maxCodeBits by the rule of RFC 1951 decoders: a code
// that is too long takes the place beside a shorter one. It gives the symbols
// their lengths, rare ones the longest, and returns the longest.
func (t *huffTable) limit(perDepth [32]int) (longest int) {
	over := 0
	for d := maxCodeBits + 1; d < len(perDepth); d++ {
		over += perDepth[d]
		perDepth[maxCodeBits] += perDepth[d]
		perDepth[d] = 0
	}
	if over > 0 {
		space := 0 // in units of the longest code
		for d := 1; d <= maxCodeBits; d++ {
			space += perDepth[d] << (maxCodeBits - d)
		}
		for ; space > 1<<maxCodeBits; space-- {
			d := maxCodeBits - 1
			for perDepth[d] == 0 {
				d--
			}
			perDepth[d]--
			perDepth[d+1] += 2
			perDepth[maxCodeBits]--
		}
	}
	i := 0
	for d := maxCodeBits; d > 0; d-- {
		for range perDepth[d] {
			longest = max(longest, d)
			t.code[byte(t.order[i])].n = uint8(d)
			i++
		}
	}
	return longest
}

// assign gives out the codes: the longest first, in the order of symbols.
func (t *huffTable) assign(longest int) {
	var per, next [maxCodeBits + 1]uint16
	for _, s := range t.order {
		per[t.code[byte(s)].n]++
	}
	at := uint16(0)
	for d := longest; d > 0; d-- {
		next[d] = at
		at = (at + per[d]) >> 1
	}
	for s := range t.code {
		if c := &t.code[s]; c.n > 0 {
			c.bits = next[c.n]
			next[c.n]++
		}
	}
}

// describe is the description of the code: the weights of all symbols but the
// last one, compressed with FSE where that is shorter than 4 bits each.
func (t *huffTable) describe(last, longest int) []byte {
	var weights [256]byte
	for s := range last {
		if n := int(t.code[s].n); n > 0 {
			weights[s] = byte(longest + 1 - n)
		}
	}
	t.fse.MaxSymbolValue, t.fse.TableLog = maxCodeBits, 6
	if out, err := fse.Compress(weights[:last], &t.fse); err == nil && len(out) > 1 && len(out) < 128 && (len(out) < last/2 || last > 128) {
		t.text = append(append(t.text[:0], byte(len(out))), out...)
		return t.text
	}
	if last > 128 {
		return nil
	}
	out := append(t.text[:0], byte(127+last))
	for s := 0; s < last; s += 2 {
		out = append(out, weights[s]<<4|weights[s+1])
	}
	t.text = out
	return out
}

// appendStream appends literals as one stream of codes, which is read from its
// end.
func (t *huffTable) appendStream(dst, literals []byte) []byte {
	// A code takes 11 bits at most; 8 more bytes so that whole words can be
	// written.
	start := len(dst)
	dst = slices.Grow(dst, len(literals)*3/2+16)
	out, at := dst[start:cap(dst)], 0
	var w uint64
	var n uint
	i := len(literals)
	for ; i&3 != 0; i-- {
		c := t.code[literals[i-1]]
		w |= uint64(c.bits) << n
		n += uint(c.n)
	}
	for ; i > 0; i -= 4 {
		binary.LittleEndian.PutUint64(out[at:], w)
		at += int(n >> 3)
		w >>= n &^ 7
		n &= 7
		q := literals[i-4 : i : i]
		c3, c2, c1, c0 := t.code[q[3]], t.code[q[2]], t.code[q[1]], t.code[q[0]]
		w |= uint64(c3.bits) << n
		n += uint(c3.n)
		w |= uint64(c2.bits) << (n & 63)
		n += uint(c2.n)
		w |= uint64(c1.bits) << (n & 63)
		n += uint(c1.n)
		w |= uint64(c0.bits) << (n & 63)
		n += uint(c0.n)
	}
	w |= 1 << n // the end mark
	binary.LittleEndian.PutUint64(out[at:], w)
	return dst[:start+at+(bits.Len64(w)+7)/8]
}

// appendLiterals appends the Literals_Section of a block (§3.1.1.3.1): table is
// the description of the code, nil when an earlier block had it.
func (t *huffTable) appendLiterals(dst, literals, table []byte) []byte {
	if len(literals) < leastCoded {
		return append(append(dst, byte(len(literals)<<3)), literals...)
	}
	kind := 2
	if table == nil {
		kind = 3
	}
	// The width of both sizes: literals that hardly have the symbols of the
	// whole take up to 11 bits each and 129 bytes for the table.
	format, width := 0, 10
	switch n := len(literals); {
	case n >= 1<<13:
		format, width = 3, 18
	case n >= 1<<9:
		format, width = 2, 14
	}
	at, size := len(dst), (4+2*width+7)/8
	dst = append(dst, "\x00\x00\x00\x00\x00"[:size]...)
	from := len(dst)
	dst = append(dst, table...)
	if format == 0 {
		dst = t.appendStream(dst, literals)
	} else {
		dst = t.appendStreams(dst, literals)
	}
	h := uint64(kind) | uint64(format)<<2 | uint64(len(literals))<<4 | uint64(len(dst)-from)<<(4+width)
	for i := range size {
		dst[at+i] = byte(h >> (8 * i))
	}
	return dst
}

// appendStreams appends four streams behind a table of the lengths of three.
func (t *huffTable) appendStreams(dst, literals []byte) []byte {
	jump := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0)
	part := (len(literals) + 3) / 4
	for i := range 4 {
		from := len(dst)
		dst = t.appendStream(dst, literals[:min(part, len(literals))])
		literals = literals[min(part, len(literals)):]
		if i < 3 {
			binary.LittleEndian.PutUint16(dst[jump+2*i:], uint16(len(dst)-from))
		}
	}
	return dst
}
