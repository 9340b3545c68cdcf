package engine

import (
	"bytes"
	"hash/maphash"
	"sync/atomic"
)

// rowCacheBytes bounds the cache of list rows.
const rowCacheBytes = 8 << 20

// rowCache remembers the list rows that were made of stored bytes, by those
// bytes: it cannot be out of date, whatever is written, and nothing has to be
// told to it. Pages are asked for again and again (the newest one by every open
// browser, all few seconds), and decompressing 20 heads is most of a page: p50
// 0.30 ms a page of 20 without the cache, 0.06 with it (BenchmarkList/any).
//
// A row is kept when it is made for the second time, so that pages nobody comes
// back to take no memory.
type rowCache struct {
	generations[uint64, *cachedRow]
	// once holds keys of rows that were made, by their last bits, the last four that
	// share those: with one, two rows of a page of 20 that is read again and again
	// drove each other out in one page of 43.
	once [1 << 11][4]atomic.Uint64
}

// cachedRow is a list row and what it was made of; it is never changed.
type cachedRow struct {
	rowSource
	stored []byte
	json   []byte
}

// rowSource is what says, beside the stored bytes, how a row comes out.
type rowSource struct {
	preview, rowRaw, headRaw int
	evals                    span
}

var rowSeed = maphash.MakeSeed()

// row is b.cutTo(preview), from the cache if it has it. The caller may change
// what it gets.
func (c *rowCache) row(b *body, preview int) ([]byte, error) {
	stored := b.row
	if b.rowRaw == 0 {
		stored = b.blocks[:min(b.headEnd, len(b.blocks))]
	}
	if preview <= 0 || preview > previewBytes || b.pieces != nil || len(stored) == 0 {
		return b.cutTo(preview) // what is long, or not a row
	}
	src := rowSource{preview: preview, rowRaw: b.rowRaw, headRaw: b.headRaw, evals: b.evals}
	key := maphash.Bytes(rowSeed, stored) ^ uint64(preview)
	if r := c.get(key); r != nil && r.rowSource == src && bytes.Equal(r.stored, stored) {
		return bytes.Clone(r.json), nil
	}
	json, err := b.cutTo(preview)
	if err == nil && c.again(key) {
		c.put(key, &cachedRow{rowSource: src, stored: bytes.Clone(stored), json: bytes.Clone(json)})
	}
	return json, err
}

// again notes that a row was made, and says whether it was before.
func (c *rowCache) again(key uint64) bool {
	moved := key // to the front, the others back by one
	for i := range c.once[0] {
		if moved = c.once[key%uint64(len(c.once))][i].Swap(moved); moved == key {
			return true
		}
	}
	return false
}

func (r *cachedRow) bytes() int64 { return int64(200 + cap(r.stored) + cap(r.json)) }
