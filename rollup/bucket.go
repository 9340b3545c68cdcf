package rollup

import "fmt"

// Bucket holds the sums over the traces of one stretch of time, without the
// histogram (see HistBucket). The zero Bucket is empty. Everything in it is an
// integer, so adding and taking out in any order ends in the same bytes; only
// the extremes cannot be taken out, see Remove.
//
// Equality with == is equality of content while nothing is stale.
type Bucket struct {
	// Count is the number of traces by Status.
	Count [NumStatus]uint64
	// DurCount and DurSum (µs) are over the traces that have a duration.
	DurCount uint64
	DurSum   Uint128
	// Min and Max are in µs, 0 while DurCount is 0. With MinStale the true
	// minimum is ≥ Min, with MaxStale the true maximum is ≤ Max, and that is
	// all that is known.
	Min, Max           int64
	MinStale, MaxStale bool

	PromptTokens, CompletionTokens, TotalTokens int64
	PromptCost, CompletionCost, TotalCost       Money
	PromptPriced, CompletionPriced, TotalPriced uint64
	Unpriced                                    uint64 // runs whose total cost is unknown
	Runs                                        uint64
}

// Traces returns the number of traces of every status.
func (b *Bucket) Traces() uint64 {
	return b.Count[Succeeded] + b.Count[Failed] + b.Count[Canceled] + b.Count[Running]
}

// IsEmpty says whether b holds no trace.
func (b *Bucket) IsEmpty() bool { return b.Traces() == 0 }

// Stale says whether one of the extremes is not known exactly.
func (b *Bucket) Stale() bool { return b.MinStale || b.MaxStale }

// Add puts in one trace. The status must be below NumStatus.
func (b *Bucket) Add(s *Sample) {
	b.Count[s.Status]++
	if s.DurationUS >= 0 {
		b.addDuration(s.DurationUS)
	}
	b.PromptTokens += s.PromptTokens
	b.CompletionTokens += s.CompletionTokens
	b.TotalTokens += s.TotalTokens
	b.PromptCost = b.PromptCost.Add(s.PromptCost)
	b.CompletionCost = b.CompletionCost.Add(s.CompletionCost)
	b.TotalCost = b.TotalCost.Add(s.TotalCost)
	b.PromptPriced += uint64(s.PromptPriced)
	b.CompletionPriced += uint64(s.CompletionPriced)
	b.TotalPriced += uint64(s.TotalPriced)
	b.Unpriced += uint64(s.Unpriced)
	b.Runs += uint64(s.Runs)
}

func (b *Bucket) addDuration(v int64) {
	if b.DurCount == 0 || v <= b.Min {
		b.Min, b.MinStale = v, false
	}
	if b.DurCount == 0 || v >= b.Max {
		b.Max, b.MaxStale = v, false
	}
	b.DurCount++
	b.DurSum = b.DurSum.Add(Uint128{Lo: uint64(v)})
}

// Remove takes out one trace that was added before. A duration equal to an
// extreme makes that extreme stale, because another trace may or may not have
// the same (unless the sums tell); SetExtremes, or an Add at or beyond it,
// makes it exact again. If s cannot be in b the error is an ErrAbsent and b is
// unchanged.
func (b *Bucket) Remove(s *Sample) error {
	n := *b
	ok := take(&n.Count[s.Status], 1) &&
		take(&n.PromptPriced, uint64(s.PromptPriced)) &&
		take(&n.CompletionPriced, uint64(s.CompletionPriced)) &&
		take(&n.TotalPriced, uint64(s.TotalPriced)) &&
		take(&n.Unpriced, uint64(s.Unpriced)) &&
		take(&n.Runs, uint64(s.Runs)) &&
		takeMoney(&n.PromptCost, s.PromptCost) &&
		takeMoney(&n.CompletionCost, s.CompletionCost) &&
		takeMoney(&n.TotalCost, s.TotalCost) &&
		(s.DurationUS < 0 || n.removeDuration(s.DurationUS))
	if !ok {
		return fmt.Errorf("%w: %+v", ErrAbsent, *s)
	}
	n.PromptTokens -= s.PromptTokens
	n.CompletionTokens -= s.CompletionTokens
	n.TotalTokens -= s.TotalTokens
	if n.IsEmpty() && n != (Bucket{}) {
		return fmt.Errorf("%w: the last trace would leave sums behind: %+v", ErrAbsent, *s)
	}
	*b = n
	return nil
}

func (b *Bucket) removeDuration(v int64) bool {
	d := Uint128{Lo: uint64(v)}
	if b.DurCount == 0 || v < b.Min || v > b.Max || b.DurSum.Cmp(d) < 0 {
		return false
	}
	b.DurCount--
	b.DurSum = b.DurSum.Sub(d)
	if b.DurCount == 0 {
		b.Min, b.Max, b.MinStale, b.MaxStale = 0, 0, false, false
		return b.DurSum.IsZero()
	}
	switch {
	case b.DurCount == 1: // the sum is the one that is left
		left := int64(b.DurSum.Lo)
		if b.DurSum.Hi != 0 || left < b.Min || left > b.Max {
			return false
		}
		b.Min, b.Max, b.MinStale, b.MaxStale = left, left, false, false
	case b.Min != b.Max: // else all durations are the same, and stay so
		b.MinStale = b.MinStale || v == b.Min
		b.MaxStale = b.MaxStale || v == b.Max
	}
	return true
}

// take subtracts n from *sum unless that would go below zero.
func take(sum *uint64, n uint64) bool {
	if *sum < n {
		return false
	}
	*sum -= n
	return true
}

func takeMoney(sum *Money, m Money) bool {
	if sum.Cmp(m) < 0 {
		return false
	}
	*sum = sum.Sub(m)
	return true
}

// Merge adds all of o to b. An extreme of the result is stale when it is the
// bound of a stale side that the other side does not reach.
func (b *Bucket) Merge(o *Bucket) {
	b.mergeExtremes(o)
	for i := range b.Count {
		b.Count[i] += o.Count[i]
	}
	b.DurCount += o.DurCount
	b.DurSum = b.DurSum.Add(o.DurSum)
	b.PromptTokens += o.PromptTokens
	b.CompletionTokens += o.CompletionTokens
	b.TotalTokens += o.TotalTokens
	b.PromptCost = b.PromptCost.Add(o.PromptCost)
	b.CompletionCost = b.CompletionCost.Add(o.CompletionCost)
	b.TotalCost = b.TotalCost.Add(o.TotalCost)
	b.PromptPriced += o.PromptPriced
	b.CompletionPriced += o.CompletionPriced
	b.TotalPriced += o.TotalPriced
	b.Unpriced += o.Unpriced
	b.Runs += o.Runs
}

// mergeExtremes must run before the counts are added.
func (b *Bucket) mergeExtremes(o *Bucket) {
	switch {
	case o.DurCount == 0:
		return
	case b.DurCount == 0:
		b.Min, b.MinStale, b.Max, b.MaxStale = o.Min, o.MinStale, o.Max, o.MaxStale
		return
	}
	switch {
	case o.Min < b.Min:
		b.Min, b.MinStale = o.Min, o.MinStale
	case o.Min == b.Min:
		b.MinStale = b.MinStale && o.MinStale
	}
	switch {
	case o.Max > b.Max:
		b.Max, b.MaxStale = o.Max, o.MaxStale
	case o.Max == b.Max:
		b.MaxStale = b.MaxStale && o.MaxStale
	}
}

// SetExtremes states the true smallest and largest duration in µs, found by a
// look at the traces. It does nothing when b has no durations.
func (b *Bucket) SetExtremes(minUS, maxUS int64) {
	if b.DurCount == 0 {
		return
	}
	b.Min, b.Max, b.MinStale, b.MaxStale = minUS, maxUS, false, false
}

// HistBucket is a Bucket with the histogram of its durations.
type HistBucket struct {
	Bucket
	Hist Hist
}

// Add puts in one trace.
func (b *HistBucket) Add(s *Sample) {
	b.Bucket.Add(s)
	if s.DurationUS >= 0 {
		b.Hist.Add(s.DurationUS)
	}
}

// Remove takes out one trace; see Bucket.Remove.
func (b *HistBucket) Remove(s *Sample) error {
	if s.DurationUS >= 0 {
		if err := b.Hist.Sub(s.DurationUS); err != nil {
			return fmt.Errorf("%w: %+v", err, *s)
		}
	}
	err := b.Bucket.Remove(s)
	if err != nil && s.DurationUS >= 0 {
		b.Hist.Add(s.DurationUS)
	}
	return err
}

// Merge adds all of o, which stays as it is, to b.
func (b *HistBucket) Merge(o *HistBucket) {
	b.Bucket.Merge(&o.Bucket)
	b.Hist.Merge(&o.Hist)
}
