package engine

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/tracebed/tracebed/engine/trace"
)

// OpKind says what an operation does.
type OpKind uint8

// The kinds of operations. The numbers are part of the record format.
const (
	OpUpsert        OpKind = 1 // runs of an app arrive
	OpDeleteTrace   OpKind = 2
	OpDeleteApp     OpKind = 3
	OpPutSetting    OpKind = 4
	OpDeleteSetting OpKind = 5
	OpPromote       OpKind = 6 // orphans of a trace become roots
	OpRetain        OpKind = 7 // everything that started before a time goes
	OpCreateApp     OpKind = 8 // an app gets its number; an upsert asks for it first
	OpEvaluate      OpKind = 9 // evaluations of a trace arrive
)

const opVersion = 1

// Op is one change of the store, complete in itself: what it does depends on
// nothing but the state it meets. Every mutation goes through Engine.Apply as
// an Op, so that the same operations in the same order give the same store,
// byte for byte.
type Op struct {
	Kind OpKind
	// TimeNS is the wall clock of whoever made the operation, in ns since the
	// epoch: updated_at of what it changes.
	TimeNS int64
	App    string
	// Runs of an upsert. All belong to App.
	Runs []trace.Run
	// Key is a trace id (delete, promote, evaluate) or the key of a setting.
	Key string
	// MaxRuns and MaxBytes bound each trace of an upsert, 0 = not: what they
	// refuse must not depend on who applies the operation.
	MaxRuns  int
	MaxBytes int64
	// Value of a setting; or the JSON array of evaluations, all with an id. One
	// with a null created_at keeps that of the evaluation it replaces, or takes
	// TimeNS.
	Value []byte
	// Cutoff in µs since the epoch: OpRetain removes what started before it;
	// OpPromote acts on a trace whose last update is at or before it.
	Cutoff int64
}

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// AppendBinary appends the record of the operation: version, kind, fields,
// and a CRC-32C of all of it.
func (op *Op) AppendBinary(dst []byte) ([]byte, error) {
	from := len(dst)
	dst = append(dst, opVersion, byte(op.Kind))
	dst = binary.AppendVarint(dst, op.TimeNS)
	dst = binary.AppendVarint(dst, op.Cutoff)
	dst = binary.AppendUvarint(dst, uint64(op.MaxRuns))
	dst = binary.AppendUvarint(dst, uint64(op.MaxBytes))
	dst = appendBytes(dst, []byte(op.App))
	dst = appendBytes(dst, []byte(op.Key))
	dst = appendBytes(dst, op.Value)
	dst = binary.AppendUvarint(dst, uint64(len(op.Runs)))
	for i := range op.Runs {
		dst = appendBytes(dst, op.Runs[i].JSON)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[from:], crcTable)), nil
}

// UnmarshalBinary decodes a record made by AppendBinary. It copies what it
// keeps.
func (op *Op) UnmarshalBinary(b []byte) error {
	if len(b) < 4 || crc32.Checksum(b[:len(b)-4], crcTable) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return fmt.Errorf("%w: checksum of an operation record", ErrCorrupt)
	}
	r := reader{b: append([]byte(nil), b[:len(b)-4]...)}
	if v := r.byte(); v != opVersion {
		return fmt.Errorf("%w: operation record of version %d", ErrVersion, v)
	}
	*op = Op{Kind: OpKind(r.byte()), TimeNS: r.varint(), Cutoff: r.varint()}
	op.MaxRuns, op.MaxBytes = int(r.uvarint()), int64(r.uvarint())
	op.App, op.Key = string(r.bytes()), string(r.bytes())
	op.Value = r.bytes()
	for range r.count(1) {
		run, err := trace.ParseRun(r.bytes())
		if err != nil {
			return fmt.Errorf("%w: run in an operation record: %w", ErrCorrupt, err)
		}
		op.Runs = append(op.Runs, run)
	}
	return r.done("operation record")
}
