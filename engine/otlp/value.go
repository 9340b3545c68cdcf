package otlp

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// appendValue appends a value as JSON with nothing read into it: strings stay
// strings, integers keep every digit, bytes are base64, and the doubles that
// JSON has no number for are the strings NaN, Infinity and -Infinity.
func appendValue(dst []byte, a *attr) []byte {
	switch a.kind {
	case kindString:
		return jsonscan.AppendQuoted(dst, a.text)
	case kindBool:
		return strconv.AppendBool(dst, a.num != 0)
	case kindInt:
		return strconv.AppendInt(dst, int64(a.num), 10)
	case kindDouble:
		return appendDouble(dst, math.Float64frombits(a.num))
	case kindBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, a.text)
		return append(dst, '"')
	case kindJSON:
		return append(dst, a.text...)
	}
	return append(dst, "null"...)
}

func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// appendStructured is appendValue, except that a string that holds a JSON
// object or array becomes that: whether emitters send structure or its text
// depends on the age of their SDK.
func appendStructured(dst []byte, a *attr) []byte {
	if a.kind == kindString {
		if dst, ok := appendJSONText(dst, a.text); ok {
			return dst
		}
	}
	return appendValue(dst, a)
}

// appendJSONText appends text, compact, if it is a JSON object or array.
func appendJSONText(dst, text []byte) ([]byte, bool) {
	if kind := jsonscan.KindOf(trimmed(text)); kind != jsonscan.Object && kind != jsonscan.Array {
		return dst, false
	}
	return appendAnyJSON(dst, text)
}

// appendAnyJSON appends text, compact, if it is JSON and not too deep.
func appendAnyJSON(dst, text []byte) ([]byte, bool) {
	var s jsonscan.Scanner
	s.Reset(text)
	raw, err := s.Skip()
	if err != nil || s.End() != nil || tooDeep(raw) {
		return dst, false
	}
	if s.Spaces() == 0 {
		return append(dst, raw...), true
	}
	return jsonscan.AppendCompact(dst, raw), true
}

// tooDeep reports whether valid JSON nests deeper than maxValueDepth. Counting
// brackets, which is quick, settles nearly all.
func tooDeep(raw []byte) bool {
	if bytes.Count(raw, []byte{'{'})+bytes.Count(raw, []byte{'['}) <= maxValueDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxValueDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// textOf is a value as a text that can be an id or a name: not empty, valid
// UTF-8, of at most trace.MaxIDBytes bytes. Lists and objects have none.
func textOf(a *attr, scratch []byte) (text []byte, ok bool) {
	switch a.kind {
	case kindString:
		text = bytes.TrimSpace(a.text)
	case kindInt, kindBool, kindDouble:
		text = appendValue(scratch[:0], a)
	}
	return text, len(text) > 0 && len(text) <= trace.MaxIDBytes && utf8.Valid(text)
}

// numberOf is a value as the text of a JSON number; strings may hold one.
func numberOf(a *attr, scratch []byte) (number []byte, ok bool) {
	switch a.kind {
	case kindString:
		number = bytes.TrimSpace(a.text)
	case kindInt, kindDouble, kindJSON:
		number = appendValue(scratch[:0], a)
	}
	return number, jsonscan.KindOf(number) == jsonscan.Number && jsonscan.Valid(number) == nil
}

// tokensOf is a whole number from 0 to trace.MaxTokens; some emitters send −1
// for what they do not know.
func tokensOf(number []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return n, n >= 0 && n <= trace.MaxTokens
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil || f != math.Trunc(f) || f < 0 || f > trace.MaxTokens {
		return 0, false
	}
	return int64(f), true
}

func costOf(number []byte) (rollup.Money, bool) {
	m, err := rollup.ParseUSD(number)
	return m, err == nil
}

// validText is b as a string of valid UTF-8.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD")))
}
