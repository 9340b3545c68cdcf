package trace

import (
	"bytes"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The members that mark a value as cut.
const (
	inputFlag  = `,"input_truncated":true`
	outputFlag = `,"output_truncated":true`
)

// Preview cuts the values of input and output of a whole trace object, as
// AppendTrace makes it and closed by a brace. A string whose content is longer
// than preview bytes, and any other value whose JSON text is, becomes a JSON
// string that holds its first preview bytes at most, whole runes only, with a
// member input_truncated (output_truncated) after it. An object that was cut
// before is cut further and keeps its flags; cutting twice to the same length
// changes nothing. Where nothing is cut, and with a preview of 0, the answer is
// traceObject itself, else one new slice. The error is that of the JSON text.
func Preview(traceObject []byte, preview int) ([]byte, error) {
	if preview <= 0 {
		return traceObject, nil
	}
	var list [2]cut
	cuts, err := findCuts(list[:0], traceObject, preview)
	if err != nil || len(cuts) == 0 {
		return traceObject, err
	}
	size := len(traceObject)
	for _, c := range cuts {
		size += cutLen(traceObject[c.from:c.to], preview) - (c.to - c.from)
		if !c.flagged {
			size += len(c.flag)
		}
	}
	dst, from := make([]byte, 0, size), 0
	for _, c := range cuts {
		dst = append(dst, traceObject[from:c.from]...)
		dst = appendCut(dst, traceObject[c.from:c.to], preview)
		if !c.flagged {
			dst = append(dst, c.flag...)
		}
		from = c.to
	}
	return append(dst, traceObject[from:]...), nil
}

// cut is a value to be cut: its place, the member that says so, and whether
// the object has that member already.
type cut struct {
	from, to int
	flag     string
	flagged  bool
}

// findCuts appends what is to be cut, in order. It reads no further than the
// member after output.
func findCuts(cuts []cut, obj []byte, preview int) ([]cut, error) {
	var s jsonscan.Scanner
	s.Reset(obj)
	if err := s.BeginObject(); err != nil {
		return nil, err
	}
	last := ""
	for {
		name, ok, err := s.Member()
		if err != nil {
			return nil, err
		}
		if !ok {
			return cuts, s.End()
		}
		if n := len(cuts) - 1; n >= 0 && cuts[n].flag == last && names(last, name) {
			cuts[n].flagged = true
		}
		if last == outputFlag {
			return cuts, nil
		}
		value, err := s.Skip()
		if err != nil {
			return nil, err
		}
		switch string(name) {
		case `"input"`:
			last = inputFlag
		case `"output"`:
			last = outputFlag
		default:
			last = ""
			continue
		}
		if tooLong(value, preview) {
			cuts = append(cuts, cut{s.Offset() - len(value), s.Offset(), last, false})
		}
	}
}

// tooLong says whether a value is to be cut: a string whose content is longer
// than preview, anything else whose JSON text is. A null never is: it would
// become a value.
func tooLong(raw []byte, preview int) bool {
	if preview <= 0 || len(raw) <= preview || raw[0] == 'n' {
		return false
	}
	return raw[0] != '"' || cutString(raw, preview) < len(raw)-1
}

// names says whether the flag is the member of that raw name.
func names(flag string, raw []byte) bool {
	n := len(raw) + 1
	return n < len(flag) && flag[1:n] == string(raw) && flag[n] == ':'
}

// cutLen is the length of what appendCut appends; exact for compact text.
func cutLen(raw []byte, preview int) int {
	if raw[0] == '"' {
		return cutString(raw, preview) + 1
	}
	raw = raw[:runeBoundary(raw, preview)]
	return len(raw) + 2 + bytes.Count(raw, []byte{'"'}) + bytes.Count(raw, []byte{'\\'})
}

// appendCut appends what is left of a JSON value. A string is cut without
// decoding it: what is kept of it are its own bytes.
func appendCut(dst, raw []byte, preview int) []byte {
	if raw[0] == '"' {
		dst = append(dst, raw[:cutString(raw, preview)]...)
		return append(dst, '"')
	}
	return jsonscan.AppendQuoted(dst, raw[:runeBoundary(raw, preview)])
}

// runeBoundary is the greatest n ≤ limit at which b may be cut.
func runeBoundary(b []byte, limit int) int {
	if limit >= len(b) {
		return len(b)
	}
	for limit > 0 && !utf8.RuneStart(b[limit]) {
		limit--
	}
	return limit
}

// cutString is the length of the longest prefix of a JSON string, its opening
// quote included, whose content decodes to at most limit bytes.
func cutString(raw []byte, limit int) int {
	i, end := 1, len(raw)-1
	for {
		plain := bytes.IndexByte(raw[i:min(end, i+limit)], '\\')
		if plain < 0 {
			return i + runeBoundary(raw[i:end], limit)
		}
		i, limit = i+plain, limit-plain
		n, size := 2, 1 // bytes of text, bytes of content
		if raw[i+1] == 'u' {
			n, size = unicodeEscape(raw[i:])
		}
		if size > limit {
			return i
		}
		i, limit = i+n, limit-size
	}
}

// unicodeEscape is the length of the \u escape, or of the pair of surrogate
// escapes, at the front of b, and the length of its rune in UTF-8. A lone
// surrogate decodes to U+FFFD, 3 bytes.
func unicodeEscape(b []byte) (n, size int) {
	r := hex4(b[2:])
	switch {
	case r < utf8.RuneSelf:
		return 6, 1
	case r < 0x800:
		return 6, 2
	case r < 0xD800 || r > 0xDBFF || len(b) < 12 || b[6] != '\\' || b[7] != 'u':
		return 6, 3
	}
	if low := hex4(b[8:]); low < 0xDC00 || low > 0xDFFF {
		return 6, 3
	}
	return 12, 4
}

// hex4 reads four hexadecimal digits of a valid escape.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		r = r<<4 | rune(c&15)
		if c >= 'A' {
			r += 9
		}
	}
	return r
}
