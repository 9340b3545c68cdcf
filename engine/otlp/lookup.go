package otlp

import (
	"bytes"
	"strings"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The table of mapping.go, made ready for one pass over the attributes of a
// span: every name in it has a slot, and found says for each slot which
// attribute has that name.
var (
	slots      = map[string]int{}
	known      = map[string]knownName{} // slots again, with those of the prefixes that a name has
	prefixes   []prefix
	eventRoles = map[string]string{ // also the events that hold messages
		"gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
		"gen_ai.tool.message": "tool", "gen_ai.choice": "assistant",
		"gen_ai.content.prompt": "user", "gen_ai.content.completion": "assistant",
	}
	placeSlots [numFields][]int // slot of each place
	moreSlots  [numFields][]int // slot of place.members[0] where that is an attribute
	kindSlots  []int
	numSlots   int

	levelSlot, vercelText, vercelCalls int // attributes asked for by name
)

type prefix struct {
	text string
	slot int
}

type knownName struct {
	slot     int
	prefixes []int
}

func init() {
	slot := func(name string) int {
		i, ok := slots[name]
		if !ok {
			i = len(slots)
			slots[name] = i
			if strings.HasSuffix(name, ".") {
				prefixes = append(prefixes, prefix{name, i})
			}
		}
		return i
	}
	for f := range mapping {
		for _, p := range mapping[f].places {
			more := 0
			if p.how == withMime || p.how == withSystem {
				more = slot(p.members[0])
			}
			placeSlots[f] = append(placeSlots[f], slot(p.name))
			moreSlots[f] = append(moreSlots[f], more)
		}
	}
	for i, k := range kinds {
		kindSlots = append(kindSlots, slot(k.attr))
		lower := make(map[string]string, len(k.groups))
		for name, group := range k.groups {
			lower[strings.ToLower(name)] = group
		}
		kinds[i].groups = lower
	}
	levelSlot, vercelText, vercelCalls = slot("langfuse.observation.level"), slot("ai.response.text"), slot("ai.response.toolCalls")
	numSlots = len(slots)
	for name, slot := range slots {
		k := knownName{slot: slot}
		for _, p := range prefixes {
			if len(name) > len(p.text) && strings.HasPrefix(name, p.text) {
				k.prefixes = append(k.prefixes, p.slot)
			}
		}
		known[name] = k
	}
}

// found is, for each slot, 1 + the position of the attribute, or 0.
type found []int32

// find fills f from a list of attributes. Of attributes with one name, or with
// one prefix, it notes the first.
func (f *found) find(attrs []attr) {
	if *f == nil {
		*f = make(found, numSlots)
	}
	clear(*f)
	for i := range attrs {
		key := attrs[i].key
		if k, ok := known[string(key)]; ok {
			f.note(k.slot, i)
			for _, slot := range k.prefixes {
				f.note(slot, i)
			}
			continue
		}
		for j := range prefixes {
			if p := &prefixes[j]; len(key) > len(p.text) && string(key[:len(p.text)]) == p.text {
				f.note(p.slot, i)
			}
		}
	}
}

func (f *found) note(slot, i int) {
	if (*f)[slot] == 0 {
		(*f)[slot] = int32(i) + 1
	}
}

func (f found) get(attrs []attr, slot int) *attr {
	if i := f[slot]; i > 0 {
		return &attrs[i-1]
	}
	return nil
}

// attrAt is the attribute of a slot: of the span or, where the row says so, of
// the resource.
func (m *mapper) attrAt(slot int) *attr { return m.found.get(m.own, slot) }

// number is the first usable number of a field.
func number[T any](m *mapper, f field, parse func([]byte) (T, bool)) (value T, ok bool) {
	for i, slot := range placeSlots[f] {
		a := m.attrAt(slot)
		if a == nil {
			continue
		}
		var text []byte
		switch p := &mapping[f].places[i]; p.how {
		case inObject:
			text, ok = memberNumber(a, p.members)
		case withParts:
			text, ok = memberWithParts(a, p.members[0])
		default:
			text, ok = numberOf(a, m.scratch[:0])
		}
		if !ok {
			continue
		}
		if v, ok := parse(text); ok {
			return v, true
		}
	}
	return value, false
}

// objectOf is the JSON text of an attribute that is an object, nil of others.
func objectOf(a *attr) []byte {
	if (a.kind != kindString && a.kind != kindJSON) || jsonscan.KindOf(trimmed(a.text)) != jsonscan.Object ||
		jsonscan.Valid(a.text) != nil {
		return nil
	}
	return a.text
}

// memberNumber is the first of the members of an object, or of JSON in a
// string, that is a number; "a.b" is member b of member a.
func memberNumber(a *attr, names []string) ([]byte, bool) {
	object := objectOf(a)
	if object == nil {
		return nil, false
	}
	for _, name := range names {
		v := object
		for more := true; more && v != nil; {
			var part string
			part, name, more = strings.Cut(name, ".")
			if v = jsonscan.Lookup(v, part); more && jsonscan.KindOf(v) != jsonscan.Object {
				v = nil
			}
		}
		if jsonscan.KindOf(v) == jsonscan.Number {
			return v, true
		}
	}
	return nil, false
}

// text is the first usable text of a field, "" if there is none.
func (m *mapper) text(f field) string {
	for i, slot := range placeSlots[f] {
		if p := &mapping[f].places[i]; p.how == onGroup && p.members[0] != m.group {
			continue
		}
		if a := m.attrAt(slot); a != nil {
			if text, ok := textOf(a, m.scratch[:0]); ok {
				return m.share(f, text)
			}
		}
	}
	if mapping[f].resource {
		for _, slot := range placeSlots[f] {
			if a := m.ofResource.get(m.d.resource.attrs, slot); a != nil {
				if text, ok := textOf(a, m.scratch[:0]); ok {
					return m.share(f, text)
				}
			}
		}
	}
	return ""
}

// share is text as a string, that of the span before if it is equal.
func (m *mapper) share(f field, text []byte) string {
	if m.last[f] != string(text) {
		m.last[f] = string(text)
	}
	return m.last[f]
}

// groupOf says what kind of work a span is: the first attribute of kinds with
// a value it knows decides, then a model with usage makes an LLM call.
func (m *mapper) groupOf(hasModel, hasUsage bool) string {
	for i, slot := range kindSlots {
		a := m.attrAt(slot)
		if a == nil || a.kind != kindString {
			continue
		}
		if group, ok := kinds[i].groups[string(bytes.ToLower(bytes.TrimSpace(a.text)))]; ok {
			return group
		}
	}
	if hasModel && hasUsage {
		return "llms"
	}
	return "utils"
}

// appOf is the app that a resource names, "" where it names none that can be
// one.
func appOf(attrs []attr) string {
	var project, service, namespace []byte
	for i := range attrs {
		a := &attrs[i]
		if a.kind != kindString {
			continue
		}
		switch string(a.key) {
		case "openinference.project.name":
			project = a.text
		case "service.name":
			service = a.text
		case "service.namespace":
			namespace = a.text
		}
	}
	name := validText(project)
	if name == "" && len(service) > 0 && !bytes.HasPrefix(service, []byte("unknown_service")) {
		name = validText(service)
		if len(namespace) > 0 {
			name = validText(namespace) + "/" + name
		}
	}
	if len(name) > maxAppBytes {
		return ""
	}
	return name
}

// maxAppBytes is how long the name of an app may be (contract §1).
const maxAppBytes = 256
