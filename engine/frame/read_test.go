package frame

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func TestReader(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 5000, 3 << 20, 20 << 20} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(rng.IntN(4)) // compresses a little
		}
		f, _ := EncodeBlocks(nil, nil, want[:size/3], want[size/3:])
		r, err := NewReader(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		var in io.Reader = r
		if size == 5000 {
			in = iotest.OneByteReader(r)
		}
		got, err := io.ReadAll(in)
		r.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d came back (%v)", size, len(got), err)
		}
		if size < 5000 {
			continue
		}
		for _, bad := range [][]byte{f[:len(f)/2], f[:3], append(bytes.Clone(f[:40]), bytes.Repeat([]byte{0xff}, 100)...)} {
			r, err := NewReader(bytes.NewReader(bad))
			if err == nil {
				_, err = io.ReadAll(r)
				r.Close()
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("damaged: %v", err)
			}
		}
	}
}
