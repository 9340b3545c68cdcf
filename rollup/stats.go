package rollup

import "strconv"

// Cost is a sum of money that is unknown while nothing in it had a price. It
// is a value, not a pointer, so that a year of hours needs no 26,000
// allocations.
type Cost struct {
	USD   Money
	Known bool
}

// DurationStats are over the traces that have a duration, in milliseconds. All
// are 0 and mean nothing while Count is 0. The percentiles are within 1 % of
// the value of nearest rank; the others are exact.
type DurationStats struct {
	Count                             uint64
	Avg, Min, Max, P50, P90, P95, P99 float64
}

// Stats is what a chart shows of a bucket (contract §4).
type Stats struct {
	InvocationCount, SuccessCount, FailureCount, CanceledCount, RunningCount uint64

	Duration DurationStats

	PromptTokens, CompletionTokens, TotalTokens int64
	PromptCost, CompletionCost, TotalCost       Cost
	UnpricedCount                               uint64
}

// Stats turns the sums into what a chart shows. The percentiles, in µs, come
// from the histogram of the same traces (or from a Dense that many were added
// to) and are clamped to the exact extremes. Resolve stale extremes first.
func (b *Bucket) Stats(p Percentiles) Stats {
	s := Stats{
		InvocationCount: b.Traces(),
		SuccessCount:    b.Count[Succeeded], FailureCount: b.Count[Failed],
		CanceledCount: b.Count[Canceled], RunningCount: b.Count[Running],
		PromptTokens: b.PromptTokens, CompletionTokens: b.CompletionTokens,
		TotalTokens:    b.TotalTokens,
		PromptCost:     cost(b.PromptCost, b.PromptPriced),
		CompletionCost: cost(b.CompletionCost, b.CompletionPriced),
		TotalCost:      cost(b.TotalCost, b.TotalPriced),
		UnpricedCount:  b.Unpriced,
	}
	if b.DurCount == 0 {
		return s
	}
	ms := func(us int64) float64 { return float64(min(max(us, b.Min), b.Max)) / 1000 }
	s.Duration = DurationStats{
		Count: b.DurCount,
		Avg:   b.DurSum.Float() / (float64(b.DurCount) * 1000),
		Min:   ms(b.Min), Max: ms(b.Max),
		P50: ms(p.P50), P90: ms(p.P90), P95: ms(p.P95), P99: ms(p.P99),
	}
	return s
}

// Stats is Bucket.Stats with the percentiles of its own histogram.
func (b *HistBucket) Stats() Stats { return b.Bucket.Stats(b.Hist.Percentiles()) }

// cost is unknown when no run was priced.
func cost(m Money, priced uint64) Cost { return Cost{USD: m, Known: priced > 0} }

// AppendJSON appends the object "metrics" of the contract §4: durations in ms
// and costs in USD, each null where there is none; token sums are 0 then.
func (s *Stats) AppendJSON(dst []byte) []byte {
	dst = strconv.AppendUint(append(dst, `{"invocation_count":`...), s.InvocationCount, 10)
	dst = strconv.AppendUint(append(dst, `,"success_count":`...), s.SuccessCount, 10)
	dst = strconv.AppendUint(append(dst, `,"failure_count":`...), s.FailureCount, 10)
	dst = strconv.AppendUint(append(dst, `,"canceled_count":`...), s.CanceledCount, 10)
	dst = strconv.AppendUint(append(dst, `,"running_count":`...), s.RunningCount, 10)
	dst = s.Duration.appendJSON(append(dst, `,"duration":`...))
	dst = strconv.AppendInt(append(dst, `,"usage":{"prompt_tokens":`...), s.PromptTokens, 10)
	dst = strconv.AppendInt(append(dst, `,"completion_tokens":`...), s.CompletionTokens, 10)
	dst = strconv.AppendInt(append(dst, `,"total_tokens":`...), s.TotalTokens, 10)
	dst = s.PromptCost.appendJSON(append(dst, `,"prompt_tokens_cost_usd":`...))
	dst = s.CompletionCost.appendJSON(append(dst, `,"completion_tokens_cost_usd":`...))
	dst = s.TotalCost.appendJSON(append(dst, `,"total_tokens_cost_usd":`...))
	dst = strconv.AppendUint(append(dst, `,"unpriced_count":`...), s.UnpricedCount, 10)
	return append(dst, "}}"...)
}

func (d *DurationStats) appendJSON(dst []byte) []byte {
	if d.Count == 0 {
		return append(dst, `{"avg":null,"min":null,"max":null,"p50":null,"p90":null,"p95":null,"p99":null}`...)
	}
	dst = appendFloat(append(dst, `{"avg":`...), d.Avg)
	dst = appendFloat(append(dst, `,"min":`...), d.Min)
	dst = appendFloat(append(dst, `,"max":`...), d.Max)
	dst = appendFloat(append(dst, `,"p50":`...), d.P50)
	dst = appendFloat(append(dst, `,"p90":`...), d.P90)
	dst = appendFloat(append(dst, `,"p95":`...), d.P95)
	dst = appendFloat(append(dst, `,"p99":`...), d.P99)
	return append(dst, '}')
}

func (c Cost) appendJSON(dst []byte) []byte {
	if !c.Known {
		return append(dst, "null"...)
	}
	return c.USD.AppendUSD(dst)
}

// appendFloat appends the shortest text that reads back as f (≥ 0), without an
// exponent. All but the mean are whole µs, so three decimals of a ms, which
// integers print in a third of the time; with at most 15 digits no shorter
// text reads back as the same float.
func appendFloat(dst []byte, f float64) []byte {
	if f < 1e12 {
		us := uint64(f*1000 + 0.5)
		if float64(us)/1000 == f {
			dst = strconv.AppendUint(dst, us/1000, 10)
			if us%1000 == 0 {
				return dst
			}
			dst = appendPadded(append(dst, '.'), us%1000, 3)
			for dst[len(dst)-1] == '0' {
				dst = dst[:len(dst)-1]
			}
			return dst
		}
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}
