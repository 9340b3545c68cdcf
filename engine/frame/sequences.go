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
// (§3.1.1.3.2.1.2). The states of the three tables, and the bits that are not
// written yet, stay in registers.
func (e *small) appendBits(dst []byte, seqs []sequence) []byte {
	const most = 16 // bytes of one sequence: 24 bits of states, 48 of values
	start := len(dst)
	dst = slices.Grow(dst, len(seqs)*most+2*most)
	out, at := dst[start:cap(dst)], 0
	s := &seqs[len(seqs)-1]
	ll, of, ml := e.ll.first(s.ll), e.of.first(s.of), e.ml.first(s.ml)
	w, n := uint64(0), uint(0)
	for i := len(seqs) - 1; ; {
		lb, mb := uint(llBits[s.ll&63]), uint(mlBits[s.ml&63])
		if lb+mb > 15 { // up to 32; 47 may be waiting
			binary.LittleEndian.PutUint64(out[at:], w)
			at += int(n >> 3)
			w >>= n & 56
			n &= 7
		}
		w |= uint64(s.literals&(1<<(lb&31)-1)) << (n & 63)
		n += lb
		w |= uint64((s.match-3)&(1<<(mb&31)-1)) << (n & 63)
		n += mb
		binary.LittleEndian.PutUint64(out[at:], w)
		at += int(n >> 3)
		w >>= n & 56
		n &= 7
		w |= uint64(s.offset&(1<<(s.of&31)-1)) << n
		n += uint(s.of)
		if i--; i < 0 {
			break
		}
		s = &seqs[i]
		var b uint
		of, b = e.of.step(of, s.of, &w, n)
		n += b
		ml, b = e.ml.step(ml, s.ml, &w, n)
		n += b
		ll, b = e.ll.step(ll, s.ll, &w, n)
		n += b
	}
	binary.LittleEndian.PutUint64(out[at:], w)
	at += int(n >> 3)
	w >>= n & 56
	n &= 7
	w |= uint64(ml&(1<<e.ml.log-1)) << n
	n += e.ml.log
	w |= uint64(of&(1<<e.of.log-1)) << n
	n += e.of.log
	w |= uint64(ll&(1<<e.ll.log-1)) << n
	n += e.ll.log
	w |= 1 << n // the end mark
	binary.LittleEndian.PutUint64(out[at:], w)
	return dst[:start+at+int(n+8)>>3]
}

// step writes what is left of a state to w behind n bits, moves the state by a
// symbol, and says how many bits that were.
func (t *fseTable) step(state uint32, symbol byte, w *uint64, n uint) (uint32, uint) {
	m := &t.moves[symbol&63]
	b := (state + m.bits) >> 16
	*w |= uint64(state&(1<<(b&31)-1)) << (n & 63)
	return uint32(t.states[uint8(int32(state>>(b&31))+m.find)]), uint(b)
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
