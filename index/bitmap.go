package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// This file writes and checks the roaring portable format itself instead of
// using Bitmap.WriteTo and Bitmap.Validate:
//   - RunOptimize changes the bitmap that others read, and a copy-on-write
//     clone of it would mark their containers; writing from an iterator does
//     neither, and pins the choice of container kinds to the rule in the
//     package comment, whatever kinds the bitmap happens to hold. An hour of
//     3.6 k, 36 k and 360 k members takes 77, 334 and 2900 µs, against 147, 518
//     and 3600 µs for copy, RunOptimize and ToBytes (BenchmarkAppend,
//     BenchmarkAppendLibrary).
//   - Bitmap.ReadFrom does not check, and Validate compares every run with
//     every other, which hostile bytes can drive to seconds; it also accepts
//     bytes that are not canonical.

const (
	cookieNoRuns  = 12346 // roaring format: no run containers
	cookieRuns    = 12347 // roaring format: run flags follow
	minOffsets    = 4     // with run flags, offsets are there from 4 containers on
	maxArray      = 4096  // values in an array container
	bitsetBytes   = 8192  // a bitset container
	maxContainers = (MSPerHour*SlotsPerMS + 1<<16 - 1) >> 16
)

// errBitmap is the reason given for every malformed bitmap.
var errBitmap = errors.New("index: malformed bitmap")

// asRuns is the rule that picks a run container for card values in runs runs.
func asRuns(card, runs int) bool { return 2+4*runs < min(2*card, bitsetBytes) }

// bitmapWriter appends bitmaps in the portable format; its scratch memory
// serves one bitmap after another.
type bitmapWriter struct {
	buf  []uint32 // values from the iterator
	vals []uint16 // values of the container being collected
	head []container
	body []byte
}

// container is one entry of the descriptive header.
type container struct {
	key  uint16
	card int
	runs bool
	size int // bytes of the body
}

// append appends the portable form of b, which is not empty, to dst.
func (w *bitmapWriter) append(dst []byte, b *roaring.Bitmap) []byte {
	if w.buf == nil {
		w.buf = make([]uint32, 1024)
	}
	w.head, w.body, w.vals = w.head[:0], w.body[:0], w.vals[:0]
	w.body = slices.Grow(w.body, int(b.GetSerializedSizeInBytes()))
	var key uint16
	it := b.ManyIterator()
	for n := it.NextMany(w.buf); n > 0; n = it.NextMany(w.buf) {
		for _, v := range w.buf[:n] {
			if k := uint16(v >> 16); k != key {
				w.flush(key)
				key = k
			}
			w.vals = append(w.vals, uint16(v))
		}
	}
	w.flush(key)
	dst = slices.Grow(dst, 16+9*len(w.head)+len(w.body))
	return append(appendHeader(dst, w.head), w.body...)
}

// flush writes the collected values as one container.
func (w *bitmapWriter) flush(key uint16) {
	card := len(w.vals)
	if card == 0 {
		return
	}
	runs := countRuns(w.vals)
	c := container{key: key, card: card, runs: asRuns(card, runs), size: min(2*card, bitsetBytes)}
	if c.runs {
		c.size = 2 + 4*runs
	}
	start := len(w.body)
	w.body = slices.Grow(w.body, c.size)[:start+c.size]
	switch body := w.body[start:]; {
	case c.runs:
		putRuns(body, w.vals, runs)
	case card <= maxArray:
		for i, v := range w.vals {
			binary.LittleEndian.PutUint16(body[2*i:], v)
		}
	default:
		clear(body)
		for _, v := range w.vals {
			body[v>>3] |= 1 << (v & 7)
		}
	}
	w.head = append(w.head, c)
	w.vals = w.vals[:0]
}

func countRuns(vals []uint16) int {
	runs := 1
	for i := 1; i < len(vals); i++ {
		if vals[i] != vals[i-1]+1 {
			runs++
		}
	}
	return runs
}

func putRuns(b []byte, vals []uint16, runs int) {
	binary.LittleEndian.PutUint16(b, uint16(runs))
	p := 2
	for i := 0; i < len(vals); p += 4 {
		j := i + 1
		for j < len(vals) && vals[j] == vals[j-1]+1 {
			j++
		}
		binary.LittleEndian.PutUint16(b[p:], vals[i])
		binary.LittleEndian.PutUint16(b[p+2:], uint16(j-1-i))
		i = j
	}
}

// appendHeader appends everything that comes before the containers.
func appendHeader(dst []byte, head []container) []byte {
	start := len(dst)
	hasRuns := false
	for _, c := range head {
		hasRuns = hasRuns || c.runs
	}
	if hasRuns {
		dst = binary.LittleEndian.AppendUint16(dst, cookieRuns)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(head)-1))
		flags := len(dst)
		dst = append(dst, make([]byte, (len(head)+7)/8)...)
		for i, c := range head {
			if c.runs {
				dst[flags+i/8] |= 1 << (i % 8)
			}
		}
	} else {
		dst = binary.LittleEndian.AppendUint32(dst, cookieNoRuns)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(head)))
	}
	for _, c := range head {
		dst = binary.LittleEndian.AppendUint16(dst, c.key)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(c.card-1))
	}
	if !hasRuns || len(head) >= minOffsets {
		offset := len(dst) - start + 4*len(head)
		for _, c := range head {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(offset))
			offset += c.size
		}
	}
	return dst
}

// decodeBitmap reads the bitmap that fills b. The result has memory of its
// own. Anything but the canonical form of a set of slots is an error.
func decodeBitmap(b []byte) (*roaring.Bitmap, error) {
	if !checkBitmap(b) {
		return nil, errBitmap
	}
	bm := roaring.New()
	if n, err := bm.ReadFrom(bytes.NewReader(b)); err != nil || n != int64(len(b)) {
		return nil, errBitmap
	}
	return bm, nil
}

// checkBitmap reports whether b is what bitmapWriter writes for some set of
// slots. It is linear in b and allocates only the header it compares with.
func checkBitmap(b []byte) bool {
	head, ok := readHeader(b)
	if !ok {
		return false
	}
	// The offsets depend on the sizes of the containers: walk them first, then
	// compare the whole header with the one that would be written.
	pos := len(b)
	for _, c := range head {
		pos -= c.size
	}
	if pos < 0 || !bytes.Equal(appendHeader(make([]byte, 0, pos), head), b[:pos]) {
		return false
	}
	for _, c := range head {
		if !checkContainer(b[pos:pos+c.size], c) {
			return false
		}
		pos += c.size
	}
	return true
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
