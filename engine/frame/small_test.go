package frame

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"testing"
)

// unpack makes contents of instructions: runs of literals and copies, so that
// a few bytes give all kinds of sequences. It is what an LZ77 decoder does.
func unpack(code []byte) (out []byte) {
	for i := 0; i+2 < len(code) && len(out) < largest-300; {
		op, a, b := code[i], int(code[i+1]), int(code[i+2])
		i += 3
		switch n := a + 1; {
		case op < 100: // literals from the code itself
			n = min(n, len(code)-i)
			out = append(out, code[i:i+n]...)
			i += n
		case op < 128: // literals of a narrow alphabet
			for j := range n {
				out = append(out, 'a'+byte(b*j*j>>3)%26)
			}
		default:
			if op >= 192 {
				b = b<<8 | int(op&63)<<2 | a&3
			}
			for from := max(0, len(out)-1-b); n > 0 && len(out) > 0; n-- {
				out = append(out, out[from])
				from++
			}
		}
	}
	return out
}

// checkSmall encodes contents as one, two and three segments and says in how
// many ways they were worth it.
func checkSmall(t testing.TB, b []byte) (good int) {
	for _, cuts := range [][]int{{}, {len(b) / 9}, {0, len(b) / 2}, {len(b) / 3, len(b) / 3}, {len(b)}} {
		var segs [][]byte
		from := 0
		for _, c := range cuts {
			segs, from = append(segs, b[from:c]), c
		}
		segs = append(segs, b[from:])
		f, ends, ok := encodeSmall([]byte("kept"), nil, segs) // blocks alone
		if !ok {
			if string(f) != "kept" || len(ends) != 0 {
				t.Fatal("something was appended")
			}
			continue
		}
		good++
		for i := range ends {
			ends[i] += HeaderLen
		}
		checkFrame(t, framed(f[4:]), ends, segs)
	}
	return good
}

func framed(blocks []byte) []byte {
	return append(append([]byte(Header), blocks...), Trailer...)
}

func TestSmallShapes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	good := map[string]int{}
	for range 25 {
		n := smallest + r.IntN(1+r.IntN(largest-smallest))
		code := noise(r, 40+r.IntN(4000))
		skewed := make([]byte, n)
		for i := range skewed { // each symbol half as frequent: codes longer than allowed
			for skewed[i] = 'A'; skewed[i] < 'a' && r.IntN(2) == 0; skewed[i]++ {
			}
		}
		period := 1 + r.IntN(300)
		periodic := bytes.Repeat(noise(r, period), 1+n/period)[:n]
		for range n / 50 { // literals and equal offsets between
			periodic[r.IntN(n)]++
		}
		for kind, b := range map[string][]byte{
			"json": jsonLike(r, n), "code": unpack(code), "skewed": skewed, "periodic": periodic,
			"runes": bytes.ReplaceAll(jsonLike(r, n), []byte("et"), []byte("éß漢"))[:n], "noise": noise(r, n),
			"nearly": append(noise(r, n/2), noise(r, n/2)...),
		} {
			good[kind] += checkSmall(t, b)
		}
	}
	for _, kind := range []string{"json", "code", "skewed", "periodic", "runes"} {
		if good[kind] < 30 {
			t.Errorf("%s: only %d of 125 frames were encoded here", kind, good[kind])
		}
	}
	t.Log(good)
}

// The reference decoder takes them too.
func TestSmallZstdCommand(t *testing.T) {
	path, err := exec.LookPath("zstd")
	if err != nil {
		t.Skip("no zstd")
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 40 {
		for _, b := range [][]byte{jsonLike(r, smallest+r.IntN(largest-smallest)), unpack(noise(r, 3000))} {
			cut := r.IntN(len(b))
			f, _, ok := encodeSmall(nil, nil, [][]byte{b[:cut], b[cut:]})
			if !ok {
				continue
			}
			if got := zstdCommand(t, path, framed(f)); !bytes.Equal(got, b) {
				t.Fatalf("%d bytes instead of %d", len(got), len(b))
			}
		}
	}
}

func FuzzSmall(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 8 {
		f.Add(noise(r, 900))
	}
	f.Add(append([]byte{0, 255, 0}, jsonLike(r, 2000)...))
	f.Fuzz(func(t *testing.T, code []byte) {
		checkSmall(t, unpack(code))
		if len(code) < largest {
			checkSmall(t, code)
		}
	})
}

// The shares of a table add up, and no symbol that occurs is without one.
func TestFSEShares(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 20_000 {
		var table fseTable
		total := 0
		for range 1 + r.IntN(53) {
			n := 1 + r.IntN(1<<r.IntN(12))
			table.count[r.IntN(53)] += uint32(n)
			total += n
		}
		table.build(total)
		if table.rle {
			continue
		}
		sum := 0
		for s, n := range table.norm[:table.symbols] {
			if (n == 0) != (table.count[s] == 0) {
				t.Fatalf("symbol %d: %d times, share %d", s, table.count[s], n)
			}
			sum += int(max(n, -n))
		}
		if sum != 1<<table.log {
			t.Fatalf("shares add up to %d of %d", sum, 1<<table.log)
		}
	}
}

// Codes are complete and none is too long, whatever the counts.
func TestHuffmanLengths(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 500 {
		var literals []byte
		for s := range 2 + r.IntN(255) {
			n := 1 + r.IntN(1<<r.IntN(10))
			literals = append(literals, bytes.Repeat([]byte{byte(s)}, n)...)
		}
		var table huffTable
		if table.build(literals) == nil {
			continue
		}
		space := 0
		for s, c := range table.code {
			if (c.n == 0) != (table.count[s] == 0) || c.n > maxCodeBits {
				t.Fatalf("symbol %d: %d times, %d bits", s, table.count[s], c.n)
			}
			if c.n > 0 {
				space += 1 << (maxCodeBits - c.n)
			}
		}
		if space != 1<<maxCodeBits {
			t.Fatalf("codes take %d of %d", space, 1<<maxCodeBits)
		}
	}
}
