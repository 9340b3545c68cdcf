package trace

import "github.com/tracebed/tracebed/engine/internal/jsonscan"

// A run made of a span may come again as JSON: an export that is ingested
// elsewhere, or once more. Its facts then stand where AppendSpan put them, not
// where the Dynamiq SDK has its own.

// TakeSpan is called between Scan and Facts. It reports whether what was
// scanned is a run as AppendSpan writes it ("source":"otlp" and the span in
// metadata.otlp), with nothing besides; Facts then reads it as that. In every
// other run these members are unknown ones and stay as they are.
func (f *Fields) TakeSpan() bool {
	if len(f.extra) == 0 || len(f.extra) > numSpan || !f.Spots.Span || f.given(fieldExecutions) && !f.empty(fieldExecutions) {
		return false
	}
	if !f.given(fieldStatus) || string(f.raw[fieldStatus]) == `"running"` || !f.given(fieldEnd) {
		return false // spans come when they have ended
	}
	before, known := f.span, 0
	f.span = [numSpan][]byte{}
	for _, m := range f.extra {
		var scratch [32]byte
		f.setSpan(jsonscan.Unquote(scratch[:0], m.key), m.value)
	}
	for _, value := range f.span {
		if value != nil {
			known++
		}
	}
	if known != len(f.extra) || !f.fromSpan() {
		f.span = before
		return false
	}
	f.extra = f.extra[:0]
	return true
}

// empty reports whether a member is a list without elements.
func (f *Fields) empty(id field) bool {
	return string(jsonscan.AppendCompact(nil, f.raw[id])) == "[]"
}

// AppendSpanAgain appends the canonical JSON of a run that TakeSpan took: the
// bytes that AppendSpan made, however they were laid out on their way. It sets
// what AppendSpan sets.
func (f *Fields) AppendSpanAgain(dst []byte, r *Run) []byte {
	raw := func(id field) []byte {
		if f.raw[id] != nil && f.spaced {
			return jsonscan.AppendCompact(nil, f.raw[id])
		}
		return f.raw[id]
	}
	r.Input, r.Output, r.Error = raw(fieldInput), raw(fieldOutput), raw(fieldError)
	return AppendSpan(dst, r, func(dst []byte) []byte { return f.appendValue(dst, f.raw[fieldMetadata], "{}") })
}
