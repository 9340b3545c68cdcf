package trace

import (
	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// memberText is what stands before each value of the canonical form.
var memberText = [numFields]string{
	`{"id":`, `,"name":`, `,"type":`, `,"trace_id":`, `,"source_id":`, `,"session_id":`, `,"start_time":`,
	`,"end_time":`, `,"parent_run_id":`, `,"status":`, `,"input":`, `,"output":`, `,"metadata":`, `,"error":`,
	`,"executions":`, `,"tags":`, `,"group":`, `,"model":`, `,"usage":`, `,"duration_ms":`,
}

var usageText = [numUsage]string{
	`{"prompt_tokens":`, `,"completion_tokens":`, `,"total_tokens":`,
	`,"prompt_tokens_cost_usd":`, `,"completion_tokens_cost_usd":`, `,"total_tokens_cost_usd":`,
	`,"cache_read_input_tokens":`, `,"cache_creation_input_tokens":`,
	`,"reasoning_tokens":`, `,"cost_estimated":`,
}

// AppendCanonical appends the canonical JSON of the run whose facts Facts has
// put into r, and sets the raw values, JSON and the hashes of r. r.TraceID must
// be known. JSON is a slice of the result, with no room to grow.
//
// The canonical form is one compact object: the members of the wire facts §3
// in their order (null, [] or {} for a missing one), unknown members in order
// of first appearance, then group, model, usage and duration_ms. Values are
// the bytes that were sent; only the times are rewritten to UTC, and trace_id
// is the effective one. Making it canonical again changes nothing.
func (f *Fields) AppendCanonical(dst []byte, r *Run) []byte {
	from := len(dst)
	var at [4][2]int
	for id := fieldID; id <= fieldTags; id++ {
		dst = append(dst, memberText[id]...)
		start := len(dst)
		dst = f.appendMember(dst, r, id)
		if id >= fieldInput && id <= fieldError {
			at[id-fieldInput] = [2]int{start, len(dst)}
		}
	}
	for _, m := range f.extra {
		dst = append(dst, ',')
		dst = append(dst, m.key...)
		dst = append(dst, ':')
		dst = f.appendValue(dst, m.value, "null")
	}
	dst = appendUniform(dst, f, r)
	r.Input, r.Output = dst[at[0][0]:at[0][1]:at[0][1]], dst[at[1][0]:at[1][1]:at[1][1]]
	r.Metadata, r.Error = dst[at[2][0]:at[2][1]:at[2][1]], dst[at[3][0]:at[3][1]:at[3][1]]
	r.JSON = dst[from:len(dst):len(dst)]
	r.IDHash, r.Hash = xxhash.Sum64String(r.ID), xxhash.Sum64(r.JSON)
	return dst
}

// appendMember appends the value of one of the members that clients send.
func (f *Fields) appendMember(dst []byte, r *Run, id field) []byte {
	switch id {
	case fieldTraceID:
		if f.given(id) {
			return append(dst, f.raw[id]...)
		}
		return jsonscan.AppendQuoted(dst, r.TraceID)
	case fieldStart:
		return appendQuotedTime(dst, r.Start)
	case fieldEnd:
		return appendQuotedTime(dst, f.end)
	case fieldMetadata:
		return f.appendValue(dst, f.raw[id], "{}")
	case fieldExecutions, fieldTags:
		return f.appendValue(dst, f.raw[id], "[]")
	}
	return f.appendValue(dst, f.raw[id], "null")
}

func (f *Fields) appendValue(dst, raw []byte, missing string) []byte {
	switch {
	case raw == nil:
		return append(dst, missing...)
	case f.spaced:
		return jsonscan.AppendCompact(dst, raw)
	}
	return append(dst, raw...)
}

// appendUniform appends the members that are the same for every source, and
// closes the object.
func appendUniform(dst []byte, f *Fields, r *Run) []byte {
	for _, t := range [2]struct {
		id  field
		raw []byte
	}{{fieldGroup, f.Group}, {fieldModel, f.Model}} {
		dst = append(dst, memberText[t.id]...)
		if jsonscan.KindOf(t.raw) == jsonscan.String {
			dst = append(dst, t.raw...)
		} else {
			dst = append(dst, "null"...)
		}
	}
	dst = append(dst, memberText[fieldUsage]...)
	if r.Usage == nil {
		dst = append(dst, "null"...)
	} else {
		dst = f.appendUsage(dst)
	}
	dst = append(dst, memberText[fieldDuration]...)
	if r.Status == RunOpen {
		dst = append(dst, "null"...)
	} else {
		dst = AppendMillis(dst, r.durationUS())
	}
	return append(dst, '}')
}

// usageOrder is the order in which usage is written: that of the Dynamiq SDK,
// so that in a compressed trace the uniform members are one copy of those that
// were sent (30 bytes less for each LLM call).
var usageOrder = [numUsage]int{0, usagePromptCost, 1, usagePromptCost + 1, 2, usagePromptCost + 2, 6, 7, 8, 9}

// appendUsage appends the usage members that usageFacts and Estimate noted.
func (f *Fields) appendUsage(dst []byte) []byte {
	for _, i := range usageOrder {
		text := usageText[i]
		switch value := f.usage[i]; {
		case value != nil:
			dst = append(append(dst, text...), value...)
		case i < alwaysUsage:
			dst = append(append(dst, text...), "null"...)
		}
	}
	return append(dst, '}')
}

// durationUS is the whole µs that a finished run took; 0 where it has no end,
// or one before its start (a clock that was set back).
func (r *Run) durationUS() int64 {
	if !r.End.Valid {
		return 0
	}
	return max(0, r.End.NS-r.Start.NS) / 1000
}

func appendQuotedTime(dst []byte, t Time) []byte {
	if !t.Valid {
		return append(dst, "null"...)
	}
	return append(AppendTime(append(dst, '"'), t), '"')
}
