package prices

import (
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// Rates are the prices of the kinds of tokens. An unknown CacheRead or
// CacheWrite is priced as Input, an unknown Reasoning as Output.
type Rates struct {
	Input, Output, CacheRead, CacheWrite, Reasoning Rate
}

// Tier is what all tokens of a call cost whose prompt has more than Above
// tokens; an unknown rate is that of the tier below.
type Tier struct {
	Above int64
	Rates
}

// Price is what a model costs from some time on.
type Price struct {
	Rates
	// Tiers by Above, ascending; none for most models.
	Tiers []Tier
	// Provider and Mode as the table has them (openai; chat, embedding, …).
	Provider, Mode string
	// FromNS is since when it is in force, in ns since the epoch; math.MinInt64
	// where it always was.
	FromNS int64
}

// maxCost is the most that a run may cost (rollup.ParseUSD).
var maxCost = rollup.Money{Lo: 1_000_000 * 1_000_000_000_000}

// Cost is what usage costs at price p. It is false where some of the tokens
// have no price, a count is out of range, or the amount is beyond 1e6 USD,
// which no run may have.
//
// Tokens read from and written to a cache are part of the prompt (and
// reasoning is part of the completion). Where they cannot be, the prompt is
// the raw number of Anthropic, which leaves them out (wire facts §10).
func (p *Price) Cost(u *trace.Usage) (prompt, completion rollup.Money, ok bool) {
	in, read, write := u.PromptTokens, u.CacheReadTokens, u.CacheWriteTokens
	for _, n := range [...]int64{in, u.CompletionTokens, u.TotalTokens, read, write, u.ReasoningTokens} {
		if n < 0 || n > trace.MaxTokens {
			return prompt, completion, false
		}
	}
	if in == 0 && u.CompletionTokens == 0 && u.TotalTokens > 0 {
		// Only a total: fine where all of it is prompt.
		if p.Mode != "embedding" && p.Mode != "rerank" {
			return prompt, completion, false
		}
		in = u.TotalTokens
	}
	plain := in
	switch {
	case read+write <= in:
		plain = in - read - write
	case read <= in:
		plain = in - read
	}
	r := p.ratesFor(plain + read + write)
	var sum rollup.Uint128
	for _, t := range [3]struct {
		rate Rate
		n    int64
	}{{r.Input, plain}, {r.CacheRead.or(r.Input), read}, {r.CacheWrite.or(r.Input), write}} {
		if sum, ok = t.rate.times(t.n, sum); !ok {
			return prompt, completion, false
		}
	}
	prompt = money(sum)
	reasoning := min(u.ReasoningTokens, u.CompletionTokens)
	if sum, ok = r.Output.times(u.CompletionTokens-reasoning, rollup.Uint128{}); !ok {
		return prompt, completion, false
	}
	if sum, ok = r.Reasoning.or(r.Output).times(reasoning, sum); !ok {
		return prompt, completion, false
	}
	completion = money(sum)
	return prompt, completion, prompt.Add(completion).Cmp(maxCost) <= 0
}

// ratesFor is what a call with a prompt of n tokens is charged by.
func (p *Price) ratesFor(n int64) Rates {
	r := p.Rates
	for _, t := range p.Tiers {
		if n <= t.Above {
			break
		}
		r.Input, r.Output = t.Input.or(r.Input), t.Output.or(r.Output)
		r.CacheRead, r.CacheWrite = t.CacheRead.or(r.CacheRead), t.CacheWrite.or(r.CacheWrite)
		r.Reasoning = t.Reasoning.or(r.Reasoning)
	}
	return r
}

// Estimate sets the three costs of u to what the table says that a call of
// model cost at that time; false, with u unchanged, where it does not know. It
// is a trace.Pricer.
func (t *Table) Estimate(model string, at trace.Time, u *trace.Usage) bool {
	p, _, _ := t.Lookup(model, at)
	if p == nil {
		return false
	}
	prompt, completion, ok := p.Cost(u)
	if !ok {
		return false
	}
	costs := &[3]rollup.Money{prompt, completion, prompt.Add(completion)}
	u.PromptCost, u.CompletionCost, u.TotalCost = &costs[0], &costs[1], &costs[2]
	return true
}

var _ trace.Pricer = (*Table)(nil).Estimate
