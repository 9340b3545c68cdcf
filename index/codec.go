package index

import (
	"encoding/binary"
	"errors"

	"github.com/tracebed/tracebed/rollup"
)

// Reasons for bytes that are not a set or an hour.
var (
	errUvarint   = errors.New("index: malformed uvarint")
	errTruncated = errors.New("index: truncated")
	errOverflow  = errors.New("index: overflow list out of order or out of range")
	errStatus    = errors.New("index: status unknown, repeated or out of order")
	errEmptySet  = errors.New("index: empty status")
	errTaken     = errors.New("index: slot in two statuses")
)

// AppendBinary appends the canonical encoding of s to dst (see the package
// comment; without a status byte). It does not change s.
func (s *Set) AppendBinary(dst []byte) []byte {
	var w bitmapWriter
	return s.append(dst, &w)
}

func (s *Set) append(dst []byte, w *bitmapWriter) []byte {
	switch {
	case s.packed != nil:
		dst = binary.AppendUvarint(dst, uint64(len(s.packed.b)))
		dst = append(dst, s.packed.b...)
	case s.bits.IsEmpty():
		dst = append(dst, 0)
	default:
		// The length goes in front, and its own length is not known before.
		start := len(dst)
		dst = w.append(dst, &s.bits)
		var size [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(size[:], uint64(len(dst)-start))
		dst = append(dst, size[:n]...)
		copy(dst[start+n:], dst[start:len(dst)-n])
		copy(dst[start:], size[:n])
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.over)))
	prev := uint64(0)
	for _, key := range s.over {
		dst = binary.AppendUvarint(dst, key-prev)
		prev = key
	}
	return dst
}

// DecodeSet reads a set from the front of b and returns what follows it. The
// set does not alias b. Bytes that AppendBinary would not write are an error.
func DecodeSet(b []byte) (s Set, rest []byte, err error) {
	err = s.decode(&b)
	if err != nil {
		return Set{}, nil, err
	}
	return s, b, nil
}

// decode fills the empty set s from the front of *b and moves *b on.
func (s *Set) decode(b *[]byte) error {
	size, err := uvarint(b)
	if err != nil {
		return err
	}
	if size > uint64(len(*b)) {
		return errTruncated
	}
	if size > 0 {
		if s.packed, err = newPacked((*b)[:size]); err != nil {
			return err
		}
		s.n = s.packed.count()
		*b = (*b)[size:]
	}
	if err := s.decodeOver(b); err != nil {
		return err
	}
	s.n += len(s.over)
	return nil
}

func (s *Set) decodeOver(b *[]byte) error {
	count, err := uvarint(b)
	if err != nil {
		return err
	}
	if count > uint64(len(*b)) { // a value takes a byte or more
		return errTruncated
	}
	if count == 0 {
		return nil
	}
	s.over = make([]uint64, count)
	prev := uint64(0)
	for i := range s.over {
		d, err := uvarint(b)
		if err != nil {
			return err
		}
		key := prev + d
		x := Slot{MS: uint32(key >> 32), N: uint32(key)}
		if key < d || i > 0 && d == 0 || !x.Valid() || x.N < SlotsPerMS {
			return errOverflow
		}
		s.over[i], prev = key, key
	}
	return nil
}

// AppendBinary appends the canonical encoding of h to dst: equal hours give
// equal bytes. It does not change h.
func (h *Hour) AppendBinary(dst []byte) []byte {
	var w bitmapWriter
	for i := range h.sets {
		if h.sets[i].n > 0 {
			dst = h.sets[i].append(append(dst, byte(i)), &w)
		}
	}
	return dst
}

// DecodeHour reads the hour that fills b. The hour does not alias b. Bytes
// that AppendBinary would not write are an error.
func DecodeHour(b []byte) (*Hour, error) {
	h := new(Hour)
	next := 0
	for len(b) > 0 {
		st := int(b[0])
		if st < next || st >= rollup.NumStatus {
			return nil, errStatus
		}
		next = st + 1
		b = b[1:]
		s := &h.sets[st]
		if err := s.decode(&b); err != nil {
			return nil, err
		}
		if s.n == 0 {
			return nil, errEmptySet
		}
		for i := range st {
			if h.sets[i].intersects(s) {
				return nil, errTaken
			}
		}
	}
	return h, nil
}

// uvarint reads a uvarint in its shortest form from the front of *b.
func uvarint(b *[]byte) (uint64, error) {
	v, n := binary.Uvarint(*b)
	if n <= 0 || n > 1 && (*b)[n-1] == 0 {
		return 0, errUvarint
	}
	*b = (*b)[n:]
	return v, nil
}
