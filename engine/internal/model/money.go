package model

import (
	"fmt"
	"math/big"
)

var (
	picoPerUSD = big.NewInt(1_000_000_000_000)
	maxCost    = new(big.Int).Mul(big.NewInt(1_000_000), picoPerUSD)
	maxTokens  = big.NewInt(1_000_000_000_000)
)

// Pico turns the text of a JSON number in USD into pico-USD, rounded half to
// even at 1e-12. Negative amounts and more than a million USD are errors.
func Pico(text string) (*big.Int, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	r.Mul(r, new(big.Rat).SetInt(picoPerUSD))
	if r.Sign() < 0 || r.Cmp(new(big.Rat).SetInt(maxCost)) > 0 {
		return nil, fmt.Errorf("%s USD is out of range", text)
	}
	floor, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(r.Denom()) {
	case 1:
		floor.Add(floor, big.NewInt(1))
	case 0:
		floor.Add(floor, new(big.Int).And(floor, big.NewInt(1)))
	}
	return floor, nil
}

// SamePico reports whether the JSON number text, in USD, is exactly pico.
func SamePico(text string, pico *big.Int) bool {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return false
	}
	return r.Cmp(new(big.Rat).SetFrac(pico, picoPerUSD)) == 0
}

// tokens reads a count of tokens: a whole number from 0 to 1e12.
func tokens(text string) (int64, error) {
	r, ok := new(big.Rat).SetString(text)
	if !ok || !r.IsInt() || r.Sign() < 0 || r.Num().Cmp(maxTokens) > 0 {
		return 0, fmt.Errorf("%s is not a count of tokens", text)
	}
	return r.Num().Int64(), nil
}

// addCost adds b to a; nil is an unknown cost and adds nothing.
func addCost(a, b *big.Int) *big.Int {
	if b == nil {
		return a
	}
	if a == nil {
		a = new(big.Int)
	}
	return new(big.Int).Add(a, b)
}
