package otlp

import (
	"slices"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The bounds of flattened lists; what is beyond stays among the attributes.
const (
	maxFlat      = 2048 // attributes of one list; finding a name among its siblings is linear
	maxFlatDepth = 16   // parts of a name
)

// flattened turns attributes such as llm.input_messages.0.message.role back
// into the tree that they are a path through. Node 0 is the root.
type flattened struct{ nodes []flatNode }

type flatNode struct {
	key               []byte
	number            int // of an element, −1 for a member
	attr              *attr
	first, last, next int32 // children; next sibling
}

// build reads the attributes with that prefix.
func (t *flattened) build(attrs []attr, prefix string) {
	t.nodes = append(t.nodes[:0], flatNode{})
	n := 0
	for i := range attrs {
		key := attrs[i].key
		if len(key) <= len(prefix) || string(key[:len(prefix)]) != prefix {
			continue
		}
		if n++; n > maxFlat {
			return
		}
		at := int32(0)
		rest := key[len(prefix):]
		for depth := 1; ; depth++ {
			part := rest
			more := false
			if depth < maxFlatDepth {
				for j, c := range rest {
					if c == '.' {
						part, rest, more = rest[:j], rest[j+1:], true
						break
					}
				}
			}
			at = t.child(at, part)
			if !more {
				break
			}
		}
		if t.nodes[at].attr == nil {
			t.nodes[at].attr = &attrs[i]
		}
	}
}

// child finds or makes a child. Attributes come in order, so that it is mostly
// the last one.
func (t *flattened) child(parent int32, key []byte) int32 {
	if c := t.nodes[parent].last; c > 0 && string(t.nodes[c].key) == string(key) {
		return c
	}
	for c := t.nodes[parent].first; c > 0; c = t.nodes[c].next {
		if string(t.nodes[c].key) == string(key) {
			return c
		}
	}
	c := int32(len(t.nodes))
	number, err := strconv.Atoi(string(key))
	if err != nil || number < 0 {
		number = -1
	}
	t.nodes = append(t.nodes, flatNode{key: key, number: number})
	p := &t.nodes[parent]
	if p.first == 0 {
		p.first = c
	} else {
		t.nodes[p.last].next = c
	}
	p.last = c
	return c
}

// append appends a node as JSON: a list where all children are numbered, in
// the order of their numbers, an object otherwise. A value beside children is
// left out.
func (t *flattened) append(dst []byte, at int32) []byte {
	n := &t.nodes[at]
	if n.first == 0 {
		if n.attr == nil {
			return append(dst, "null"...)
		}
		return appendStructured(dst, n.attr)
	}
	var room [16]int32
	children := room[:0]
	list := true
	for c := n.first; c > 0; c = t.nodes[c].next {
		children = append(children, c)
		list = list && t.nodes[c].number >= 0
	}
	if !list {
		for i, c := range children {
			dst = append(dst, "{,"[min(i, 1)])
			dst = append(jsonscan.AppendQuoted(dst, t.nodes[c].key), ':')
			dst = t.append(dst, c)
		}
		return append(dst, '}')
	}
	slices.SortStableFunc(children, func(a, b int32) int { return t.nodes[a].number - t.nodes[b].number })
	for i, c := range children {
		dst = append(dst, "[,"[min(i, 1)])
		dst = t.append(dst, c)
	}
	return append(dst, ']')
}

// appendFlat appends a flattened list: messages in the uniform form, or what
// the elements wrap.
func (m *mapper) appendFlat(dst []byte, p *place, role string) ([]byte, bool) {
	m.flat.build(m.own, p.name)
	m.work = m.flat.append(m.work[:0], 0)
	if len(p.members) == 0 {
		if out, ok := appendMessages(dst, m.work, role); ok {
			return out, true
		}
		return append(dst, m.work...), true
	}
	if jsonscan.KindOf(m.work) != jsonscan.Array {
		return append(dst, m.work...), true
	}
	dst = append(dst, '[')
	comma := false
	_ = elements(m.work, func(raw []byte) error { // valid: made above
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		if v := jsonscan.Lookup(raw, p.members[0]); v != nil {
			raw = v
		}
		dst = append(dst, raw...)
		return nil
	})
	return append(dst, ']'), true
}
