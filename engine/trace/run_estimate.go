package trace

import "github.com/tracebed/tracebed/rollup"

// Estimate sets the costs of a run for which none was sent and says whether it
// did: where the run has usage and a model, and the price of the model is
// known, r.Usage gets costs and the mark CostEstimated. A sent cost, also one
// of several, is never touched. It belongs before the canonical JSON is made,
// which keeps the costs and the mark, so that reading a stored run needs no
// prices. A nil price does nothing.
func (r *Run) Estimate(price Pricer) bool {
	u := r.Usage
	if price == nil || u == nil || r.Model == "" || u.priced() || !price(r.Model, r.Start, u) {
		return false
	}
	u.CostEstimated = true
	return true
}

// Estimate is r.Estimate for a run that Facts has filled, before
// AppendCanonical.
func (f *Fields) Estimate(r *Run, price Pricer) {
	if !r.Estimate(price) {
		return
	}
	u := r.Usage
	f.costs = f.costs[:0]
	var ends [3]int
	costs := [3]*rollup.Money{u.PromptCost, u.CompletionCost, u.TotalCost}
	for i, cost := range costs {
		if cost != nil {
			f.costs = cost.AppendUSD(f.costs)
		}
		ends[i] = len(f.costs)
	}
	from := 0
	for i, end := range ends {
		if costs[i] != nil {
			f.usage[usagePromptCost+i] = f.costs[from:end]
		}
		from = end
	}
	f.usage[usageCostEstimated] = literalTrue
}

var literalTrue = []byte("true")

// priced reports whether any cost is known.
func (u *Usage) priced() bool {
	return u.PromptCost != nil || u.CompletionCost != nil || u.TotalCost != nil
}
