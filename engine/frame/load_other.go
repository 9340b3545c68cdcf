//go:build !amd64 && !arm64

package frame

import "encoding/binary"

// load64 is the little-endian word of src[at:at+8].
func load64(src []byte, at int) uint64 { return binary.LittleEndian.Uint64(src[at:]) }

// load32 is the little-endian word of src[at:at+4].
func load32(src []byte, at int) uint32 { return binary.LittleEndian.Uint32(src[at:]) }
