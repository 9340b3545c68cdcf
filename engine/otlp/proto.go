package otlp

import (
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// The protobuf form is read with the official wire codec straight into spans
// whose strings are slices of the body, not through the generated types: those
// cost 600 allocations and twice what mapping, rendering and hashing take
// together (BenchmarkParse). Tests hold the reader against the generated types.

// The field numbers of opentelemetry/proto v1.11. ResourceSpans and
// ResourceLogs, ScopeSpans and ScopeLogs have the same ones.
const (
	fieldData = 1 // TracesData.resource_spans, LogsData.resource_logs

	fieldResource, fieldScopes, fieldResourceSchema = 1, 2, 3
	fieldScope, fieldItems, fieldScopeSchema        = 1, 2, 3
	fieldResourceAttrs, fieldResourceDropped        = 1, 2
	fieldScopeName, fieldScopeVersion               = 1, 2
	fieldScopeAttrs, fieldScopeDropped              = 3, 4

	fieldKey, fieldValue = 1, 2
)

var errTruncated = errors.New("the body is not a protobuf message of OTLP")

// message walks over the fields of one protobuf message:
//
//	for m := (message{b: b}); m.next(); { … } // then m.err
type message struct {
	b    []byte
	num  protowire.Number
	wire protowire.Type
	v    []byte // of a length-delimited field
	n    uint64 // of the others
	err  error  // the message is cut off or malformed
}

// next reads a field; false at the end and at damage. Groups, which OTLP has
// none of, are passed over.
func (m *message) next() bool {
	for len(m.b) > 0 {
		num, wire, n := protowire.ConsumeTag(m.b)
		if n < 0 {
			return m.fail()
		}
		m.num, m.wire = num, wire
		m.b = m.b[n:]
		switch wire {
		case protowire.BytesType:
			m.v, n = protowire.ConsumeBytes(m.b)
		case protowire.VarintType:
			m.n, n = protowire.ConsumeVarint(m.b)
		case protowire.Fixed64Type:
			if n = 8; len(m.b) < n {
				return m.fail()
			}
			m.n = binary.LittleEndian.Uint64(m.b)
		case protowire.Fixed32Type:
			if n = 4; len(m.b) < n {
				return m.fail()
			}
			m.n = uint64(binary.LittleEndian.Uint32(m.b))
		default:
			if n = protowire.ConsumeFieldValue(num, wire, m.b); n >= 0 {
				m.b = m.b[n:]
				continue
			}
		}
		if n < 0 {
			return m.fail()
		}
		m.b = m.b[n:]
		return true
	}
	return false
}

func (m *message) fail() bool {
	m.err = errTruncated
	return false
}

// bytes reports whether the field is number num and length-delimited.
func (m *message) bytes(num protowire.Number) bool {
	return m.num == num && m.wire == protowire.BytesType
}

// protobuf reads TracesData or LogsData. Only damage outside of spans is an
// error.
func (d *decoder) protobuf(body []byte) error {
	m := message{b: body}
	for m.next() {
		if m.bytes(fieldData) {
			if err := d.protoResource(m.v); err != nil {
				return err
			}
		}
	}
	return m.err
}

// protoResource reads ResourceSpans or ResourceLogs: the resource first,
// wherever it stands.
func (d *decoder) protoResource(b []byte) error {
	d.arena = d.arena[:0]
	d.resource = resource{attrList: attrList{attrs: d.resource.attrs[:0]}}
	m := message{b: b}
	for m.next() {
		var err error
		switch {
		case m.bytes(fieldResource):
			err = d.protoAttrList(m.v, &d.resource.attrList, fieldResourceAttrs, fieldResourceDropped, nil)
		case m.bytes(fieldResourceSchema):
			d.resource.schemaURL = m.v
		}
		if err != nil {
			return d.rejectAll(err)
		}
	}
	if m.err != nil {
		return m.err
	}
	d.beginResource()
	m = message{b: b}
	for m.next() {
		if m.bytes(fieldScopes) {
			if err := d.protoScope(m.v); err != nil {
				return err
			}
		}
	}
	return m.err
}

// protoScope reads ScopeSpans or ScopeLogs.
func (d *decoder) protoScope(b []byte) error {
	d.arena = d.arena[:d.base[0]]
	d.scope = scope{attrList: attrList{attrs: d.scope.attrs[:0]}}
	m := message{b: b}
	for m.next() {
		var err error
		switch {
		case m.bytes(fieldScope):
			err = d.protoAttrList(m.v, &d.scope.attrList, fieldScopeAttrs, fieldScopeDropped, &d.scope)
		case m.bytes(fieldScopeSchema):
			d.scope.schemaURL = m.v
		}
		if err != nil {
			return d.rejectAll(err)
		}
	}
	if m.err != nil {
		return m.err
	}
	d.beginScope()
	m = message{b: b}
	for m.next() {
		if !m.bytes(fieldItems) {
			continue
		}
		err := d.countItem()
		if err != nil {
			return err
		}
		d.beginItem()
		if d.logs {
			err = d.protoLog(m.v)
		} else {
			err = d.protoSpan(m.v)
		}
		d.endItem(err)
	}
	return m.err
}

// protoAttrList reads a Resource or, with s, an InstrumentationScope.
func (d *decoder) protoAttrList(b []byte, list *attrList, attrs, dropped protowire.Number, s *scope) error {
	m := message{b: b}
	for m.next() {
		var err error
		switch {
		case m.bytes(attrs):
			list.attrs, err = d.protoKeyValue(list.attrs, m.v)
		case m.num == dropped && m.wire == protowire.VarintType:
			list.dropped = uint32(m.n)
		case s != nil && m.bytes(fieldScopeName):
			s.name = m.v
		case s != nil && m.bytes(fieldScopeVersion):
			s.version = m.v
		}
		if err != nil {
			return err
		}
	}
	return m.err
}
