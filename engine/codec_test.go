package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// randomSample takes every field from a few magnitudes, 0 included.
func randomSample(r *rand.Rand) (s rollup.Sample) {
	n := func() int64 {
		return []int64{0, 1, r.Int64N(300), r.Int64(), math.MaxInt64}[r.IntN(5)]
	}
	money := func() rollup.Money {
		return rollup.Money{Hi: []uint64{0, 0, r.Uint64()}[r.IntN(3)], Lo: uint64(n())}
	}
	s = rollup.Sample{Status: rollup.Status(r.IntN(rollup.NumStatus)), DurationUS: n(), Runs: r.Uint32(),
		PromptTokens: n(), CompletionTokens: n(), TotalTokens: n(), Unpriced: uint32(n())}
	if r.IntN(3) == 0 {
		s.DurationUS = -1
	}
	if s.PromptPriced = uint32(n()); s.PromptPriced > 0 {
		s.PromptCost = money()
	}
	if s.CompletionPriced = uint32(n()); s.CompletionPriced > 0 {
		s.CompletionCost = money()
	}
	if s.TotalPriced = uint32(n()); s.TotalPriced > 0 {
		s.TotalCost = money()
	}
	if r.IntN(2) == 0 { // as clients send them
		s.TotalTokens, s.TotalPriced = s.PromptTokens+s.CompletionTokens, s.PromptPriced
		s.CompletionPriced, s.TotalCost = s.PromptPriced, s.PromptCost.Add(s.CompletionCost)
		if s.PromptPriced == 0 {
			s.CompletionCost, s.TotalCost = rollup.Money{}, rollup.Money{}
		}
	}
	return s
}

func randomSummary(r *rand.Rand) summary {
	start := r.Int64N(maxStartUS + 1)
	return summary{startUS: start, updatedUS: r.Int64N(maxStartUS), flags: byte(r.IntN(8)), setHash: r.Uint64(),
		slot: index.Slot{MS: msInHour(start), N: r.Uint32N(1 << 20)}, sample: randomSample(r)}
}

func TestSummaryRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	saved := 0
	for i := range 40_000 {
		want := randomSummary(r)
		b := appendSummary([]byte{9}, &want, i%2 == 0)[1:]
		if i%2 == 0 {
			saved += len(appendSummary(nil, &want, false)) - len(b)
		}
		got, err := decodeSummary(b, want.startUS)
		if err != nil || got != want {
			t.Fatalf("got %+v, want %+v (%v)", got, want, err)
		}
		if _, err := decodeSummary(b[:r.IntN(len(b))], want.startUS); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut: %v", err)
		}
		if _, err := decodeSummary(append(b, 0), want.startUS); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("longer: %v", err)
		}
	}
	if saved < 20_000 {
		t.Errorf("totals that are sums save %d bytes in 20,000 rows", saved)
	}
}

func FuzzSummary(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 8 {
		s := randomSummary(r)
		f.Add(appendSummary(nil, &s, true), s.startUS)
		f.Add(appendSummary(nil, &s, false), s.startUS)
	}
	f.Add([]byte{summaryVersion}, int64(-1))
	f.Fuzz(func(t *testing.T, b []byte, start int64) {
		s, err := decodeSummary(b, start)
		if err != nil {
			return
		}
		again, err := decodeSummary(appendSummary(nil, &s, true), start)
		if err != nil || again != s {
			t.Fatalf("%+v came back as %+v (%v)", s, again, err)
		}
	})
}

// encodedBody makes the `z` value of a trace of a few runs.
func encodedBody(t testing.TB, format2 bool, specs ...testRun) ([]byte, *summary, []trace.Run) {
	t.Helper()
	runs := trace.SortNewestFirst(parseRuns(t, specs...))
	var d trace.Deriver
	sum := d.Derive(runs, trace.Options{})
	s := &summary{startUS: sum.Start.MicrosFloor(), updatedUS: sum.Start.MicrosFloor() + 5, sample: sum.Sample}
	head, _ := d.AppendPreviewTrace(nil, "app", &sum, trace.Time{NS: 5, Valid: true}, 0)
	row, cut := d.AppendPreviewTrace(nil, "app", &sum, trace.Time{NS: 5, Valid: true}, previewBytes)
	if !cut {
		row = nil
	} else {
		row = append(row, '}')
	}
	var evals span
	if specs[0].trace == "evaluated" {
		s.flags |= flagEvaluated
		head, evals.at, evals.n = trace.InsertEvaluations(head, evaluationsJSON(`{"id":"e","name":"n","value":1}`))
	}
	return appendBody(nil, s, runs, head, row, trace.AppendRuns(nil, runs), evals, format2), s, runs
}

func bodySpecs() [][]testRun {
	long := oneRun("long", epoch)
	long.output = noise(5000, 1)
	return [][]testRun{
		{oneRun("t", epoch)}, {long}, {oneRun("evaluated", epoch)},
		{testRun{trace: "u", id: "a", start: epoch, open: true}, testRun{trace: "u", id: "b", parent: "a", start: epoch.Add(hour), dur: -hour}},
	}
}

// eachBody calls fn with every kind of body in both formats.
func eachBody(t testing.TB, fn func(z []byte, s *summary, runs []trace.Run)) {
	t.Helper()
	for _, format2 := range []bool{false, true} {
		for _, specs := range bodySpecs() {
			fn(encodedBody(t, format2, specs...))
		}
	}
}

func TestBodyRoundTrip(t *testing.T) {
	eachBody(t, func(z []byte, s *summary, runs []trace.Run) {
		b, err := decodeBody(z, s.startUS)
		if err != nil {
			t.Fatal(err)
		}
		if first := b.blocksAt; !bytes.Equal(z[first:first+len(b.blocks)], b.blocks) {
			t.Errorf("the blocks do not stand at %d", first)
		}
		if b.status != s.sample.Status || b.flags != s.flags || b.updatedUS != s.updatedUS || b.runs != len(runs) {
			t.Errorf("got %+v", b)
		}
		for i, m := range b.marks(nil) {
			if m != markOf(&runs[i]) {
				t.Errorf("mark %d: %+v, want %+v", i, m, markOf(&runs[i]))
			}
		}
		all, err := b.appendAll([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		all = all[len("before"):]
		head, err := b.appendHead(nil)
		if err != nil || !bytes.HasPrefix(all, head) {
			t.Fatalf("head %.100q of %.100q (%v)", head, all, err)
		}
		validJSON(t, append(head, '}'))
		validJSON(t, append(bytes.Clone(all), '}'))
		row, err := b.listRow()
		if err != nil {
			t.Fatal(err)
		}
		validJSON(t, row)
		back, err := b.splitRuns(all)
		if err != nil || len(back) != len(runs) {
			t.Fatal(len(back), err)
		}
		for i := range runs {
			if !back[i].Same(&runs[i]) {
				t.Errorf("run %d: %s, want %s", i, back[i].JSON, runs[i].JSON)
			}
		}
	})
}

// readBody makes every use of a body that readers make.
func readBody(b *body) {
	b.marks(nil)
	_, _ = b.appendHead(nil)
	_, _ = b.listRow()
	_, _ = b.evaluations()
	if all, err := b.appendAll(nil); err == nil {
		_, _ = b.splitRuns(all)
		_, _ = trace.SplitRuns(all[b.headRaw:])
		trace.MarkStale(append(bytes.Clone(all[:b.headRaw]), '}'))
	}
}

func FuzzBody(f *testing.F) {
	eachBody(f, func(z []byte, s *summary, _ []trace.Run) { f.Add(z, s.startUS) })
	f.Add([]byte{bodyFormat1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, int64(0))
	f.Fuzz(func(_ *testing.T, z []byte, start int64) {
		b, err := decodeBody(z, start)
		if err == nil {
			readBody(&b)
		}
	})
}

// TestBodyBytesChanged changes every byte of a body in turn.
func TestBodyBytesChanged(t *testing.T) {
	eachBody(t, func(z []byte, s *summary, _ []trace.Run) {
		for i := range min(len(z), 150) {
			for _, x := range []byte{0x01, 0x80, 0xff} {
				bad := bytes.Clone(z)
				bad[i] ^= x
				if b, err := decodeBody(bad, s.startUS); err == nil {
					readBody(&b)
				}
			}
		}
	})
}

func journalRecord(ops ...[]delta) []byte {
	var j journal
	j.reset(41)
	for _, d := range ops {
		j.addOp(d)
	}
	return j.appendTo(nil)
}

func TestJournalRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 2000 {
		ops := make([][]delta, 1+r.IntN(4))
		var want []delta
		var seqs []uint64
		for i := range ops {
			for range r.IntN(4) {
				ops[i] = append(ops[i], delta{app: r.Uint32(), remove: r.IntN(2) == 0, startUS: r.Int64N(maxStartUS),
					slotN: r.Uint32N(1 << 20), sample: randomSample(r)})
				want, seqs = append(want, ops[i][len(ops[i])-1]), append(seqs, 41+uint64(i))
			}
		}
		b := journalRecord(ops...)
		n := 0
		last, err := decodeJournal(b, func(seq uint64, d *delta) error {
			if *d != want[n] || seq != seqs[n] {
				t.Fatalf("delta %d: %d %+v, want %d %+v", n, seq, *d, seqs[n], want[n])
			}
			n++
			return nil
		})
		if err != nil || n != len(want) || last != 40+uint64(len(ops)) {
			t.Fatalf("%d deltas, last %d, %v", n, last, err)
		}
		if _, err := decodeJournal(b[:r.IntN(len(b))], func(uint64, *delta) error { return nil }); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut: %v", err)
		}
	}
	stop := errors.New("stop")
	if _, err := decodeJournal(journalRecord([]delta{{}}), func(uint64, *delta) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error of apply: %v", err)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(journalRecord([]delta{{app: 1, startUS: 5}}, nil))
	f.Add([]byte{journalVersion, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		_, _ = decodeJournal(b, func(uint64, *delta) error { n++; return nil })
		if n > len(b) {
			t.Fatalf("%d deltas in %d bytes", n, len(b))
		}
	})
}

func TestMarkerRoundTrip(t *testing.T) {
	for _, m := range []marker{{version: 1}, {version: 1, seq: math.MaxUint64}, {version: 1, seq: 77, clean: true}} {
		got, err := parseMarker(m.text())
		if err != nil || got.text() != m.text() {
			t.Errorf("%+v came back as %+v (%v)", m, got, err)
		}
		for i := range m.text() {
			bad := []byte(m.text())
			bad[i] ^= 1
			if got, err := parseMarker(string(bad)); err == nil {
				t.Errorf("byte %d changed: %+v", i, got)
			}
		}
	}
}

func TestAcks(t *testing.T) {
	fs := vfs.NewMem()
	if seq, err := readAcks(fs, ""); seq != 0 || err != nil {
		t.Errorf("no file: %d, %v", seq, err)
	}
	a, err := openAcks(fs, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []uint64{1, 2, 77, math.MaxUint64} {
		if err := a.note(want); err != nil {
			t.Fatal(err)
		}
		if seq, err := readAcks(fs, ""); seq != want || err != nil {
			t.Errorf("%d came back as %d, %v", want, seq, err)
		}
	}
	whole := []byte(readFile(t, fs, ackName))
	for i := range 2 * ackSlot { // one slot damaged: the other counts
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if seq := parseAcks(bad); seq != 77 && seq != math.MaxUint64 {
			t.Errorf("byte %d changed: %d", i, seq)
		}
	}
}

func FuzzAcks(f *testing.F) {
	f.Add([]byte{})
	f.Add(withCRC(binary.BigEndian.AppendUint64(nil, 7)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if seq := parseAcks(b); seq != 0 && !bytes.Contains(b, withCRC(binary.BigEndian.AppendUint64(nil, seq))) {
			t.Fatalf("%d of %x", seq, b)
		}
	})
}

func FuzzDerivedRow(f *testing.F) {
	f.Add(seal(nil))
	f.Add(seal([]byte("a row")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if row, err := unseal(b); err == nil && !bytes.Equal(seal(bytes.Clone(row)), b) {
			t.Fatalf("%x of %x", row, b)
		}
	})
}

func FuzzMarker(f *testing.F) {
	f.Add(marker{version: 1, seq: 5}.text())
	f.Add(marker{version: 1, seq: 5, clean: true, manifests: []manifestMark{{"MANIFEST-000005", 77, 1}, {"MANIFEST-000002", 5, 2}}}.text())
	f.Add("tracebed store\nformat 1\nwatermark 5\nstate open\ncrc 00000000\n")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMarker(s)
		if err == nil && (m.version < 1 || m.version > FormatVersion) {
			t.Fatalf("%+v of %q", m, s)
		}
	})
}

func TestRunEnds(t *testing.T) {
	const start = int64(1_780_000_000_123_456)
	for _, c := range []struct {
		end   int64
		bytes int
	}{
		{openEnd, 1}, {start * 1000, 1}, {start*1000 + 300_000_000, 3}, {start*1000 - 5000, 1},
		{start*1000 + 300_000_001, 6}, {start*1000 - 1, 2}, {0, 8}, {trace.MaxNS, 11}, {trace.MaxNS / 1000 * 1000, 8},
	} {
		b := appendEnd(nil, c.end, start)
		r := reader{b: b}
		if got := r.end(start); got != c.end || r.done("end") != nil || len(b) != c.bytes {
			t.Errorf("%d: got %d from % x (%d bytes, want %d)", c.end, got, b, len(b), c.bytes)
		}
	}
}

// Skipping an entry of the run table ends where reading it does, whatever the
// bytes.
func TestSkipMark(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	for i := range 100_000 {
		b := make([]byte, r.IntN(40))
		for k := range b {
			b[k] = []byte{0, 1, 0x80, 0x81, 0xff, byte(r.IntN(256))}[r.IntN(6)]
		}
		skip, read := reader{b: b}, reader{b: b}
		skip.skipMark(i%2 == 0)
		read.take([]int{16, 14}[i%2])
		read.end(0)
		if skip.bad != read.bad || !skip.bad && len(skip.b) != len(read.b) {
			t.Fatalf("%d: % x: skipped to %d (%v), read to %d (%v)", i, b, len(skip.b), skip.bad, len(read.b), read.bad)
		}
	}
}
