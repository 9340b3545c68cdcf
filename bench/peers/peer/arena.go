package peer

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// ArenaBytes is what all arenas take: the data of the harness, which is no
// memory of a store.
var ArenaBytes atomic.Int64

// Arena holds bytes outside of Go's heap. The zero value is empty. Not for
// concurrent use.
type Arena struct {
	blocks [][]byte
	room   []byte
}

const arenaBlock = 32 << 20

// Keep returns a copy of b that lives until Free.
func (a *Arena) Keep(b []byte) []byte {
	if cap(a.room)-len(a.room) < len(b) {
		block, err := syscall.Mmap(-1, 0, max(arenaBlock, len(b)), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return append([]byte(nil), b...) // only the figure of memory suffers
		}
		ArenaBytes.Add(int64(len(block)))
		a.blocks, a.room = append(a.blocks, block), block[:0]
	}
	from := len(a.room)
	a.room = append(a.room, b...)
	return a.room[from:len(a.room):len(a.room)]
}

// String returns a copy of s that lives until Free.
func (a *Arena) String(s string) string {
	if s == "" {
		return ""
	}
	b := a.Keep(unsafe.Slice(unsafe.StringData(s), len(s)))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Slice returns a copy of v that lives until Free. The collector does not see
// what it points to, which must lie in an arena itself.
func Slice[T any](a *Arena, v []T) []T {
	if len(v) == 0 {
		return nil
	}
	const align = 16
	if pad := len(a.room) % align; pad != 0 && cap(a.room)-len(a.room) >= align {
		a.room = a.room[:len(a.room)+align-pad]
	}
	size := int(unsafe.Sizeof(v[0])) * len(v)
	b := a.Keep(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), size))
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(v))
}

// Free gives the memory back; nothing that Keep returned may be used any more.
func (a *Arena) Free() {
	for _, b := range a.blocks {
		ArenaBytes.Add(-int64(len(b)))
		_ = syscall.Munmap(b)
	}
	a.blocks, a.room = nil, nil
}
