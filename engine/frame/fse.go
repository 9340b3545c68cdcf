package frame

import "math/bits"

const (
	minTableLog = 5
	maxTableLog = 8
	maxTable    = 1 << maxTableLog
	maxSymbols  = 64 // of literal lengths 36, match lengths 53, offsets 32
)

// fseTable is an FSE table for one kind of symbol (RFC 8878 §4.1): counts,
// then build, then appendHeader and encode.
type fseTable struct {
	count   [maxSymbols]uint32
	norm    [maxSymbols]int16 // −1 stands for less than one
	symbols int               // 1 + the greatest that occurs
	log     uint              // states are 1<<log
	rle     bool              // only one symbol occurs; log is 0
	states  [maxTable]uint16
	// moves tell how a symbol changes the state.
	moves [maxSymbols]struct {
		bits uint32 // what to add to the state for its number of bits << 16
		find int32
	}
	spread [maxTable]byte
}

func (t *fseTable) reset() { clear(t.count[:]) }

// build makes the table for total symbols that were counted.
func (t *fseTable) build(total int) {
	most, used := uint32(0), 0
	for s, n := range t.count {
		if n > 0 {
			t.symbols = s + 1
			used++
			most = max(most, n)
		}
	}
	if t.rle = used == 1; t.rle {
		t.log = 0
		t.states[0] = 0
		t.moves[t.symbols-1].bits, t.moves[t.symbols-1].find = 0, 0
		return
	}
	t.log = uint(bits.Len(uint(total-1))) - 3
	t.log = max(t.log, uint(bits.Len(uint(used)))+1)
	t.log = min(max(t.log, minTableLog), maxTableLog)
	t.normalize(uint32(total))
	t.fill()
}

// normalize gives every symbol its share of the states.
func (t *fseTable) normalize(total uint32) {
	size := uint32(1) << t.log
	left := int(size)
	for s, n := range t.count[:t.symbols] {
		switch share := (2*n*size + total) / (2 * total); {
		case n == 0:
			t.norm[s] = 0
			continue
		case n*size <= total:
			t.norm[s] = -1
			left--
		default:
			t.norm[s] = int16(share)
			left -= int(share)
		}
	}
	for left != 0 { // the greatest shares bear the rounding
		at := 0
		for s := range t.norm[:t.symbols] {
			if t.norm[s] > t.norm[at] {
				at = s
			}
		}
		step := left
		if left < 0 {
			step = -min(-left, max(1, int(t.norm[at])/4))
		}
		t.norm[at] += int16(step)
		left -= step
	}
}

// fill makes states and moves from the shares.
func (t *fseTable) fill() {
	size := 1 << t.log
	mask, high := size-1, size-1
	var start [maxSymbols + 1]int
	for s, n := range t.norm[:t.symbols] {
		start[s+1] = start[s] + int(max(n, -n))
		if n < 0 {
			t.spread[high] = byte(s)
			high--
		}
	}
	at, step := 0, size>>1+size>>3+3
	for s, n := range t.norm[:t.symbols] {
		for range n {
			t.spread[at] = byte(s)
			for at = (at + step) & mask; at > high; {
				at = (at + step) & mask
			}
		}
	}
	next := start
	for i, s := range t.spread[:size] {
		t.states[next[s]] = uint16(size + i)
		next[s]++
	}
	for s, n := range t.norm[:t.symbols] {
		m := &t.moves[s]
		switch {
		case n == 0:
		case n == -1 || n == 1:
			m.bits, m.find = uint32(t.log)<<16-uint32(size), int32(start[s]-1)
		default:
			out := uint32(t.log) - uint32(bits.Len32(uint32(n-1))-1)
			m.bits, m.find = out<<16-uint32(n)<<out, int32(start[s])-int32(n)
		}
	}
}

// first is the state that stands for the last symbol of a stream.
func (t *fseTable) first(symbol byte) uint32 {
	m := &t.moves[symbol]
	n := (m.bits + 1<<15) >> 16
	return uint32(t.states[int32((n<<16-m.bits)>>n)+m.find])
}

// appendHeader appends the description of the table: the symbol where there is
// only one, else the shares (RFC 8878 §4.1.1).
func (t *fseTable) appendHeader(dst []byte) []byte {
	if t.rle {
		return append(dst, byte(t.symbols-1))
	}
	w := bitWriter{out: dst}
	w.add(uint64(t.log-minTableLog), 4)
	left, threshold, width := 1<<t.log+1, 1<<t.log, t.log+1
	for s := 0; left > 1; {
		n := int(t.norm[s])
		s++
		most := 2*threshold - 1 - left
		left -= max(n, -n)
		value, size := n+1, width
		if value >= threshold {
			value += most
		}
		if value < most {
			size--
		}
		w.add(uint64(value), size)
		for ; left < threshold; threshold >>= 1 {
			width--
		}
		if n != 0 {
			w.flush()
			continue
		}
		zeros := 0
		for t.norm[s+zeros] == 0 {
			zeros++
		}
		s += zeros
		for ; zeros >= 3; zeros -= 3 {
			w.add(3, 2)
			w.flush()
		}
		w.add(uint64(zeros), 2)
		w.flush()
	}
	return w.rest()
}

// bitWriter appends bits, the first one lowest in the first byte.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint
}

// add takes up to 56 bits between flushes.
func (w *bitWriter) add(v uint64, n uint) {
	w.bits |= v << w.n
	w.n += n
}

func (w *bitWriter) flush() {
	for ; w.n >= 8; w.n -= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
}

// rest appends what is left, filled up with zeros.
func (w *bitWriter) rest() []byte {
	w.flush()
	if w.n > 0 {
		w.out = append(w.out, byte(w.bits))
	}
	return w.out
}
