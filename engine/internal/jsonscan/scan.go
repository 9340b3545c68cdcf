// Package jsonscan is a strict, single-pass pull scanner for JSON text that
// is held in memory.
//
// It accepts what RFC 8259 accepts and nothing else, rejects invalid UTF-8,
// and allows duplicate members. It gives values back as slices of the input
// ("raw" values), so that numbers keep every digit and members their order.
// It does not allocate, does not recurse, and nests at most MaxDepth deep. It
// does not decode into Go values.
package jsonscan

import (
	"errors"
	"fmt"
)

// MaxDepth is how deep arrays and objects may nest. Clients stop far earlier
// (orjson: 254); the bound keeps the stack of a Scanner at 128 bytes.
const MaxDepth = 1000

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds of values. Invalid also stands for the end of the input.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Object
	Array
)

// SyntaxError says at which byte of the input the text stops being JSON.
type SyntaxError struct {
	Offset int
	Msg    string
}

// ErrSyntax is matched (errors.Is) by every *SyntaxError.
var ErrSyntax = errors.New("not valid JSON")

// Is says that target is ErrSyntax.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// Error is the message with its offset.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset) }

// Scanner reads one JSON text from front to back. The zero Scanner has an
// empty input. A Scanner that has returned an error must be Reset.
type Scanner struct {
	b      []byte
	i      int
	depth  int  // containers that are open
	first  bool // the innermost open container has had no member yet
	spaces int
	// stack holds one bit for each container that Skip has open: 1 = object.
	stack [MaxDepth/64 + 1]uint64
}

// Reset makes b the input. The Scanner keeps b; values are slices of it.
func (s *Scanner) Reset(b []byte) {
	s.b, s.i, s.depth, s.first, s.spaces = b, 0, 0, false, 0
}

// Offset is the position of the next unread byte.
func (s *Scanner) Offset() int { return s.i }

// Since is the input from an earlier Offset to the present one.
func (s *Scanner) Since(offset int) []byte { return s.b[offset:s.i:s.i] }

// Spaces counts the bytes of insignificant white space read so far. A value
// holds none if the count is the same after Peek and after reading the value.
func (s *Scanner) Spaces() int { return s.spaces }

// Peek skips white space and tells the kind of the value that begins there,
// by its first byte; Invalid where no value can begin.
func (s *Scanner) Peek() Kind {
	s.space()
	if s.i >= len(s.b) {
		return Invalid
	}
	return KindOf(s.b[s.i:])
}

// KindOf is the kind of the raw value v, by its first byte.
func KindOf(v []byte) Kind {
	if len(v) == 0 {
		return Invalid
	}
	switch c := v[0]; c {
	case '"':
		return String
	case '{':
		return Object
	case '[':
		return Array
	case 'n':
		return Null
	case 't', 'f':
		return Bool
	default:
		if c == '-' || c-'0' <= 9 {
			return Number
		}
		return Invalid
	}
}

// BeginObject enters the object that begins here; read it with Member.
func (s *Scanner) BeginObject() error { return s.begin('{', "expected an object") }

// BeginArray enters the array that begins here; read it with Element.
func (s *Scanner) BeginArray() error { return s.begin('[', "expected an array") }

func (s *Scanner) begin(open byte, msg string) error {
	s.space()
	if s.i >= len(s.b) {
		return s.fail(s.i, msgEnd)
	}
	if s.b[s.i] != open {
		return s.fail(s.i, msg)
	}
	if s.depth >= MaxDepth {
		return s.fail(s.i, msgDepth)
	}
	s.i++
	s.depth++
	s.first = true
	return nil
}

// Member goes to the next member of the object and gives its name as a raw
// JSON string (with quotes). Its value must be read before the next call. At
// the end of the object it leaves it and ok is false.
func (s *Scanner) Member() (name []byte, ok bool, err error) {
	if ok, err = s.next('}', msgMember); !ok {
		return nil, false, err
	}
	i := s.i
	end, msg := nameEnd(s.b, i)
	if msg != "" {
		return nil, false, s.fail(end, msg)
	}
	s.i = end
	s.space()
	if s.i >= len(s.b) {
		return nil, false, s.fail(s.i, msgEnd)
	}
	if s.b[s.i] != ':' {
		return nil, false, s.fail(s.i, msgColon)
	}
	s.i++
	return s.b[i:end], true, nil
}

// TryMember goes to the next member of the object if it is not the first one and
// stands there as text: a comma, the name and a colon without white space. It
// takes a third of the time of Member.
func (s *Scanner) TryMember(text string) bool {
	end := s.i + len(text)
	if s.first || end > len(s.b) || string(s.b[s.i:end]) != text {
		return false
	}
	s.i = end
	return true
}

// Element goes to the next element of the array, which must be read before
// the next call. At the end of the array it leaves it and answers false.
func (s *Scanner) Element() (bool, error) {
	return s.next(']', msgElement)
}

// next steps over the comma before a member or over the end of the container.
func (s *Scanner) next(closing byte, msg string) (bool, error) {
	s.space()
	if s.i >= len(s.b) {
		return false, s.fail(s.i, msgEnd)
	}
	c := s.b[s.i]
	if c == closing {
		s.i++
		s.depth--
		s.first = false
		return false, nil
	}
	if !s.first {
		if c != ',' {
			return false, s.fail(s.i, msg)
		}
		s.i++
		s.space()
	}
	s.first = false
	return true, nil
}

// End checks that nothing but white space is left.
func (s *Scanner) End() error {
	s.space()
	if s.i < len(s.b) {
		return s.fail(s.i, "unexpected text after the end of the JSON value")
	}
	return nil
}

// Valid checks that b is exactly one JSON value; the error is a *SyntaxError.
func Valid(b []byte) error {
	var s Scanner
	s.Reset(b)
	if _, err := s.Skip(); err != nil {
		return err
	}
	return s.End()
}

func (s *Scanner) space() {
	s.i, s.spaces = pastSpace(s.b, s.i, s.spaces)
}

func (s *Scanner) fail(offset int, msg string) error {
	return &SyntaxError{Offset: offset, Msg: msg}
}

// spaceEnd is the first position from i on that holds no white space.
func spaceEnd(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
