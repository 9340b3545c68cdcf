package otlp

import (
	"bytes"
	"strings"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

const statusError = 2

var exceptionEvent = []byte("exception")

// status sets status and error: failed by status code 2 or Langfuse's level
// ERROR, canceled where the type or message of the error says so. An exception
// on a span that ended well was dealt with; it stays among the events.
func (m *mapper) status(s *span, r *trace.Run) {
	r.Status, r.Error = trace.RunSucceeded, nil
	if s.statusCode != statusError && !m.levelError() {
		return
	}
	r.Status = trace.RunFailed
	var kind, message, stack []byte
	for i := len(s.events) - 1; i >= 0; i-- {
		if e := &s.events[i]; bytes.Equal(e.name, exceptionEvent) {
			kind, message, stack = exceptionOf(s.of(e.attrs))
			break
		}
	}
	errorType := m.attrText(fieldErrorType)
	if canceledTypes[lastPart(kind)] || canceledTypes[lastPart(errorType)] ||
		isCanceled(message) || isCanceled(s.statusMessage) {
		r.Status = trace.RunCanceled
	}
	if len(kind) == 0 {
		kind = errorType
	}
	text := m.attrText(fieldErrorMessage)
	for _, other := range [][]byte{s.statusMessage, message, errorType} {
		if len(text) == 0 {
			text = other
		}
	}
	dst := append(m.fault[:0], `{"message":`...)
	dst = jsonscan.AppendQuoted(dst, text)
	if len(kind) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"type":`...), kind)
	}
	if len(stack) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"traceback":`...), stack)
	}
	m.fault = append(dst, '}')
	r.Error = m.fault
}

func (m *mapper) levelError() bool {
	a := m.attrAt(levelSlot)
	return a != nil && bytes.EqualFold(a.text, []byte("ERROR"))
}

// attrText is the first string of a field, of any length.
func (m *mapper) attrText(f field) []byte {
	for _, slot := range placeSlots[f] {
		if a := m.attrAt(slot); a != nil && a.kind == kindString && len(a.text) > 0 {
			return a.text
		}
	}
	return nil
}

func exceptionOf(attrs []attr) (kind, message, stack []byte) {
	for i := range attrs {
		a := &attrs[i]
		if a.kind != kindString {
			continue
		}
		switch string(a.key) {
		case "exception.type":
			kind = a.text
		case "exception.message":
			message = a.text
		case "exception.stacktrace":
			stack = a.text
		}
	}
	return kind, message, stack
}

// lastPart is what follows the last dot of a type's name.
func lastPart(name []byte) string {
	return string(name[bytes.LastIndexByte(name, '.')+1:])
}

// isCanceled knows Go's message, also at the end of wrapping ones.
func isCanceled(message []byte) bool {
	return strings.HasSuffix(string(message), canceledMessage)
}
