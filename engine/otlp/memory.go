package otlp

import (
	"math/bits"
	"sync"

	"github.com/tracebed/tracebed/engine/trace"
)

// memory is what the runs of a Batch are made of and the next Batch can be
// made of again: a body of 18 KB makes 31 KB of runs, which cost 15 µs of
// allocating, clearing and collecting besides the 45 µs of parsing.
type memory struct {
	buf  []byte
	used bool // buf was handed out
	runs []trace.Run
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// bytes is an empty buffer for at least n bytes: the first one that a body
// asks for is kept for the next body.
func (m *memory) bytes(n int) []byte {
	if m.used {
		return make([]byte, 0, n)
	}
	m.used = true
	if cap(m.buf) < n {
		if n > keptBytes {
			return make([]byte, 0, n)
		}
		// In a power of two: bodies differ in size, and the next should fit as well.
		m.buf = make([]byte, 0, 1<<bits.Len(uint(n-1)))
	}
	return m.buf[:0]
}

// Release lets the next Parse use the memory of the runs, which nobody may
// read afterwards: not before Engine.Submit has returned. A Batch that is
// never released is garbage like any other.
func (b *Batch) Release() {
	m := b.memory
	if m == nil {
		return
	}
	b.memory, b.Groups = nil, nil
	if m.used = false; cap(m.runs) > keptItems {
		m.runs = nil
	}
	clear(m.runs[:cap(m.runs)])
	memories.Put(m)
}
