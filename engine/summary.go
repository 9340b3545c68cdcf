package engine

import (
	"encoding/binary"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// Flags of a summary row.
const (
	flagOrphans   = 1 << iota // a parent is missing; the trace is in the orphan list
	flagOpenRoot              // a root has not ended
	flagPromoted              // orphans were promoted to roots
	flagEvaluated             // the trace has evaluations
	flagPieced                // its body is stored in pieces
)

const summaryVersion = 1

// summary is the row of one trace: everything that lists, indexes and buckets
// need, without its texts. Its second byte is the status, so that a scan
// filters without decoding.
type summary struct {
	startUS   int64 // from the key
	updatedUS int64
	flags     byte
	slot      index.Slot // place in the hour's index; N is chosen at commit
	sample    rollup.Sample
	setHash   uint64 // of all runs, order-independent
}

// appendSummary encodes the value of an `s` row, with sums as format 2 has it.
func appendSummary(dst []byte, s *summary, sums bool) []byte {
	dst = append(dst, summaryVersion, byte(s.sample.Status), s.flags)
	dst = binary.AppendUvarint(dst, uint64(s.slot.N))
	dst = binary.AppendVarint(dst, s.updatedUS-s.startUS)
	dst = binary.BigEndian.AppendUint64(dst, s.setHash)
	return appendSample(dst, &s.sample, sums)
}

// decodeSummary decodes an `s` row; startUS comes from its key.
func decodeSummary(b []byte, startUS int64) (s summary, err error) {
	err = s.decode(b, startUS)
	return s, err
}

// decode is decodeSummary for a summary that is zero.
func (s *summary) decode(b []byte, startUS int64) error {
	r := reader{b: b}
	r.summary(s, startUS)
	return r.done("summary row")
}

// summary reads what appendSummary wrote into s, which is zero.
func (r *reader) summary(s *summary, startUS int64) {
	s.startUS = startUS
	version, status := r.byte(), r.byte()
	s.flags = r.byte()
	s.slot = index.Slot{MS: msInHour(startUS), N: r.uvarint32()}
	s.updatedUS = startUS + r.varint()
	s.setHash = r.uint64()
	r.sample(&s.sample)
	if version != summaryVersion || rollup.Status(status) != s.sample.Status {
		r.bad = true
	}
}

func msInHour(us int64) uint32 { return uint32(us % usPerHour / 1000) }
func hourOf(us int64) uint32   { return uint32(us / usPerHour) }
func dayOf(us int64) uint32    { return uint32(us / usPerDay) }

// runMix folds one run into the order-independent hash of a trace's content.
func runMix(idHash, hash uint64) uint64 {
	h := (idHash + 0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9
	h = (h ^ hash) * 0x94d049bb133111eb
	return h ^ h>>29
}

func setHash(runs []trace.Run) uint64 {
	var h uint64
	for i := range runs {
		h += runMix(runs[i].IDHash, runs[i].Hash)
	}
	return h
}
