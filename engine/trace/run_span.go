package trace

import (
	"bytes"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/rollup"
)

// The members of metadata that a run made of a span has beside the user's own:
// SpanMember holds the span as it was sent, UniformMember what is the same for
// all conventions. Trace objects do not repeat them.
const (
	SpanMember    = "otlp"
	UniformMember = "gen_ai"
)

// The members that stand behind duration_ms in the canonical JSON of a run
// made of a span. No client can put a member there: unknown ones stand before
// group. So they are known by their place, and no Dynamiq run changes, except
// one that is such a run come again (TakeSpan).
const (
	spanSource      = iota // "otlp": the run is made of a span
	spanRemote             // true: the parent is in another process
	spanUser               // what Dynamiq says in input and metadata
	spanVersion            //
	spanEnvironment        //
	numSpan
)

const spanSourceValue = `"otlp"`

func (f *Fields) fromSpan() bool { return string(f.span[spanSource]) == spanSourceValue }

// setSpan notes a member that stands behind duration_ms.
func (f *Fields) setSpan(name, value []byte) {
	switch string(name) {
	case "source":
		f.span[spanSource] = value
	case "parent_remote":
		f.span[spanRemote] = value
	case "user_id":
		f.span[spanUser] = value
	case "version":
		f.span[spanVersion] = value
	case "environment":
		f.span[spanEnvironment] = value
	}
}

var runStatusText = [...]string{
	RunOpen: `null`, RunSucceeded: `"succeeded"`, RunFailed: `"failed"`, RunSkipped: `"skipped"`, RunCanceled: `"canceled"`,
}

// AppendSpan appends the canonical JSON of a run made of a span. All facts of r
// must be set and fit what Facts demands, strings must be valid UTF-8, Input,
// Output and Error compact JSON; metadata appends that of the run, which is
// large and so written in place. It sets Metadata, FromSpan, JSON and the
// hashes, and makes the raw values slices of JSON.
//
// The form is that of AppendCanonical, except that
//   - input and output are left out where they are nil: such a root shows
//     those of its descendants;
//   - parts of the tokens that are zero are null;
//   - behind duration_ms follow "source":"otlp" and, only where they are known,
//     parent_remote (true), user_id, version and environment.
//
// ParseRun reads all of it back.
func AppendSpan(dst []byte, r *Run, metadata func(dst []byte) []byte) []byte {
	from := len(dst)
	var at [4][2]int
	raw := func(id field, value []byte) {
		dst = append(dst, memberText[id]...)
		start := len(dst)
		dst = append(dst, value...)
		at[id-fieldInput] = [2]int{start, len(dst)}
	}
	dst = appendSpanIDs(dst, r)
	if r.Input != nil {
		raw(fieldInput, r.Input)
	}
	if r.Output != nil {
		raw(fieldOutput, r.Output)
	}
	dst = append(dst, memberText[fieldMetadata]...)
	at[2][0] = len(dst)
	dst = metadata(dst)
	at[2][1] = len(dst)
	raw(fieldError, orElse(r.Error, "null"))
	dst = append(dst, memberText[fieldExecutions]...)
	dst = append(dst, "[]"...)
	dst = append(dst, memberText[fieldTags]...)
	dst = appendStrings(dst, r.Tags)
	dst = appendSpanUniform(dst, r)

	for i, value := range []*[]byte{&r.Input, &r.Output, &r.Metadata, &r.Error} {
		if *value != nil || i >= 2 {
			*value = dst[at[i][0]:at[i][1]:at[i][1]]
		}
	}
	r.FromSpan = true
	r.JSON = dst[from:len(dst):len(dst)]
	r.IDHash, r.Hash = xxhash.Sum64String(r.ID), xxhash.Sum64(r.JSON)
	return dst
}

// hasUserMetadata reports whether a run made of a span has metadata of the
// user, which stand before those of the decoder.
func (r *Run) hasUserMetadata() bool {
	s, ok := bytes.CutPrefix(r.Metadata, []byte(`{"`))
	return ok && !bytes.HasPrefix(s, []byte(SpanMember+`"`)) && !bytes.HasPrefix(s, []byte(UniformMember+`"`))
}

// appendSpanIDs appends the members from id to status.
func appendSpanIDs(dst []byte, r *Run) []byte {
	dst = append(dst, memberText[fieldID]...)
	dst = jsonscan.AppendQuoted(dst, r.ID)
	dst = append(dst, memberText[fieldName]...)
	if r.Name == nil {
		dst = append(dst, "null"...)
	} else {
		dst = jsonscan.AppendQuoted(dst, *r.Name)
	}
	dst = append(dst, memberText[fieldType]...)
	dst = jsonscan.AppendQuoted(dst, r.Type)
	dst = append(dst, memberText[fieldTraceID]...)
	dst = jsonscan.AppendQuoted(dst, r.TraceID)
	dst = append(dst, memberText[fieldSourceID]...)
	dst = appendTextOrNull(dst, r.SourceID)
	dst = append(dst, memberText[fieldSessionID]...)
	dst = appendTextOrNull(dst, r.SessionID)
	dst = append(dst, memberText[fieldStart]...)
	dst = appendQuotedTime(dst, r.Start)
	dst = append(dst, memberText[fieldEnd]...)
	dst = appendQuotedTime(dst, r.End)
	dst = append(dst, memberText[fieldParent]...)
	dst = appendTextOrNull(dst, r.ParentID)
	dst = append(dst, memberText[fieldStatus]...)
	return append(dst, runStatusText[r.Status]...)
}

// appendSpanUniform appends the members from group on, and closes the object.
func appendSpanUniform(dst []byte, r *Run) []byte {
	dst = append(dst, memberText[fieldGroup]...)
	dst = appendTextOrNull(dst, r.Group)
	dst = append(dst, memberText[fieldModel]...)
	dst = appendTextOrNull(dst, r.Model)
	dst = append(dst, memberText[fieldUsage]...)
	dst = appendSpanUsage(dst, r.Usage)
	dst = append(dst, memberText[fieldDuration]...)
	if r.Status == RunOpen {
		dst = append(dst, "null"...)
	} else {
		dst = AppendMillis(dst, r.durationUS())
	}
	dst = append(dst, `,"source":`+spanSourceValue...)
	if r.ParentRemote {
		dst = append(dst, `,"parent_remote":true`...)
	}
	for _, m := range [...]struct{ text, value string }{
		{`,"user_id":`, r.UserID}, {`,"version":`, r.Version}, {`,"environment":`, r.Environment},
	} {
		if m.value != "" {
			dst = append(dst, m.text...)
			dst = jsonscan.AppendQuoted(dst, m.value)
		}
	}
	return append(dst, '}')
}

func appendSpanUsage(dst []byte, u *Usage) []byte {
	if u == nil {
		return append(dst, "null"...)
	}
	costs := [...]*rollup.Money{u.PromptCost, u.CompletionCost, u.TotalCost}
	for i, n := range [...]int64{u.PromptTokens, u.CompletionTokens, u.TotalTokens} {
		dst = append(dst, usageText[i]...)
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(dst, usageText[usagePromptCost+i]...)
		if cost := costs[i]; cost != nil {
			dst = cost.AppendUSD(dst)
		} else {
			dst = append(dst, "null"...)
		}
	}
	for i, n := range [...]int64{u.CacheReadTokens, u.CacheWriteTokens, u.ReasoningTokens} {
		i += usageCacheRead
		switch {
		case n > 0:
			dst = strconv.AppendInt(append(dst, usageText[i]...), n, 10)
		case i < alwaysUsage:
			dst = append(append(dst, usageText[i]...), "null"...)
		}
	}
	if u.CostEstimated {
		dst = append(append(dst, usageText[usageCostEstimated]...), "true"...)
	}
	return append(dst, '}')
}

func appendTextOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return jsonscan.AppendQuoted(dst, s)
}

func orElse(raw []byte, missing string) []byte {
	if raw == nil {
		return []byte(missing)
	}
	return raw
}
