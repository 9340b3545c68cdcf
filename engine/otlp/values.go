package otlp

import (
	"bytes"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// values sets input and output, nil where the span has none.
func (m *mapper) values(s *span, r *trace.Run, root bool) {
	if m.input, m.inPlace = m.value(m.input[:0], s, fieldInput, root); m.inPlace >= 0 {
		r.Input = m.input
	}
	if m.output, m.outPlace = m.value(m.output[:0], s, fieldOutput, root); m.outPlace >= 0 {
		r.Output = m.output
	}
}

// value appends the JSON of the first place of a field that has one, and says
// which it was; −1 for none.
func (m *mapper) value(dst []byte, s *span, f field, root bool) ([]byte, int) {
	places := mapping[f].places
	for i := 0; i < len(places); i++ {
		p := &places[i]
		if p.how == inEvents {
			last := i
			for last+1 < len(places) && places[last+1].how == inEvents {
				last++
			}
			if out, ok := m.appendEvents(dst, s, places[i:last+1]); ok {
				return out, i
			}
			i = last
			continue
		}
		if p.how == onRoot && !root {
			continue
		}
		a := m.attrAt(placeSlots[f][i])
		if a == nil {
			continue
		}
		if out, ok := m.appendPlace(dst, a, f, i); ok {
			return out, i
		}
	}
	return dst, -1
}

// appendPlace appends the value that attribute a has for place i of a field.
func (m *mapper) appendPlace(dst []byte, a *attr, f field, i int) ([]byte, bool) {
	p := &mapping[f].places[i]
	switch p.how {
	case flat:
		return m.appendFlat(dst, p, roleOf(f))
	case encoded:
		if a.kind == kindString {
			return appendMime(dst, a, jsonMime), true
		}
	case withSystem:
		if system := m.attrAt(moreSlots[f][i]); system != nil {
			return m.appendWithSystem(dst, a, system), true
		}
	case withMime:
		if mime := m.attrAt(moreSlots[f][i]); mime != nil && a.kind == kindString {
			return appendMime(dst, a, mime.text), true
		}
	}
	if a.kind == kindEmpty {
		return dst, false
	}
	return appendStructured(dst, a), true
}

var jsonMime = []byte("application/json")

// appendMime appends a string of a MIME type: JSON of any kind as such, plain
// text never.
func appendMime(dst []byte, a *attr, mime []byte) []byte {
	mime, _, _ = bytes.Cut(mime, []byte(";"))
	switch string(bytes.ToLower(bytes.TrimSpace(mime))) {
	case "application/json":
		if out, ok := appendAnyJSON(dst, a.text); ok {
			return out
		}
		return appendValue(dst, a)
	case "text/plain":
		return appendValue(dst, a)
	}
	return appendStructured(dst, a)
}

// appendWithSystem appends a list of messages behind a system message that
// holds the instructions, which are parts or a text. Messages that are no list
// stay as they are.
func (m *mapper) appendWithSystem(dst []byte, a, system *attr) []byte {
	m.work = appendStructured(m.work[:0], a)
	list := m.work
	if len(list) < 2 || list[0] != '[' {
		return append(dst, list...)
	}
	dst = append(dst, `[{"role":"system","parts":`...)
	m.work2 = appendStructured(m.work2[:0], system)
	if jsonscan.KindOf(m.work2) == jsonscan.Array {
		dst = append(dst, m.work2...)
	} else {
		dst = append(dst, `[{"type":"text","content":`...)
		dst = append(append(dst, m.work2...), "}]"...)
	}
	dst = append(dst, '}')
	if list[1] != ']' {
		dst = append(dst, ',')
	}
	return append(dst, list[1:]...)
}

// appendEvents appends the messages that the events of the places hold, in
// order of the events.
func (m *mapper) appendEvents(dst []byte, s *span, places []place) ([]byte, bool) {
	work := append(m.work[:0], '[')
	for i := range s.events {
		e := &s.events[i]
		for j := range places {
			if p := &places[j]; p.name == string(e.name) {
				work = appendEvent(work, s.of(e.attrs), p)
			}
		}
	}
	m.work = work
	if len(work) == 1 {
		return dst, false
	}
	work[len(work)-1] = ']'
	role := eventRoles[places[0].name]
	return appendMessages(dst, work, role)
}

// appendEvent appends an event as one raw message, or as those of the list
// that one of its attributes holds, each with a comma behind it.
func appendEvent(dst []byte, attrs []attr, p *place) []byte {
	role := eventRoles[p.name]
	if len(p.members) > 0 {
		for i := range attrs {
			if string(attrs[i].key) != p.members[0] {
				continue
			}
			from := len(dst)
			dst = appendStructured(dst, &attrs[i])
			if v := dst[from:]; v[0] == '[' && len(v) > 2 {
				copy(v, v[1:]) // the elements alone
				dst = dst[:len(dst)-2]
				return append(dst, ',')
			} else if v[0] == '"' {
				text := string(v)
				dst = append(dst[:from], `{"role":"`...)
				dst = append(append(dst, role...), `","content":`...)
				dst = append(append(dst, text...), '}')
			}
			return append(dst, ',')
		}
		return dst
	}
	dst = append(dst, `{"role":"`...)
	dst = append(append(dst, role...), '"')
	for i := range attrs {
		dst = append(dst, ',')
		dst = append(jsonscan.AppendQuoted(dst, attrs[i].key), ':')
		dst = appendStructured(dst, &attrs[i])
	}
	return append(dst, "},"...)
}

// roleOf is the role of a message that does not say it.
func roleOf(f field) string {
	if f == fieldOutput || f == fieldOutputMessages {
		return "assistant"
	}
	return "user"
}

// tags is the first list of texts; what cannot be a tag is left out.
func (m *mapper) tags() []string {
	for _, slot := range placeSlots[fieldTags] {
		a := m.attrAt(slot)
		if a == nil {
			continue
		}
		m.work = appendStructured(m.work[:0], a)
		var tags []string
		switch jsonscan.KindOf(m.work) {
		case jsonscan.String:
			tags = appendTag(nil, m.work)
		case jsonscan.Array:
			if string(m.work) == string(m.lastTagsRaw) {
				return m.lastTags
			}
			_ = elements(m.work, func(raw []byte) error { // valid: appendStructured made it
				tags = appendTag(tags, raw)
				return nil
			})
			m.lastTagsRaw, m.lastTags = append(m.lastTagsRaw[:0], m.work...), tags
		}
		if len(tags) > 0 {
			return tags
		}
	}
	return nil
}

func appendTag(tags []string, raw []byte) []string {
	if jsonscan.KindOf(raw) != jsonscan.String || len(tags) == trace.MaxTags {
		return tags
	}
	text := jsonscan.AppendString(nil, raw)
	if len(text) == 0 || len(text) > trace.MaxTagBytes {
		return tags
	}
	return append(tags, string(text))
}
