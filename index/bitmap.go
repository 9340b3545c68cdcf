package index

import (
	"encoding/binary"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// This file writes the roaring portable format itself instead of using
// Bitmap.WriteTo. RunOptimize changes the bitmap that others read, and a copy-on-write
// clone of it would mark their containers; writing from an iterator does
// neither, and pins the choice of container kinds to the rule in the
// package comment, whatever kinds the bitmap happens to hold. An hour of
// 3.6 k, 36 k and 360 k members takes 77, 334 and 2900 µs, against 147, 518
// and 3600 µs for copy, RunOptimize and ToBytes (BenchmarkAppend,
// BenchmarkAppendLibrary).

const (
	cookieNoRuns  = 12346 // roaring format: no run containers
	cookieRuns    = 12347 // roaring format: run flags follow
	minOffsets    = 4     // with run flags, offsets are there from 4 containers on
	maxArray      = 4096  // values in an array container
	bitsetBytes   = 8192  // a bitset container
	maxContainers = (MSPerHour*SlotsPerMS + 1<<16 - 1) >> 16
)

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
