package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/frame"
)

// A body longer than pieceBytes is stored in pieces: the first in its `z` row,
// the others in `y` rows beside it. Pebble holds a value several times while it
// writes or moves it, and whole in its cache to read any of it; of pieces it
// holds one, and so do readers that need no more.
const (
	pieceBytes   = 1 << 20
	piecedBody   = 2       // version of a `z` value that is a first piece
	maxBodyBytes = 2 << 30 // of all pieces: more than any trace takes
)

// pieceKey is the key of piece i ≥ 1 of the body of a key. The length of the id
// stands before it, so that the pieces of one id are a range without those of
// another that begins with it.
func pieceKey(dst, bodyKey []byte, i uint32) []byte {
	dst = append(append(dst, prefixPiece), bodyKey[1:bodyKeyHead]...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(bodyKey)-bodyKeyHead))
	dst = append(dst, bodyKey[bodyKeyHead:]...)
	return binary.BigEndian.AppendUint32(dst, i)
}

// setBody writes the rows of a body.
func (c *committer) setBody(b *pebble.Batch, key, value []byte) error {
	if len(value) <= pieceBytes {
		return b.Set(key, value, nil)
	}
	c.val = binary.AppendUvarint(append(c.val[:0], piecedBody), uint64(len(value)))
	c.val = append(c.val, value[:pieceBytes]...)
	err := b.Set(key, c.val, nil)
	var k []byte
	for i := uint32(1); err == nil && len(value) > pieceBytes; i++ {
		value = value[pieceBytes:]
		k = pieceKey(k[:0], key, i)
		err = b.Set(k, value[:min(pieceBytes, len(value))], nil)
	}
	c.val = nil // it is a large one
	return err
}

// dropPieces removes what pieces the body of a key has behind the first.
func dropPieces(b *pebble.Batch, key []byte) error {
	return b.DeleteRange(pieceKey(nil, key, 0), pieceKey(nil, key, ^uint32(0)), nil)
}

// pieces are those of a body behind its first.
type pieces struct {
	r     pebble.Reader
	key   []byte // of the `z` row
	total int    // bytes of the whole value
	ask   func(bytes int64) error
}

type memoryKey struct{}

// WithMemory is ctx for reads that ask before they take much memory: a read of
// a trace of more than about a megabyte calls ask with the bytes that it is
// about to take, its answer included, and ends with the error of ask. It may ask
// several times; when the memory is free again is the caller's to know.
func WithMemory(ctx context.Context, ask func(bytes int64) error) context.Context {
	return context.WithValue(ctx, memoryKey{}, ask)
}

// decode is decodeStored for a read of a view.
func (v *view) decode(key, val []byte, startUS int64) (body, error) {
	if len(val) > 0 && val[0] == piecedBody && v.loose() {
		return body{}, errMoved
	}
	b, err := decodeStored(v.snap, key, val, startUS)
	if err == nil && b.pieces != nil {
		b.pieces.ask, _ = v.ctx.Value(memoryKey{}).(func(int64) error)
	}
	return b, err
}

// need asks for the memory that a read of a long body takes.
func (b *body) need(bytes int) error {
	if b.pieces == nil || b.pieces.ask == nil {
		return nil
	}
	return b.pieces.ask(int64(bytes))
}

// decodeStored takes a stored `z` value apart. What it gives may read the other
// pieces from r later on.
func decodeStored(r pebble.Reader, key, val []byte, startUS int64) (body, error) {
	if len(val) == 0 || val[0] != piecedBody {
		return decodeBody(val, startUS)
	}
	head := reader{b: val[1:]}
	total := head.uvarint()
	if head.bad || len(head.b) != pieceBytes || total <= pieceBytes || total > maxBodyBytes {
		return body{}, fmt.Errorf("%w: malformed first piece of a body", ErrCorrupt)
	}
	p := &pieces{r: r, key: append([]byte(nil), key...), total: int(total)}
	b, err := decodeHeader(head.b, p.total, startUS)
	if err != nil { // a run table of a megabyte
		all, err := p.append(append(make([]byte, 0, pieceBytes), head.b...))
		if err != nil {
			return body{}, err
		}
		return decodeBody(all, startUS)
	}
	b.pieces = p
	return b, nil
}

// append appends all pieces behind the first to dst.
func (p *pieces) append(dst []byte) ([]byte, error) {
	n := (p.total + pieceBytes - 1) / pieceBytes
	// The last first: when it is there, room for all of them is well spent.
	err := p.each(n-1, n, func([]byte) error { return nil })
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(dst)+p.total-pieceBytes), dst...)
	err = p.each(1, n, func(piece []byte) error {
		out = append(out, piece...)
		return nil
	})
	return out, err
}

// each calls fn with the pieces from ≤ i < to; they are valid during the call.
func (p *pieces) each(from, to int, fn func([]byte) error) error {
	var key []byte
	for i := from; i < to; i++ {
		key = pieceKey(key[:0], p.key, uint32(i))
		val, closer, err := p.r.Get(key)
		if errors.Is(err, pebble.ErrNotFound) {
			return fmt.Errorf("%w: piece %d of a body is missing", ErrCorrupt, i)
		}
		if err != nil {
			return storeError(err)
		}
		if len(val) != min(pieceBytes, p.total-i*pieceBytes) {
			err = fmt.Errorf("%w: piece %d of a body has %d bytes", ErrCorrupt, i, len(val))
		} else {
			err = fn(val)
		}
		if err := errors.Join(err, closer.Close()); err != nil {
			return err
		}
	}
	return nil
}

// appendContent appends n bytes of the object and the runs, of which the stored
// form is held a piece at a time.
func (b *body) appendContent(dst []byte, n int) ([]byte, error) {
	if err := b.need(n); err != nil {
		return dst, err
	}
	r, err := b.content()
	if err != nil {
		return dst, err
	}
	defer r.Close()
	at := len(dst)
	if cap(dst)-at < n {
		dst = append(make([]byte, 0, at+n+1), dst...)
	}
	if _, err := io.ReadFull(r, dst[at:at+n]); err != nil {
		return dst, fmt.Errorf("%w: body of a trace: %w", ErrCorrupt, err)
	}
	return dst[:at+n], nil
}

// content reads the object and the runs, piece by piece.
func (b *body) content() (*frame.Reader, error) {
	var from io.Reader = bytes.NewReader(b.blocks)
	if b.pieces != nil {
		from = io.LimitReader(&pieceReader{pieces: b.pieces, at: b.blocks}, int64(b.blocksLen))
	}
	r, err := frame.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return r, nil
}

// eachBlocks calls fn with the stored blocks in the first end bytes of them, whole
// blocks at a time.
func (b *body) eachBlocks(end int, fn func(blocks []byte) error) error {
	var rest []byte // the beginning of a block
	at := 0
	give := func(part []byte) error {
		part = part[:min(len(part), end-at)]
		at += len(part)
		rest = append(rest, part...)
		n := frame.Whole(rest)
		if n == 0 {
			return nil
		}
		err := fn(rest[:n])
		rest = append(rest[:0], rest[n:]...)
		return err
	}
	err := give(b.blocks)
	var piece []byte // a copy: nothing of the store is held while fn writes
	for i := 1; err == nil && at < end; i++ {
		err = b.pieces.each(i, i+1, func(p []byte) error {
			piece = append(piece[:0], p...)
			return nil
		})
		if err == nil {
			err = give(piece)
		}
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: the blocks of a body do not end where they should", ErrCorrupt)
	}
	return err
}

// pieceReader reads a value from where its beginning is at hand.
type pieceReader struct {
	*pieces
	at   []byte // not read yet
	buf  []byte
	next int // piece to read next, less one
}

// Read is that of io.Reader.
func (x *pieceReader) Read(p []byte) (int, error) {
	if len(x.at) == 0 {
		if x.next++; x.next*pieceBytes >= x.total {
			return 0, io.EOF
		}
		err := x.each(x.next, x.next+1, func(piece []byte) error {
			x.buf = append(x.buf[:0], piece...)
			return nil
		})
		if err != nil {
			return 0, err
		}
		x.at = x.buf
	}
	n := copy(p, x.at)
	x.at = x.at[n:]
	return n, nil
}

// pieceRows is how many `y` rows a body has.
func (b *body) pieceRows() int64 {
	if b.flags&flagPieced == 0 {
		return 0
	}
	return int64(b.valueLen-1) / pieceBytes
}
