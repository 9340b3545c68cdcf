package engine

import (
	"encoding/binary"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

const journalVersion = 1

// delta is one change of the derived state: a trace's sample enters or leaves
// the buckets and the index of its hour. The journal keeps the deltas of every
// commit batch until the state that they changed has been written itself.
type delta struct {
	app     uint32
	remove  bool
	startUS int64
	slotN   uint32
	sample  rollup.Sample
}

func (d *delta) slot() index.Slot { return index.Slot{MS: msInHour(d.startUS), N: d.slotN} }

// journal builds the `j` record of one commit batch: the operations in order,
// each with its deltas.
type journal struct {
	first uint64 // sequence of the first operation
	ops   int
	buf   []byte // ops × (count uv, deltas)
}

func (j *journal) reset(first uint64) { j.first, j.ops, j.buf = first, 0, j.buf[:0] }

func (j *journal) addOp(deltas []delta) {
	j.ops++
	j.buf = binary.AppendUvarint(j.buf, uint64(len(deltas)))
	for i := range deltas {
		d := &deltas[i]
		sign := byte(0)
		if d.remove {
			sign = 1
		}
		j.buf = append(j.buf, sign)
		j.buf = binary.AppendUvarint(j.buf, uint64(d.app))
		j.buf = binary.AppendUvarint(j.buf, uint64(d.startUS))
		j.buf = binary.AppendUvarint(j.buf, uint64(d.slotN))
		j.buf = appendSample(j.buf, &d.sample, false)
	}
}

func (j *journal) appendTo(dst []byte) []byte {
	dst = append(dst, journalVersion)
	dst = binary.AppendUvarint(dst, j.first)
	dst = binary.AppendUvarint(dst, uint64(j.ops))
	return append(dst, j.buf...)
}

// decodeJournal calls apply for every delta of a `j` record, in order, and
// returns the sequence of its last operation.
func decodeJournal(b []byte, apply func(seq uint64, d *delta) error) (last uint64, err error) {
	r := reader{b: b}
	if r.byte() != journalVersion {
		r.bad = true
	}
	seq := r.uvarint()
	ops := r.count(1)
	for i := range ops {
		for range r.count(5) {
			d := delta{remove: r.byte() == 1, app: r.uvarint32(), startUS: int64(r.uvarint()),
				slotN: r.uvarint32()}
			if r.sample(&d.sample); r.bad {
				break
			}
			if err := apply(seq+uint64(i), &d); err != nil {
				return 0, err
			}
		}
	}
	if err := r.done("journal record"); err != nil {
		return 0, err
	}
	return seq + uint64(ops) - 1, nil
}
