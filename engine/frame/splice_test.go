package frame

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// stored is a frame, the end to cut it at, and what that decodes to.
type stored struct {
	frame []byte
	end   int
	text  []byte
}

// splice joins frames with the separator and returns the frame and its text.
func splice(t testing.TB, frames []stored, before, after string) (out, want []byte) {
	t.Helper()
	var buf bytes.Buffer
	s := NewSplicer(&buf)
	spaces := string(bytes.Repeat([]byte{' '}, resetLen))
	for i, f := range frames {
		if i > 0 {
			if err := s.Separator(before, after); err != nil {
				t.Fatal(err)
			}
			want = append(want, before+spaces+after...)
		}
		b, err := Blocks(f.frame, f.end)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Blocks(b); err != nil {
			t.Fatal(err)
		}
		want = append(want, f.text...)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), want
}

// checkDecoders decodes b with every decoder at hand.
func checkDecoders(t *testing.T, b, want []byte) {
	t.Helper()
	if !bytes.Equal(plainDecode(t, b), want) {
		t.Fatal("DecodeAll differs")
	}
	for _, concurrency := range []int{1, 2} { // the synchronous and the asynchronous stream
		d, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(concurrency), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(d)
		d.Close()
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("stream decoder: %d bytes, want %d, %v", len(got), len(want), err)
		}
	}
	if path, err := exec.LookPath("zstd"); err == nil && !bytes.Equal(zstdCommand(t, path, b), want) {
		t.Fatal("zstd -d differs")
	}
}

func TestResetBlocks(t *testing.T) {
	b := append(append([]byte(Header), resetBlocks...), Trailer...)
	checkDecoders(t, b, bytes.Repeat([]byte{' '}, resetLen))
	if len(resetBlocks) != 21 {
		t.Fatalf("%d bytes", len(resetBlocks))
	}
}

func TestSpliceThousands(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	for _, most := range []int{20, 2000, 60_000} {
		var frames []stored
		for range min(3000, 8_000_000/most) {
			segs := [][]byte{segment(r, most/8), segment(r, most)}
			f, ends := Encode(nil, nil, segs...)
			if r.IntN(2) == 0 { // the head alone
				frames = append(frames, stored{f, ends[0], segs[0]})
			} else {
				frames = append(frames, stored{f, ends[1], bytes.Join(segs, nil)})
			}
		}
		out, want := splice(t, frames, "}", ",\n")
		checkDecoders(t, out, want)
	}
}

// TestSpliceOverWindow joins bodies that reach back nearly a whole window.
func TestSpliceOverWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	part := noise(r, 100_000)
	body := bytes.Join([][]byte{part, noise(r, WindowSize-200_000), part}, nil)
	f, ends := Encode(nil, nil, body)
	if len(f) > len(body)-90_000 {
		t.Fatalf("%d bytes: the far match was not found", len(f))
	}
	one := stored{f, ends[0], body}
	out, want := splice(t, []stored{one, one, one}, "", "\n")
	checkDecoders(t, out, want)
}

// TestSpliceJSON shows what an export looks like.
func TestSpliceJSON(t *testing.T) {
	trace := func(id string) []byte {
		f, ends := Encode(nil, nil, fmt.Appendf(nil, `{"id":"%s","input":{"q":"hello hello hello hello"}`, id), []byte(`,"runs":[]`))
		b, err := Blocks(f, ends[0])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var buf bytes.Buffer
	s := NewSplicer(&buf)
	for _, err := range []error{
		s.Text([]byte("[\n")), s.Blocks(trace("a")), s.Separator("}", ",\n"), s.Blocks(trace("b")),
		s.Separator("}", ",\n"), s.Text([]byte(`{"id":"c"`)), s.Text([]byte("}\n]\n")), s.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := plainDecode(t, buf.Bytes())
	const want = `[
{"id":"a","input":{"q":"hello hello hello hello"}}                 ,
{"id":"b","input":{"q":"hello hello hello hello"}}                 ,
{"id":"c"}
]
`
	if string(got) != want {
		t.Fatalf("got %s", got)
	}
	var list []map[string]any
	if err := json.Unmarshal(got, &list); err != nil || len(list) != 3 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
}

// repFrame is a hand-made stored frame whose first match takes one of the
// recent offsets that a decoder starts with.
func repFrame(r *rand.Rand) stored {
	literals := noise(r, 8+r.IntN(8))
	value := 1 + r.IntN(3)
	code := uint(value / 2) // 1 has code 0; 2 and 3 have code 1
	f := append(appendSequences([]byte(Header), literals, code, uint64(value)), Trailer...)
	text := bytes.Clone(literals)
	for offset := []int{0, 1, 4, 8}[value]; len(text) < len(literals)+3; {
		text = append(text, text[len(text)-offset])
	}
	return stored{f, End(f), text}
}

// TestRecentOffsets joins frames that start with each of the recent offsets
// behind frames that leave others.
func TestRecentOffsets(t *testing.T) {
	r := rand.New(rand.NewPCG(35, 36))
	var frames []stored
	for range 3000 {
		f := repFrame(r)
		if !bytes.Equal(plainDecode(t, f.frame), f.text) {
			t.Fatal("hand-made frame is wrong")
		}
		text := jsonLike(r, 500)
		g, ends := Encode(nil, nil, text)
		frames = append(frames, stored{g, ends[0], text}, f)
	}
	out, want := splice(t, frames, "}", "\n")
	checkDecoders(t, out, want)

	// The same without the reset must differ, or the test proves nothing.
	bare := []byte(Header)
	var text []byte
	for _, f := range frames {
		bare = append(bare, f.frame[HeaderLen:f.end]...)
		text = append(text, f.text...)
	}
	d, _ := zstd.NewReader(nil)
	defer d.Close()
	if got, err := d.DecodeAll(append(bare, Trailer...), nil); err == nil && bytes.Equal(got, text) {
		t.Fatal("frames joined without a reset decode right too")
	}
}

// TestOtherEncoders joins frames of encoders which, unlike the one in use, do
// take recent offsets from the first match on.
func TestOtherEncoders(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 38))
	var buf bytes.Buffer
	zw, err := zstd.NewWriter(&buf, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(WindowSize))
	if err != nil {
		t.Fatal(err)
	}
	var frames []stored
	for range 60 {
		text := append(bytes.Repeat(noise(r, 1+r.IntN(8)), 3+r.IntN(9)), jsonLike(r, 2000+r.IntN(2000))...)
		buf.Reset()
		zw.Reset(&buf)
		if _, err := zw.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := zw.Flush(); err != nil {
			t.Fatal(err)
		}
		f := append(bytes.Clone(buf.Bytes()), Trailer...)
		frames = append(frames, stored{f, End(f), text})
		if path, err := exec.LookPath("zstd"); err == nil && len(frames) < 40 {
			frames = append(frames, commandFrame(t, path, text, 1+r.IntN(15)))
		}
	}
	out, want := splice(t, frames, "", "\n")
	checkDecoders(t, out, want)
}

// commandFrame makes a stored frame of one block from the output of the zstd
// command.
func commandFrame(t *testing.T, path string, text []byte, level int) stored {
	t.Helper()
	cmd := exec.Command(path, "-c", "--no-check", "--no-content-size", fmt.Sprintf("-%d", level))
	cmd.Stdin = bytes.NewReader(text)
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if b[4] != 0 || b[HeaderLen]&1 == 0 {
		t.Skipf("zstd wrote an unexpected frame: % x", b[:12])
	}
	b[HeaderLen] &^= 1
	f := append(append([]byte(Header), b[HeaderLen:]...), Trailer...)
	return stored{f, End(f), text}
}

func TestSplicerMisuse(t *testing.T) {
	f, _ := Encode(nil, nil, []byte("some text some text"))
	b, _ := Blocks(f, End(f))
	s := NewSplicer(io.Discard)
	if err := s.Blocks(f); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a whole frame in place of blocks: %v", err)
	}
	if err := s.Blocks(b); err != nil {
		t.Fatalf("after damage: %v", err)
	}
	if err := s.Text([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Blocks(b); !errors.Is(err, errUnseparated) {
		t.Fatalf("no separator: %v", err)
	}
	if err := s.Close(); !errors.Is(err, errUnseparated) {
		t.Fatalf("error does not stick: %v", err)
	}
	s = NewSplicer(io.Discard)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{s.Text(nil), s.Blocks(nil), s.Separator("", ""), s.Flush(), s.Close()} {
		if !errors.Is(err, errClosed) {
			t.Fatalf("after Close: %v", err)
		}
	}
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// gatherer keeps what each write brought.
type gatherer struct {
	bytes.Buffer
	most int
}

func (g *gatherer) Gather(func(func() error) error) {}

func (g *gatherer) Write(p []byte) (int, error) {
	g.most = max(g.most, len(p))
	return g.Buffer.Write(p)
}

// A Gatherer gets the same bytes, at once and as they come.
func TestSplicerGatherer(t *testing.T) {
	var g gatherer
	var buf bytes.Buffer
	a, b := NewSplicer(&g), NewSplicer(&buf)
	for i := range 200 {
		f, _ := Encode(nil, nil, fmt.Appendf(nil, "%d %s", i, bytes.Repeat([]byte("abc"), 3000)))
		blocks, err := Blocks(f, End(f))
		if err != nil {
			t.Fatal(err)
		}
		before := g.Len()
		for _, s := range []*Splicer{a, b} {
			if err := errors.Join(s.Blocks(blocks), s.Separator("}", ",\n")); err != nil {
				t.Fatal(err)
			}
		}
		if g.Len() < before+len(blocks) {
			t.Fatalf("%d: %d bytes have come of %d", i, g.Len()-before, len(blocks))
		}
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g.Bytes(), buf.Bytes()) {
		t.Fatalf("%d bytes, otherwise %d", g.Len(), buf.Len())
	}
	if g.most > 64<<10 {
		t.Errorf("a write of %d bytes", g.most)
	}
}

func TestSplicerWriteError(t *testing.T) {
	w := &brokenWriter{left: 1 << 20}
	s := NewSplicer(w)
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		err = s.Text(make([]byte, 50_000))
	}
	if !errors.Is(err, io.ErrClosedPipe) || !errors.Is(s.Close(), io.ErrClosedPipe) {
		t.Fatalf("got %v", err)
	}
}

func FuzzSplice(f *testing.F) {
	f.Add([]byte("abc"), []byte("abcabcabcabcabcabcabcabcabcabcabc"), uint64(1))
	f.Add([]byte{}, []byte{0}, uint64(2))
	f.Fuzz(func(t *testing.T, a, b []byte, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 0))
		fa, endsA := Encode(nil, nil, a, b)
		fb, endsB := Encode(nil, nil, b)
		frames := []stored{{fa, endsA[0], a}, {fb, endsB[0], b}, repFrame(r), {fa, endsA[1], append(bytes.Clone(a), b...)}, repFrame(r)}
		r.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
		out, want := splice(t, frames, string(b), string(a))
		if !bytes.Equal(plainDecode(t, out), want) {
			t.Fatal("differs")
		}
	})
}

func BenchmarkSplice(b *testing.B) {
	head, runs, both := body()
	f, ends := Encode(nil, nil, head, runs)
	for _, c := range []struct {
		name     string
		end, raw int
	}{{"head", ends[0], len(head)}, {"full", ends[1], len(both)}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(c.raw))
			b.ReportAllocs()
			s := NewSplicer(io.Discard)
			for b.Loop() {
				blocks, err := Blocks(f, c.end)
				if err == nil {
					err = s.Blocks(blocks)
				}
				if err == nil {
					err = s.Separator("}", ",\n")
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
