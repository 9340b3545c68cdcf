package rollup

import (
	"errors"
	"math/bits"
)

// Uint128 is an unsigned 128-bit integer. Add and Sub wrap around, so that
// they form a group: what was added can be taken out again in any order.
type Uint128 struct{ Hi, Lo uint64 }

// Add returns u+v, wrapping at 2^128.
func (u Uint128) Add(v Uint128) Uint128 {
	lo, carry := bits.Add64(u.Lo, v.Lo, 0)
	hi, _ := bits.Add64(u.Hi, v.Hi, carry)
	return Uint128{hi, lo}
}

// Sub returns u−v, wrapping below zero.
func (u Uint128) Sub(v Uint128) Uint128 {
	lo, borrow := bits.Sub64(u.Lo, v.Lo, 0)
	hi, _ := bits.Sub64(u.Hi, v.Hi, borrow)
	return Uint128{hi, lo}
}

// Cmp returns −1, 0 or 1 as u is less than, equal to or greater than v.
func (u Uint128) Cmp(v Uint128) int {
	switch {
	case u == v:
		return 0
	case u.Hi < v.Hi || (u.Hi == v.Hi && u.Lo < v.Lo):
		return -1
	}
	return 1
}

// IsZero says whether u is 0.
func (u Uint128) IsZero() bool { return u == Uint128{} }

// Float returns u as a float64.
func (u Uint128) Float() float64 { return float64(u.Hi)*(1<<64) + float64(u.Lo) }

// mul64 returns a*b in full width.
func mul64(a, b uint64) Uint128 {
	hi, lo := bits.Mul64(a, b)
	return Uint128{hi, lo}
}

// errVarint is returned for a variable-length integer that is cut short, too
// large or not in its shortest form. One form only is what makes equal content
// have equal bytes.
var errVarint = errors.New("bad variable-length integer")

// readUvarint reads one LEB128 integer from the front of b and returns the rest.
func readUvarint(b []byte) (uint64, []byte, error) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], nil
	}
	var v uint64
	for i, c := range b {
		if c < 0x80 {
			if i > 9 || (i == 9 && c > 1) || (c == 0 && i > 0) {
				break
			}
			return v | uint64(c)<<(7*uint(i)), b[i+1:], nil
		}
		if i >= 9 {
			break
		}
		v |= uint64(c&0x7f) << (7 * uint(i))
	}
	return 0, nil, errVarint
}

// appendUvarint128 appends u as LEB128, at most 19 bytes.
func appendUvarint128(dst []byte, u Uint128) []byte {
	for u.Hi != 0 || u.Lo >= 0x80 {
		dst = append(dst, byte(u.Lo)|0x80)
		u.Lo = u.Lo>>7 | u.Hi<<57
		u.Hi >>= 7
	}
	return append(dst, byte(u.Lo))
}

// readUvarint128 reads one LEB128 integer of up to 128 bits.
func readUvarint128(b []byte) (Uint128, []byte, error) {
	var u Uint128
	for i, c := range b {
		shift := 7 * uint(i)
		part := uint64(c & 0x7f)
		if i > 18 || (i == 18 && c > 3) || (c == 0 && i > 0) {
			break
		}
		switch {
		case shift < 64:
			u.Lo |= part << shift
			u.Hi |= part >> 1 >> (63 - shift) // the bits that leave Lo
		default:
			u.Hi |= part << (shift - 64)
		}
		if c < 0x80 {
			return u, b[i+1:], nil
		}
	}
	return Uint128{}, nil, errVarint
}
