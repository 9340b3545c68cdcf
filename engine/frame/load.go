//go:build amd64 || arm64

package frame

import "unsafe"

// The matcher reads words of its content where it knows that they are inside:
// below, without the check of bounds that Go makes before each. It takes 36
// instead of 49 µs for 17.5 KB of runs, a fifth of what encoding them takes.
// Elsewhere load_other.go does the same with the checks; under the race
// detector the compiler checks these pointers too.

// load64 is the little-endian word of src[at:at+8], which must exist.
func load64(src []byte, at int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), at))
}

// load32 is the little-endian word of src[at:at+4], which must exist.
func load32(src []byte, at int) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), at))
}
