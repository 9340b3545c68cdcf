package frame

import (
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// smallBound is the decoded size up to which a frame takes the pooled
	// path: eight full blocks.
	smallBound = 8 * maxBlock
	// decodeSlack behind the bound lets the decoder use its fast copies up to
	// the last byte.
	decodeSlack = 64
)

// capDecoder decodes into the capacity it is given and never grows it, which
// also is the decoder's fast path (its generic path runs whenever less than
// 128 KiB of room is left). It holds one small block decoder for each
// processor and starts no goroutines.
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

// scratch holds the two buffers of a small decode: the frame of the blocks, and
// room for the most that it may decode to.
type scratch struct{ in, out []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Decode appends the whole content of a stored frame to dst. See
// [DecodePrefix].
func Decode(dst, frame []byte, maxSize int) ([]byte, error) {
	return DecodePrefix(dst, frame, End(frame), maxSize)
}

// DecodePrefix appends to dst the content of the segments before the offset
// end of a frame, which is one of the ends that [Encode] returned. See
// [DecodeBlocks].
func DecodePrefix(dst, frame []byte, end, maxSize int) ([]byte, error) {
	blocks, err := Blocks(frame, end)
	if err != nil {
		return dst, err
	}
	return DecodeBlocks(dst, blocks, maxSize)
}

// DecodeBlocks appends to dst the content of the blocks of whole segments of a
// stored frame, from its first on. It returns dst at its old length with
// [ErrTooLarge] when the content is longer than maxSize bytes, with
// [ErrCorrupt] when it does not decode. It never allocates more than about twice
// the content, or twice maxSize when that is less. Safe for concurrent use.
func DecodeBlocks(dst, blocks []byte, maxSize int) ([]byte, error) {
	bound, err := checkBlocks(blocks)
	if err != nil {
		return dst, err
	}
	if bound > smallBound {
		return decodeLarge(dst, blocks, maxSize, bound)
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.in = appendFrame(s.in[:0], blocks)
	start := len(dst)
	room := int(bound) + decodeSlack
	// Straight into dst when it has the room, else through the scratch, so
	// that a small result does not make the caller's slice 128 KiB long. The
	// decoder is given an empty slice: it is slower behind other content.
	direct := cap(dst)-start >= room
	var out []byte
	if direct {
		out = dst[start:start]
	} else {
		s.out = slices.Grow(s.out[:0], max(room, 2*maxBlock+decodeSlack))
		out = s.out
	}
	got, err := capDecoder.DecodeAll(s.in, out)
	switch {
	case err != nil:
		return dst, corrupt("%v", err)
	case len(got) > maxSize:
		return dst, ErrTooLarge
	case direct:
		return dst[:start+len(got)], nil
	}
	return append(dst, got...), nil
}

// appendFrame appends the frame of blocks.
func appendFrame(dst, blocks []byte) []byte {
	return append(append(append(dst, Header...), blocks...), Trailer...)
}

// decodeLarge decodes blocks that may be longer than smallBound. A decoder of
// its own costs some microseconds against the millisecond of work, and takes
// the limit of this call.
func decodeLarge(dst, blocks []byte, maxSize int, bound int64) ([]byte, error) {
	in := appendFrame(make([]byte, 0, HeaderLen+len(blocks)+TrailerLen), blocks)
	// The bound is nearly exact for honest frames (all blocks but each
	// segment's last are full), but a hostile one promises a lot: room for
	// eight times the input comes first, the rest grows as it decodes.
	room := min(bound, int64(max(maxSize, 0)), max(smallBound, 8*int64(len(in))))
	start := len(dst)
	dst = slices.Grow(dst, int(room)+decodeSlack)
	// Less than a window as the limit would refuse every frame.
	limit := uint64(max(maxSize, WindowSize))
	d := mustDecoder(zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(limit))
	defer d.Close()
	got, err := d.DecodeAll(in, dst[start:start])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return dst, ErrTooLarge
	case err != nil:
		return dst, corrupt("%v", err)
	case len(got) > maxSize:
		return dst, ErrTooLarge
	case cap(got) == cap(dst)-start: // did not grow: it lies behind dst already
		return dst[:start+len(got)], nil
	}
	return append(dst, got...), nil
}
