package frame

import (
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Reader reads the content of stored blocks piece by piece, in the memory of a
// window (8 MiB) however long it is. [Decode] is faster for small ones.
type Reader struct{ d *zstd.Decoder }

// NewReader reads the content of the blocks of a stored frame, which r gives.
func NewReader(r io.Reader) (*Reader, error) {
	d := mustDecoder(zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err := d.Reset(io.MultiReader(strings.NewReader(Header), r, strings.NewReader(Trailer))); err != nil {
		d.Close()
		return nil, corrupt("%v", err)
	}
	return &Reader{d: d}, nil
}

// Read is that of io.Reader; damage is [ErrCorrupt].
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.d.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // Read gives it as it is
		err = corrupt("%v", err)
	}
	return n, err
}

// Close gives the memory back.
func (r *Reader) Close() { r.d.Close() }
