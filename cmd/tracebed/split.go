package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Splitting JSON into values without decoding them. What is split here is
// checked by the server; the splitter only has to find where values end, and
// to keep its memory bounded: one value at a time, none above maxValue.

// maxValue bounds one value of the input: a trace with all its runs. A body
// {"runs":[…]} may be larger, as it is taken apart run by run.
const maxValue = 256 << 20

// valueReader reads JSON values from a stream.
type valueReader struct {
	r    *bufio.Reader
	line int // of the next byte, 1-based
	buf  []byte
}

func newValueReader(r io.Reader) *valueReader {
	return &valueReader{r: bufio.NewReaderSize(r, 256<<10), line: 1}
}

// peek skips white space and gives the next byte without taking it; io.EOF at
// the end of the stream.
func (v *valueReader) peek() (byte, error) {
	for {
		c, err := v.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			v.line++
		case ' ', '\t', '\r':
		default:
			return c, v.r.UnreadByte()
		}
	}
}

// expect takes the byte c after white space, if it comes next.
func (v *valueReader) expect(c byte) (bool, error) {
	got, err := v.peek()
	if err != nil || got != c {
		return false, err
	}
	_, err = v.r.ReadByte()
	return true, err
}

// value reads one value. The bytes are valid until the next call.
func (v *valueReader) value() ([]byte, error) {
	if _, err := v.peek(); err != nil {
		return nil, err
	}
	v.buf = v.buf[:0]
	var s scan
	for {
		chunk, err := v.r.Peek(max(v.r.Buffered(), 1))
		if len(chunk) == 0 {
			if errors.Is(err, io.EOF) && s.bare() {
				return v.buf, nil
			}
			return nil, v.cut(err)
		}
		n, done := s.feed(chunk)
		if len(v.buf)+n > maxValue {
			return nil, fmt.Errorf("line %d: one value is larger than %s", v.line, sizeText(maxValue))
		}
		v.buf = append(v.buf, chunk[:n]...)
		v.line += bytes.Count(chunk[:n], []byte{'\n'})
		if _, err := v.r.Discard(n); err != nil {
			return nil, err
		}
		if done {
			return v.buf, nil
		}
	}
}

// cut is the error of a stream that ends inside a value.
func (v *valueReader) cut(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("line %d: the JSON ends in the middle: %w", v.line, err)
}

// scan finds the end of one JSON value in bytes that come in pieces.
type scan struct {
	depth                    int
	inString, escaped, began bool
}

// bare says that a number or literal is under way, which only something after
// it (or the end of the input) ends.
func (s *scan) bare() bool { return s.began && s.depth == 0 && !s.inString }

// feed takes bytes up to the end of the value and says whether it was found.
func (s *scan) feed(b []byte) (n int, done bool) {
	for i := 0; i < len(b); i++ {
		if s.inString {
			if s.escaped {
				s.escaped = false
				continue
			}
			for i < len(b) && b[i] != '"' && b[i] != '\\' {
				i++
			}
			if i == len(b) {
				return i, false
			}
			if b[i] == '\\' {
				s.escaped = true
				continue
			}
			s.inString = false
			if s.depth == 0 {
				return i + 1, true
			}
			continue
		}
		switch c := b[i]; c {
		case '"':
			s.inString, s.began = true, true
		case '{', '[':
			s.depth++
			s.began = true
		case '}', ']':
			if s.depth == 0 {
				return i, true // the end of what a bare value stands in
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\t', '\r', '\n', ':':
			if s.depth == 0 && s.began {
				return i, true
			}
			s.began = true // a stray separator is a value of no bytes; the caller complains
		default:
			s.began = true
		}
	}
	return len(b), false
}

// errShape is returned for bytes that do not begin as the wanted value.
var errShape = errors.New("not the expected JSON")

// members calls fn with every member of a JSON object held in memory.
func members(object []byte, fn func(key, value []byte) error) error {
	return walk(object, '{', '}', func(rest []byte) (int, error) {
		key := next(rest)
		if len(key) < 2 || key[0] != '"' {
			return 0, errShape
		}
		at := len(key)
		at += space(rest[at:])
		if at >= len(rest) || rest[at] != ':' {
			return 0, errShape
		}
		at++
		at += space(rest[at:])
		value := next(rest[at:])
		return at + len(value), fn(key[1:len(key)-1], value)
	})
}

// elements calls fn with every element of a JSON array held in memory.
func elements(array []byte, fn func(value []byte) error) error {
	return walk(array, '[', ']', func(rest []byte) (int, error) {
		value := next(rest)
		return len(value), fn(value)
	})
}

// walk goes through what stands between two brackets; item reports how many
// bytes it took.
func walk(b []byte, first, last byte, item func(rest []byte) (int, error)) error {
	i := space(b)
	if i >= len(b) || b[i] != first {
		return errShape
	}
	i++
	for more := false; ; more = true {
		i += space(b[i:])
		if i >= len(b) {
			return errShape
		}
		if b[i] == last && !more {
			return nil
		}
		if more {
			if b[i] == last {
				return nil
			}
			if b[i] != ',' {
				return errShape
			}
			i++
			i += space(b[i:])
		}
		n, err := item(b[i:])
		if err != nil {
			return err
		}
		if n == 0 {
			return errShape
		}
		i += n
	}
}

// next is the value that b begins with.
func next(b []byte) []byte {
	var s scan
	n, _ := s.feed(b)
	return b[:n]
}

func space(b []byte) int {
	for i, c := range b {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return i
		}
	}
	return len(b)
}
