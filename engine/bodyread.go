package engine

import (
	"bytes"
	"fmt"

	"github.com/tracebed/tracebed/engine/frame"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

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
func (r *reader) skipMark(format1 bool) {
	r.take(idHashBytes + hashBytes)
	if format1 {
		r.take(8 - hashBytes)
	}
	if len(r.b) > 0 && r.b[0]&0x7f == 1 {
		r.end(0)
		return
	}
	r.skipUvarint()
}

// decodeBody takes a `z` value apart without decompressing anything.
func decodeBody(b []byte, startUS int64) (body, error) { return decodeHeader(b, len(b), startUS) }

// decodeHeader is decodeBody for a value of total bytes that b is the beginning
// of: everything but the blocks must be in it.
func decodeHeader(b []byte, total int, startUS int64) (body, error) {
	r := reader{b: b}
	out := body{startUS: startUS, valueLen: total}
	version := r.byte()
	out.format1 = version == bodyFormat1
	out.status = rollup.Status(r.byte())
	out.flags = r.byte()
	out.updatedUS = startUS + r.varint()
	out.runs = r.count(runTableMin)
	before := r.b
	for range out.runs {
		r.skipMark(out.format1)
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
	out.blocks, out.blocksAt = r.b, len(b)-len(r.b)
	out.blocksLen = total - out.blocksAt
	if r.bad || version != bodyFormat1 && version != bodyFormat2 || out.format1 && !out.unframe() || out.status >= rollup.NumStatus ||
		out.headRaw < 0 || out.rawSize < out.headRaw || out.rowRaw < 0 ||
		out.evals.at < 0 || out.evals.n < 0 || out.evals.at > out.headRaw || out.evals.n > out.headRaw-out.evals.at ||
		out.headEnd < 0 || out.headEnd > out.blocksLen {
		return body{}, fmt.Errorf("%w: malformed body of a trace", ErrCorrupt)
	}
	return out, nil
}

// unframe takes header and trailer off the frames of a value of format 1, and says
// whether they were there. The trailer of one in pieces is not at hand.
func (b *body) unframe() bool {
	if b.rowRaw > 0 {
		row, err := frame.Blocks(b.row, frame.End(b.row))
		if err != nil {
			return false
		}
		b.row = row
	}
	whole := len(b.blocks) == b.blocksLen
	if b.blocksLen < frame.HeaderLen+frame.TrailerLen || !bytes.HasPrefix(b.blocks, []byte(frame.Header)) ||
		whole && !bytes.HasSuffix(b.blocks, []byte(frame.Trailer)) {
		return false
	}
	b.blocksLen -= frame.HeaderLen + frame.TrailerLen
	b.blocksAt += frame.HeaderLen
	b.headEnd -= frame.HeaderLen
	b.blocks = b.blocks[frame.HeaderLen:]
	b.blocks = b.blocks[:min(len(b.blocks), b.blocksLen)]
	return true
}

// marks decodes the run table.
func (b *body) marks(dst []runMark) []runMark {
	r := reader{b: b.table}
	for range b.runs {
		m := runMark{idHash: r.uint64()}
		for _, c := range r.take(hashBytes) {
			m.hash = m.hash<<8 | uint64(c)
		}
		if b.format1 {
			r.take(8 - hashBytes)
		}
		m.end = r.end(b.startUS)
		dst = append(dst, m)
	}
	return dst
}

// appendHead appends the trace object without its closing brace.
func (b *body) appendHead(dst []byte) ([]byte, error) {
	if b.pieces != nil && (b.headEnd > len(b.blocks) || b.headRaw > pieceBytes) {
		return b.appendContent(dst, b.headRaw)
	}
	return b.decode(dst, b.blocks[:b.headEnd], b.headRaw)
}

// appendAll appends the trace object and its member "runs", both without the
// closing brace.
func (b *body) appendAll(dst []byte) ([]byte, error) {
	if b.pieces != nil {
		return b.appendContent(dst, b.rawSize)
	}
	return b.decode(dst, b.blocks, b.rawSize)
}

// listRow is the list row (with previews), closing brace included.
func (b *body) listRow() ([]byte, error) {
	if b.rowRaw > 0 {
		return b.decode(nil, b.row, b.rowRaw)
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

func (b *body) decode(dst, blocks []byte, size int) ([]byte, error) {
	out, err := frame.Decode(dst, blocks, size)
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
