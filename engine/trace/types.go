// Package trace is the data model of Tracebed: what a run is, which of two
// copies of a run is the truth, and what a trace made of runs comes out as.
//
// It is pure: no storage, no clock, no randomness. Everything it derives is a
// function of its arguments, because the engine replays it from a log.
// The rules are those of the wire facts (merge order, derivation, leaf rule);
// each function names the one it implements.
package trace

import "github.com/tracebed/tracebed/rollup"

// RunStatus is the state of one run. The zero value is an open run.
type RunStatus uint8

// The states of a run; the text forms are what clients send and read.
const (
	RunOpen RunStatus = iota // status null: not ended yet
	RunSucceeded
	RunFailed
	RunSkipped
	RunCanceled
)

// Time is an instant in nanoseconds since the Unix epoch, with the number of
// fractional digits it was sent with, so that it is printed with no fewer.
type Time struct {
	NS     int64
	Digits uint8 // 0–9
	Valid  bool  // false: null
}

// Usage is what one run consumed. Costs are pico-USD; a nil cost is unknown,
// which is not the same as a cost of zero.
type Usage struct {
	PromptTokens, CompletionTokens, TotalTokens int64
	PromptCost, CompletionCost, TotalCost       *rollup.Money

	// What is told of the tokens above: parts of them, never added to them.
	CacheReadTokens, CacheWriteTokens, ReasoningTokens int64

	// CostEstimated marks costs that come from a price table (Run.Estimate),
	// not from the sender.
	CostEstimated bool
}

// Pricer estimates what a call of model at a time cost and sets the costs of
// u; nothing else of u. False: no price is known, and u is as before. Two
// calls with equal arguments must have equal results; Pricers are used by
// several goroutines at once.
type Pricer func(model string, at Time, u *Usage) bool

// Run is one execution of a node, flow or workflow (an OTLP span), reduced to
// the facts that a trace is derived from, plus JSON, the whole run in its
// canonical form. Strings are copies; JSON is owned by the Run.
type Run struct {
	ID       string
	TraceID  string // never empty once parsed (see dynamiq.Parse for null)
	ParentID string // "" = none
	// ParentRemote marks an OTLP parent in another process: the run is a root.
	ParentRemote bool
	// FromSpan says that the run came as an OTLP span (AppendSpan): what the
	// Dynamiq SDK keeps in metadata and input means nothing special in it.
	FromSpan bool

	Name  *string // nil = null
	Type  string  // workflow, flow or node
	Group string  // "" = none; llms, agents, tools, …
	Model string  // "" = none

	Status RunStatus
	Start  Time
	End    Time // invalid while open

	// Usage is nil where the run reports none that may be counted.
	Usage *Usage

	SessionID, SourceID, UserID, Version, Environment string // "" = none
	Tags                                              []string

	// Raw pieces of JSON (slices into JSON, never modified): the values of
	// input, output, metadata and error as sent; nil where absent.
	Input, Output, Metadata, Error []byte

	// JSON is the run as it is stored and given back: one compact JSON object
	// (no insignificant white space, no line feed), members as sent in the
	// order of the wire facts §3, unknown members after them, then the uniform
	// members group, model, usage, duration_ms. Runs from spans have more behind
	// these, see AppendSpan.
	JSON []byte

	// IDHash and Hash are 64-bit xxHash of ID and of JSON.
	IDHash, Hash uint64
}

// Summary is a trace without its runs: the facts that lists, indexes and
// buckets are made of.
type Summary struct {
	ID     string
	Status rollup.Status
	// StartNS and EndNS in ns since the epoch; EndNS is 0 while running.
	Start, End Time
	// Sample is the contribution to every bucket that holds the trace.
	// Sample.DurationUS is the length of the union of root intervals in µs,
	// −1 while the trace runs.
	Sample rollup.Sample
	// Orphans says that a parent is missing: the trace stays running until it
	// comes or until the orphans are promoted to roots.
	Orphans bool
	// OpenRoot says that a root has not ended.
	OpenRoot bool
}
