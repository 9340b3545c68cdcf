package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// Unquote is the text of the raw JSON string: a slice of raw where it holds no
// escape, else the decoded text in scratch's memory.
func Unquote(scratch, raw []byte) []byte {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	return AppendString(scratch[:0], raw)
}

// AppendString appends the text of the raw JSON string (with quotes, as Skip
// and Member give it). A surrogate without its other half becomes U+FFFD.
func AppendString(dst, raw []byte) []byte {
	if len(raw) < 2 {
		return dst
	}
	b := raw[1 : len(raw)-1]
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 || i+1 >= len(b) {
			return append(dst, b...)
		}
		dst = append(dst, b[:i]...)
		b = b[i:]
		switch c := b[1]; c {
		case 'u':
			r, n := unescape(b)
			dst = utf8.AppendRune(dst, r)
			b = b[n:]
			continue
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		default: // " \ /
			dst = append(dst, c)
		}
		b = b[2:]
	}
}

// unescape decodes the \u escape, or the pair of them, at the front of b.
func unescape(b []byte) (r rune, n int) {
	r = unit(b)
	if r < 0 {
		return utf8.RuneError, min(len(b), 2)
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low := unit(b[6:]); low >= 0 {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// unit is the UTF-16 code unit of the \u escape at the front of b, −1 if there
// is none.
func unit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || escapeLen(b) != 6 {
		return -1
	}
	return rune(hex(b[2]))<<12 | rune(hex(b[3]))<<8 | rune(hex(b[4]))<<4 | rune(hex(b[5]))
}

// AppendQuoted appends s as a JSON string. Only what JSON demands is escaped;
// invalid UTF-8 becomes U+FFFD. It writes eight bytes at a step and goes back
// where one of them cannot stand for itself: JSON in a string has a quote every
// few bytes, and a copy of what lies between two took a third longer.
func AppendQuoted[T string | []byte](dst []byte, s T) []byte {
	const room = 16 // what a step may write
	dst = append(dst, '"')
	i := 0
	for i+8 <= len(s) {
		at := len(dst)
		if cap(dst)-at < room {
			dst = slices.Grow(dst, len(s)-i+room)
		}
		w := load(s[i : i+8])
		binary.LittleEndian.PutUint64(dst[at:at+8:at+8], w)
		m := stops(w) | w&highs
		if m == 0 {
			dst, i = dst[:at+8], i+8
			continue
		}
		n := bits.TrailingZeros64(m) >> 3
		i += n
		if c := byte(w >> (8 * n)); c == '"' || c == '\\' {
			dst = dst[:at+n+2]
			dst[at+n], dst[at+n+1] = '\\', c
			i++
			continue
		}
		dst, i = appendStop(dst[:at+n], s, i)
	}
	for i < len(s) {
		if c := s[i]; c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			dst, i = append(dst, c), i+1
		} else {
			dst, i = appendStop(dst, s, i)
		}
	}
	return append(dst, '"')
}

// appendStop appends what is at s[i], which is no plain ASCII, and returns where
// it ends.
func appendStop[T string | []byte](dst []byte, s T, i int) ([]byte, int) {
	c := s[i]
	if c < utf8.RuneSelf {
		return appendEscaped(dst, c), i + 1
	}
	r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
	if r == utf8.RuneError && n == 1 {
		return append(dst, "\uFFFD"...), i + 1
	}
	return append(dst, s[i:i+n]...), i + n
}

// load is the first eight bytes of s.
func load[T string | []byte](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// appendEscaped appends the escape of an ASCII character that cannot stand for
// itself.
func appendEscaped(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\t':
		return append(dst, '\\', 't')
	case '\r':
		return append(dst, '\\', 'r')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// AppendCompact appends the valid JSON text raw without insignificant white
// space; the bytes of strings and numbers stay as they are.
func AppendCompact(dst, raw []byte) []byte {
	from := 0
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i, _ = stringEnd(raw, i)
		case ' ', '\n', '\t', '\r':
			dst = append(dst, raw[from:i]...)
			i = spaceEnd(raw, i)
			from = i
		default:
			i++
		}
	}
	return append(dst, raw[from:]...)
}
