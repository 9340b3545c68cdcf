package trace

import (
	"errors"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/rollup"
)

// MaxTokens is the most tokens one run may report; a larger number is a fault
// of the sender, and sums of a million such runs still fit an int64.
const MaxTokens = 1_000_000_000_000

const (
	numUsage = 10
	// alwaysUsage is how many of them every usage object has.
	alwaysUsage = 8

	usagePromptCost    = 3
	usageCacheRead     = 6
	usageCostEstimated = 9
)

// usageNames are the members of the uniform usage object, in its order. The
// last two are left out where there is nothing to tell.
var usageNames = [numUsage]string{
	"prompt_tokens", "completion_tokens", "total_tokens",
	"prompt_tokens_cost_usd", "completion_tokens_cost_usd", "total_tokens_cost_usd",
	"cache_read_input_tokens", "cache_creation_input_tokens", "reasoning_tokens", "cost_estimated",
}

// usageFacts reads a usage object into facts and notes its members in f.usage.
// Anything but an object is no usage. A reason says what makes it unusable.
func (f *Fields) usageFacts(raw []byte) (*Usage, string) {
	f.usage = [numUsage][]byte{}
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return nil, ""
	}
	if err := f.scanUsage(raw); err != nil {
		return nil, "usage: " + err.Error()
	}
	facts := new(struct {
		Usage
		costs [3]rollup.Money
	})
	u := &facts.Usage
	for i, dst := range []*int64{&u.PromptTokens, &u.CompletionTokens, &u.TotalTokens} {
		if f.usage[i] == nil {
			continue
		}
		n, ok := parseTokens(f.usage[i])
		if !ok {
			return nil, "usage." + usageNames[i] + " must be a whole number from 0 to 1e12, or null"
		}
		*dst = n
	}
	if f.usage[2] == nil {
		u.TotalTokens = u.PromptTokens + u.CompletionTokens
	}
	for i, dst := range []**rollup.Money{&u.PromptCost, &u.CompletionCost, &u.TotalCost} {
		if f.usage[usagePromptCost+i] == nil {
			continue
		}
		cost, err := parseCost(f.usage[usagePromptCost+i])
		if err != nil {
			return nil, "usage." + usageNames[usagePromptCost+i] + " must be a number of USD from 0 to 1e6, or null"
		}
		facts.costs[i] = cost
		*dst = &facts.costs[i]
	}
	if u.TotalCost == nil && u.PromptCost != nil && u.CompletionCost != nil {
		facts.costs[2] = u.PromptCost.Add(*u.CompletionCost)
		u.TotalCost = &facts.costs[2]
	}
	for i, dst := range []*int64{&u.CacheReadTokens, &u.CacheWriteTokens, &u.ReasoningTokens} {
		i += usageCacheRead // told, never counted: kept as sent, whatever number it is
		if jsonscan.KindOf(f.usage[i]) != jsonscan.Number {
			f.usage[i] = nil
			continue
		}
		*dst, _ = parseTokens(f.usage[i])
	}
	u.CostEstimated = u.priced() && string(f.usage[usageCostEstimated]) == "true"
	if !u.CostEstimated {
		f.usage[usageCostEstimated] = nil
	}
	return u, ""
}

// scanUsage notes the members of a usage object; nil where absent or null.
func (f *Fields) scanUsage(raw []byte) error {
	var s jsonscan.Scanner
	s.Reset(raw)
	if err := s.BeginObject(); err != nil {
		return err
	}
	for {
		key, ok, err := s.Member()
		if !ok {
			return err
		}
		value, err := s.Skip()
		if err != nil {
			return err
		}
		if jsonscan.KindOf(value) == jsonscan.Null {
			value = nil
		}
		if i := usageIndex(jsonscan.Unquote(f.scratch, key)); i >= 0 {
			f.usage[i] = value
		}
	}
}

// usageIndex is the position of a name in usageNames, −1 if it is not there.
func usageIndex(name []byte) int {
	for i := range usageNames {
		if len(name) == len(usageNames[i]) && string(name) == usageNames[i] {
			return i
		}
	}
	return -1
}

var errNotNumber = errors.New("not a number")

func parseCost(raw []byte) (rollup.Money, error) {
	if jsonscan.KindOf(raw) != jsonscan.Number {
		return rollup.Money{}, errNotNumber
	}
	return rollup.ParseUSD(raw)
}

// parseTokens reads a JSON number that is whole and from 0 to MaxTokens, in
// any notation (412, 412.0, 4.12e2, -0).
func parseTokens(raw []byte) (n int64, ok bool) {
	if jsonscan.KindOf(raw) != jsonscan.Number {
		return 0, false
	}
	i := 0
	negative := raw[0] == '-'
	if negative {
		i++
	}
	// n is the digits without zeros at either end, scale the power of ten.
	digits, zeros, scale := 0, 0, 0
	point := false
	for ; i < len(raw) && raw[i]|0x20 != 'e'; i++ {
		c := raw[i]
		switch {
		case c == '.':
			point = true
			continue
		case c == '0':
			zeros++
		default:
			if digits > 0 {
				digits += zeros
				for ; zeros > 0 && digits <= 13; zeros-- {
					n *= 10
				}
			}
			zeros = 0
			if digits++; digits > 13 {
				return 0, false // too large, or digits after the point
			}
			n = n*10 + int64(c-'0')
		}
		if point {
			scale--
		}
	}
	if n == 0 {
		return 0, true
	}
	scale += zeros + exponent(raw[i:])
	if negative || scale < 0 || digits+scale > 13 {
		return 0, false
	}
	for ; scale > 0; scale-- {
		n *= 10
	}
	return n, n <= MaxTokens
}

// exponent reads "e±digits"; beyond ±1e6 it does not matter how far.
func exponent(raw []byte) int {
	if len(raw) < 2 {
		return 0
	}
	raw = raw[1:]
	negative := raw[0] == '-'
	if negative || raw[0] == '+' {
		raw = raw[1:]
	}
	e := 0
	for _, c := range raw {
		e = min(e*10+int(c-'0'), 1_000_000_000)
	}
	if negative {
		return -e
	}
	return e
}
