package otlp

import (
	"math"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// What a span was when it came, under metadata.otlp: every field of it that
// the run does not show unchanged. Members that would be zero are left out.

var kindText = [...]string{1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}

// appendSpan appends metadata.otlp of a span.
func (m *mapper) appendSpan(dst []byte, s *span, r *trace.Run) []byte {
	from := len(dst)
	if s.kind > 0 && int(s.kind) < len(kindText) {
		dst = append(append(append(dst, `,"kind":"`...), kindText[s.kind]...), '"')
	} else if s.kind != 0 {
		dst = strconv.AppendInt(append(dst, `,"kind":`...), int64(s.kind), 10)
	}
	if s.statusCode != 0 || len(s.statusMessage) > 0 {
		dst = appendStatus(dst, s)
	}
	dst = appendUint(dst, `,"flags":`, s.flags)
	if len(s.state) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"trace_state":`...), s.state)
	}
	if uint64(r.End.NS) != s.end {
		dst = strconv.AppendUint(append(dst, `,"end_time_unix_nano":`...), s.end, 10)
	}
	if len(m.own) > 0 {
		dst = appendAttrs(append(dst, `,"attributes":`...), m.own)
	}
	dst = appendUint(dst, `,"dropped_attributes_count":`, s.droppedAttrs)
	dst = appendEventList(dst, s)
	dst = appendUint(dst, `,"dropped_events_count":`, s.droppedEvents)
	dst = appendLinkList(dst, s)
	dst = appendUint(dst, `,"dropped_links_count":`, s.droppedLinks)
	dst = append(dst, m.scopeJSON...)
	dst = append(dst, m.resourceJSON...)
	return closeMembers(dst, from)
}

// closeMembers makes an object of the members from a position on, which have a
// comma before them.
func closeMembers(dst []byte, from int) []byte {
	if len(dst) == from {
		return append(dst, "{}"...)
	}
	dst[from] = '{'
	return append(dst, '}')
}

func appendStatus(dst []byte, s *span) []byte {
	dst = append(dst, `,"status":{"code":`...)
	switch s.statusCode {
	case 0:
		dst = append(dst, `"unset"`...)
	case 1:
		dst = append(dst, `"ok"`...)
	case statusError:
		dst = append(dst, `"error"`...)
	default:
		dst = strconv.AppendInt(dst, int64(s.statusCode), 10)
	}
	if len(s.statusMessage) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"message":`...), s.statusMessage)
	}
	return append(dst, '}')
}

// appendUint appends a member that is not zero.
func appendUint(dst []byte, member string, n uint32) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendUint(append(dst, member...), uint64(n), 10)
}

// appendAttrs appends attributes as an object, in their order.
func appendAttrs(dst []byte, attrs []attr) []byte {
	dst = append(dst, '{')
	for i := range attrs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonscan.AppendQuoted(dst, attrs[i].key), ':')
		dst = appendValue(dst, &attrs[i])
	}
	return append(dst, '}')
}

func appendEventList(dst []byte, s *span) []byte {
	for i := range s.events {
		e := &s.events[i]
		if i == 0 {
			dst = append(dst, `,"events":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = jsonscan.AppendQuoted(append(dst, `{"name":`...), e.name)
		dst = append(dst, `,"time":`...)
		if e.time <= math.MaxInt64 {
			dst = append(trace.AppendTime(append(dst, '"'), timeOf(e.time)), '"')
		} else {
			dst = strconv.AppendUint(dst, e.time, 10)
		}
		if e.attrs.to > e.attrs.from {
			dst = appendAttrs(append(dst, `,"attributes":`...), s.of(e.attrs))
		}
		dst = append(appendUint(dst, `,"dropped_attributes_count":`, e.dropped), '}')
	}
	if len(s.events) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func appendLinkList(dst []byte, s *span) []byte {
	for i := range s.links {
		l := &s.links[i]
		if i == 0 {
			dst = append(dst, `,"links":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendHex(append(dst, `{"trace_id":`...), l.traceID)
		dst = appendHex(append(dst, `,"span_id":`...), l.spanID)
		if len(l.state) > 0 {
			dst = jsonscan.AppendQuoted(append(dst, `,"trace_state":`...), l.state)
		}
		dst = appendUint(dst, `,"flags":`, l.flags)
		if l.attrs.to > l.attrs.from {
			dst = appendAttrs(append(dst, `,"attributes":`...), s.of(l.attrs))
		}
		dst = append(appendUint(dst, `,"dropped_attributes_count":`, l.dropped), '}')
	}
	if len(s.links) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// appendResource appends the member resource, nothing for an empty one.
func appendResource(dst []byte, r *resource) []byte {
	if len(r.attrs) == 0 && len(r.schemaURL) == 0 && r.dropped == 0 {
		return dst
	}
	dst = append(dst, `,"resource":`...)
	from := len(dst)
	if len(r.attrs) > 0 {
		dst = appendAttrs(append(dst, `,"attributes":`...), r.attrs)
	}
	if len(r.schemaURL) > 0 {
		dst = jsonscan.AppendQuoted(append(dst, `,"schema_url":`...), r.schemaURL)
	}
	return closeMembers(appendUint(dst, `,"dropped_attributes_count":`, r.dropped), from)
}

// appendScope appends the member scope, nothing for an empty one.
func appendScope(dst []byte, s *scope) []byte {
	if len(s.name) == 0 && len(s.version) == 0 && len(s.attrs) == 0 && len(s.schemaURL) == 0 && s.dropped == 0 {
		return dst
	}
	dst = append(dst, `,"scope":`...)
	from := len(dst)
	for _, t := range [...]struct {
		member string
		text   []byte
	}{{`,"name":`, s.name}, {`,"version":`, s.version}, {`,"schema_url":`, s.schemaURL}} {
		if len(t.text) > 0 {
			dst = jsonscan.AppendQuoted(append(dst, t.member...), t.text)
		}
	}
	if len(s.attrs) > 0 {
		dst = appendAttrs(append(dst, `,"attributes":`...), s.attrs)
	}
	return closeMembers(appendUint(dst, `,"dropped_attributes_count":`, s.dropped), from)
}
