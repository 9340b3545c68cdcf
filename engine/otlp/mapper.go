package otlp

import (
	"encoding/hex"
	"math"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// mapper makes runs of spans by the table.
type mapper struct {
	d          *decoder
	own        []attr // of the span that is mapped
	group      string // of that span
	found      found
	ofResource found

	resourceJSON, scopeJSON []byte // members of metadata.otlp

	input, output, fault        []byte // JSON of the run
	inPlace, outPlace           int    // where input and output were found, −1 = nowhere
	scratch, work, work2, work3 []byte
	list                        []byte   // messages
	userKeys                    [][]byte // of metadata
	lastTagsRaw                 []byte
	lastTags                    []string
	flat                        flattened
	buf                         []byte // JSON of runs
	last                        [numFields]string
	trace, parent               string
}

// flags of spans: bit 8 says that bit 9, "the parent is remote", is known.
const remoteParent = 0x300

func (m *mapper) setResource(r *resource) {
	m.ofResource.find(r.attrs)
	m.resourceJSON = appendResource(m.resourceJSON[:0], r)
}

func (m *mapper) setScope(s *scope) { m.scopeJSON = appendScope(m.scopeJSON[:0], s) }

// span makes a run of a span, or says why it cannot be one.
func (m *mapper) span(s *span, r *trace.Run) error {
	if err := m.ids(s, r); err != nil {
		return err
	}
	if s.start == 0 || s.start > math.MaxInt64 {
		return fault("startTimeUnixNano must be a time between 1970 and 2262")
	}
	m.own = s.of(s.own)
	m.found.find(m.own)

	end := s.end
	if end < s.start || end > math.MaxInt64 {
		end = s.start // never ended, or a clock that was set back
	}
	r.Start, r.End = timeOf(s.start), timeOf(end)
	name := validText(s.name)
	r.Name = &name
	r.Model = m.text(fieldModel)
	r.Usage = m.usage()
	r.Group = m.groupOf(r.Model != "", r.Usage != nil)
	m.group = r.Group
	root := r.ParentID == "" || r.ParentRemote || r.ParentID == r.ID
	r.Type = "node"
	if root && r.Group == "utils" {
		r.Type, r.Group = "workflow", ""
	}
	r.SessionID, r.UserID = m.text(fieldSession), m.text(fieldUser)
	r.Environment, r.Version = m.text(fieldEnvironment), m.text(fieldVersion)
	r.Tags = m.tags()
	m.status(s, r)
	m.values(s, r, root)
	r.Estimate(m.d.opt.Price)
	m.render(s, r, func(dst []byte) []byte { return m.appendMetadata(dst, s, r) })
	return nil
}

// render makes the JSON of the run. Runs share buffers; what does not fit
// begins a new one, the runs before keep the old one.
func (m *mapper) render(s *span, r *trace.Run, metadata func([]byte) []byte) {
	need := len(r.Input) + len(r.Output) + len(m.resourceJSON) + len(m.scopeJSON) + 2048
	for i := range s.attrs {
		need += len(s.attrs[i].key) + len(s.attrs[i].text) + len(s.attrs[i].text)/8 + 8
	}
	if cap(m.buf)-len(m.buf) < need {
		// Spans whose input, output and metadata are attributes come out 2.2 times as long.
		m.buf = m.d.runs.bytes(max(need, min(m.d.size*5/2+4096, 1<<18)))
	}
	m.buf = trace.AppendSpan(m.buf, r, metadata)
}

// ids reads what names the run.
func (m *mapper) ids(s *span, r *trace.Run) error {
	*r = trace.Run{}
	if len(s.traceID) != 16 || zero(s.traceID) {
		return fault("traceId must be 16 bytes (32 hex digits) that are not all zero")
	}
	if len(s.spanID) != 8 || zero(s.spanID) {
		return fault("spanId must be 8 bytes (16 hex digits) that are not all zero")
	}
	var text [32]byte
	hex.Encode(text[:], s.traceID)
	if m.trace != string(text[:]) {
		m.trace = string(text[:])
	}
	r.TraceID = m.trace
	hex.Encode(text[:16], s.spanID)
	r.ID = string(text[:16])
	if len(s.parentID) == 0 || len(s.parentID) == 8 && zero(s.parentID) {
		return nil
	}
	if len(s.parentID) != 8 {
		return fault("parentSpanId must be 8 bytes (16 hex digits), or empty")
	}
	hex.Encode(text[:16], s.parentID)
	if m.parent != string(text[:16]) {
		m.parent = string(text[:16])
	}
	r.ParentID = m.parent
	r.ParentRemote = s.flags&remoteParent == remoteParent
	return nil
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// timeOf is an instant with six digits of fraction where that is exact, else
// with nine.
func timeOf(ns uint64) trace.Time {
	t := trace.Time{NS: int64(ns), Digits: 6, Valid: true}
	if ns%1000 != 0 {
		t.Digits = 9
	}
	return t
}

// maxCost is the most that one run may cost: 1e6 USD.
var maxCost = rollup.Money{Lo: 1_000_000_000_000_000_000}

// usage is nil where the span tells neither tokens nor cost. A value that is
// no count or amount counts as unknown; it stays among the attributes.
func (m *mapper) usage() *trace.Usage {
	var has [9]bool
	facts := struct {
		trace.Usage
		costs [3]rollup.Money
	}{}
	u := &facts.Usage
	told := false
	for i, t := range [...]struct {
		f   field
		dst *int64
	}{
		{fieldPrompt, &u.PromptTokens}, {fieldCompletion, &u.CompletionTokens}, {fieldTotal, &u.TotalTokens},
		{fieldCacheRead, &u.CacheReadTokens}, {fieldCacheWrite, &u.CacheWriteTokens}, {fieldReasoning, &u.ReasoningTokens},
	} {
		*t.dst, has[i] = number(m, t.f, tokensOf)
		told = told || has[i]
	}
	for i, f := range [...]field{fieldPromptCost, fieldCompletionCost, fieldTotalCost} {
		facts.costs[i], has[6+i] = number(m, f, costOf)
		told = told || has[6+i]
	}
	if !told {
		return nil
	}
	// Input tokens include cached ones by the convention; where they are fewer,
	// the emitter sent Anthropic's raw number, which leaves them out.
	if cached := u.CacheReadTokens + u.CacheWriteTokens; cached > u.PromptTokens {
		u.PromptTokens += cached
		if has[2] {
			u.TotalTokens = max(u.TotalTokens, u.PromptTokens+u.CompletionTokens)
		}
	}
	if !has[2] {
		u.TotalTokens = u.PromptTokens + u.CompletionTokens
	}
	u.PromptTokens, u.TotalTokens = min(u.PromptTokens, trace.MaxTokens), min(u.TotalTokens, trace.MaxTokens)
	if !has[8] && has[6] && has[7] {
		facts.costs[2] = facts.costs[0].Add(facts.costs[1])
		if has[8] = facts.costs[2].Cmp(maxCost) <= 0; !has[8] {
			has[6], has[7] = false, false
		}
	}
	kept := new(struct {
		trace.Usage
		costs [3]rollup.Money
	})
	kept.Usage, kept.costs = facts.Usage, facts.costs
	for i, dst := range []**rollup.Money{&kept.PromptCost, &kept.CompletionCost, &kept.TotalCost} {
		if has[6+i] {
			*dst = &kept.costs[i]
		}
	}
	return &kept.Usage
}
