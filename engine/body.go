package engine

import (
	"encoding/binary"

	"github.com/tracebed/tracebed/engine/frame"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

const (
	bodyFormat1 = 1 // version of a value with whole frames and longer hashes
	bodyFormat2 = 3 // with their blocks alone
	bodyFlagsAt = 2 // offset of the flags in a value
	// previewBytes is the length from which a list row shows the start of an
	// input or output instead of the whole (contract §4, default of preview).
	previewBytes = 2048
	// rowBytes is the length of an object from which its list row is stored
	// by itself. Below, cutting the object when it is read costs some µs; a
	// row costs 1.7 KB of disk.
	rowBytes = 8 << 10
	// runTableMin is the least that one entry of the run table takes.
	runTableMin = idHashBytes + hashBytes + 1
	idHashBytes = 8
	hashBytes   = 6 // of the hash of a run's content; 8 in format 1
)

// runMark is what must be known of a stored run to judge an incoming copy of
// it without decompressing the body. 48 bits of the hash of its content do: they
// tell a copy from a changed run of the same id, and hashes are what no encoder
// makes smaller.
type runMark struct {
	idHash, hash uint64
	end          int64 // ns; openEnd while open
}

const openEnd = int64(-1 << 63)

// markOf gives the mark of a run. A finished run without an end time counts as
// ended when it started.
func markOf(r *trace.Run) runMark {
	m := runMark{idHash: r.IDHash, hash: r.Hash >> (64 - 8*hashBytes), end: openEnd}
	if r.Status != trace.RunOpen {
		m.end = r.Start.NS
		if r.End.Valid {
			m.end = r.End.NS
		}
	}
	return m
}

// body is a decoded `z` value; its slices alias the value.
type body struct {
	status    rollup.Status
	flags     byte
	updatedUS int64
	runs      int
	headRaw   int  // bytes of the trace object without its closing brace
	rawSize   int  // bytes of the object and its runs
	headEnd   int  // bytes of the blocks of the object
	rowRaw    int  // bytes of the list row when it differs; 0 = it does not
	evals     span // of the member evaluations in the object; zero = none
	table     []byte
	row       []byte // blocks of the list row
	blocks    []byte // what is at hand of them: all, or the beginning where there are pieces
	blocksLen int    // of all
	blocksAt  int    // their offset in the value
	valueLen  int    // of the whole value
	pieces    *pieces
	startUS   int64
	format1   bool // whole frames and longer hashes are stored
}

// appendBody encodes the value of a `z` row. head is the trace object without
// its closing brace, row the list row with previews (nil when it is the same),
// tail the member "runs" with its leading comma, nil where it is to be made of
// runs piece by piece. evals is where the member evaluations stands in head, when
// the flags of s say that there is one.
func appendBody(dst []byte, s *summary, runs []trace.Run, head, row, tail []byte, evals span, format2 bool) []byte {
	version, encode := byte(bodyFormat1), frame.Encode
	if format2 {
		version, encode = bodyFormat2, frame.EncodeBlocks
	}
	dst = append(dst, version, byte(s.sample.Status), s.flags)
	dst = binary.AppendVarint(dst, s.updatedUS-s.startUS)
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	for i := range runs {
		dst = binary.BigEndian.AppendUint64(dst, runs[i].IDHash)
		dst = binary.BigEndian.AppendUint64(dst, runs[i].Hash)
		if format2 {
			dst = dst[:len(dst)-8+hashBytes]
		}
		dst = appendEnd(dst, markOf(&runs[i]).end, s.startUS)
	}
	dst = binary.AppendUvarint(dst, uint64(len(row)))
	if len(row) > 0 {
		stored, _ := encode(nil, nil, row)
		dst = appendBytes(dst, stored)
	}
	dst = binary.AppendUvarint(dst, uint64(len(head)))
	dst = binary.AppendUvarint(dst, uint64(len(head)+tailBytes(runs)))
	if s.flags&flagEvaluated != 0 {
		dst = binary.AppendUvarint(dst, uint64(evals.at))
		dst = binary.AppendUvarint(dst, uint64(evals.n))
	}
	// The offset of the head's end is known only after compression: keep room
	// for it so that nothing has to move.
	at, room := len(dst), offsetRoom(len(head), format2)
	dst = append(dst, make([]byte, room)...)
	var ends [2]int
	if tail != nil {
		dst, _ = encode(dst, ends[:0], head, tail)
	} else {
		dst = appendLong(dst, &ends, head, runs, format2)
	}
	putUvarint(dst[at:at+room], uint64(ends[0]))
	return dst
}

// appendLong appends the object and the runs, compressed piece by piece.
func appendLong(dst []byte, ends *[2]int, head []byte, runs []trace.Run, format2 bool) []byte {
	// Room for what hardly compresses: growing in steps would take more.
	most := len(head) + tailBytes(runs)
	dst = append(make([]byte, 0, len(dst)+most-most/8), dst...)
	if !format2 {
		dst = append(dst, frame.Header...)
	}
	dst, _ = frame.EncodeLong(dst, ends[:0], [][]byte{head}, trace.RunParts(runs))
	if !format2 {
		ends[0] += frame.HeaderLen
		dst = append(dst, frame.Trailer...)
	}
	return dst
}

// offsetRoom is the length of the offset behind the blocks of an object of so
// many bytes: 2 where it is certain to fit (blocks never take more than their
// content and 3 bytes), which saves 3 bytes of nearly every trace.
func offsetRoom(head int, format2 bool) int {
	if format2 && head < 8<<10 {
		return 2
	}
	return 5
}

// tailBytes is the length of the member "runs" with its leading comma.
func tailBytes(runs []trace.Run) int {
	return len(runsOpening) + jsonBytes(runs) + max(len(runs)-1, 0) + len("]")
}

// putUvarint writes v as a uvarint that fills b.
func putUvarint(b []byte, v uint64) {
	last := len(b) - 1
	for i := range last {
		b[i] = byte(v) | 0x80
		v >>= 7
	}
	b[last] = byte(v)
}

// appendEnd encodes the end of a run: 0 while open, else the zigzag distance
// from the trace's start: in µs plus 2, or, where it is no whole µs, a 1 and
// the distance in ns. Dynamiq sends µs, which take 3 bytes where ns take 5.
func appendEnd(dst []byte, end, startUS int64) []byte {
	if end == openEnd {
		return append(dst, 0)
	}
	d := end - startUS*1000
	if d%1000 == 0 {
		d /= 1000
		return binary.AppendUvarint(dst, (uint64(d)<<1^uint64(d>>63))+2)
	}
	return binary.AppendUvarint(append(dst, 1), uint64(d)<<1^uint64(d>>63))
}
