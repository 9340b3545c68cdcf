package prices

import (
	"errors"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/tracebed/tracebed/rollup"
)

// rateDigits is how many decimal digits of a USD a Rate keeps: the shortest
// text of a float64 as small as a price has 23 at most.
const rateDigits = 24

// Rate is a price of one token in units of 1e-24 USD; at most 1 USD. The zero
// Rate is unknown, which is not a price of zero.
type Rate struct {
	units rollup.Uint128
	known bool
}

var errRate = errors.New("must be a number of USD per token from 0 to 1")

// ParseRate reads the text of a JSON number, USD per token. Digits below 1e-24
// USD are rounded half to even.
func ParseRate(number string) (Rate, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	whole, fraction, point := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	switch {
	case whole == "" || point && fraction == "" || !onlyDigits(whole) || !onlyDigits(fraction):
		return Rate{}, errRate
	case len(mantissa) == len(number):
		exponent = "0"
	}
	e, err := strconv.Atoi(exponent)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return Rate{}, errRate
	case digits == "":
		return Rate{known: true}, nil
	case err != nil:
		e = max(min(e, 1<<20), -1<<20)
	}
	// The rate is digits × 10^(e−len(fraction)); keep is how many of the digits
	// stand at or above 1e-24.
	keep := len(digits) + e - len(fraction) + rateDigits
	if keep > rateDigits+1 {
		return Rate{}, errRate
	}
	if keep < 0 {
		return Rate{known: true}, nil
	}
	rest := ""
	if keep < len(digits) {
		digits, rest = digits[:keep], digits[keep:]
	} else {
		digits += strings.Repeat("0", keep-len(digits))
	}
	// Of at most 25 digits the last 18 and those before them fit a uint64.
	cut := max(len(digits)-18, 0)
	units := rollup.Uint128{Lo: number64(digits[cut:])}
	units.Hi, units.Lo = mulAdd(number64(digits[:cut]), 1_000_000_000_000_000_000, units.Lo)
	if rest != "" && (rest[0] > '5' || rest[0] == '5' && (units.Lo&1 == 1 || strings.Trim(rest[1:], "0") != "")) {
		units = units.Add(rollup.Uint128{Lo: 1})
	}
	if units.Cmp(maxRate) > 0 {
		return Rate{}, errRate
	}
	return Rate{units: units, known: true}, nil
}

// maxRate is 1 USD.
var maxRate = func() (u rollup.Uint128) {
	u.Hi, u.Lo = bits.Mul64(1_000_000_000_000, 1_000_000_000_000)
	return u
}()

// number64 reads at most 19 decimal digits.
func number64(digits string) (n uint64) {
	for i := range len(digits) {
		n = n*10 + uint64(digits[i]-'0')
	}
	return n
}

// mulAdd is a×b+c.
func mulAdd(a, b, c uint64) (hi, lo uint64) {
	hi, lo = bits.Mul64(a, b)
	lo, carry := bits.Add64(lo, c, 0)
	return hi + carry, lo
}

func onlyDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Known reports whether there is a price.
func (r Rate) Known() bool { return r.known }

// PerMillion is the price of a million tokens as the shortest exact decimal
// number of USD, "" where it is unknown.
func (r Rate) PerMillion() string {
	if !r.known {
		return ""
	}
	n := new(big.Int).SetUint64(r.units.Hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(r.units.Lo))
	text := n.String()
	const point = rateDigits - 6
	if len(text) <= point {
		text = strings.Repeat("0", point+1-len(text)) + text
	}
	text = text[:len(text)-point] + "." + text[len(text)-point:]
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// or is r, or other where r is unknown.
func (r Rate) or(other Rate) Rate {
	if r.known {
		return r
	}
	return other
}

// times adds n tokens at rate r to sum, in units of 1e-24 USD; false where n
// tokens have no price. It cannot overflow: n is at most trace.MaxTokens, r at
// most 1e24 units, and a sum has three terms.
func (r Rate) times(n int64, sum rollup.Uint128) (rollup.Uint128, bool) {
	if n == 0 {
		return sum, true
	}
	hi, lo := bits.Mul64(r.units.Lo, uint64(n))
	hi += r.units.Hi * uint64(n)
	return sum.Add(rollup.Uint128{Hi: hi, Lo: lo}), r.known
}

// money is an amount of units of 1e-24 USD, rounded half to even to 1e-12 USD.
func money(units rollup.Uint128) rollup.Money {
	const unitsPerPico = 1_000_000_000_000
	hi, rest := units.Hi/unitsPerPico, units.Hi%unitsPerPico
	lo, rest := bits.Div64(rest, units.Lo, unitsPerPico)
	m := rollup.Money{Hi: hi, Lo: lo}
	if rest > unitsPerPico/2 || rest == unitsPerPico/2 && lo&1 == 1 {
		m = m.Add(rollup.Money{Lo: 1})
	}
	return m
}
