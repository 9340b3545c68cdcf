package frame

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendSequences appends the Sequences_Section of a block (RFC 8878
// §3.1.1.3.2).
func (e *small) appendSequences(dst []byte, seqs []sequence, tables bool) []byte {
	n := len(seqs)
	switch {
	case n < 128:
		dst = append(dst, byte(n))
	case n < 0x7f00:
		dst = append(dst, byte(n>>8)+128, byte(n))
	default:
		dst = append(dst, 255, byte(n-0x7f00), byte((n-0x7f00)>>8))
	}
	if n == 0 {
		return dst
	}
	mode := len(dst)
	dst = append(dst, 0)
	for i, t := range [3]*fseTable{&e.ll, &e.of, &e.ml} {
		kind := byte(3) // Repeat_Mode
		if tables || t.rle {
			kind = 2 // FSE_Compressed_Mode
			if t.rle {
				kind = 1
			}
			dst = t.appendHeader(dst)
		}
		dst[mode] |= kind << (6 - 2*i)
	}
	return e.appendBits(dst, seqs)
}

// appendBits appends the bit stream of sequences, which is read from its end
// (§3.1.1.3.2.1.2).
func (e *small) appendBits(dst []byte, seqs []sequence) []byte {
	const most = 16 // bytes of one sequence: 24 bits of states, 49 of values
	start := len(dst)
	dst = slices.Grow(dst, len(seqs)*most+2*most)
	w := wordWriter{out: dst[start:cap(dst)]}
	last := &seqs[len(seqs)-1]
	ll, of, ml := e.ll.first(llCode(last.literals)), e.of.first(ofCode(last.offset)), e.ml.first(mlCode(last.match))
	for i := len(seqs) - 1; i >= 0; i-- {
		s := &seqs[i]
		lc, oc, mc := llCode(s.literals)&63, ofCode(s.offset)&63, mlCode(s.match)&63
		if i < len(seqs)-1 {
			of = w.step(&e.of, of, oc)
			ml = w.step(&e.ml, ml, mc)
			ll = w.step(&e.ll, ll, lc)
		}
		w.add(s.literals, uint(llBits[lc]))
		w.add(s.match-3, uint(mlBits[mc]))
		w.flush()
		w.add(s.offset, uint(oc))
		w.flush()
	}
	w.add(ml, e.ml.log)
	w.add(of, e.of.log)
	w.add(ll, e.ll.log)
	w.add(1, 1)
	w.flush()
	if w.n > 0 {
		w.at++
	}
	return dst[:start+w.at]
}

// wordWriter writes bits in words to memory that is long enough.
type wordWriter struct {
	out  []byte
	at   int
	bits uint64
	n    uint
}

// add writes the low n bits of v.
func (w *wordWriter) add(v uint32, n uint) {
	w.bits |= (uint64(v) & (1<<(n&63) - 1)) << (w.n & 63)
	w.n += n
}

// flush leaves at most seven bits, which stand in out as well.
func (w *wordWriter) flush() {
	binary.LittleEndian.PutUint64(w.out[w.at:], w.bits)
	w.at += int(w.n >> 3)
	w.bits >>= w.n & 56
	w.n &= 7
}

// step writes what is left of a state and moves it by a symbol.
func (w *wordWriter) step(t *fseTable, state uint32, symbol byte) uint32 {
	m := &t.moves[symbol&63]
	n := (state + m.bits) >> 16
	w.add(state, uint(n))
	return uint32(t.states[uint8(int32(state>>(n&31))+m.find)])
}

// llBits and mlBits are the numbers of extra bits of the codes (§3.1.1.3.2.1.1).
var (
	llBits = [64]byte{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	mlBits = [64]byte{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

	llCodes = codes[[64]byte](llBits[:36])
	mlCodes = codes[[128]byte](mlBits[:53])
)

// codes maps the small values to the codes that they fall into.
func codes[T [64]byte | [128]byte](extra []byte) (of T) {
	at := 0
	for code, n := range extra {
		for range 1 << n {
			if at == len(of) {
				return of
			}
			of[at] = byte(code)
			at++
		}
	}
	return of
}

func llCode(v uint32) byte {
	if v < 64 {
		return llCodes[v]
	}
	return byte(bits.Len32(v)) + 18
}

func mlCode(length uint32) byte {
	v := length - 3
	if v < 128 {
		return mlCodes[v]
	}
	return byte(bits.Len32(v)) + 35
}

func ofCode(v uint32) byte { return byte(bits.Len32(v)) - 1 }
