package httpapi

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window that a zstd body may ask for: what HTTP
// allows (RFC 9659), and the memory of one decoder.
const zstdWindow = 8 << 20

// decoderBytes is the memory that a decoder of each coding takes, for the
// reading budget.
var decoderBytes = map[string]int64{"gzip": 64 << 10, "deflate": 64 << 10, "zstd": zstdWindow + 1<<20}

// contentCodings lists the codings of a body in the order in which they were
// applied; identity is left out.
func contentCodings(headers [][]byte) ([]string, error) {
	var out []string
	for _, h := range headers {
		for s := range strings.SplitSeq(string(h), ",") {
			switch s = strings.ToLower(strings.TrimSpace(s)); s {
			case "", "identity":
			case "x-gzip":
				out = append(out, "gzip")
			case "gzip", "deflate", "zstd":
				out = append(out, s)
			default:
				e := mediaType("Content-Encoding " + cut(s, 32) + " is not supported; use identity, gzip, deflate or zstd")
				e.details = map[string]string{"Content-Encoding": "must be identity, gzip, deflate or zstd"}
				return nil, e
			}
		}
	}
	if len(out) > 3 {
		return nil, badField("Content-Encoding", "more than three codings")
	}
	return out, nil
}

// decodeChain gives the reader of the decoded body and what to call after.
// Nothing between the stages holds more than a window.
func decodeChain(wire io.Reader, codings []string) (r io.Reader, done func(), err error) {
	r = wire
	var release []func()
	done = func() {
		for _, f := range release {
			f()
		}
	}
	for _, coding := range slices.Backward(codings) {
		var put func()
		switch coding {
		case "gzip":
			r, put, err = gunzip(r)
		case "deflate":
			r, put, err = inflate(r)
		case "zstd":
			r, put, err = unzstd(r)
		}
		if err != nil {
			done()
			return nil, nil, err
		}
		release = append(release, put)
	}
	return r, done, nil
}

var (
	gzipPool  sync.Pool
	zlibPool  sync.Pool
	flatePool sync.Pool
	zstdPool  sync.Pool
)

func gunzip(src io.Reader) (io.Reader, func(), error) {
	z, _ := gzipPool.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	put := func() { gzipPool.Put(z) }
	if err := z.Reset(src); err != nil {
		put()
		return nil, nil, noEOF(err)
	}
	return z, put, nil
}

// inflate reads a zlib stream, which is what the coding deflate means, or the
// raw deflate that some clients send instead.
func inflate(src io.Reader) (io.Reader, func(), error) {
	br := bufio.NewReaderSize(src, 4<<10)
	head, err := br.Peek(2)
	if err != nil {
		return nil, nil, noEOF(err)
	}
	if head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		z, _ := zlibPool.Get().(zlib.Resetter)
		if z == nil {
			nz, err := zlib.NewReader(br)
			if err != nil {
				return nil, nil, err
			}
			return nz, func() { zlibPool.Put(nz) }, nil
		}
		put := func() { zlibPool.Put(z) }
		if err := z.Reset(br, nil); err != nil {
			put()
			return nil, nil, err
		}
		return z.(io.Reader), put, nil
	}
	z, _ := flatePool.Get().(io.ReadCloser)
	if z == nil {
		z = flate.NewReader(br)
	} else if err := z.(flate.Resetter).Reset(br, nil); err != nil {
		return nil, nil, err
	}
	return z, func() { flatePool.Put(z) }, nil
}

// unzstd decodes in the caller's goroutine and never takes a window above
// zstdWindow.
func unzstd(src io.Reader) (io.Reader, func(), error) {
	z, _ := zstdPool.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, nil, err
		}
	}
	put := func() {
		_ = z.Reset(nil)
		zstdPool.Put(z)
	}
	if err := z.Reset(src); err != nil {
		put()
		return nil, nil, err
	}
	return zstdReader{z}, put, nil
}

// zstdReader says what to do about a window that is too large.
type zstdReader struct{ z *zstd.Decoder }

func (r zstdReader) Read(p []byte) (int, error) {
	n, err := r.z.Read(p)
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = errors.New("zstd: the window is larger than 8 MiB; compress with --long off and a level of at most 19")
	}
	return n, err
}

// noEOF keeps an empty body from looking like a decoded one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
