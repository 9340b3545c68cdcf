package frame

import (
	"encoding/binary"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// smallBound is the decoded size up to which blocks take the pooled path:
	// eight full ones.
	smallBound = 8 * maxBlock
	// decodeSlack behind the content lets the decoder use its fast copies up to
	// the last byte.
	decodeSlack = 64
)

// capDecoder decodes into the capacity it is given and never grows it. It holds
// one small block decoder for each processor and starts no goroutines.
var capDecoder = mustDecoder(
	zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)),
	zstd.WithDecodeAllCapLimit(true))

func mustDecoder(opts ...zstd.DOption) *zstd.Decoder {
	d, err := zstd.NewReader(nil, append(opts, zstd.WithDecoderMaxWindow(WindowSize))...)
	if err != nil {
		panic("frame: zstd decoder options: " + err.Error()) // constants
	}
	return d
}

// frames are buffers for the frames of small decodes.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// Decode appends to dst the content of the blocks of whole segments of a stored
// frame, from its first on, which is size bytes long. It returns dst at its old
// length with [ErrCorrupt] when the blocks do not decode, or to another size. It
// never allocates more than about twice the content, or 1 MiB when that is more.
// Safe for concurrent use.
func Decode(dst, blocks []byte, size int) ([]byte, error) {
	bound, err := checkBlocks(blocks)
	if err != nil {
		return dst, err
	}
	if size < 0 || int64(size) > bound {
		return dst, corrupt("blocks of at most %d bytes instead of %d", bound, size)
	}
	if bound > smallBound {
		return decodeLarge(dst, blocks, size)
	}
	buf := frames.Get().(*[]byte)
	defer frames.Put(buf)
	*buf = appendSized((*buf)[:0], blocks, size)
	start := len(dst)
	dst = slices.Grow(dst, size+decodeSlack)
	// The decoder is given an empty slice: it is slower behind other content.
	got, err := capDecoder.DecodeAll(*buf, dst[start:start])
	if err != nil {
		return dst[:start], corrupt("%v", err)
	}
	return dst[:start+len(got)], nil
}

// appendSized appends the frame of blocks with the size of their content, by which
// the decoder knows that there is room for its fast copies: 23 KB take 23 µs,
// without it 26.
func appendSized(dst, blocks []byte, size int) []byte {
	dst = append(dst, Header...)
	dst[len(dst)-2] |= 2 << 6 // Frame_Content_Size of 4 bytes, RFC 8878 §3.1.1.1
	dst = binary.LittleEndian.AppendUint32(dst, uint32(size))
	return append(append(dst, blocks...), Trailer...)
}

// decodeLarge decodes blocks that may be longer than smallBound. A decoder of
// its own costs some microseconds against the millisecond of work, and takes
// the limit of this call.
func decodeLarge(dst, blocks []byte, size int) ([]byte, error) {
	in := make([]byte, 0, HeaderLen+len(blocks)+TrailerLen)
	in = append(append(append(in, Header...), blocks...), Trailer...)
	// A damaged size promises a lot: room for eight times the input comes first,
	// the rest grows as it decodes.
	room := min(size, max(smallBound, 8*len(in)))
	start := len(dst)
	dst = slices.Grow(dst, room+decodeSlack)
	// Less than a window as the limit would refuse every frame.
	limit := uint64(max(size, WindowSize))
	d := mustDecoder(zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit))
	defer d.Close()
	got, err := d.DecodeAll(in, dst[start:start])
	switch {
	case err != nil:
		return dst, corrupt("%v", err)
	case len(got) != size:
		return dst, corrupt("blocks of %d bytes instead of %d", len(got), size)
	case cap(got) == cap(dst)-start: // did not grow: it lies behind dst already
		return dst[:start+size], nil
	}
	return append(dst, got...), nil
}
