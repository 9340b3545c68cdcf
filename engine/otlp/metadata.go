package otlp

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// appendMetadata appends the metadata of a run: the user's, then what is the
// same for all conventions (trace.UniformMember), then the span as it was sent
// (trace.SpanMember).
func (m *mapper) appendMetadata(dst []byte, s *span, r *trace.Run) []byte {
	dst = m.appendUser(append(dst, '{'))
	from := len(dst)
	dst = append(dst, `"`+trace.UniformMember+`":`...)
	open := len(dst)
	if dst = m.appendUniform(dst, s, r); len(dst) == open {
		dst = dst[:from]
	} else {
		dst = append(dst, ',')
	}
	dst = append(dst, `"`+trace.SpanMember+`":`...)
	return append(m.appendSpan(dst, s, r), '}')
}

// appendUser appends the members of the user's metadata, each with a comma
// behind it: the union of all places, of members with one name the first.
func (m *mapper) appendUser(dst []byte) []byte {
	m.userKeys = m.userKeys[:0]
	for i, slot := range placeSlots[fieldMetadata] {
		a := m.attrAt(slot)
		if a == nil {
			continue
		}
		if p := &mapping[fieldMetadata].places[i]; p.how == prefixed || p.how == prefixedJSON {
			dst = m.appendPrefixed(dst, p)
			continue
		}
		m.work = appendStructured(m.work[:0], a)
		if jsonscan.KindOf(m.work) != jsonscan.Object {
			continue
		}
		var s jsonscan.Scanner
		s.Reset(m.work)
		_ = s.BeginObject() // valid: made above
		for {
			key, ok, err := s.Member()
			if !ok || err != nil {
				break
			}
			value, err := s.Skip()
			if err != nil {
				break
			}
			if m.newKey(jsonscan.Unquote(nil, key)) {
				dst = append(append(append(append(dst, key...), ':'), value...), ',')
			}
		}
	}
	return dst
}

// maxUserKeys bounds the user's metadata; what is beyond stays among the
// attributes.
const maxUserKeys = 512

// newKey notes a name of the user's metadata; false if it is taken.
func (m *mapper) newKey(key []byte) bool {
	if string(key) == trace.SpanMember || string(key) == trace.UniformMember || len(m.userKeys) >= maxUserKeys {
		return false
	}
	for _, k := range m.userKeys {
		if bytes.Equal(k, key) {
			return false
		}
	}
	if len(key) > 0 {
		key = append([]byte(nil), key...) // the text it is part of is used again
	}
	m.userKeys = append(m.userKeys, key)
	return true
}

// appendPrefixed appends the attributes with a prefix as members, each with a
// comma behind it.
func (m *mapper) appendPrefixed(dst []byte, p *place) []byte {
	prefix := p.name
	for i := range m.own {
		a := &m.own[i]
		if len(a.key) > len(prefix) && string(a.key[:len(prefix)]) == prefix && m.newKey(a.key[len(prefix):]) {
			dst = append(jsonscan.AppendQuoted(dst, a.key[len(prefix):]), ':')
			if p.how == prefixedJSON && a.kind == kindString && len(a.text) > 1 && a.text[0] == '"' {
				dst = append(appendMime(dst, a, jsonMime), ',')
				continue
			}
			dst = append(appendStructured(dst, a), ',')
		}
	}
	return dst
}

// appendUniform appends metadata.gen_ai, nothing where it would be empty.
func (m *mapper) appendUniform(dst []byte, s *span, r *trace.Run) []byte {
	from := len(dst)
	for _, t := range uniformTexts {
		if text := m.text(t.field); text != "" {
			dst = jsonscan.AppendQuoted(append(dst, t.member...), text)
		}
	}
	if a := m.firstOf(fieldFinishReasons); a != nil {
		dst = appendStructured(append(dst, `,"finish_reasons":`...), a)
	}
	dst = m.appendParameters(dst)
	if ms, ok := m.firstToken(r.Start.NS); ok {
		dst = trace.AppendMillis(append(dst, `,"time_to_first_token_ms":`...), ms)
	}
	if r.Group == "llms" || r.Group == "agents" {
		dst = m.appendBoth(dst, s, r)
	}
	if len(dst) == from {
		return dst
	}
	dst[from] = '{'
	return append(dst, '}')
}

var uniformTexts = []struct {
	field  field
	member string
}{
	{fieldProvider, `,"provider":`}, {fieldAgentName, `,"agent_name":`}, {fieldAgentID, `,"agent_id":`},
	{fieldAgentVersion, `,"agent_version":`},
	{fieldToolName, `,"tool_name":`}, {fieldToolCallID, `,"tool_call_id":`}, {fieldWorkflowName, `,"workflow_name":`},
	{fieldResponseID, `,"response_id":`},
}

func (m *mapper) firstOf(f field) *attr {
	for _, slot := range placeSlots[f] {
		if a := m.attrAt(slot); a != nil {
			return a
		}
	}
	return nil
}

// appendParameters appends the parameters of a request, an object.
func (m *mapper) appendParameters(dst []byte) []byte {
	const name = `,"parameters":`
	from := len(dst)
	for i, slot := range placeSlots[fieldParameters] {
		a := m.attrAt(slot)
		if a == nil {
			continue
		}
		dst = append(dst[:from], name...)
		value := len(dst)
		p := &mapping[fieldParameters].places[i]
		if p.how != prefixed {
			if dst = appendStructured(dst, a); dst[value] == '{' {
				return dst
			}
			continue
		}
		for j := range m.own {
			a := &m.own[j]
			if len(a.key) > len(p.name) && string(a.key[:len(p.name)]) == p.name && string(a.key[len(p.name):]) != "model" {
				dst = append(dst, "{,"[min(len(dst)-value, 1)])
				dst = append(jsonscan.AppendQuoted(dst, a.key[len(p.name):]), ':')
				dst = appendStructured(dst, a)
			}
		}
		if len(dst) > value {
			return append(dst, '}')
		}
	}
	return dst[:from]
}

// firstToken is how long the first token took, in µs.
func (m *mapper) firstToken(start int64) (us int64, ok bool) {
	for i, slot := range placeSlots[fieldFirstToken] {
		a := m.attrAt(slot)
		if a == nil {
			continue
		}
		unit := 1e3
		switch mapping[fieldFirstToken].places[i].how {
		case instant:
			if a.kind == kindString {
				if t, err := trace.ParseTime(bytes.Trim(bytes.TrimSpace(a.text), `"`)); err == nil && t.NS >= start {
					return (t.NS - start) / 1000, true
				}
			}
			continue
		case seconds:
			unit = 1e6
		}
		number, ok := numberOf(a, m.scratch[:0])
		if !ok {
			continue
		}
		if f, err := strconv.ParseFloat(string(number), 64); err == nil && f >= 0 && f < 1e9 {
			return int64(math.Round(f * unit)), true
		}
	}
	return 0, false
}

// appendBoth appends messages.input and messages.output, each only where the
// run's own input or output is not that list already.
func (m *mapper) appendBoth(dst []byte, s *span, r *trace.Run) []byte {
	from := len(dst)
	dst = append(dst, `,"messages":`...)
	open := len(dst)
	for _, side := range [...]struct {
		field field
		name  string
		value []byte
	}{{fieldInputMessages, `"input":`, r.Input}, {fieldOutputMessages, `"output":`, r.Output}} {
		if isUniform(side.value) {
			continue
		}
		list, ok := m.messagesOf(s, side.field)
		if !ok && r.Group == "llms" && jsonscan.KindOf(side.value) == jsonscan.String {
			list, ok = m.textMessage(side.value, roleOf(side.field)), true
		}
		if !ok || bytes.Equal(list, side.value) {
			continue
		}
		dst = append(dst, "{,"[min(len(dst)-open, 1)])
		dst = append(append(dst, side.name...), list...)
	}
	if len(dst) == open {
		return dst[:from]
	}
	return append(dst, '}')
}

// textMessage is the list with one message of a text, which is a JSON string:
// what a model was asked or said where the client tells no more than that.
func (m *mapper) textMessage(text []byte, role string) []byte {
	dst := append(m.list[:0], `[{"role":`...)
	dst = jsonscan.AppendQuoted(dst, role)
	dst = append(append(dst, `,"parts":[{"type":"text","content":`...), text...)
	m.list = append(dst, "}]}]"...)
	return m.list
}

// messagesOf is the first place of a field that makes a uniform list.
func (m *mapper) messagesOf(s *span, f field) ([]byte, bool) {
	places := mapping[f].places
	for i := 0; i < len(places); {
		p := &places[i]
		if p.how == inEvents {
			last := i + 1
			for last < len(places) && places[last].how == inEvents {
				last++
			}
			if out, ok := m.appendEvents(m.list[:0], s, places[i:last]); ok {
				m.list = out
				return out, true
			}
			i = last
			continue
		}
		if a := m.attrAt(placeSlots[f][i]); a != nil {
			raw, ok := m.appendPlace(m.work3[:0], a, f, i)
			m.work3 = raw
			if ok {
				if m.list, ok = appendMessages(m.list[:0], raw, roleOf(f)); ok {
					return m.list, true
				}
			}
		}
		i++
	}
	if f == fieldOutputMessages {
		return m.vercelOutput()
	}
	return nil, false
}

// vercelOutput is the answer that the Vercel AI SDK tells in two attributes.
func (m *mapper) vercelOutput() ([]byte, bool) {
	text, calls := m.attrAt(vercelText), m.attrAt(vercelCalls)
	if text == nil && calls == nil {
		return nil, false
	}
	raw := append(m.work3[:0], `{"role":"assistant"`...)
	if text != nil {
		raw = appendValue(append(raw, `,"content":`...), text)
	}
	if calls != nil {
		raw = appendStructured(append(raw, `,"tool_calls":`...), calls)
	}
	m.work3 = append(raw, '}')
	var ok bool
	m.list, ok = appendMessages(m.list[:0], m.work3, "assistant")
	return m.list, ok
}

// appendHex appends an id as a JSON string.
func appendHex(dst, id []byte) []byte {
	return append(hex.AppendEncode(append(dst, '"'), id), '"')
}
