package frame

import (
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// body is the size of an average trace: 1.5 KB of trace object, 15.5 KB of runs.
func body() (head, runs, both []byte) {
	r := rand.New(rand.NewPCG(10, 10))
	head, runs = jsonLike(r, 1500), jsonLike(r, 15_500)
	return head, runs, append(append([]byte(nil), head...), runs...)
}

func BenchmarkEncode(b *testing.B) {
	head, runs, both := body()
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	var out []byte
	var ends []int
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(both)))
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(len(out)), "B/frame")
		})
	}
	run("EncodeAll", func() { out = zw.EncodeAll(both, out[:0]) })
	run("EncodeAllTwice", func() { out = zw.EncodeAll(runs, zw.EncodeAll(head, out[:0])) })
	run("one", func() { out, ends = Encode(out[:0], ends[:0], both) })
	run("head+runs", func() { out, ends = Encode(out[:0], ends[:0], head, runs) })
}

func BenchmarkDecode(b *testing.B) {
	head, runs, both := body()
	f, _ := Encode(nil, nil, head, runs)
	blocks, ends := EncodeBlocks(nil, nil, head, runs)
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	small := make([]byte, 0, len(both)+64)
	roomy := make([]byte, 0, 4*maxBlock)
	run := func(name string, n int, f func() ([]byte, error)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				if got, err := f(); err != nil || len(got) != n {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	run("DecodeAll", len(both), func() ([]byte, error) { return zr.DecodeAll(f, small) })
	run("DecodeAllRoomy", len(both), func() ([]byte, error) { return zr.DecodeAll(f, roomy) })
	run("full", len(both), func() ([]byte, error) { return Decode(nil, blocks, len(both)) })
	run("fullInto", len(both), func() ([]byte, error) { return Decode(small, blocks, len(both)) })
	run("fullRoomy", len(both), func() ([]byte, error) { return Decode(roomy, blocks, len(both)) })
	run("head", len(head), func() ([]byte, error) { return Decode(nil, blocks[:ends[0]], len(head)) })
}
