package dynamiq

import "github.com/tracebed/tracebed/engine/internal/jsonscan"

// Kind says what a JSON body posted to /v1/traces is, by its top-level members.
type Kind uint8

// The kinds of bodies (wire facts §1).
const (
	Other   Kind = iota // anything else: not for this path
	Dynamiq             // has runs
	OTLP                // has resourceSpans, or resource_spans as parsers of protobuf's JSON take
	Empty               // {}, or resourceSpans is []: nothing to store
	Both                // has runs and resourceSpans
)

// Sniff tells the kind of a body from its top-level members. It stops at the
// first member that is "runs", as the SDK sends no other, and leaves it to
// Parse to refuse a body that has resourceSpans after that; every other kind
// is known only after all members have been skipped. The error is a
// *jsonscan.SyntaxError where the part read is not JSON.
func Sniff(body []byte) (Kind, error) {
	var s jsonscan.Scanner
	var scratch [32]byte
	s.Reset(body)
	if s.Peek() != jsonscan.Object {
		if _, err := s.Skip(); err != nil {
			return Other, err
		}
		return Other, s.End()
	}
	if err := s.BeginObject(); err != nil {
		return Other, err
	}
	kind := Empty
	spans := false // there was a list of spans, whatever else there is
	for {
		key, ok, err := s.Member()
		if err != nil {
			return Other, err
		}
		if !ok {
			return kind, s.End()
		}
		name := jsonscan.Unquote(scratch[:0], key)
		if string(name) == "runs" {
			if spans {
				return Both, nil
			}
			return Dynamiq, nil
		}
		isSpans := string(name) == "resourceSpans" || string(name) == "resource_spans"
		value, err := s.Skip()
		if err != nil {
			return Other, err
		}
		switch {
		case isSpans && !isEmptyList(value):
			spans, kind = true, OTLP
		case isSpans && kind != OTLP:
			spans, kind = true, Empty
		case !spans: // OTLP says: pass over what you do not know
			kind = Other
		}
	}
}

func isEmptyList(raw []byte) bool {
	var s jsonscan.Scanner
	s.Reset(raw)
	if s.Peek() != jsonscan.Array || s.BeginArray() != nil {
		return false
	}
	more, err := s.Element()
	return !more && err == nil
}
