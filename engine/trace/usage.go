package trace

import "github.com/tracebed/tracebed/rollup"

// addUsage sums usage by the leaf rule: a run's usage counts only if no
// descendant has usage, because agents and wrappers repeat the sums of the
// calls below them.
func (d *Deriver) addUsage(s *rollup.Sample) {
	clear(d.mark)
	for i := range d.runs {
		if d.runs[i].Usage == nil {
			continue
		}
		// A marked ancestor has marked all of its own: O(n) in total.
		for j := d.parent[i]; j != noParent && d.mark[j] == 0; j = d.parent[j] {
			d.mark[j] = 1
		}
	}
	for i := range d.runs {
		if u := d.runs[i].Usage; u != nil && d.mark[i] == 0 {
			u.addTo(s)
		}
	}
}

// addTo adds one counted run. An unknown total cost is the sum of its parts;
// where one of them is unknown too, the run is unpriced. TotalTokens is taken
// as it is: whoever makes a Run fills in a missing total.
func (u *Usage) addTo(s *rollup.Sample) {
	s.PromptTokens += u.PromptTokens
	s.CompletionTokens += u.CompletionTokens
	s.TotalTokens += u.TotalTokens
	if u.PromptCost != nil {
		s.PromptCost = s.PromptCost.Add(*u.PromptCost)
		s.PromptPriced++
	}
	if u.CompletionCost != nil {
		s.CompletionCost = s.CompletionCost.Add(*u.CompletionCost)
		s.CompletionPriced++
	}
	switch {
	case u.TotalCost != nil:
		s.TotalCost = s.TotalCost.Add(*u.TotalCost)
		s.TotalPriced++
	case u.PromptCost != nil && u.CompletionCost != nil:
		s.TotalCost = s.TotalCost.Add(*u.PromptCost).Add(*u.CompletionCost)
		s.TotalPriced++
	default:
		s.Unpriced++
	}
}
