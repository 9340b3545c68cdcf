package otlp

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// The log events that tell of a span (wire facts §1).
const (
	eventDetails    = "gen_ai.client.inference.operation.details"
	eventEvaluation = "gen_ai.evaluation.result"
)

// logEventName is the name of the event that a log record is: its own field, or
// the attribute that older SDKs used.
func logEventName(s *span) string {
	name := s.eventName
	if len(name) == 0 {
		for i := range s.attrs {
			if a := &s.attrs[i]; a.kind == kindString && string(a.key) == "event.name" {
				name = a.text
			}
		}
	}
	switch string(name) {
	case eventDetails:
		return eventDetails
	case eventEvaluation:
		return eventEvaluation
	}
	return ""
}

// isWanted reports whether a log record is an event that is kept.
func isWanted(s *span) bool { return logEventName(s) != "" }

// nameOf names a span or log record in a message about it.
func nameOf(s *span) string {
	name := s.name
	if len(name) == 0 {
		name = s.eventName
	}
	if len(name) > 64 {
		name = name[:64]
	}
	text := strconv.Quote(validText(name))
	if len(s.spanID) > 0 && len(s.spanID) <= 16 {
		text += " (" + hex.EncodeToString(s.spanID) + ")"
	}
	return text
}

// log makes a run of a log event: a child of the span that the record names,
// with an id made of all of the record, so that the same record is the same
// run however often and whenever it comes. The span itself is never touched.
// It has no usage and no model: the numbers of an operation are its span's.
func (m *mapper) log(s *span, r *trace.Run) error {
	if s.start == 0 {
		s.start = s.end // the time at which the collector saw it
	}
	if len(s.spanID) != 8 || zero(s.spanID) {
		return fault("spanId must name the span that the event belongs to")
	}
	end := s.end
	s.parentID, s.end = s.spanID, s.start
	var id [8]byte
	s.spanID = logID(id[:0], s)
	if err := m.ids(s, r); err != nil {
		return err
	}
	if s.start == 0 || s.start > math.MaxInt64 {
		return fault("timeUnixNano must be a time between 1970 and 2262")
	}
	m.own = s.of(s.own)
	m.found.find(m.own)
	r.ParentRemote = false // flags are those of the record's own context
	r.Start = timeOf(s.start)
	r.End = r.Start
	r.Type, r.Group = "node", "utils"
	name := logEventName(s)
	r.SessionID, r.UserID = m.text(fieldSession), m.text(fieldUser)
	r.Environment, r.Version = m.text(fieldEnvironment), m.text(fieldVersion)
	r.Status = trace.RunSucceeded
	if name == eventEvaluation {
		r.Group = "validators"
		m.output = m.appendEvaluation(m.output[:0])
		r.Output = m.output
	} else {
		m.values(s, r, false)
	}
	r.Name = &name
	m.render(s, r, func(dst []byte) []byte { return m.appendRecord(m.appendMetadata(dst, s, r), s, end) })
	return nil
}

// logID appends an id for the run of a log record: a hash of its trace, span,
// time, name and content, never zero.
func logID(dst []byte, s *span) []byte {
	var h xxhash.Digest
	h.Reset()
	var n [8]byte
	_, _ = h.Write(s.traceID)
	_, _ = h.Write(s.parentID)
	_, _ = h.Write(binary.LittleEndian.AppendUint64(n[:0], s.start))
	_, _ = h.WriteString(logEventName(s))
	text := appendAttrs(nil, s.attrs)
	_, _ = h.Write(appendValue(text, &s.body))
	return binary.BigEndian.AppendUint64(dst, max(h.Sum64(), 1))
}

// appendEvaluation appends an evaluation result as an object; its name and
// explanation, the score, and which answer it is about.
func (m *mapper) appendEvaluation(dst []byte) []byte {
	from := len(dst)
	for i := range m.own {
		a := &m.own[i]
		name, ok := cutPrefix(a.key, "gen_ai.evaluation.")
		if !ok {
			continue
		}
		dst = append(jsonscan.AppendQuoted(append(dst, ','), name), ':')
		dst = appendStructured(dst, a)
	}
	return closeMembers(dst, from)
}

func cutPrefix(key []byte, prefix string) ([]byte, bool) {
	if len(key) <= len(prefix) || string(key[:len(prefix)]) != prefix {
		return nil, false
	}
	return key[len(prefix):], true
}

// appendRecord puts what only log records have into metadata.otlp, which is
// the last member of metadata and not empty.
func (m *mapper) appendRecord(metadata []byte, s *span, observed uint64) []byte {
	dst := metadata[:len(metadata)-2] // two closing braces
	comma := byte(',')
	if dst[len(dst)-1] == '{' {
		dst, comma = dst[:len(dst)-1], '{'
	}
	dst = append(dst, comma)
	dst = append(dst, `"log":true`...)
	if len(s.severity) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"severity_text":`...), s.severity)
	}
	if observed != 0 {
		dst = strconv.AppendUint(append(dst, `,"observed_time_unix_nano":`...), observed, 10)
	}
	if s.body.kind != kindEmpty {
		dst = appendValue(append(dst, `,"body":`...), &s.body)
	}
	return append(dst, "}}"...)
}
