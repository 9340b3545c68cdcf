package otlp

import (
	"encoding/hex"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// spanKinds and statusCodes are the names that enums may have.
var (
	spanKinds = map[string]int32{"SPAN_KIND_UNSPECIFIED": 0, "SPAN_KIND_INTERNAL": 1, "SPAN_KIND_SERVER": 2,
		"SPAN_KIND_CLIENT": 3, "SPAN_KIND_PRODUCER": 4, "SPAN_KIND_CONSUMER": 5}
	statusCodes = map[string]int32{"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
)

// jsonSpan reads a Span. Events and links come after its own attributes.
func (d *decoder) jsonSpan(raw []byte) error {
	s := &d.span
	var events, links []byte
	err := d.fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "traceId", "trace_id":
			return d.id(&s.traceID, "traceId", value)
		case "spanId", "span_id":
			return d.id(&s.spanID, "spanId", value)
		case "parentSpanId", "parent_span_id":
			return d.id(&s.parentID, "parentSpanId", value)
		case "traceState", "trace_state":
			return d.text(&s.state, "traceState", value)
		case "name":
			return d.text(&s.name, "name", value)
		case "kind":
			return enumField(&s.kind, "kind", value, spanKinds)
		case "startTimeUnixNano", "start_time_unix_nano":
			return uint64Field(&s.start, "startTimeUnixNano", value)
		case "endTimeUnixNano", "end_time_unix_nano":
			return uint64Field(&s.end, "endTimeUnixNano", value)
		case "flags":
			return uintField(&s.flags, "flags", value)
		case "attributes":
			s.attrs, err = d.jsonAttrs(s.attrs, value)
			return err
		case "events":
			events = value
		case "links":
			links = value
		case "status":
			return d.jsonStatus(value)
		case "droppedAttributesCount", "dropped_attributes_count":
			return uintField(&s.droppedAttrs, "droppedAttributesCount", value)
		case "droppedEventsCount", "dropped_events_count":
			return uintField(&s.droppedEvents, "droppedEventsCount", value)
		case "droppedLinksCount", "dropped_links_count":
			return uintField(&s.droppedLinks, "droppedLinksCount", value)
		}
		return nil
	})
	s.own.to = len(s.attrs)
	if err == nil {
		err = d.list(events, "events", d.jsonEvent)
	}
	if err == nil {
		err = d.list(links, "links", d.jsonLink)
	}
	return err
}

func (d *decoder) jsonStatus(raw []byte) error {
	return d.fields(raw, func(key, value []byte) error {
		switch string(key) {
		case "message":
			return d.text(&d.span.statusMessage, "status.message", value)
		case "code":
			return enumField(&d.span.statusCode, "status.code", value, statusCodes)
		}
		return nil
	})
}

func (d *decoder) jsonEvent(raw []byte) error {
	if err := d.countNested(); err != nil {
		return err
	}
	s := &d.span
	e := event{attrs: between{len(s.attrs), len(s.attrs)}}
	err := d.fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "timeUnixNano", "time_unix_nano":
			return uint64Field(&e.time, "events.timeUnixNano", value)
		case "name":
			return d.text(&e.name, "events.name", value)
		case "attributes":
			s.attrs, err = d.jsonAttrs(s.attrs, value)
			return err
		case "droppedAttributesCount", "dropped_attributes_count":
			return uintField(&e.dropped, "events.droppedAttributesCount", value)
		}
		return nil
	})
	e.attrs.to = len(s.attrs)
	s.events = append(s.events, e)
	return err
}

func (d *decoder) jsonLink(raw []byte) error {
	if err := d.countNested(); err != nil {
		return err
	}
	s := &d.span
	l := link{attrs: between{len(s.attrs), len(s.attrs)}}
	err := d.fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "traceId", "trace_id":
			return d.id(&l.traceID, "links.traceId", value)
		case "spanId", "span_id":
			return d.id(&l.spanID, "links.spanId", value)
		case "traceState", "trace_state":
			return d.text(&l.state, "links.traceState", value)
		case "flags":
			return uintField(&l.flags, "links.flags", value)
		case "attributes":
			s.attrs, err = d.jsonAttrs(s.attrs, value)
			return err
		case "droppedAttributesCount", "dropped_attributes_count":
			return uintField(&l.dropped, "links.droppedAttributesCount", value)
		}
		return nil
	})
	l.attrs.to = len(s.attrs)
	s.links = append(s.links, l)
	return err
}

// jsonLog reads a LogRecord.
func (d *decoder) jsonLog(raw []byte) error {
	s := &d.span
	err := d.fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "timeUnixNano", "time_unix_nano":
			return uint64Field(&s.start, "timeUnixNano", value)
		case "observedTimeUnixNano", "observed_time_unix_nano":
			return uint64Field(&s.end, "observedTimeUnixNano", value)
		case "traceId", "trace_id":
			return d.id(&s.traceID, "traceId", value)
		case "spanId", "span_id":
			return d.id(&s.spanID, "spanId", value)
		case "severityText", "severity_text":
			return d.text(&s.severity, "severityText", value)
		case "eventName", "event_name":
			return d.text(&s.eventName, "eventName", value)
		case "body":
			s.body, err = d.jsonValue(value)
			return err
		case "flags":
			return uintField(&s.flags, "flags", value)
		case "attributes":
			s.attrs, err = d.jsonAttrs(s.attrs, value)
			return err
		case "droppedAttributesCount", "dropped_attributes_count":
			return uintField(&s.droppedAttrs, "droppedAttributesCount", value)
		}
		return nil
	})
	s.own.to = len(s.attrs)
	return err
}

// list calls f for the elements of a field that must be a list.
func (d *decoder) list(raw []byte, name string, f func([]byte) error) error {
	if raw == nil {
		return nil
	}
	if jsonscan.KindOf(raw) != jsonscan.Array {
		return fault(name + " must be a list")
	}
	return elements(raw, f)
}

// text reads a string field; what has escapes goes into the arena.
func (d *decoder) text(dst *[]byte, name string, raw []byte) error {
	if jsonscan.KindOf(raw) != jsonscan.String {
		return fault(name + " must be a string")
	}
	*dst = d.unquote(raw)
	return nil
}

func (d *decoder) unquote(raw []byte) []byte {
	from := len(d.arena)
	text := jsonscan.Unquote(nil, raw)
	if len(text) == len(raw)-2 { // without escapes: a slice of raw
		return text
	}
	d.arena = append(d.arena, text...)
	return d.arena[from:len(d.arena):len(d.arena)]
}

// id reads an id in hex digits of any case; length is checked later.
func (d *decoder) id(dst *[]byte, name string, raw []byte) error {
	if jsonscan.KindOf(raw) != jsonscan.String {
		return fault(name + " must be a string of hex digits")
	}
	from := len(d.arena)
	text := jsonscan.Unquote(nil, raw)
	var err error
	if d.arena, err = hex.AppendDecode(d.arena, text); err != nil {
		d.arena = d.arena[:from]
		return fault(name + " must be hex digits")
	}
	*dst = d.arena[from:len(d.arena):len(d.arena)]
	return nil
}
