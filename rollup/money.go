package rollup

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
)

// picoPerUSD is how many units of Money make one US dollar.
const picoPerUSD = 1_000_000_000_000

// maxRunPico is the largest cost that one run may have: 1e6 USD.
const maxRunPico = 1_000_000 * picoPerUSD

// Errors of ParseUSD.
var (
	ErrNotNumber = errors.New("not a JSON number")
	ErrNegative  = errors.New("amount is negative")
	ErrTooLarge  = errors.New("amount is larger than 1000000 USD")
)

// Add returns m+n, wrapping at 2^128.
func (m Money) Add(n Money) Money { return Money(Uint128(m).Add(Uint128(n))) }

// Sub returns m−n, wrapping below zero.
func (m Money) Sub(n Money) Money { return Money(Uint128(m).Sub(Uint128(n))) }

// Cmp returns −1, 0 or 1 as m is less than, equal to or greater than n.
func (m Money) Cmp(n Money) int { return Uint128(m).Cmp(Uint128(n)) }

// IsZero says whether m is 0.
func (m Money) IsZero() bool { return m == Money{} }

// ParseUSD reads the text of a JSON number, an amount in USD, exactly: decimal
// digits become pico-USD without passing through a float, and what lies below
// 1e-12 USD is rounded half to even. The error is ErrNotNumber, ErrNegative
// (−0 is 0) or ErrTooLarge (more than 1e6 USD). The time taken depends on the
// length of the text only, not on its exponent.
func ParseUSD(number []byte) (Money, error) {
	n, ok := scanNumber(number)
	if !ok {
		return Money{}, ErrNotNumber
	}
	if n.first < 0 {
		return Money{}, nil
	}
	if n.negative {
		return Money{}, ErrNegative
	}
	// The amount in pico-USD has this many digits before its decimal point.
	digits := n.pointAfter + 12
	switch {
	case digits > 19:
		return Money{}, ErrTooLarge
	case digits < 0: // less than 0.1
		return Money{}, nil
	}
	var v uint64
	var next byte // first digit behind the decimal point
	var rest bool // anything behind that one
	seen := int64(0)
	for _, c := range number[n.first:] {
		if c == '.' {
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		switch {
		case seen < digits:
			v = v*10 + uint64(c-'0')
		case seen == digits:
			next = c - '0'
		case c != '0':
			rest = true
		}
		seen++
	}
	for ; seen < digits; seen++ {
		v *= 10
	}
	if v > maxRunPico || (v == maxRunPico && (next > 0 || rest)) {
		return Money{}, ErrTooLarge
	}
	if next > 5 || (next == 5 && (rest || v&1 == 1)) {
		v++
	}
	return Money{Lo: v}, nil
}

// number is what scanNumber finds: the value is 0.d₁d₂d₃… × 10^pointAfter,
// where d₁, the first digit that is not zero, stands at index first (−1: the
// value is zero).
type number struct {
	negative   bool
	first      int
	pointAfter int64
}

// scanNumber checks the grammar of JSON (RFC 8259 §6) and locates the digits.
func scanNumber(b []byte) (n number, ok bool) {
	n.first = -1
	i := 0
	if i < len(b) && b[i] == '-' {
		n.negative = true
		i++
	}
	intStart := i
	i = skipDigits(b, i)
	if i == intStart || (b[intStart] == '0' && i-intStart > 1) {
		return n, false
	}
	if b[intStart] != '0' {
		n.first = intStart
		n.pointAfter = int64(i - intStart)
	}
	if i < len(b) && b[i] == '.' {
		i++
		fracStart := i
		i = skipDigits(b, i)
		if i == fracStart {
			return n, false
		}
		for k := fracStart; n.first < 0 && k < i; k++ {
			if b[k] != '0' {
				n.first = k
				n.pointAfter = int64(fracStart - k)
			}
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		exp, end, ok := scanExponent(b, i+1)
		if !ok {
			return n, false
		}
		n.pointAfter += exp
		i = end
	}
	return n, i == len(b)
}

// scanExponent reads the part behind the 'e'. It saturates far outside of what
// any length of digits could make good for.
func scanExponent(b []byte, i int) (exp int64, end int, ok bool) {
	const limit = 1 << 50
	negative := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		negative = b[i] == '-'
		i++
	}
	end = skipDigits(b, i)
	if end == i {
		return 0, end, false
	}
	for _, c := range b[i:end] {
		exp = min(exp*10+int64(c-'0'), limit)
	}
	if negative {
		exp = -exp
	}
	return exp, end, true
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// AppendUSD appends m in USD as the shortest exact decimal JSON number, without
// an exponent: 0, 12.5, 0.0000846.
func (m Money) AppendUSD(dst []byte) []byte {
	// Two steps of division: the whole dollars may need more than 64 bits.
	wholeHi, r := m.Hi/picoPerUSD, m.Hi%picoPerUSD
	wholeLo, frac := bits.Div64(r, m.Lo, picoPerUSD)
	if wholeHi == 0 {
		dst = strconv.AppendUint(dst, wholeLo, 10)
	} else {
		const e19 = 10_000_000_000_000_000_000
		high, low := bits.Div64(wholeHi, wholeLo, e19)
		dst = strconv.AppendUint(dst, high, 10)
		dst = appendPadded(dst, low, 19)
	}
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, frac, 12)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendPadded appends v in decimal with zeros in front up to width digits.
func appendPadded(dst []byte, v uint64, width int) []byte {
	var buf [20]byte
	for i := width - 1; i >= 0; i-- {
		buf[i] = byte('0' + v%10)
		v /= 10
	}
	return append(dst, buf[:width]...)
}

// Float returns m in USD, correctly rounded.
func (m Money) Float() float64 {
	if m.Hi == 0 && m.Lo <= 1<<53 {
		return float64(m.Lo) / picoPerUSD // both exact, so one rounding
	}
	f, err := strconv.ParseFloat(string(m.AppendUSD(nil)), 64)
	if err != nil {
		return math.NaN() // cannot be: AppendUSD writes a number
	}
	return f
}

// AppendBinary appends m as an unsigned LEB128 of up to 19 bytes; equal amounts
// have equal bytes.
func (m Money) AppendBinary(dst []byte) []byte { return appendUvarint128(dst, Uint128(m)) }

// DecodeMoney reads what AppendBinary wrote from the front of b and returns the
// bytes behind it. The error is an ErrCorrupt.
func DecodeMoney(b []byte) (Money, []byte, error) {
	u, rest, err := readUvarint128(b)
	if err != nil {
		return Money{}, nil, corrupt("money", err)
	}
	return Money(u), rest, nil
}
