package otlp

import (
	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The JSON form (wire facts §9): ids in hex of any case, 64-bit integers as
// strings or numbers (old JavaScript: a float), enums as names or numbers,
// fields that nobody knows passed over, null the same as absent. A body is
// checked as a whole first, so that from there on only kinds can be wrong.

// json reads TracesData or LogsData.
func (d *decoder) json(body []byte) error {
	if err := jsonscan.Valid(body); err != nil {
		return err
	}
	name, snake, shape := "resourceSpans", "resource_spans", ErrShape
	if d.logs {
		name, snake, shape = "resourceLogs", "resource_logs", ErrLogsShape
	}
	if jsonscan.KindOf(trimmed(body)) != jsonscan.Object {
		return shape
	}
	return members(body, func(key, value []byte) error {
		if string(key) != name && string(key) != snake {
			return nil
		}
		if !isListOrNull(value) {
			return shape
		}
		return elements(value, d.jsonResource)
	})
}

// jsonResource reads ResourceSpans or ResourceLogs. What is no such object is
// rejected as one span.
func (d *decoder) jsonResource(raw []byte) error {
	d.arena = d.arena[:0]
	d.resource = resource{attrList: attrList{attrs: d.resource.attrs[:0]}}
	var scopes []byte
	err := d.fields(raw, func(key, value []byte) error {
		switch string(key) {
		case "resource":
			return d.jsonAttrList(value, &d.resource.attrList, nil)
		case "schemaUrl", "schema_url":
			return d.text(&d.resource.schemaURL, "schemaUrl", value)
		case "scopeSpans", "scope_spans", "scopeLogs", "scope_logs":
			scopes = value
		}
		return nil
	})
	if err == nil && scopes != nil && jsonscan.KindOf(scopes) != jsonscan.Array {
		err = fault("scopeSpans must be a list")
	}
	if err != nil {
		return d.rejectAll(err)
	}
	d.beginResource()
	if scopes == nil {
		return nil
	}
	return elements(scopes, d.jsonScope)
}

// jsonScope reads ScopeSpans or ScopeLogs.
func (d *decoder) jsonScope(raw []byte) error {
	d.arena = d.arena[:d.base[0]]
	d.scope = scope{attrList: attrList{attrs: d.scope.attrs[:0]}}
	var items []byte
	err := d.fields(raw, func(key, value []byte) error {
		switch string(key) {
		case "scope":
			return d.jsonAttrList(value, &d.scope.attrList, &d.scope)
		case "schemaUrl", "schema_url":
			return d.text(&d.scope.schemaURL, "schemaUrl", value)
		case "spans", "logRecords", "log_records":
			items = value
		}
		return nil
	})
	if err == nil && items != nil && jsonscan.KindOf(items) != jsonscan.Array {
		err = fault("spans must be a list")
	}
	if err != nil {
		return d.rejectAll(err)
	}
	d.beginScope()
	if items == nil {
		return nil
	}
	return elements(items, func(raw []byte) error {
		if err := d.countItem(); err != nil {
			return err
		}
		d.beginItem()
		var err error
		if d.logs {
			err = d.jsonLog(raw)
		} else {
			err = d.jsonSpan(raw)
		}
		d.endItem(err)
		return nil
	})
}

// jsonAttrList reads a Resource or, with s, an InstrumentationScope.
func (d *decoder) jsonAttrList(raw []byte, list *attrList, s *scope) error {
	return d.fields(raw, func(key, value []byte) (err error) {
		switch string(key) {
		case "attributes":
			list.attrs, err = d.jsonAttrs(list.attrs, value)
		case "droppedAttributesCount", "dropped_attributes_count":
			err = uintField(&list.dropped, "droppedAttributesCount", value)
		case "name":
			if s != nil {
				err = d.text(&s.name, "scope.name", value)
			}
		case "version":
			if s != nil {
				err = d.text(&s.version, "scope.version", value)
			}
		}
		return err
	})
}

// fields calls f for each member of a JSON object that is not null. Raw must
// be valid JSON; anything but an object is a fault.
func (d *decoder) fields(raw []byte, f func(key, value []byte) error) error {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return fault("must be a JSON object")
	}
	return members(raw, f)
}

// members calls f for each member of a valid JSON object that is not null.
func members(raw []byte, f func(key, value []byte) error) error {
	var s jsonscan.Scanner
	return s.EachMember(raw, func(name, value []byte) error {
		if jsonscan.KindOf(value) == jsonscan.Null {
			return nil
		}
		return f(name, value)
	})
}

// elements calls f for each element of a valid JSON array; none for null.
func elements(raw []byte, f func(raw []byte) error) error {
	if jsonscan.KindOf(raw) == jsonscan.Null {
		return nil
	}
	var s jsonscan.Scanner
	return s.EachElement(raw, f)
}

func isListOrNull(raw []byte) bool {
	kind := jsonscan.KindOf(raw)
	return kind == jsonscan.Array || kind == jsonscan.Null
}

// trimmed is a valid JSON text without the white space before it.
func trimmed(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}
