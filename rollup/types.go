// Package rollup holds what charts are made of: samples (one per trace),
// buckets that add and retract them exactly, and the calendar that cuts time
// into bars.
package rollup

// Status is the state of a trace as lists and charts know it.
type Status uint8

// The states of a trace, in the order in which counts and indexes hold them.
const (
	Succeeded Status = iota
	Failed
	Canceled
	Running
	NumStatus = 4
)

// Money is an amount in pico-USD (1e-12 USD) as a 128-bit integer, so that
// sums are exact and do not depend on the order of arrival.
type Money struct{ Hi, Lo uint64 }

// Sample is what one trace contributes to every bucket that holds it.
type Sample struct {
	Status Status
	// DurationUS is in microseconds; −1 while the trace runs.
	DurationUS int64

	PromptTokens, CompletionTokens, TotalTokens int64
	PromptCost, CompletionCost, TotalCost       Money
	// How many counted runs had a known prompt, completion, total cost; a sum
	// with no known part is null, not zero.
	PromptPriced, CompletionPriced, TotalPriced uint32
	// Unpriced counts the counted runs whose total cost is unknown.
	Unpriced uint32
	Runs     uint32
}
