package trace

import (
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/rollup"
)

var statusText = [rollup.NumStatus]string{
	rollup.Succeeded: "succeeded",
	rollup.Failed:    "failed",
	rollup.Canceled:  "canceled",
	rollup.Running:   "running",
}

// AppendTrace appends the trace object of the contract §3, one line, without
// its closing brace, so that AppendRuns or a brace may follow. It shows s,
// which Derive made of the same runs and options; at least one run is needed.
// JSON of the runs is copied byte for byte. "stale" is false (see MarkStale)
// and, with updated_at, the last member.
func AppendTrace(dst []byte, app string, runs []Run, s *Summary, updatedAt Time, o Options) []byte {
	dst, _ = AppendPreviewTrace(dst, app, runs, s, updatedAt, o, 0)
	return dst
}

// AppendPreviewTrace is AppendTrace with input and output cut as Preview cuts
// them, and says whether one of them was. A preview of 0 cuts nothing.
func AppendPreviewTrace(dst []byte, app string, runs []Run, s *Summary, updatedAt Time, o Options, preview int) ([]byte, bool) {
	d := derivers.Get().(*Deriver)
	d.link(runs, o)
	dst, cut := d.AppendPreviewTrace(dst, app, s, updatedAt, preview)
	d.Release()
	derivers.Put(d)
	return dst, cut
}

// AppendPreviewTrace is the function AppendPreviewTrace for the runs and
// options of the last Derive, which must have made s.
func (d *Deriver) AppendPreviewTrace(dst []byte, app string, s *Summary, updatedAt Time, preview int) ([]byte, bool) {
	first := &d.runs[d.roots[0]]
	dst = append(dst, `{"id":`...)
	dst = jsonscan.AppendQuoted(dst, s.ID)
	dst = append(dst, `,"app_id":`...)
	dst = jsonscan.AppendQuoted(dst, app)
	dst = append(dst, `,"name":`...)
	if first.Name == nil {
		dst = append(dst, "null"...)
	} else {
		dst = jsonscan.AppendQuoted(dst, *first.Name)
	}
	dst = append(dst, `,"status":"`...)
	dst = append(dst, statusText[s.Status]...)
	dst = append(dst, `","started_at":`...)
	dst = appendQuotedTime(dst, s.Start)
	dst = append(dst, `,"ended_at":`...)
	dst = appendQuotedTime(dst, s.End)
	dst = append(dst, `,"duration_ms":`...)
	dst = appendMillis(dst, s.Sample.DurationUS)

	dst = append(dst, `,"input":`...)
	dst, cutIn := appendValue(dst, d.input(), preview, inputFlag)
	dst = append(dst, `,"output":`...)
	dst, cutOut := appendValue(dst, d.output(), preview, outputFlag)
	dst = append(dst, `,"error":`...)
	dst = appendRaw(dst, d.errorText())
	dst = append(dst, `,"usage":`...)
	dst = appendUsage(dst, &s.Sample)
	dst = append(dst, `,"run_count":`...)
	dst = strconv.AppendInt(dst, int64(len(d.runs)), 10)
	dst = d.appendFacts(dst)
	dst = append(dst, staleMember...)
	dst = appendQuotedTime(dst, updatedAt)
	return dst, cutIn || cutOut
}

// AppendRuns appends `,"runs":[…]`, the runs in the given order, to a trace
// object without its closing brace.
func AppendRuns(dst []byte, runs []Run) []byte {
	dst = append(dst, `,"runs":[`...)
	for i := range runs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, runs[i].JSON...)
	}
	return append(dst, ']')
}

// RunParts are the parts of what AppendRuns appends, without a copy of the runs.
func RunParts(runs []Run) [][]byte {
	parts := make([][]byte, 0, 2*len(runs)+2)
	parts = append(parts, []byte(`,"runs":[`))
	comma := []byte(",")
	for i := range runs {
		if i > 0 {
			parts = append(parts, comma)
		}
		parts = append(parts, runs[i].JSON)
	}
	return append(parts, []byte("]"))
}

// appendFacts appends the members from session_id to models. A fact that the
// earliest root lacks is taken from the first root that has it.
func (d *Deriver) appendFacts(dst []byte) []byte {
	dst = append(dst, `,"session_id":`...)
	dst = d.appendText(dst, func(r *Run) string { return r.SessionID })
	dst = append(dst, `,"user_id":`...)
	dst = d.appendText(dst, func(r *Run) string { return r.UserID })
	dst = append(dst, `,"source_id":`...)
	dst = d.appendText(dst, func(r *Run) string { return r.SourceID })
	dst = append(dst, `,"tags":`...)
	dst = appendStrings(dst, d.tags())
	dst = append(dst, `,"metadata":`...)
	dst = appendUserMetadata(dst, d.metadata())
	dst = append(dst, `,"version":`...)
	dst = d.appendText(dst, func(r *Run) string { return r.Version })
	dst = append(dst, `,"environment":`...)
	dst = d.appendText(dst, func(r *Run) string { return r.Environment })
	dst = append(dst, `,"models":`...)
	return appendStrings(dst, d.models())
}

// appendText appends the first fact that is not empty over the roots, or null.
// Where the earliest root is a span without the fact (an HTTP server knows of
// no session), its first descendant that has it speaks for it.
func (d *Deriver) appendText(dst []byte, fact func(*Run) string) []byte {
	for _, i := range d.roots {
		if v := fact(&d.runs[i]); v != "" {
			return jsonscan.AppendQuoted(dst, v)
		}
	}
	if d.runs[d.roots[0]].FromSpan {
		if i := d.firstBelow(d.roots[0], func(r *Run) bool { return r.FromSpan && fact(r) != "" }); i >= 0 {
			return jsonscan.AppendQuoted(dst, fact(&d.runs[i]))
		}
	}
	return append(dst, "null"...)
}

// appendStrings appends a JSON array of strings.
func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonscan.AppendQuoted(dst, v)
	}
	return append(dst, ']')
}

// appendRaw appends a JSON value as sent; nil is null.
func appendRaw(dst, raw []byte) []byte {
	if raw == nil {
		return append(dst, "null"...)
	}
	return append(dst, raw...)
}

// appendValue appends input or output, cut where it is longer than preview.
func appendValue(dst, raw []byte, preview int, flag string) ([]byte, bool) {
	if !tooLong(raw, preview) {
		return appendRaw(dst, raw), false
	}
	return append(appendCut(dst, raw, preview), flag...), true
}

// appendMillis appends µs as milliseconds with up to three decimals; a
// negative number is null.
func appendMillis(dst []byte, us int64) []byte {
	if us < 0 {
		return append(dst, "null"...)
	}
	dst = strconv.AppendInt(dst, us/1000, 10)
	f := us % 1000
	if f == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendUsage appends the usage object, in the order of usageOrder. A cost is null where no counted run
// knew it.
func appendUsage(dst []byte, s *rollup.Sample) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, s.PromptTokens, 10)
	dst = append(dst, `,"prompt_tokens_cost_usd":`...)
	dst = appendCost(dst, s.PromptCost, s.PromptPriced)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, s.CompletionTokens, 10)
	dst = append(dst, `,"completion_tokens_cost_usd":`...)
	dst = appendCost(dst, s.CompletionCost, s.CompletionPriced)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, s.TotalTokens, 10)
	dst = append(dst, `,"total_tokens_cost_usd":`...)
	dst = appendCost(dst, s.TotalCost, s.TotalPriced)
	dst = append(dst, `,"unpriced_count":`...)
	dst = strconv.AppendUint(dst, uint64(s.Unpriced), 10)
	return append(dst, '}')
}

func appendCost(dst []byte, m rollup.Money, priced uint32) []byte {
	if priced == 0 {
		return append(dst, "null"...)
	}
	return m.AppendUSD(dst)
}
