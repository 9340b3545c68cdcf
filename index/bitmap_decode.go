package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
)

// This file checks the roaring portable format itself: Bitmap.ReadFrom does
// not check, and Bitmap.Validate compares every run with every other, which
// hostile bytes can drive to seconds, and accepts bytes that are not canonical.

// errBitmap is the reason given for every malformed bitmap.
var errBitmap = errors.New("index: malformed bitmap")

// checkBitmap reports whether b is what bitmapWriter writes for some set of
// slots, and gives its containers. It is linear in b and allocates only them and
// the header it compares with.
func checkBitmap(b []byte) ([]container, bool) {
	head, ok := readHeader(b)
	if !ok {
		return nil, false
	}
	// The offsets depend on the sizes of the containers: walk them first, then
	// compare the whole header with the one that would be written.
	pos := len(b)
	for _, c := range head {
		pos -= c.size
	}
	if pos < 0 || !bytes.Equal(appendHeader(make([]byte, 0, pos), head), b[:pos]) {
		return nil, false
	}
	for _, c := range head {
		if !checkContainer(b[pos:pos+c.size], c) {
			return nil, false
		}
		pos += c.size
	}
	return head, true
}

// readHeader reads the descriptive header and finds the size of each
// container. It checks bounds and keys; checkBitmap does the rest.
func readHeader(b []byte) ([]container, bool) {
	if len(b) < 8 {
		return nil, false
	}
	n, pos := binary.LittleEndian.Uint32(b[4:]), 8
	flagged := binary.LittleEndian.Uint16(b) == cookieRuns
	if flagged {
		n = uint32(binary.LittleEndian.Uint16(b[2:])) + 1
		pos = 4 + int(n+7)/8
	}
	if n == 0 || n > maxContainers || len(b) < pos+4*int(n) {
		return nil, false
	}
	head := make([]container, n)
	for i := range head {
		e := b[pos+4*i:]
		c := container{key: binary.LittleEndian.Uint16(e), card: int(binary.LittleEndian.Uint16(e[2:])) + 1}
		if c.key >= maxContainers || i > 0 && c.key <= head[i-1].key {
			return nil, false
		}
		c.runs = flagged && b[4+i/8]>>(i%8)&1 == 1
		c.size = min(2*c.card, bitsetBytes)
		head[i] = c
	}
	return head, readRunSizes(b, head, pos+4*len(head))
}

// readRunSizes sets the sizes of the run containers, which their first two
// bytes tell. end is where the descriptive header ends.
func readRunSizes(b []byte, head []container, end int) bool {
	hasRuns := false
	for _, c := range head {
		hasRuns = hasRuns || c.runs
	}
	if !hasRuns || len(head) >= minOffsets {
		end += 4 * len(head)
	}
	for i := range head {
		if head[i].runs {
			if len(b) < end+2 {
				return false
			}
			head[i].size = 2 + 4*int(binary.LittleEndian.Uint16(b[end:]))
		}
		if end += head[i].size; end > len(b) {
			return false
		}
	}
	return end == len(b)
}

// checkContainer reports whether b holds c.card ascending values inside the
// hour, in the kind the rule picks.
func checkContainer(b []byte, c container) bool {
	last, card, runs := -1, 0, 0
	switch {
	case c.runs:
		for p := 2; p < len(b); p += 4 {
			start := int(binary.LittleEndian.Uint16(b[p:]))
			length := int(binary.LittleEndian.Uint16(b[p+2:]))
			// Adjacent runs are one run; only the first may start at 0.
			if start <= last+1 && runs > 0 {
				return false
			}
			last = start + length
			card += length + 1
			runs++
		}
	case c.card <= maxArray:
		for p := 0; p < len(b); p += 2 {
			v := int(binary.LittleEndian.Uint16(b[p:]))
			if v <= last {
				return false
			}
			if v != last+1 || runs == 0 {
				runs++
			}
			last = v
			card++
		}
	default:
		carry := uint64(0)
		for p := 0; p < len(b); p += 8 {
			x := binary.LittleEndian.Uint64(b[p:])
			card += bits.OnesCount64(x)
			runs += bits.OnesCount64(x &^ (x<<1 | carry))
			carry = x >> 63
			if x != 0 {
				last = p*8 + 63 - bits.LeadingZeros64(x)
			}
		}
	}
	inHour := last < 1<<16 && int(c.key)<<16+last < MSPerHour*SlotsPerMS
	return inHour && card == c.card && asRuns(card, runs) == c.runs
}
