package frame

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestEncodeLong: contents in parts give the blocks of the contents in one.
func TestEncodeLong(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	a, b := jsonLike(rng, 3<<20), jsonLike(rng, 2<<20)
	want, wantEnds := EncodeBlocks(nil, nil, a, b)
	got, ends := EncodeLong(nil, nil, [][]byte{a[:1], a[1:70_000], nil, a[70_000:]}, [][]byte{b})
	if !bytes.Equal(got, want) || ends[0] != wantEnds[0] || ends[1] != wantEnds[1] {
		t.Errorf("%d bytes with ends %v, not %d with %v", len(got), ends, len(want), wantEnds)
	}
	for i, end := range ends {
		want := append(bytes.Clone(a), b...)[:[]int{len(a), len(a) + len(b)}[i]]
		if text, err := Decode(nil, got[:end], len(want)); err != nil || !bytes.Equal(text, want) {
			t.Errorf("cut at end %d: %d bytes (%v)", i, len(text), err)
		}
	}
}

// TestMore: blocks that come in stretches are spliced as if they came at once.
func TestMore(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	text := jsonLike(rng, 2<<20)
	blocks, _ := EncodeBlocks(nil, nil, text)
	for _, size := range []int{1, 1000, 200_000, len(blocks)} {
		var out bytes.Buffer
		s := NewSplicer(&out)
		write := s.Blocks
		var rest []byte
		for b := blocks; len(b) > 0; b = b[min(size, len(b)):] {
			rest = append(rest, b[:min(size, len(b))]...)
			if n := Whole(rest); n > 0 {
				if err := write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				write = s.More
				rest = append(rest[:0], rest[n:]...)
			}
		}
		if len(rest) > 0 {
			t.Errorf("%d bytes of blocks are left", len(rest))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.DecodeAll(out.Bytes(), nil)
		d.Close()
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("in stretches of %d: %d bytes (%v)", size, len(got), err)
		}
	}
}
