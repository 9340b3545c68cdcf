package frame

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// jsonLike returns n bytes of JSON with the repetition of a trace body: random
// ids, and texts that stand under several runs. At 17 KB it packs about 4×.
func jsonLike(r *rand.Rand, n int) []byte {
	var texts [4][]byte
	for i := range texts {
		for len(texts[i]) < min(n/9, 3000)+20 {
			texts[i] = append(texts[i], words[int(float64(len(words))*r.Float64()*r.Float64())]...)
			texts[i] = append(texts[i], ' ')
		}
	}
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, `{"id":"%08x-%04x-%012x","index":%d,"input":{"q":"%s"},"usage":{"prompt_tokens":%d}},`,
			r.Uint32(), r.Uint32N(1<<16), r.Uint64()>>16, i, texts[i%len(texts)], r.IntN(4000))
	}
	return b[:n]
}

// words is a vocabulary of 3000 made-up words.
var words = func() (w []string) {
	r := rand.New(rand.NewPCG(21, 22))
	for range 3000 {
		b := make([]byte, 2+r.IntN(9))
		for i := range b {
			b[i] = "etaoinshrdlucmfwypbgk"[int(21*r.Float64()*r.Float64())]
		}
		w = append(w, string(b))
	}
	return w
}()

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// segment draws one segment of the kinds that take different block types.
func segment(r *rand.Rand, most int) []byte {
	n := r.IntN(most + 1)
	switch r.IntN(8) {
	case 0:
		return nil
	case 1:
		return []byte{byte(r.Uint32())}
	case 2:
		return noise(r, n)
	case 3:
		return bytes.Repeat([]byte{'x'}, n)
	case 4:
		return bytes.Repeat(noise(r, 1+r.IntN(12)), 1+n/16)
	default:
		return jsonLike(r, n)
	}
}

// plainDecode decodes with a decoder of no relation to this package's.
func plainDecode(t testing.TB, b []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	out, err := d.DecodeAll(b, nil)
	if err != nil {
		t.Fatalf("klauspost DecodeAll: %v", err)
	}
	return out
}

// decodePrefix decodes the segments before the offset end of a frame.
func decodePrefix(dst, frame []byte, end, size int) ([]byte, error) {
	blocks, err := Blocks(frame, end)
	if err != nil {
		return dst, err
	}
	return Decode(dst, blocks, size)
}

// checkFrame checks everything that Encode promises about one frame.
func checkFrame(t testing.TB, f []byte, ends []int, segs [][]byte) {
	t.Helper()
	if string(f[:HeaderLen]) != Header || string(f[End(f):]) != Trailer {
		t.Fatalf("header % x, trailer % x", f[:HeaderLen], f[End(f):])
	}
	if len(ends) != len(segs) {
		t.Fatalf("%d ends for %d segments", len(ends), len(segs))
	}
	var want []byte
	for i, s := range segs {
		want = append(want, s...)
		got, err := decodePrefix([]byte("kept"), f, ends[i], len(want))
		if err != nil {
			t.Fatalf("prefix %d of %d: %v", i, len(segs), err)
		}
		if string(got) != "kept"+string(want) {
			t.Fatalf("prefix %d differs: %d bytes, want %d", i, len(got)-4, len(want))
		}
	}
	if n := len(ends); n > 0 && ends[n-1] != End(f) {
		t.Fatalf("last end %d, blocks end at %d", ends[n-1], End(f))
	}
	for _, size := range []int{-1, 0, len(want) / 2, len(want) - 1, len(want) + 1, len(want) + 20, 1 << 40} {
		got, err := decodePrefix([]byte("kept"), f, End(f), size)
		if size != len(want) && (!errors.Is(err, ErrCorrupt) || string(got) != "kept") {
			t.Fatalf("%d bytes instead of %d: %.20q, %v", size, len(want), got, err)
		}
	}
	roomy := make([]byte, 3, len(want)+10*maxBlock)
	got, err := decodePrefix(roomy, f, End(f), len(want))
	if err != nil || !bytes.Equal(got[3:], want) {
		t.Fatalf("decode with room: %d bytes, want %d, %v", len(got)-3, len(want), err)
	}
	if got := plainDecode(t, f); !bytes.Equal(got, want) {
		t.Fatal("klauspost decodes something else")
	}
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		most := []int{3, 40, 3000, 40_000, 300_000}[i%5]
		segs := make([][]byte, r.IntN(5))
		for j := range segs {
			segs[j] = segment(r, most)
		}
		f, ends := Encode(nil, nil, segs...)
		checkFrame(t, f, ends, segs)
	}
}

func TestEncodeAppends(t *testing.T) {
	seg := []byte(`{"id":"a"}`)
	alone, ends := Encode(nil, nil, seg, seg)
	both, ends2 := Encode([]byte("before"), []int{7}, seg, seg)
	if string(both) != "before"+string(alone) {
		t.Fatal("frame differs behind other bytes")
	}
	if want := []int{7, ends[0], ends[1]}; fmt.Sprint(ends2) != fmt.Sprint(want) {
		t.Fatalf("ends %v, want %v: counted from the frame's start", ends2, want)
	}
}

// TestDeterministic encodes the same body with encoders of different pasts, in
// parallel.
func TestDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	segs := [][]byte{jsonLike(r, 1500), jsonLike(r, 200_000), jsonLike(r, 30)}
	want, _ := Encode(nil, nil, segs...)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 9))
			for range 40 {
				Encode(nil, nil, segment(r, 20_000), segment(r, 150_000))
				if got, _ := Encode(nil, nil, segs...); !bytes.Equal(got, want) {
					t.Error("equal input, other bytes")
					return
				}
				all := bytes.Join(segs, nil)
				if got, err := decodePrefix(nil, want, End(want), len(all)); err != nil || !bytes.Equal(got, all) {
					t.Error("decodes wrong in parallel", err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestDeterministicLong drives one encoder's positions past the 2 GiB at which
// it shifts its tables.
func TestDeterministicLong(t *testing.T) {
	p := newEncoderPool(WindowSize, 1)
	e := p.get()
	r := rand.New(rand.NewPCG(3, 4))
	segs := [][][]byte{{jsonLike(r, 1500)}, {jsonLike(r, 15_000)}}
	want, _ := e.encode(nil, nil, segs)
	var got []byte
	for i := range 600 { // each reset moves 8 MiB on
		if got, _ = e.encode(got[:0], nil, segs); !bytes.Equal(got, want) {
			t.Fatalf("other bytes after %d frames", i)
		}
	}
}

// TestPictureSixTimes is Dynamiq's way to send one unnamed picture: the 8 MiB
// window must make it about one copy.
func TestPictureSixTimes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	picture := noise(r, 1<<20)
	for i := range picture {
		picture[i] = alphabet[picture[i]&63]
	}
	var runs []byte
	for i := range 6 {
		runs = fmt.Appendf(runs, `{"run":%d,"image":"%s"},`, i, picture)
	}
	head := []byte(`{"id":"t"}`)
	f, ends := Encode(nil, nil, head, runs)
	checkFrame(t, f, ends, [][]byte{head, runs})
	if len(f) > len(picture)*101/100 {
		t.Fatalf("%d bytes for six copies of %d", len(f), len(picture))
	}
}

// TestBeyondWindow decodes a body several windows long.
func TestBeyondWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	segs := [][]byte{jsonLike(r, 2000), jsonLike(r, 9<<20), noise(r, 3<<20), jsonLike(r, 8<<20)}
	f, ends := Encode(nil, nil, segs...)
	checkFrame(t, f, ends, segs)
}

func TestRawBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	segs := [][]byte{nil, []byte("a"), noise(r, maxBlock), noise(r, maxBlock+1)}
	parts := make([][][]byte, len(segs))
	for i := range segs {
		parts[i] = segs[i : i+1]
	}
	f, ends := rawBlocks([]byte(Header), nil, 0, parts)
	checkFrame(t, append(f, Trailer...), ends, segs)
}

func TestSizeAgainstOneBlock(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	head, runs := jsonLike(r, 1500), jsonLike(r, 15_500)
	both := append(append([]byte(nil), head...), runs...)
	f, _ := Encode(nil, nil, head, runs)
	one := zw.EncodeAll(both, nil)
	t.Logf("head+runs %d bytes, EncodeAll %d, raw %d", len(f), len(one), len(both))
	if len(f) > len(one)*104/100 {
		t.Fatalf("cut frame %d bytes, uncut %d", len(f), len(one))
	}
}

func TestBadArguments(t *testing.T) {
	f, ends := Encode(nil, nil, []byte("head head head head head head head head"), []byte("tail"))
	flip := func(i int, bit byte) []byte {
		b := bytes.Clone(f)
		b[i] ^= bit
		return b
	}
	for name, c := range map[string]struct {
		frame []byte
		end   int
	}{
		"empty":          {nil, 0},
		"header only":    {f[:HeaderLen], HeaderLen},
		"magic":          {flip(0, 1), ends[0]},
		"checksum flag":  {flip(4, 4), ends[0]},
		"window":         {flip(5, 8), ends[0]},
		"trailer":        {flip(len(f)-1, 1), ends[0]},
		"end 0":          {f, 0},
		"end in header":  {f, HeaderLen - 1},
		"end in a block": {f, ends[0] - 1},
		"end in trailer": {f, End(f) + 1},
		"end negative":   {f, -1},
		"last bit":       {flip(HeaderLen, 1), ends[0]},
		"reserved type":  {flip(HeaderLen, 6), ends[0]},
		"giant block":    {flip(HeaderLen+2, 0x80), ends[1]},
	} {
		got, err := decodePrefix([]byte("dst"), c.frame, c.end, map[bool]int{true: 44, false: 40}[c.end == ends[1]])
		if !errors.Is(err, ErrCorrupt) || string(got) != "dst" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := decodePrefix(nil, f, HeaderLen, 0); err != nil || len(got) != 0 {
		t.Errorf("no segments: %q, %v", got, err)
	}
}

// TestBomb decodes blocks of 4 bytes for each 128 KiB that should be a little.
func TestBomb(t *testing.T) {
	var blocks []byte
	for range 1 << 13 { // 1 GiB
		blocks = append(appendBlockHeader(blocks, blockRLE, maxBlock), 'x')
	}
	for _, limit := range []int{0, 1 << 20, 20 << 20} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := Decode(nil, blocks, limit)
		runtime.ReadMemStats(&after)
		bytesUsed := after.TotalAlloc - before.TotalAlloc
		if !errors.Is(err, ErrCorrupt) || len(got) != 0 {
			t.Fatalf("limit %d: %d bytes, %v", limit, len(got), err)
		}
		if most := uint64(8 * max(limit, WindowSize)); bytesUsed > most { // in sum, most of it freed
			t.Fatalf("limit %d: allocated %d bytes, want at most %d", limit, bytesUsed, most)
		}
	}
}

// TestDamage flips bits and cuts frames: an error or as many other bytes, no panic.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	found := 0
	for i := range 1500 {
		segs := [][]byte{segment(r, 500), segment(r, 5000)}
		f, ends := Encode(nil, nil, segs...)
		for range 1 + r.IntN(3) {
			f[r.IntN(len(f))] ^= 1 << r.IntN(8)
		}
		if i%2 == 0 {
			f = f[:r.IntN(len(f)+1)]
		}
		for _, end := range append(ends, End(f), r.IntN(len(f)+1)) {
			size := len(segs[0])
			if end > ends[0] {
				size += len(segs[1])
			}
			got, err := decodePrefix(nil, f, end, size)
			if err != nil {
				found++
				if !errors.Is(err, ErrCorrupt) {
					t.Fatalf("error of another class: %v", err)
				}
			} else if len(got) != size {
				t.Fatalf("%d bytes instead of %d", len(got), size)
			}
		}
	}
	if found < 1500 {
		t.Fatalf("only %d errors", found)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 8 {
		head := segment(r, 300)
		b, ends := EncodeBlocks(nil, nil, head, segment(r, 3000))
		f.Add(b[:ends[0]], len(head))
	}
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		size &= 1<<22 - 1
		if got, err := Decode(nil, b, size); err == nil && len(got) != size {
			t.Fatalf("%d bytes instead of %d", len(got), size)
		} else if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`,"runs":[]`), 3)
	f.Add([]byte{}, bytes.Repeat([]byte("ab"), 300), 0)
	f.Fuzz(func(t *testing.T, a, b []byte, times int) {
		segs := [][]byte{a, b, bytes.Repeat(a, max(0, times%50)), b}
		frame, ends := Encode(nil, nil, segs...)
		checkFrame(t, frame, ends, segs)
	})
}

// TestZstdCommand decodes with the reference implementation where it is
// installed.
func TestZstdCommand(t *testing.T) {
	path, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd command here")
	}
	r := rand.New(rand.NewPCG(15, 16))
	for range 20 {
		segs := [][]byte{segment(r, 5000), segment(r, 300_000)}
		f, _ := Encode(nil, nil, segs...)
		if got := zstdCommand(t, path, f); !bytes.Equal(got, bytes.Join(segs, nil)) {
			t.Fatal("zstd decodes something else")
		}
	}
}

func zstdCommand(t *testing.T, path string, b []byte) []byte {
	t.Helper()
	var errText bytes.Buffer
	cmd := exec.Command(path, "-d", "-c", "--memory=8MB")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(b), &errText
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("zstd -d: %v: %s", err, errText.Bytes())
	}
	return out
}
