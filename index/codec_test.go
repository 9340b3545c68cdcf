package index

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/tracebed/tracebed/rollup"
)

// TestGolden pins the format.
func TestGolden(t *testing.T) {
	h := new(Hour)
	must(t, h.Add(rollup.Failed, Slot{MS: 1, N: 2}))
	must(t, h.Add(rollup.Running, Slot{MS: 0, N: 16}))
	must(t, h.Add(rollup.Running, Slot{MS: 0, N: 19}))
	want := []byte{
		1, 18, // failed; 18 bytes of bitmap
		0x3a, 0x30, 0, 0, 1, 0, 0, 0, // no runs; one container
		0, 0, 0, 0, // key 0, one value
		16, 0, 0, 0, // at offset 16
		18, 0, // 1*16 + 2
		0,              // no overflow
		3, 0, 2, 16, 3, // running; no bitmap; 16, 16+3
	}
	got := h.AppendBinary(nil)
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	if got := h.AppendBinary([]byte("x")); !bytes.Equal(got, append([]byte("x"), want...)) {
		t.Fatalf("AppendBinary does not append: %v", got)
	}
	d, err := DecodeHour(want)
	must(t, err)
	if !d.Equal(h) {
		t.Fatal("decoded hour differs")
	}
}

// shapes are sets whose containers take every kind.
var shapes = map[string]func() model{
	"empty":  func() model { return model{} },
	"sparse": func() model { return fill(0, MSPerHour, 997, 1) },
	"runs":   func() model { return fill(5000, 5600, 1, 16) },
	"bitset": func() model { return fill(0, 5000, 1, 2) },
	"full":   func() model { return fill(4096, 2*4096, 1, 16) },
	"end":    func() model { return fill(MSPerHour-4000, MSPerHour, 1, 3) },
	"over":   func() model { return fill(0, MSPerHour, 100_000, 40) },
	"mixed": func() model {
		m := fill(0, 900, 1, 16)
		for x, st := range fill(8192, 13_000, 1, 2) {
			m[x] = st
		}
		for x, st := range fill(50_000, MSPerHour, 5003, 18) {
			m[x] = st
		}
		return m
	},
}

// fill takes n slots of every step-th millisecond of [lo, hi).
func fill(lo, hi, step, n uint32) model {
	m := model{}
	for ms := lo; ms < hi; ms += step {
		for i := range n {
			m[Slot{ms, i}] = rollup.Succeeded
			if ms%64 == 63 {
				m[Slot{ms, i}] = rollup.Status(i % rollup.NumStatus)
			}
		}
	}
	return m
}

// TestCanonical builds the same content by different histories, decodes it,
// and expects the same bytes each time: what roaring writes after RunOptimize.
func TestCanonical(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			m := shape()
			h := m.hour(t, rng)
			want := h.AppendBinary(nil)
			if !bytes.Equal(m.hour(t, rng).AppendBinary(nil), want) {
				t.Fatal("another order of adds gives other bytes")
			}
			d, err := DecodeHour(want)
			must(t, err)
			if !d.Equal(h) || !bytes.Equal(d.AppendBinary(nil), want) {
				t.Fatal("decoding changes the hour")
			}
			extra := 0 // fill the decoded hour up, then empty it again
			for ms := uint32(0); ms < 40_000; ms += 7 {
				if x := (Slot{ms, d.Alloc(ms)}); d.Add(rollup.Failed, x) == nil {
					extra++
					defer func() { must(t, d.Remove(rollup.Failed, x)) }()
				}
			}
			if d.Count(AllStatuses) != h.Count(AllStatuses)+extra {
				t.Fatal("decoded hour does not take additions")
			}
			if !bytes.Equal(h.AppendBinary(nil), want) {
				t.Fatal("AppendBinary is not repeatable")
			}
			for i := range h.sets {
				if h.sets[i].bitmap().IsEmpty() {
					continue
				}
				var w bitmapWriter
				lib := h.sets[i].bitmap().Clone()
				lib.RunOptimize()
				b, err := lib.ToBytes()
				must(t, err)
				if !bytes.Equal(w.append(nil, h.sets[i].bitmap()), b) {
					t.Fatalf("status %d: not the bytes roaring writes", i)
				}
			}
		})
	}
}

// TestAddRemoveIsCanonical grows a decoded hour and shrinks it back.
func TestAddRemoveIsCanonical(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	want := shapes["mixed"]().hour(t, rng).AppendBinary(nil)
	h, err := DecodeHour(want)
	must(t, err)
	var added []Slot
	for range 9000 {
		ms := rng.Uint32N(24_000)
		x := Slot{ms, h.Alloc(ms)}
		must(t, h.Add(rollup.Succeeded, x))
		added = append(added, x)
	}
	rng.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
	for _, x := range added {
		must(t, h.Remove(rollup.Succeeded, x))
	}
	if !bytes.Equal(h.AppendBinary(nil), want) {
		t.Fatal("adds and their removals leave other bytes")
	}
}

func TestDecodeSet(t *testing.T) {
	var s Set
	for _, x := range []Slot{{5, 1}, {5, 16}, {70_000, 3}, {70_000, 900}} {
		s.Add(x)
	}
	b := append(s.AppendBinary(nil), "tail"...)
	d, rest, err := DecodeSet(b)
	must(t, err)
	if string(rest) != "tail" || !d.equal(&s) {
		t.Fatalf("rest %q, count %d", rest, d.Count())
	}
	clear(b) // the set has memory of its own
	if !d.equal(&s) || !d.Contains(Slot{70_000, 3}) || !d.Contains(Slot{70_000, 900}) {
		t.Fatal("decoded set aliases its input")
	}
}

// TestDecodeRejects damages good bytes in each way the format forbids.
func TestDecodeRejects(t *testing.T) {
	portable := func(vals ...uint32) []byte {
		b, err := roaring.BitmapOf(vals...).ToBytes()
		must(t, err)
		return b
	}
	set := func(bm []byte, over ...byte) []byte {
		b := binary.AppendUvarint(nil, uint64(len(bm)))
		return append(append(b, bm...), over...)
	}
	hour := func(st byte, s []byte) []byte { return append([]byte{st}, s...) }
	unsorted := portable(1, 2)
	copy(unsorted[16:], []byte{2, 0, 1, 0})
	offset := portable(1)
	offset[12]++
	wideRun := []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 1, 0, 0xfa, 0xff, 9, 0}
	outside := uint64(MSPerHour) << 32
	for name, b := range map[string][]byte{
		"status 4":            hour(4, set(portable(1), 0)),
		"status twice":        append(hour(1, set(portable(1), 0)), hour(1, set(portable(2), 0))...),
		"status descending":   append(hour(2, set(portable(1), 0)), hour(1, set(portable(2), 0))...),
		"no set":              {0},
		"empty status":        hour(0, set(nil, 0)),
		"empty bitmap":        hour(0, set(portable(), 1, 16)),
		"no overflow":         hour(0, set(portable(1))),
		"long uvarint":        hour(0, append([]byte{0x92, 0}, append(portable(1), 0)...)),
		"endless uvarint":     hour(0, bytes.Repeat([]byte{0xff}, 12)),
		"bitmap too long":     hour(0, set(append(portable(1), 0), 0)),
		"bitmap cut":          hour(0, set(portable(1, 2)[:18], 0)),
		"beyond the hour":     hour(0, set(portable(MSPerHour*SlotsPerMS), 0)),
		"key beyond the hour": hour(0, set(portable(1<<31), 0)),
		"unsorted array":      hour(0, set(unsorted, 0)),
		"wrong offset":        hour(0, set(offset, 0)),
		"array for runs":      hour(0, set(portable(1, 2, 3, 4), 0)),
		"run past container":  hour(0, set(wideRun, 0)),
		"overflow below 16":   hour(0, set(nil, 1, 15)),
		"overflow twice":      hour(0, set(nil, 2, 16, 0)),
		"overflow cut":        hour(0, set(nil, 3, 16, 1)),
		"overflow too long":   hour(0, set(nil, binary.AppendUvarint(nil, 1<<60)...)),
		"overflow outside":    hour(0, set(nil, binary.AppendUvarint([]byte{1}, outside|16)...)),
		"overflow wraps":      hour(0, set(nil, append(binary.AppendUvarint([]byte{2}, 1<<32|20), binary.AppendUvarint(nil, 1<<64-2)...)...)),
		"slot in two":         append(hour(0, set(portable(7), 0)), hour(1, set(portable(7), 0))...),
		"overflow in two":     append(hour(0, set(nil, 1, 16)), hour(3, set(nil, 1, 16))...),
		"trailing":            append(hour(3, set(portable(7), 0)), 0),
	} {
		if h, err := DecodeHour(b); err == nil {
			t.Errorf("%s: decoded to %d traces", name, h.Count(AllStatuses))
		}
	}
	if _, err := DecodeHour(hour(0, set(portable(7), 1, 16))); err != nil {
		t.Errorf("the undamaged form: %v", err)
	}
}

// TestDecodeAllocates pins how much memory a decoder takes for its input.
func TestDecodeAllocates(t *testing.T) {
	for name, m := range map[string]model{
		"one value per container": fill(0, MSPerHour, 4096, 1),
		"one value":               fill(0, 1, 1, 1),
		"overflow":                fill(5, 6, 1, 20_000),
	} {
		b := m.hour(t, rand.New(rand.NewPCG(11, 11))).AppendBinary(nil)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			if _, err := DecodeHour(b); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if got := int(after.TotalAlloc-before.TotalAlloc) / 20; got > 16*len(b)+1024 {
			t.Errorf("%s: %d bytes for %d of input", name, got, len(b))
		}
	}
}

// TestDecodeDamaged flips every bit and cuts at every byte of a good hour;
// what still decodes must be canonical.
func TestDecodeDamaged(t *testing.T) {
	m := fill(100, 400, 3, 7)
	for x, st := range fill(MSPerHour-50, MSPerHour, 1, 19) {
		m[x] = st
	}
	good := m.hour(t, rand.New(rand.NewPCG(9, 9))).AppendBinary(nil)
	for i := range good {
		for bit := range 8 {
			b := bytes.Clone(good)
			b[i] ^= 1 << bit
			checkDecoded(t, b)
		}
		checkDecoded(t, good[:i])
	}
}

// checkDecoded fails when b decodes to an hour that is not b.
func checkDecoded(t *testing.T, b []byte) {
	t.Helper()
	h, err := DecodeHour(b)
	if err != nil {
		return
	}
	if got := h.AppendBinary(nil); !bytes.Equal(got, b) {
		t.Fatalf("%x decodes, but encodes to %x", b, got)
	}
	n := 0
	for i := range h.sets {
		s := &h.sets[i]
		n += s.Count()
		if err := s.bitmap().Validate(); !s.bitmap().IsEmpty() && err != nil {
			t.Fatalf("roaring finds %v in %x", err, b)
		}
		if s.Count() != int(s.bitmap().GetCardinality())+len(s.over) {
			t.Fatalf("status %d: count %d", i, s.Count())
		}
	}
	if n > 0 {
		if _, _, ok := h.Select(AllStatuses, n-1); !ok || h.RankMS(AllStatuses, MSPerHour-1)+h.CountMS(AllStatuses, MSPerHour-1) != n {
			t.Fatalf("ranks of %x do not add up to %d", b, n)
		}
	}
}

func FuzzDecodeHour(f *testing.F) {
	rng := rand.New(rand.NewPCG(10, 10))
	f.Add([]byte{})
	f.Add([]byte{3, 0, 2, 16, 3})
	f.Add([]byte{0, 15, 0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 1, 0, 0, 0, 9, 0, 0})
	f.Add(randomHour(40).AppendBinary(nil))
	for _, m := range []model{fill(0, 9, 1, 16), fill(0, 300, 50, 20), fill(0, 2100, 1, 2), fill(MSPerHour-9, MSPerHour, 2, 17)} {
		f.Add(m.hour(f, rng).AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkDecoded(t, b)
		if s, rest, err := DecodeSet(b); err == nil {
			used := b[:len(b)-len(rest)]
			if got := s.AppendBinary(nil); !bytes.Equal(got, used) {
				t.Fatalf("set %x encodes to %x", used, got)
			}
		}
	})
}
