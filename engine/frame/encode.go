package frame

import (
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// smallWindow is the window of the encoders for small bodies. Such a body
// never reaches further back, so the frame is the same; the encoder's history
// buffer is 1 MiB instead of 16.
const smallWindow = 512 << 10

var (
	// A small encoder holds about 1.7 MiB (history 1 MiB, hash table 256 KiB,
	// block buffers). There are at most as many as processors.
	smallEncoders = newEncoderPool(smallWindow, runtime.GOMAXPROCS(0))
	// A large encoder holds about 17 MiB: twice the window, so that its history
	// moves only once every 8 MiB. Large bodies are rare.
	largeEncoders = newEncoderPool(WindowSize, min(4, runtime.GOMAXPROCS(0)))
)

// Encode appends to dst one frame that holds the concatenation of segs. It
// appends to ends one offset for each segment: the end of that segment's
// blocks, counted from the frame's start, for [Blocks].
// Pass a reused ends[:0] to save the allocation. Safe for concurrent use; a
// call may wait while all encoders of the library are busy.
func Encode(dst []byte, ends []int, segs ...[]byte) ([]byte, []int) {
	base := len(ends)
	dst, ends = EncodeBlocks(append(dst, Header...), ends, segs...)
	for i := range ends[base:] {
		ends[base+i] += HeaderLen
	}
	return append(dst, Trailer...), ends
}

// EncodeBlocks is [Encode] without the header and the trailer, which are the same
// for every frame: for [Decode] and [Splicer.Blocks]. The ends are counted
// from the start of the blocks.
//
// Contents of 1 to 64 KiB are encoded in this package, see small; the others,
// and those that hardly get smaller, by the library.
func EncodeBlocks(dst []byte, ends []int, segs ...[]byte) ([]byte, []int) {
	total := 0
	for _, s := range segs {
		total += len(s)
	}
	if total >= smallest && total <= largest {
		if dst, ends, ok := encodeSmall(dst, ends, segs); ok {
			return dst, ends
		}
	}
	pool := largeEncoders
	if total <= smallWindow {
		pool = smallEncoders
	}
	e := pool.get()
	parts := make([][][]byte, len(segs))
	for i := range segs {
		parts[i] = segs[i : i+1]
	}
	dst, ends = e.encode(dst, ends, parts)
	pool.put(e)
	return dst, ends
}

// EncodeLong is [EncodeBlocks] for long contents that lie in many places: each segment
// is the concatenation of its parts, which need not be put together for it. The
// result is that of the library's encoder.
func EncodeLong(dst []byte, ends []int, segs ...[][]byte) ([]byte, []int) {
	e := largeEncoders.get()
	defer largeEncoders.put(e)
	return e.encode(dst, ends, segs)
}

// encoder is a streaming zstd encoder and the slice it writes to. Streaming
// with a flush after each segment is what keeps the history, and so the
// matches, from one segment to the next; EncodeAll cannot do that.
type encoder struct {
	zw  *zstd.Encoder
	out []byte
	// skip counts the bytes of zw's own frame header still to be dropped: only
	// blocks are wanted, and their frame always declares 8 MiB, not zw's window.
	skip int
}

// Write takes the encoder's output; it is called by zw only.
func (e *encoder) Write(p []byte) (int, error) {
	n := min(e.skip, len(p))
	e.skip -= n
	e.out = append(e.out, p[n:]...)
	return len(p), nil
}

func (e *encoder) encode(dst []byte, ends []int, segs [][][]byte) ([]byte, []int) {
	start, base := len(dst), len(ends)
	e.out = dst
	e.skip = HeaderLen
	e.zw.Reset(e)
	for _, parts := range segs {
		var err error
		for _, p := range parts {
			if err == nil {
				_, err = e.zw.Write(p)
			}
		}
		if err == nil {
			err = e.zw.Flush()
		}
		if err != nil {
			// Only a defect of the encoder gets here: Write above never fails.
			// A body stored plainly is better than a body lost.
			e.out, ends = rawBlocks(e.out[:start], ends[:base], start, segs)
			break
		}
		ends = append(ends, len(e.out)-start)
	}
	dst, e.out = e.out, nil
	return dst, ends
}

// rawBlocks stores segs without compression.
func rawBlocks(dst []byte, ends []int, start int, segs [][][]byte) ([]byte, []int) {
	for _, parts := range segs {
		for _, p := range parts {
			dst = appendRaw(dst, p)
		}
		ends = append(ends, len(dst)-start)
	}
	return dst, ends
}

// encoderPool bounds the number of encoders and hands out the last used one
// first, whose tables are still in the processor's cache.
type encoderPool struct {
	window int
	slots  chan struct{}
	mu     sync.Mutex
	free   []*encoder
}

func newEncoderPool(window, most int) *encoderPool {
	return &encoderPool{window: window, slots: make(chan struct{}, most)}
}

func (p *encoderPool) get() *encoder {
	p.slots <- struct{}{}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		e := p.free[n-1]
		p.free = p.free[:n-1]
		return e
	}
	zw, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), // no goroutines
		zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(p.window))
	if err != nil {
		panic("frame: zstd encoder options: " + err.Error()) // constants above
	}
	return &encoder{zw: zw}
}

func (p *encoderPool) put(e *encoder) {
	p.mu.Lock()
	p.free = append(p.free, e)
	p.mu.Unlock()
	<-p.slots
}
