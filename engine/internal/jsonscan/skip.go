package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

const (
	msgEnd     = "unexpected end of JSON"
	msgDepth   = "JSON nests too deep"
	msgName    = "expected a member name in double quotes"
	msgMember  = "expected a comma or } in an object"
	msgElement = "expected a comma or ] in an array"
	msgColon   = "expected a colon after a member name"
	msgValue   = "expected a JSON value"
	msgNumber  = "bad number"
	msgEscape  = "bad escape in a string"
	msgControl = "control character in a string"
	msgUTF8    = "invalid UTF-8 in a string"
)

// Skip reads one whole value, checks all of it, and gives it back as a slice
// of the input without surrounding white space.
func (s *Scanner) Skip() (raw []byte, err error) {
	s.space()
	start := s.i
	end, spaces, msg := s.valueEnd(start)
	if msg != "" {
		return nil, s.fail(end, msg)
	}
	s.i = end
	s.spaces += spaces
	s.first = false
	return s.b[start:end:end], nil
}

// valueEnd finds the end of the value that begins at i. It is one loop over a
// stack of bits. With msg set, end is the offset of the error.
func (s *Scanner) valueEnd(i int) (end, spaces int, msg string) {
	b, depth, inObject := s.b, s.depth, false
value:
	if i >= len(b) {
		return i, 0, msgEnd
	}
	switch c := b[i]; c {
	case '"':
		i, msg = stringEnd(b, i)
	case '{', '[':
		if depth >= MaxDepth {
			return i, 0, msgDepth
		}
		inObject = c == '{'
		depth = s.push(depth, inObject)
		i, spaces = pastSpace(b, i+1, spaces)
		if i < len(b) && b[i] == c+2 { // the closing bracket
			i++
			depth--
			break
		}
		if inObject {
			goto member
		}
		goto value
	case 't', 'f', 'n':
		i, msg = literalEnd(b, i)
	default:
		i, msg = numberEnd(b, i)
	}
	if msg != "" {
		return i, 0, msg
	}
after:
	if depth == s.depth {
		return i, spaces, ""
	}
	if i, spaces = pastSpace(b, i, spaces); i >= len(b) {
		return i, 0, msgEnd
	}
	inObject = s.stack[(depth-1)>>6]>>((depth-1)&63)&1 == 1
	switch c := b[i]; {
	case c == ',':
		i, spaces = pastSpace(b, i+1, spaces)
		if inObject {
			goto member
		}
		goto value
	case c == '}' && inObject, c == ']' && !inObject:
		i++
		depth--
		goto after
	case inObject:
		return i, 0, msgMember
	default:
		return i, 0, msgElement
	}
member:
	if i, msg = nameEnd(b, i); msg != "" {
		return i, 0, msg
	}
	if i, spaces = pastSpace(b, i, spaces); i >= len(b) {
		return i, 0, msgEnd
	}
	if b[i] != ':' {
		return i, 0, msgColon
	}
	i, spaces = pastSpace(b, i+1, spaces)
	goto value
}

// push notes what kind of container is opened at a depth and gives the depth
// inside it.
func (s *Scanner) push(depth int, object bool) int {
	bit := uint64(1) << (depth & 63)
	if object {
		s.stack[depth>>6] |= bit
	} else {
		s.stack[depth>>6] &^= bit
	}
	return depth + 1
}

// pastSpace steps over white space and adds its length to spaces; small enough
// to be inlined for the usual case that there is none.
func pastSpace(b []byte, i, spaces int) (int, int) {
	if i < len(b) && b[i] <= ' ' {
		end := spaceEnd(b, i)
		return end, spaces + end - i
	}
	return i, spaces
}

// nameEnd finds the end of the member name at i.
func nameEnd(b []byte, i int) (end int, msg string) {
	if i >= len(b) {
		return i, msgEnd
	}
	if b[i] != '"' {
		return i, msgName
	}
	return stringEnd(b, i)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops has the high bit set in the lowest byte of w that is a quote, a back
// slash or a control character; bits above that one mean nothing.
func stops(w uint64) uint64 {
	quote := w ^ '"'*ones
	slash := w ^ '\\'*ones
	return ((w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// stringEnd finds the end (after the closing quote) of the string whose
// opening quote is at i, eight bytes at a step. UTF-8 is checked afterwards,
// and only where a byte above 0x7f was met.
func stringEnd(b []byte, i int) (end int, msg string) {
	i++
	start := i
	var seen uint64
	for {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			m := stops(w)
			if m == 0 {
				seen |= w
				i += 8
				continue
			}
			n := bits.TrailingZeros64(m) &^ 7
			seen |= w & (1<<n - 1)
			i += n >> 3
		} else if i >= len(b) {
			return i, msgEnd
		} else if c := b[i]; c >= ' ' && c != '"' && c != '\\' {
			seen |= uint64(c)
			i++
			continue
		}
		switch b[i] {
		case '"':
			if seen&highs != 0 && !utf8.Valid(b[start:i]) {
				return badUTF8(b, start), msgUTF8
			}
			return i + 1, ""
		case '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return i, msgEscape
			}
			i += n
		default:
			return i, msgControl
		}
	}
}

// escapeLen is the length of the escape that begins with b[0], 0 if it is bad.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case 'n', '"', '\\', '/', 't', 'r', 'b', 'f':
		return 2
	case 'u':
		if len(b) >= 6 && hex(b[2])|hex(b[3])|hex(b[4])|hex(b[5]) <= 0xf {
			return 6
		}
	}
	return 0
}

// hex is the value of a hexadecimal digit, 0xff for anything else.
func hex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20-'a' <= 5:
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

// badUTF8 is the offset of the first invalid byte from i on.
func badUTF8(b []byte, i int) int {
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}

func literalEnd(b []byte, i int) (end int, msg string) {
	word := "null"
	switch b[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word), ""
	}
	return i, msgValue
}

// numberEnd finds the end of the number at i.
func numberEnd(b []byte, i int) (end int, msg string) {
	if b[i] != '-' && b[i]-'0' > 9 {
		return i, msgValue
	}
	if b[i] == '-' {
		i++
	}
	j := digitsEnd(b, i)
	if j == i || b[i] == '0' && j > i+1 {
		return i, msgNumber
	}
	i = j
	if i < len(b) && b[i] == '.' {
		if j = digitsEnd(b, i+1); j == i+1 {
			return j, msgNumber
		}
		i = j
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if j = digitsEnd(b, i); j == i {
			return j, msgNumber
		}
		i = j
	}
	return i, ""
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}
