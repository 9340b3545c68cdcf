package frame

import "sync"

// A small frame is one whose segments fit one block each. It is encoded here
// and not by the library, which cannot share the entropy tables of one block
// with the next: all segments use the tables of the first. Its matches are
// chosen with more care than the library's fastest level does.
//
// Measured on traces of 21 KB with an object of 2 KB in front (those of
// bench/peers up to 64 KB), best of 16 runs, in µs and bytes:
//
//	                  one segment  two segments
//	library, fastest  46  4,566    55  4,604
//	library, default  68  4,446
//	here              55  4,364    55  4,383
//
// Decoding takes 11.5 µs for all of them.
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

// encodeSmall appends the blocks of segs to dst. ok is false, and nothing is
// appended, when there is so little to win that the library should decide.
func encodeSmall(dst []byte, ends []int, segs [][]byte) (_ []byte, _ []int, ok bool) {
	e := smalls.Get().(*small)
	defer smalls.Put(e)
	e.parse(segs)
	e.src = nil // it may be the caller's
	if len(e.seqs) < 16 || len(e.literals) < 64 {
		return dst, ends, false
	}
	table := e.huff.build(e.literals)
	if table == nil {
		return dst, ends, false
	}
	e.buildTables()
	start, base := len(dst), len(ends)
	out := dst
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
	return out, ends, true
}

// parse finds the sequences of all segments.
func (e *small) parse(segs [][]byte) {
	content := segs[0]
	for _, s := range segs[1:] {
		content = e.join(content, s)
	}
	e.begin(content)
	e.cuts = append(e.cuts[:0], cut{})
	at := 0
	for _, s := range segs {
		e.segment(at, at+len(s))
		at += len(s)
		e.cuts = append(e.cuts, cut{len(e.literals), len(e.seqs)})
	}
}

// join puts b behind a: without a copy where it lies there already, as when the
// caller has cut one slice in two.
func (e *small) join(a, b []byte) []byte {
	n := len(a) + len(b)
	if len(a) > 0 && len(b) > 0 && cap(a) >= n && &a[:n][len(a)] == &b[0] {
		return a[:n]
	}
	e.content = append(append(e.content[:0], a...), b...)
	return e.content
}

// buildTables makes the tables of all sequences, and their codes.
func (e *small) buildTables() {
	e.ll.reset()
	e.of.reset()
	e.ml.reset()
	for i := range e.seqs {
		s := &e.seqs[i]
		s.ll, s.of, s.ml = llCode(s.literals), ofCode(s.offset), mlCode(s.match)
		e.ll.count[s.ll&63]++
		e.of.count[s.of&63]++
		e.ml.count[s.ml&63]++
	}
	e.ll.build(len(e.seqs))
	e.of.build(len(e.seqs))
	e.ml.build(len(e.seqs))
}
