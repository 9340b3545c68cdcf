package trace

import (
	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// sdkMembers are the metadata that a client library adds by itself to every
// run (wire facts §3); what is left is what the user gave.
var sdkMembers = map[string]bool{
	"workflow": true, "flow": true, "node": true, "run_depends": true, "usage": true, "failed_nodes": true,
	"is_output_from_cache": true, "skip": true, "human_feedback": true, "tool_data": true,
}

// spanMembers are the metadata that a run made of a span has beside the user's
// (package otlp); all other names are free.
var spanMembers = map[string]bool{SpanMember: true, UniformMember: true}

// appendUserMetadata appends the metadata object of a run without the members
// that its client library, or the decoder of spans, has put there; the others
// byte for byte; {} for anything but an object.
func appendUserMetadata(dst []byte, r *Run) []byte {
	metadata, hidden := r.Metadata, sdkMembers
	if r.FromSpan {
		hidden = spanMembers
	}
	dst = append(dst, '{')
	var s jsonscan.Scanner
	var scratch [32]byte
	s.Reset(metadata)
	if s.Peek() == jsonscan.Object && s.BeginObject() == nil {
		comma := false
		for {
			name, ok, err := s.Member()
			if !ok || err != nil {
				break
			}
			value, err := s.Skip()
			if err != nil {
				break
			}
			if hidden[string(jsonscan.Unquote(scratch[:0], name))] {
				continue
			}
			if comma {
				dst = append(dst, ',')
			}
			comma = true
			dst = append(dst, name...)
			dst = append(dst, ':')
			dst = append(dst, value...)
		}
	}
	return append(dst, '}')
}

// failedNodeMessage is the message of the first entry of
// metadata.failed_nodes, nil where there is none.
func failedNodeMessage(metadata []byte) []byte {
	var s jsonscan.Scanner
	s.Reset(jsonscan.Lookup(metadata, "failed_nodes"))
	if s.Peek() != jsonscan.Array || s.BeginArray() != nil {
		return nil
	}
	if ok, err := s.Element(); !ok || err != nil {
		return nil
	}
	node, err := s.Skip()
	if err != nil {
		return nil
	}
	return nonEmptyString(jsonscan.Lookup(node, "error_message"))
}

// errorMessage is error.message of a run, nil where there is none.
func errorMessage(r *Run) []byte { return nonEmptyString(jsonscan.Lookup(r.Error, "message")) }

// nonEmptyString is raw where it is a JSON string with content, else nil.
func nonEmptyString(raw []byte) []byte {
	if len(raw) <= 2 || raw[0] != '"' {
		return nil
	}
	return raw
}
