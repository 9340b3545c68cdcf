package frame

import "sync"

// A small frame is one whose segments fit one block each. It is encoded here
// and not by the library, which cannot share the entropy tables of one block
// with the next: all segments use the tables of the first. Its matches are
// chosen with more care than the library's fastest level does.
//
// Measured on traces of 19.6 KB with an object of 2 KB in front (best of 12,
// in the processor's cache), µs and bytes:
//
//	library, fastest: one segment XX; two XX
//	library, default: one segment XX; two XX
//	here:             one segment XX; two XX
const (
	smallest = 1 << 10 // below, tables of their own do not pay
	largest  = 1 << 16 // places are kept in 16 bits
)

// small encodes small contents.
type small struct {
	matcher
	content    []byte
	huff       huffTable
	ll, of, ml fseTable // literal lengths, offsets, match lengths
	cuts       []cut
}

// cut is a place between two segments.
type cut struct{ literals, seqs int }

var smalls = sync.Pool{New: func() any { return new(small) }}

// encodeSmall appends a frame of segs to dst. ok is false, and nothing is
// appended, when there is so little to win that the library should decide.
func encodeSmall(dst []byte, ends []int, segs [][]byte) (_ []byte, _ []int, ok bool) {
	e := smalls.Get().(*small)
	defer smalls.Put(e)
	e.parse(segs)
	if len(e.seqs) < 16 || len(e.literals) < 64 {
		return dst, ends, false
	}
	table := e.huff.build(e.literals)
	if table == nil {
		return dst, ends, false
	}
	e.buildTables()
	start, base := len(dst), len(ends)
	out := append(dst, header...)
	tables := true
	for i, s := range segs {
		if len(s) > 0 {
			from, to := e.cuts[i], e.cuts[i+1]
			literals, seqs := e.literals[from.literals:to.literals], e.seqs[from.seqs:to.seqs]
			at := len(out)
			out = append(out, 0, 0, 0)
			out = e.huff.appendLiterals(out, literals, table)
			if len(literals) >= leastCoded {
				table = nil
			}
			out = e.appendSequences(out, seqs, tables)
			tables = tables && len(seqs) == 0
			size := len(out) - at - blockHeaderLen
			if size >= len(s) {
				return dst, ends[:base], false
			}
			appendBlockHeader(out[:at], blockCompressed, size)
		}
		ends = append(ends, len(out)-start)
	}
	return append(out, trailer...), ends, true
}

// parse finds the sequences of all segments.
func (e *small) parse(segs [][]byte) {
	e.content = e.content[:0]
	for _, s := range segs {
		e.content = append(e.content, s...)
	}
	e.begin(e.content)
	e.cuts = append(e.cuts[:0], cut{})
	at := 0
	for _, s := range segs {
		e.segment(at, at+len(s))
		at += len(s)
		e.cuts = append(e.cuts, cut{len(e.literals), len(e.seqs)})
	}
}

func (e *small) buildTables() {
	e.ll.reset()
	e.of.reset()
	e.ml.reset()
	for i := range e.seqs {
		s := &e.seqs[i]
		e.ll.count[llCode(s.literals)&63]++
		e.of.count[ofCode(s.offset)&63]++
		e.ml.count[mlCode(s.match)&63]++
	}
	e.ll.build(len(e.seqs))
	e.of.build(len(e.seqs))
	e.ml.build(len(e.seqs))
}
