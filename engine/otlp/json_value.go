package otlp

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// jsonAttrs reads a list of KeyValues.
func (d *decoder) jsonAttrs(list []attr, raw []byte) ([]attr, error) {
	if jsonscan.KindOf(raw) != jsonscan.Array {
		return list, fault("attributes must be a list")
	}
	err := elements(raw, func(raw []byte) error {
		if len(list) >= d.opt.MaxAttributes {
			return errManyAttributes
		}
		var key []byte
		var a attr
		err := d.fields(raw, func(name, value []byte) (err error) {
			switch string(name) {
			case "key":
				return d.text(&key, "attributes.key", value)
			case "value":
				a, err = d.jsonValue(value)
			}
			return err
		})
		a.key = key
		list = append(list, a)
		return err
	})
	return list, err
}

// jsonValue reads an AnyValue.
func (d *decoder) jsonValue(raw []byte) (a attr, err error) {
	kind, value, err := anyValue(raw)
	if err != nil {
		return a, err
	}
	switch kind {
	case "":
	case "stringValue":
		a = attr{kind: kindString, text: d.unquote(value)}
	case "arrayValue", "kvlistValue":
		from := len(d.arena)
		if d.arena, err = appendJSONList(d.arena, value, kind == "kvlistValue", 1); err != nil {
			return a, err
		}
		a = attr{kind: kindJSON, text: d.arena[from:len(d.arena):len(d.arena)]}
	case "bytesValue":
		from := len(d.arena)
		if d.arena, err = appendBase64(d.arena, value); err != nil {
			return a, err
		}
		a = attr{kind: kindBytes, text: d.arena[from:len(d.arena):len(d.arena)]}
	default:
		a, err = scalar(kind, value)
	}
	return a, err
}

// anyValue finds the member of an AnyValue that is set, under its camel-case
// name, and checks its kind; "" for an empty value.
func anyValue(raw []byte) (kind string, value []byte, err error) {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return "", nil, fault("a value must be an object such as {\"stringValue\":\"text\"}")
	}
	err = members(raw, func(key, v []byte) error {
		want := jsonscan.Invalid
		switch string(key) {
		case "stringValue", "string_value":
			kind, want = "stringValue", jsonscan.String
		case "boolValue", "bool_value":
			kind, want = "boolValue", jsonscan.Bool
		case "intValue", "int_value":
			kind = "intValue"
		case "doubleValue", "double_value":
			kind = "doubleValue"
		case "arrayValue", "array_value":
			kind, want = "arrayValue", jsonscan.Object
		case "kvlistValue", "kvlist_value":
			kind, want = "kvlistValue", jsonscan.Object
		case "bytesValue", "bytes_value":
			kind, want = "bytesValue", jsonscan.String
		default:
			return nil
		}
		if want != jsonscan.Invalid && jsonscan.KindOf(v) != want {
			return fault(kind + " has a value of another kind")
		}
		value = v
		return nil
	})
	return kind, value, err
}

// scalar reads a boolValue, intValue or doubleValue.
func scalar(kind string, raw []byte) (attr, error) {
	switch kind {
	case "boolValue":
		if raw[0] == 't' {
			return attr{kind: kindBool, num: 1}, nil
		}
		return attr{kind: kindBool}, nil
	case "intValue":
		n, ok := parseInt(unquoted(raw))
		if !ok {
			return attr{}, fault("intValue must be a 64-bit integer")
		}
		return attr{kind: kindInt, num: uint64(n)}, nil
	default:
		f, ok := parseDouble(unquoted(raw))
		if !ok {
			return attr{}, fault("doubleValue must be a number, NaN or Infinity")
		}
		return attr{kind: kindDouble, num: math.Float64bits(f)}, nil
	}
}

// appendJSONList appends an ArrayValue or KeyValueList as plain JSON.
func appendJSONList(dst, raw []byte, object bool, depth int) ([]byte, error) {
	if depth > maxValueDepth {
		return dst, errDeep
	}
	open, end := byte('['), byte(']')
	if object {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	comma := false
	err := members(raw, func(key, value []byte) error {
		if string(key) != "values" {
			return nil
		}
		if jsonscan.KindOf(value) != jsonscan.Array {
			return fault("values must be a list")
		}
		return elements(value, func(raw []byte) (err error) {
			if comma {
				dst = append(dst, ',')
			}
			comma = true
			if !object {
				dst, err = appendJSONValue(dst, raw, depth)
				return err
			}
			dst, err = appendJSONMember(dst, raw, depth)
			return err
		})
	})
	return append(dst, end), err
}

// appendJSONMember appends a KeyValue as a member of an object.
func appendJSONMember(dst, raw []byte, depth int) ([]byte, error) {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return dst, fault("a kvlistValue must hold objects with key and value")
	}
	key, value := []byte(`""`), []byte(nil)
	err := members(raw, func(name, v []byte) error {
		switch string(name) {
		case "key":
			if jsonscan.KindOf(v) != jsonscan.String {
				return fault("a key must be a string")
			}
			key = v
		case "value":
			value = v
		}
		return nil
	})
	if err != nil {
		return dst, err
	}
	dst = append(appendRequoted(dst, key), ':')
	if value == nil {
		return append(dst, "null"...), nil
	}
	return appendJSONValue(dst, value, depth)
}

// appendJSONValue appends an AnyValue as plain JSON.
func appendJSONValue(dst, raw []byte, depth int) ([]byte, error) {
	if jsonscan.KindOf(raw) == jsonscan.Null {
		return append(dst, "null"...), nil
	}
	kind, value, err := anyValue(raw)
	if err != nil {
		return dst, err
	}
	switch kind {
	case "":
		return append(dst, "null"...), nil
	case "stringValue":
		return appendRequoted(dst, value), nil
	case "arrayValue", "kvlistValue":
		return appendJSONList(dst, value, kind == "kvlistValue", depth+1)
	case "bytesValue":
		text, err := appendBase64(nil, value)
		if err != nil {
			return dst, err
		}
		return appendValue(dst, &attr{kind: kindBytes, text: text}), nil
	}
	a, err := scalar(kind, value)
	if err != nil {
		return dst, err
	}
	return appendValue(dst, &a), nil
}

// appendRequoted appends a raw string as the protobuf form would have it, with
// no more escapes than are needed, so that both forms make the same run.
func appendRequoted(dst, raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return append(dst, raw...)
	}
	return jsonscan.AppendQuoted(dst, jsonscan.AppendString(nil, raw))
}

// appendBase64 appends the bytes of a base64 string, of either alphabet, with
// or without padding, as protobuf's JSON form allows.
func appendBase64(dst, raw []byte) ([]byte, error) {
	text := jsonscan.AppendString(nil, raw)
	for len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
	}
	enc := base64.RawStdEncoding
	for _, c := range text {
		if c == '-' || c == '_' {
			enc = base64.RawURLEncoding
		}
	}
	dst, err := enc.AppendDecode(dst, text)
	if err != nil {
		return dst, fault("bytesValue must be base64")
	}
	return dst, nil
}

// unquoted is the text of a string, or the number itself. Numbers have no
// escapes, strings with some are no numbers.
func unquoted(raw []byte) []byte {
	switch jsonscan.KindOf(raw) {
	case jsonscan.String:
		return raw[1 : len(raw)-1]
	case jsonscan.Number:
		return raw
	}
	return nil
}

// parseInt reads an integer; a float as old JavaScript exporters send it is
// rounded.
func parseInt(text []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, true
	}
	f, ok := parseNumber(text)
	if !ok || f < -1<<63 || f >= 1<<63 {
		return 0, false
	}
	return int64(math.Round(f)), true
}

// parseNumber reads a finite number in JSON's notation.
func parseNumber(text []byte) (float64, bool) {
	if jsonscan.KindOf(text) != jsonscan.Number || jsonscan.Valid(text) != nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

func parseDouble(text []byte) (float64, bool) {
	switch string(text) {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return parseNumber(text)
}

// uint64Field reads a time or another fixed64.
func uint64Field(dst *uint64, name string, raw []byte) error {
	text := unquoted(raw)
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		f, ok := parseNumber(text)
		if !ok || f < 0 || f >= 1<<64 {
			return fault(name + " must be a number of nanoseconds")
		}
		n = uint64(math.Round(f))
	}
	*dst = n
	return nil
}

// uintField reads a uint32.
func uintField(dst *uint32, name string, raw []byte) error {
	n, ok := parseInt(unquoted(raw))
	if !ok || n < 0 || n > math.MaxUint32 {
		return fault(name + " must be a 32-bit number")
	}
	*dst = uint32(n)
	return nil
}

// enumField reads an enum by number or name; a name nobody knows counts as 0.
func enumField(dst *int32, name string, raw []byte, names map[string]int32) error {
	if n, ok := parseInt(unquoted(raw)); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
		*dst = int32(n)
		return nil
	}
	if jsonscan.KindOf(raw) != jsonscan.String {
		return fault(name + " must be a number or a name")
	}
	*dst = names[string(unquoted(raw))]
	return nil
}
