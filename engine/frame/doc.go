// Package frame stores a trace body as one zstd frame that can be cut and
// joined without recompressing anything. What is stored are its blocks: header and
// trailer are the same for all.
//
// A frame (RFC 8878) is always
//
//	header   28 b5 2f fd 00 68     no checksum, no content size, no
//	                               dictionary, window 8 MiB
//	blocks   of segment 0, then of segment 1, …   none has its last bit set
//	trailer  01 00 00              an empty last raw block
//
// so header + any prefix of the blocks + trailer is itself a valid frame. It
// gives three guarantees:
//
//   - [EncodeBlocks] starts new blocks at each segment's start, so [Decode] can
//     decode the first segments without touching the rest;
//   - the blocks of a frame refer only to bytes and entropy tables of that
//     frame, so a [Splicer] can copy the blocks of thousands of frames into one
//     frame that every zstd decoder reads;
//   - equal input gives equal bytes, whatever was encoded before.
//
// The package does not detect damage that still decodes: the frames have no
// checksum because a spliced frame could not use it, and the store below
// checksums its blocks.
package frame

import (
	"errors"
	"fmt"
)

const (
	// Header begins every frame.
	Header = "\x28\xb5\x2f\xfd\x00\x68"
	// Trailer ends it: an empty last block.
	Trailer = "\x01\x00\x00"
	// HeaderLen is the length in bytes of the header. The blocks begin there.
	HeaderLen = len(Header)
	// TrailerLen is that of the trailer.
	TrailerLen = len(Trailer)
	// WindowSize is the window that every frame declares, in bytes: the most
	// that an HTTP client must accept (RFC 9659).
	WindowSize = 8 << 20

	// maxBlock is the most bytes that one block may decode to: RFC 8878
	// §3.1.1.2.4, min(window, 128 KiB).
	maxBlock = 128 << 10
	// blockHeaderLen is the length of a block's header, RFC 8878 §3.1.1.2.
	blockHeaderLen = 3
)

// Block types, RFC 8878 §3.1.1.2.2.
const (
	blockRaw        = 0
	blockRLE        = 1
	blockCompressed = 2
)

// ErrCorrupt: the bytes are not a frame of this package, or are damaged.
var ErrCorrupt = errors.New("zstd frame is damaged")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// End returns the end offset of all the blocks of a stored frame, which is the
// end of its last segment.
func End(frame []byte) int {
	return len(frame) - TrailerLen
}

// Blocks returns the blocks of the segments before the offset end, which must
// be one of the ends that [Encode] returned, or [End]. The result aliases
// frame. It returns [ErrCorrupt] when the header, the trailer or the chain of
// blocks is not as Encode writes it.
func Blocks(frame []byte, end int) ([]byte, error) {
	if len(frame) < HeaderLen+TrailerLen || string(frame[:HeaderLen]) != Header {
		return nil, corrupt("no frame header")
	}
	if string(frame[End(frame):]) != Trailer {
		return nil, corrupt("no trailer")
	}
	if end < HeaderLen || end > End(frame) {
		return nil, corrupt("end %d outside of the blocks", end)
	}
	return frame[HeaderLen:end], nil
}

// Whole returns the length of the whole blocks that b, which begins with one,
// holds; the rest is the beginning of another.
func Whole(b []byte) (n int) {
	for len(b)-n >= blockHeaderLen {
		h := int(b[n]) | int(b[n+1])<<8 | int(b[n+2])<<16
		size := h >> 3
		if h>>1&3 == blockRLE {
			size = 1
		}
		if n+blockHeaderLen+size > len(b) {
			break
		}
		n += blockHeaderLen + size
	}
	return n
}

// checkBlocks walks a chain of stored blocks and returns the most bytes they
// may decode to. It costs some nanoseconds for each block: contents are not
// looked at.
func checkBlocks(b []byte) (bound int64, err error) {
	for i := 0; i < len(b); {
		if len(b)-i < blockHeaderLen {
			return 0, corrupt("block header cut at %d", i)
		}
		h := int(b[i]) | int(b[i+1])<<8 | int(b[i+2])<<16
		size := h >> 3
		if h&1 != 0 {
			return 0, corrupt("last block at %d before the trailer", i)
		}
		if size > maxBlock {
			return 0, corrupt("block of %d bytes at %d", size, i)
		}
		i += blockHeaderLen
		switch h >> 1 & 3 {
		case blockRaw:
			bound += int64(size)
			i += size
		case blockRLE:
			bound += int64(size)
			i++
		case blockCompressed:
			bound += maxBlock
			i += size
		default:
			return 0, corrupt("block of a reserved type at %d", i-blockHeaderLen)
		}
		if i > len(b) {
			return 0, corrupt("block cut")
		}
	}
	return bound, nil
}

// appendRaw appends b as raw blocks (RFC 8878 §3.1.1.2.2), none of them last.
func appendRaw[T string | []byte](dst []byte, b T) []byte {
	for len(b) > 0 {
		n := min(len(b), maxBlock)
		dst = appendBlockHeader(dst, blockRaw, n)
		dst = append(dst, b[:n]...)
		b = b[n:]
	}
	return dst
}

func appendBlockHeader(dst []byte, kind, size int) []byte {
	h := kind<<1 | size<<3
	return append(dst, byte(h), byte(h>>8), byte(h>>16))
}
