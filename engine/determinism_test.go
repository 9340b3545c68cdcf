package engine

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// dumpStore gives every key and value of a closed store.
func dumpStore(t testing.TB, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	db, err := pebble.Open(fs.PathJoin(dir, storeDir), &pebble.Options{FS: fs, ReadOnly: true, FormatMajorVersion: pebbleFormat, Logger: silent{}})
	if err != nil {
		t.Fatalf("dump: %v", err)
	}
	defer db.Close()
	it, err := db.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for ok := it.First(); ok; ok = it.Next() {
		out[string(it.Key())] = string(it.Value())
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		t.Fatal(err)
	}
	return out
}

type silent struct{}

func (silent) Infof(string, ...any)      {}
func (silent) Errorf(string, ...any)     {}
func (silent) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

// sameStore fails where two dumps differ.
func sameStore(t *testing.T, name string, want, got map[string]string) {
	t.Helper()
	n := 0
	for k, v := range want {
		if g, ok := got[k]; !ok || g != v {
			if n++; n <= 5 {
				t.Errorf("%s: key %c %x: %d bytes %x, want %d bytes %x (there: %v)", name, k[0], k[1:], len(g), clip(g), len(v), clip(v), ok)
			}
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			if n++; n <= 5 {
				t.Errorf("%s: key %c %x is there and should not be", name, k[0], k[1:])
			}
		}
	}
	if n > 0 {
		t.Fatalf("%s: %d of %d keys differ", name, n, len(want))
	}
}

func clip(s string) string { return s[:min(len(s), 60)] }

// record runs writers against an engine and gives its log and its store.
func record(t *testing.T, seed uint64, writers, steps int) (ops [][]byte, store map[string]string, clock *testClock) {
	fs, clock := vfs.NewMem(), newClock()
	o := smallOptions(fs, clock)
	o.Retention = 13 * time.Hour // the first hours of the workload go within the test
	o.OrphanTimeout = time.Minute
	o.StateBytes = 1
	o.OnApply = func(seq uint64, op *Op) {
		b, err := op.AppendBinary(nil)
		if err != nil || seq != uint64(len(ops)+1) {
			t.Errorf("operation %d after %d: %v", seq, len(ops), err)
		}
		ops = append(ops, b)
	}
	e := openTest(t, "data", o)
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			w := newWorkload(seed, uint64(n), "")
			for i := range steps {
				if err := determinismStep(e, clock, w, i); err != nil {
					t.Errorf("step: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	verifyClean(t, e)
	noRepairs(t, e)
	mustClose(t, e)
	return ops, dumpStore(t, fs, "data"), clock
}

func determinismStep(e *Engine, clock *testClock, w *workload, i int) (err error) {
	switch k := w.rng.IntN(50); {
	case k == 0:
		err = e.DeleteApp(bg, w.app())
	case k < 5:
		err = e.DeleteTrace(bg, w.app(), w.trace())
	case k == 5:
		err = e.PutSetting(bg, w.trace(), []byte(w.app()))
	case k == 6:
		err = e.DeleteSetting(bg, w.trace())
	case k == 7:
		clock.advance(5 * time.Minute)
		_, err = e.PromoteOrphans(bg)
	case k == 8 && i > 10:
		clock.advance(time.Hour)
		_, err = e.Expire(bg)
	case k == 9:
		err = e.Checkpoint(bg)
	case k < 14:
		_, err = e.PutEvaluations(bg, w.app(), w.trace(), w.evaluations())
	default:
		_, err = e.Ingest(bg, w.app(), parseRuns(panicker{}, w.runs()...))
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// replay applies the recorded operations one by one.
func replayOps(t *testing.T, ops [][]byte, o Options) map[string]string {
	t.Helper()
	o.FS = vfs.NewMem()
	e := openTest(t, "replayed", o)
	for i, b := range ops {
		var op Op
		if err := op.UnmarshalBinary(b); err != nil {
			t.Fatalf("operation %d: %v", i+1, err)
		}
		if _, err := e.Apply(bg, &op); err != nil {
			t.Fatalf("operation %d of kind %d: %v", i+1, op.Kind, err)
		}
		if seq := e.Stats().Seq; seq != uint64(i+1) {
			t.Fatalf("operation %d of kind %d on %q %q came out as %d", i+1, op.Kind, op.App, op.Key, seq)
		}
	}
	verifyClean(t, e)
	mustClose(t, e)
	return dumpStore(t, o.FS, "replayed")
}

// TestDeterminism: the log of a concurrent run, applied one by one with other
// options, gives the same store byte for byte.
func TestDeterminism(t *testing.T) {
	seeds := uint64(5)
	if raceDetector {
		seeds = 2
	}
	for seed := range seeds {
		ops, want, clock := record(t, seed, 4, 100)
		if t.Failed() {
			return
		}
		t.Logf("seed %d: %d operations, %d keys", seed, len(ops), len(want))
		plain := smallOptions(nil, clock)
		plain.CheckpointDeltas = 1 << 20
		tiny := smallOptions(nil, clock)
		tiny.CheckpointDeltas, tiny.StateBytes = 1, 1
		big := smallOptions(nil, clock)
		big.MemTableBytes, big.CheckpointDeltas = 8<<20, 7
		big.Experimental.ValueSeparation = true
		for name, o := range map[string]Options{"plain": plain, "tiny": tiny, "big": big} {
			sameStore(t, fmt.Sprintf("seed %d, %s", seed, name), want, replayOps(t, ops, o))
		}
	}
}

func opsToEncode(t testing.TB) []Op {
	runs := parseRuns(t, oneRun("a", epoch), testRun{trace: "b", id: "x", parent: "y", start: epoch, open: true})
	return []Op{
		{Kind: OpUpsert, TimeNS: 1 << 60, App: "app", Runs: runs},
		{Kind: OpUpsert, App: ""},
		{Kind: OpDeleteTrace, TimeNS: -5, App: "app", Key: "trace \x00 id"},
		{Kind: OpPutSetting, Key: "k", Value: []byte{0, 255}},
		{Kind: OpPutSetting, Key: "k", Value: []byte{}},
		{Kind: OpRetain, Cutoff: 1 << 50},
		{Kind: OpPromote, App: "a", Key: "t", Cutoff: -1},
		{Kind: OpEvaluate, TimeNS: 1 << 60, App: "a", Key: "t", Value: []byte(`[{"id":"e","name":"n","value":1}]`)},
	}
}

func TestOpRoundTrip(t *testing.T) {
	for _, op := range opsToEncode(t) {
		b, err := op.AppendBinary([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		var got Op
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatalf("%+v: %v", op, err)
		}
		if got.Kind != op.Kind || got.TimeNS != op.TimeNS || got.App != op.App || got.Key != op.Key ||
			!bytes.Equal(got.Value, op.Value) || got.Cutoff != op.Cutoff || len(got.Runs) != len(op.Runs) {
			t.Errorf("got %+v, want %+v", got, op)
		}
		for i := range op.Runs {
			if !got.Runs[i].Same(&op.Runs[i]) || got.Runs[i].IDHash != op.Runs[i].IDHash || got.Runs[i].Start != op.Runs[i].Start {
				t.Errorf("run %d: got %+v, want %+v", i, got.Runs[i], op.Runs[i])
			}
		}
		again, _ := got.AppendBinary(nil)
		if !bytes.Equal(again, b) {
			t.Errorf("%+v: encoded again it differs", op)
		}
		for i := range b { // every single damage is seen
			bad := bytes.Clone(b)
			bad[i] ^= 0x10
			if err := new(Op).UnmarshalBinary(bad); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d changed: %v", i, err)
			}
			if err := new(Op).UnmarshalBinary(b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("cut at %d: %v", i, err)
			}
		}
	}
}

func FuzzOpUnmarshal(f *testing.F) {
	for _, op := range opsToEncode(f) {
		b, _ := op.AppendBinary(nil)
		f.Add(b[:len(b)-4])
	}
	f.Add([]byte{opVersion, 1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, body []byte) {
		var op Op
		_ = op.UnmarshalBinary(body) // most likely a wrong checksum
		if err := op.UnmarshalBinary(withCRC(body)); err != nil {
			return
		}
		again, err := op.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var twice Op
		if err := twice.UnmarshalBinary(again); err != nil || len(twice.Runs) != len(op.Runs) {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
	})
}
