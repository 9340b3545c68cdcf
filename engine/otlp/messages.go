package otlp

import (
	"bytes"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The members of a message, of all the shapes that clients send.
const (
	msgRole = iota
	msgParts
	msgContent
	msgContents
	msgToolCalls
	msgToolCallID
	msgID
	msgName
	msgFinish
	msgFunctionCall
	msgReasoning
	msgText
	msgMessage
	msgPrompt
	numMsg
)

var msgNames = [numMsg]string{"role", "parts", "content", "contents", "tool_calls", "tool_call_id", "id", "name", "finish_reason",
	"function_call", "reasoning_content", "text", "message", "prompt"}

// chatMessage holds the raw values of the members, nil where absent.
type chatMessage [numMsg][]byte

// pick sets, for each of names, the raw value that the valid object raw has
// for it; nil where it has none or null.
func pick(raw []byte, names []string, values [][]byte) {
	var s jsonscan.Scanner
	_ = s.EachMember(raw, func(name, v []byte) error { // valid
		for i := range names {
			if len(names[i]) == len(name) && names[i] == string(name) {
				if values[i] = v; v[0] == 'n' {
					values[i] = nil
				}
				break
			}
		}
		return nil
	})
}

// isUniform reports whether valid JSON is a list of messages in the uniform
// form, by the first of them.
func isUniform(raw []byte) bool {
	if rest, ok := cutPrefix(raw, `[{"role":"`); ok { // as nearly all SDKs write it
		if i := bytes.IndexByte(rest, '"'); i > 0 && bytes.HasPrefix(rest[i:], []byte(`","parts":[`)) {
			return true
		}
	}
	var s jsonscan.Scanner
	s.Reset(raw)
	if s.Peek() != jsonscan.Array || s.BeginArray() != nil {
		return false
	}
	if more, err := s.Element(); !more || err != nil || s.Peek() != jsonscan.Object {
		return false
	}
	v, err := s.Skip()
	if err != nil {
		return false
	}
	var m [2][]byte
	pick(v, []string{"role", "parts"}, m[:])
	return jsonscan.KindOf(m[0]) == jsonscan.String && jsonscan.KindOf(m[1]) == jsonscan.Array
}

// appendMessages appends the messages that the valid JSON raw holds as a list
// in the uniform form (package doc, Messages); not ok where raw is none of the
// shapes it knows. A message without a role gets that one.
func appendMessages(dst, raw []byte, role string) ([]byte, bool) {
	from := len(dst)
	dst = append(dst, '[')
	dst, ok := appendList(dst, raw, role)
	if !ok || len(dst) == from+1 {
		return dst[:from], false
	}
	return append(dst, ']'), true
}

// appendList appends messages with commas between them.
func appendList(dst, raw []byte, role string) ([]byte, bool) {
	switch jsonscan.KindOf(raw) {
	case jsonscan.Array:
		all, comma := true, false
		_ = elements(raw, func(v []byte) error { // valid
			if comma {
				dst = append(dst, ',')
			}
			comma = true
			var ok bool
			if dst, ok = appendMessage(dst, v, role); !ok {
				all = false
			}
			return nil
		})
		return dst, all
	case jsonscan.Object:
		var lists [3][]byte // of a request or an answer
		pick(raw, []string{"messages", "choices", "system"}, lists[:])
		switch {
		case jsonscan.KindOf(lists[0]) == jsonscan.Array:
			if lists[2] != nil { // Anthropic's
				dst = append(dst, `{"role":"system","parts":[`...)
				dst = append(appendContent(dst, lists[2]), "]}"...)
				if len(lists[0]) > 2 {
					dst = append(dst, ',')
				}
			}
			return appendList(dst, lists[0], role)
		case jsonscan.KindOf(lists[1]) == jsonscan.Array:
			return appendList(dst, lists[1], role)
		}
		return appendMessage(dst, raw, role)
	}
	return dst, false
}

// appendMessage appends one message.
func appendMessage(dst, raw []byte, role string) ([]byte, bool) {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return dst, false
	}
	var m chatMessage
	pick(raw, msgNames[:], m[:])
	for _, wrapper := range []int{msgMessage, msgPrompt} {
		if inner := m[wrapper]; jsonscan.KindOf(inner) == jsonscan.Object {
			outer := m
			m = chatMessage{}
			pick(inner, msgNames[:], m[:])
			for _, i := range []int{msgRole, msgFinish} {
				if m[i] == nil {
					m[i] = outer[i]
				}
			}
			break
		}
	}
	if m[msgContent] == nil && m[msgContents] == nil && m[msgParts] == nil && m[msgToolCalls] == nil && m[msgText] == nil &&
		m[msgFunctionCall] == nil && m[msgMessage] == nil && m[msgRole] == nil {
		return dst, false
	}
	dst = append(dst, `{"role":`...)
	if jsonscan.KindOf(m[msgRole]) == jsonscan.String {
		dst = append(dst, m[msgRole]...)
	} else {
		dst = jsonscan.AppendQuoted(dst, role)
	}
	dst = append(dst, `,"parts":`...)
	if jsonscan.KindOf(m[msgParts]) == jsonscan.Array {
		dst = append(dst, m[msgParts]...)
	} else {
		dst = m.appendParts(append(dst, '['))
		if dst[len(dst)-1] == ',' {
			dst = dst[:len(dst)-1]
		}
		dst = append(dst, ']')
	}
	if m[msgFinish] != nil {
		dst = append(append(dst, `,"finish_reason":`...), m[msgFinish]...)
	}
	return append(dst, '}'), true
}

// appendParts appends the parts of a message, each with a comma behind it.
func (m *chatMessage) appendParts(dst []byte) []byte {
	if m[msgReasoning] != nil {
		dst = append(append(dst, `{"type":"reasoning","content":`...), m[msgReasoning]...)
		dst = append(dst, "},"...)
	}
	content := m[msgContent]
	for _, other := range []int{msgContents, msgText, msgMessage} {
		if content == nil {
			content = m[other]
		}
	}
	id := m[msgToolCallID]
	if id == nil && string(m[msgRole]) == `"tool"` {
		id = m[msgID]
	}
	switch {
	case content == nil:
	case id != nil:
		dst = append(append(dst, `{"type":"tool_call_response","id":`...), id...)
		dst = append(append(dst, `,"response":`...), content...)
		dst = append(dst, "},"...)
	default:
		dst = append(appendContent(dst, content), ',')
	}
	for _, calls := range []int{msgToolCalls, msgFunctionCall} {
		switch raw := m[calls]; jsonscan.KindOf(raw) {
		case jsonscan.Array:
			_ = elements(raw, func(v []byte) error { // valid
				dst = append(appendToolCall(dst, v), ',')
				return nil
			})
		case jsonscan.Object:
			dst = append(appendToolCall(dst, raw), ',')
		}
	}
	return dst
}

// appendContent appends a content, which is a text, a list of parts (or the
// JSON text of one), or one part, as parts with commas between them.
func appendContent(dst, raw []byte) []byte {
	if jsonscan.KindOf(raw) == jsonscan.String && len(raw) > 8 && (raw[1] == '[' || raw[1] == '{') {
		text := jsonscan.AppendString(nil, raw)
		if list, ok := appendJSONText(nil, text); ok && isParts(list) {
			raw = list
		}
	}
	if jsonscan.KindOf(raw) != jsonscan.Array {
		return appendPart(dst, raw)
	}
	comma := false
	_ = elements(raw, func(v []byte) error { // valid
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		dst = appendPart(dst, v)
		return nil
	})
	return dst
}

// isParts reports whether valid JSON is a list of objects with a type.
func isParts(raw []byte) bool {
	if jsonscan.KindOf(raw) != jsonscan.Array || len(raw) == 2 {
		return false
	}
	parts := true
	_ = elements(raw, func(v []byte) error { // valid
		parts = parts && jsonscan.KindOf(jsonscan.Lookup(v, "type")) == jsonscan.String
		return nil
	})
	return parts
}
