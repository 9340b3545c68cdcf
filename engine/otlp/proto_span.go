package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// protoSpan reads a Span. Its attributes must stand together in span.attrs, so
// events and links are read after them, wherever they stand.
func (d *decoder) protoSpan(b []byte) error {
	s := &d.span
	m := message{b: b}
	nested := false
	for m.next() {
		switch m.wire {
		case protowire.BytesType:
			switch m.num {
			case 1:
				s.traceID = m.v
			case 2:
				s.spanID = m.v
			case 3:
				s.state = m.v
			case 4:
				s.parentID = m.v
			case 5:
				s.name = m.v
			case 9:
				if err := d.protoAttr(m.v); err != nil {
					return err
				}
			case 11, 13:
				nested = true
			case 15:
				if err := s.protoStatus(m.v); err != nil {
					return err
				}
			}
		case protowire.Fixed64Type:
			switch m.num {
			case 7:
				s.start = m.n
			case 8:
				s.end = m.n
			}
		case protowire.Fixed32Type:
			if m.num == 16 {
				s.flags = uint32(m.n)
			}
		case protowire.VarintType:
			switch m.num {
			case 6:
				s.kind = int32(m.n)
			case 10:
				s.droppedAttrs = uint32(m.n)
			case 12:
				s.droppedEvents = uint32(m.n)
			case 14:
				s.droppedLinks = uint32(m.n)
			}
		}
	}
	s.own.to = len(s.attrs)
	if m.err != nil || !nested {
		return m.err
	}
	return d.protoNested(b)
}

// protoNested reads the events and links of a Span.
func (d *decoder) protoNested(b []byte) error {
	m := message{b: b}
	for m.next() {
		var err error
		switch {
		case m.bytes(11):
			err = d.protoEvent(m.v)
		case m.bytes(13):
			err = d.protoLink(m.v)
		}
		if err != nil {
			return err
		}
	}
	return m.err
}

func (s *span) protoStatus(b []byte) error {
	m := message{b: b}
	for m.next() {
		switch {
		case m.bytes(2):
			s.statusMessage = m.v
		case m.num == 3 && m.wire == protowire.VarintType:
			s.statusCode = int32(m.n)
		}
	}
	return m.err
}

func (d *decoder) protoEvent(b []byte) error {
	s := &d.span
	if err := d.countNested(); err != nil {
		return err
	}
	e := event{attrs: between{len(s.attrs), len(s.attrs)}}
	m := message{b: b}
	for m.next() {
		switch {
		case m.num == 1 && m.wire == protowire.Fixed64Type:
			e.time = m.n
		case m.bytes(2):
			e.name = m.v
		case m.bytes(3):
			if err := d.protoAttr(m.v); err != nil {
				return err
			}
		case m.num == 4 && m.wire == protowire.VarintType:
			e.dropped = uint32(m.n)
		}
	}
	e.attrs.to = len(s.attrs)
	s.events = append(s.events, e)
	return m.err
}

func (d *decoder) protoLink(b []byte) error {
	s := &d.span
	if err := d.countNested(); err != nil {
		return err
	}
	l := link{attrs: between{len(s.attrs), len(s.attrs)}}
	m := message{b: b}
	for m.next() {
		switch {
		case m.bytes(1):
			l.traceID = m.v
		case m.bytes(2):
			l.spanID = m.v
		case m.bytes(3):
			l.state = m.v
		case m.bytes(4):
			if err := d.protoAttr(m.v); err != nil {
				return err
			}
		case m.num == 5 && m.wire == protowire.VarintType:
			l.dropped = uint32(m.n)
		case m.num == 6 && m.wire == protowire.Fixed32Type:
			l.flags = uint32(m.n)
		}
	}
	l.attrs.to = len(s.attrs)
	s.links = append(s.links, l)
	return m.err
}

// protoLog reads a LogRecord.
func (d *decoder) protoLog(b []byte) error {
	s := &d.span
	m := message{b: b}
	for m.next() {
		var err error
		switch {
		case m.num == 1 && m.wire == protowire.Fixed64Type:
			s.start = m.n
		case m.num == 11 && m.wire == protowire.Fixed64Type:
			s.end = m.n
		case m.bytes(3):
			s.severity = m.v
		case m.bytes(5):
			s.body, err = d.protoValue(m.v, 0)
		case m.bytes(6):
			err = d.protoAttr(m.v)
		case m.num == 7 && m.wire == protowire.VarintType:
			s.droppedAttrs = uint32(m.n)
		case m.num == 8 && m.wire == protowire.Fixed32Type:
			s.flags = uint32(m.n)
		case m.bytes(9):
			s.traceID = m.v
		case m.bytes(10):
			s.spanID = m.v
		case m.bytes(12):
			s.eventName = m.v
		}
		if err != nil {
			return err
		}
	}
	s.own.to = len(s.attrs)
	return m.err
}

// protoAttr adds a KeyValue to the attributes of the span.
func (d *decoder) protoAttr(b []byte) (err error) {
	d.span.attrs, err = d.protoKeyValue(d.span.attrs, b)
	return err
}

func (d *decoder) protoKeyValue(list []attr, b []byte) ([]attr, error) {
	if len(list) >= d.opt.MaxAttributes {
		return list, errManyAttributes
	}
	m := message{b: b}
	var key []byte
	var value attr
	for m.next() {
		switch {
		case m.bytes(fieldKey):
			key = m.v
		case m.bytes(fieldValue):
			var err error
			if value, err = d.protoValue(m.v, 0); err != nil {
				return list, err
			}
		}
	}
	if m.err != nil {
		return list, m.err
	}
	value.key = key
	return append(list, value), nil
}

// protoValue reads an AnyValue. Of several values the last one counts.
func (d *decoder) protoValue(b []byte, depth int) (a attr, err error) {
	m := message{b: b}
	for m.next() {
		switch {
		case m.bytes(1):
			a = attr{kind: kindString, text: m.v}
		case m.num == 2 && m.wire == protowire.VarintType:
			a = attr{kind: kindBool, num: min(m.n, 1)}
		case m.num == 3 && m.wire == protowire.VarintType:
			a = attr{kind: kindInt, num: m.n}
		case m.num == 4 && m.wire == protowire.Fixed64Type:
			a = attr{kind: kindDouble, num: m.n}
		case m.bytes(7):
			a = attr{kind: kindBytes, text: m.v}
		case m.bytes(5), m.bytes(6):
			from := len(d.arena)
			d.arena, err = appendProtoList(d.arena, m.v, m.num == 6, depth+1)
			if err != nil {
				return a, err
			}
			a = attr{kind: kindJSON, text: d.arena[from:len(d.arena):len(d.arena)]}
		}
	}
	return a, m.err
}

// appendProtoList appends an ArrayValue or KeyValueList as JSON.
func appendProtoList(dst, b []byte, object bool, depth int) ([]byte, error) {
	if depth > maxValueDepth {
		return dst, errDeep
	}
	open, end := byte('['), byte(']')
	if object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	m := message{b: b}
	comma := false
	for m.next() {
		if !m.bytes(1) {
			continue
		}
		if comma {
			dst = append(dst, ',')
		}
		comma = true
		var err error
		if object {
			dst, err = appendProtoMember(dst, m.v, depth)
		} else {
			dst, err = appendProtoValue(dst, m.v, depth)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, end), m.err
}

// appendProtoMember appends a KeyValue as a member of an object.
func appendProtoMember(dst, b []byte, depth int) ([]byte, error) {
	var key, value []byte
	m := message{b: b}
	for m.next() {
		switch {
		case m.bytes(fieldKey):
			key = m.v
		case m.bytes(fieldValue):
			value = m.v
		}
	}
	if m.err != nil {
		return dst, m.err
	}
	dst = append(jsonscan.AppendQuoted(dst, key), ':')
	return appendProtoValue(dst, value, depth)
}

// appendProtoValue appends an AnyValue as JSON.
func appendProtoValue(dst, b []byte, depth int) ([]byte, error) {
	m := message{b: b}
	from := len(dst)
	dst = append(dst, "null"...)
	for m.next() {
		a := attr{num: m.n}
		switch {
		case m.bytes(1):
			a.kind, a.text = kindString, m.v
		case m.num == 2 && m.wire == protowire.VarintType:
			a.kind = kindBool
		case m.num == 3 && m.wire == protowire.VarintType:
			a.kind = kindInt
		case m.num == 4 && m.wire == protowire.Fixed64Type:
			a.kind = kindDouble
		case m.bytes(7):
			a.kind, a.text = kindBytes, m.v
		case m.bytes(5), m.bytes(6):
			var err error
			if dst, err = appendProtoList(dst[:from], m.v, m.num == 6, depth+1); err != nil {
				return dst, err
			}
			continue
		default:
			continue
		}
		dst = appendValue(dst[:from], &a)
	}
	return dst, m.err
}
