package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/tracebed/tracebed/engine/frame"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

const (
	bodyVersion = 1
	bodyFlagsAt = 2 // offset of the flags in a value
	// previewBytes is the length from which a list row shows the start of an
	// input or output instead of the whole (contract §4, default of preview).
	previewBytes = 2048
	// rowBytes is the length of an object from which its list row is stored
	// by itself. Below, cutting the object when it is read costs some µs; a
	// row costs 1.7 KB of disk.
	rowBytes = 8 << 10
	// runTableMin is the least that one entry of the run table takes.
	runTableMin = 17
)

// runMark is what must be known of a stored run to judge an incoming copy of
// it without decompressing the body.
type runMark struct {
	idHash, hash uint64
	end          int64 // ns; openEnd while open
}

const openEnd = int64(-1 << 63)

// markOf gives the mark of a run. A finished run without an end time counts as
// ended when it started.
func markOf(r *trace.Run) runMark {
	m := runMark{idHash: r.IDHash, hash: r.Hash, end: openEnd}
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
	headEnd   int  // offset in frame behind the blocks of the object
	rowRaw    int  // bytes of the list row when it differs; 0 = it does not
	evals     span // of the member evaluations in the object; zero = none
	table     []byte
	row       []byte // frame of the list row
	frame     []byte // of what is at hand: whole, or its beginning where there are pieces
	frameLen  int    // of the whole frame
	valueLen  int    // of the whole value
	pieces    *pieces
	startUS   int64
}

// appendBody encodes the value of a `z` row. head is the trace object without
// its closing brace, row the list row with previews (nil when it is the same),
// tail the member "runs" with its leading comma, nil where it is to be made of
// runs piece by piece. evals is where the member evaluations stands in head, when
// the flags of s say that there is one.
func appendBody(dst []byte, s *summary, runs []trace.Run, head, row, tail []byte, evals span, format2 bool) []byte {
	dst = append(dst, bodyVersion, byte(s.sample.Status), s.flags)
	dst = binary.AppendVarint(dst, s.updatedUS-s.startUS)
	dst = binary.AppendUvarint(dst, uint64(len(runs)))
	for i := range runs {
		m := markOf(&runs[i])
		dst = binary.BigEndian.AppendUint64(dst, m.idHash)
		dst = binary.BigEndian.AppendUint64(dst, m.hash)
		dst = appendEnd(dst, m.end, s.startUS)
	}
	dst = binary.AppendUvarint(dst, uint64(len(row)))
	if len(row) > 0 {
		rowFrame, _ := frame.Encode(nil, nil, row)
		dst = appendBytes(dst, rowFrame)
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
		dst, _ = frame.Encode(dst, ends[:0], head, tail)
	} else {
		// Room for what hardly compresses: growing in steps would take more.
		most := len(head) + tailBytes(runs)
		dst = append(make([]byte, 0, len(dst)+most-most/8), dst...)
		dst, _ = frame.EncodeLong(dst, ends[:0], [][]byte{head}, trace.RunParts(runs))
	}
	putUvarint(dst[at:at+room], uint64(ends[0]))
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

// end reads what appendEnd wrote.
func (r *reader) end(startUS int64) int64 {
	e, unit := r.uvarint(), int64(1000)
	switch e {
	case 0:
		return openEnd
	case 1:
		e, unit = r.uvarint(), 1
	default:
		e -= 2
	}
	return startUS*1000 + (int64(e>>1)^-int64(e&1))*unit
}

// skipMark skips an entry of the run table.
func (r *reader) skipMark() {
	r.take(16)
	if len(r.b) > 0 && r.b[0]&0x7f == 1 {
		r.end(0)
		return
	}
	r.skipUvarint()
}

// decodeBody takes a `z` value apart without decompressing anything.
func decodeBody(b []byte, startUS int64) (body, error) { return decodeHeader(b, len(b), startUS) }

// decodeHeader is decodeBody for a value of total bytes that b is the beginning
// of: everything but the frame must be in it.
func decodeHeader(b []byte, total int, startUS int64) (body, error) {
	r := reader{b: b}
	out := body{startUS: startUS, valueLen: total}
	version := r.byte()
	out.status = rollup.Status(r.byte())
	out.flags = r.byte()
	out.updatedUS = startUS + r.varint()
	out.runs = r.count(runTableMin)
	before := r.b
	for range out.runs {
		r.skipMark()
	}
	if !r.bad {
		out.table = before[:len(before)-len(r.b)]
	}
	if out.rowRaw = int(r.uvarint()); out.rowRaw > 0 {
		out.row = r.bytes()
	}
	out.headRaw, out.rawSize = int(r.uvarint()), int(r.uvarint())
	if out.flags&flagEvaluated != 0 {
		out.evals = span{int(r.uvarint()), int(r.uvarint())}
	}
	out.headEnd = int(r.uvarint())
	out.frame = r.b
	out.frameLen = total - (len(b) - len(r.b))
	if r.bad || version != bodyVersion || out.status >= rollup.NumStatus ||
		out.headRaw < 0 || out.rawSize < out.headRaw || out.rowRaw < 0 ||
		out.evals.at < 0 || out.evals.n < 0 || out.evals.at > out.headRaw || out.evals.n > out.headRaw-out.evals.at ||
		out.headEnd < frame.HeaderLen || out.headEnd > out.frameLen-frame.TrailerLen {
		return body{}, fmt.Errorf("%w: malformed body of a trace", ErrCorrupt)
	}
	return out, nil
}

// marks decodes the run table.
func (b *body) marks(dst []runMark) []runMark {
	r := reader{b: b.table}
	for range b.runs {
		m := runMark{idHash: r.uint64(), hash: r.uint64(), end: r.end(b.startUS)}
		dst = append(dst, m)
	}
	return dst
}

// appendHead appends the trace object without its closing brace.
func (b *body) appendHead(dst []byte) ([]byte, error) {
	if b.pieces != nil && b.headEnd <= len(b.frame) && b.headRaw <= pieceBytes {
		return b.decode(dst, frame.Cut(b.frame, b.headEnd), b.headEnd, b.headRaw)
	}
	if b.pieces != nil {
		return b.appendContent(dst, b.headRaw)
	}
	return b.decode(dst, b.frame, b.headEnd, b.headRaw)
}

// appendAll appends the trace object and its member "runs", both without the
// closing brace.
func (b *body) appendAll(dst []byte) ([]byte, error) {
	if b.pieces != nil {
		return b.appendContent(dst, b.rawSize)
	}
	return b.decode(dst, b.frame, frame.End(b.frame), b.rawSize)
}

// listRow is the list row (with previews), closing brace included.
func (b *body) listRow() ([]byte, error) {
	if b.rowRaw > 0 {
		return b.decode(nil, b.row, frame.End(b.row), b.rowRaw)
	}
	return b.object(false)
}

// cutTo is the list row for a preview: with the default one, and no more than
// it, from the small row that is stored for it.
func (b *body) cutTo(preview int) ([]byte, error) {
	if preview <= 0 || preview > previewBytes {
		obj, err := b.object(preview == whole)
		if err != nil {
			return nil, err
		}
		return trace.Preview(obj, preview)
	}
	obj, err := b.listRow()
	if err == nil && (preview < previewBytes || b.rowRaw == 0 && b.headRaw > preview) {
		obj, err = trace.Preview(obj, preview)
	}
	return obj, err
}

// object is the trace object with its closing brace, with its evaluations or
// without.
func (b *body) object(evaluations bool) ([]byte, error) {
	dst, err := b.appendHead(nil)
	if err != nil {
		return nil, err
	}
	if !evaluations && b.evals.n > 0 {
		dst = b.evals.cutOut(dst)
	}
	return append(dst, '}'), nil
}

func (b *body) decode(dst, f []byte, end, size int) ([]byte, error) {
	out, err := frame.DecodePrefix(dst, f, end, size)
	if err == nil && len(out)-len(dst) != size {
		err = fmt.Errorf("%d bytes instead of %d", len(out)-len(dst), size)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: body of a trace: %w", ErrCorrupt, err)
	}
	return out, nil
}

// splitRuns gives the runs of a decoded body (object and runs), newest first.
func (b *body) splitRuns(all []byte) ([]trace.Run, error) {
	runs, err := trace.ParseRuns(all[b.headRaw:])
	if err == nil && len(runs) != b.runs {
		err = fmt.Errorf("%d runs instead of %d", len(runs), b.runs)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: runs of a trace: %w", ErrCorrupt, err)
	}
	return runs, nil
}
