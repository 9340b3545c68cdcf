package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/rollup"
)

// rewrite changes the rows of a closed store under a prefix.
func rewrite(t *testing.T, fs vfs.FS, prefix byte, change func(key, value []byte) []byte) (n int) {
	t.Helper()
	db, err := pebble.Open(fs.PathJoin("data", storeDir), &pebble.Options{FS: fs, FormatMajorVersion: pebbleFormat, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}, UpperBound: []byte{prefix + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v := change(it.Key(), append([]byte(nil), it.Value()...))
		if err := db.Set(it.Key(), v, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if err := errors.Join(it.Close(), db.Close(), remark(fs)); err != nil {
		t.Fatal(err)
	}
	return n
}

// remark notes the MANIFEST of a store that was changed behind the engine's
// back.
func remark(fs vfs.FS) error {
	m, _, err := readMarker(fs, "data")
	if err != nil {
		return err
	}
	return markBackup(fs, "data", m.version, m.seq)
}

var garble = map[string]func(key, value []byte) []byte{
	"empty":   func(_, _ []byte) []byte { return nil },
	"garbage": func(_, v []byte) []byte { return []byte(noise(len(v)+3, 4)) },
	"cut":     func(_, v []byte) []byte { return v[:len(v)-1] },
	"longer":  func(_, v []byte) []byte { return append(v, 0) },
	"zeros":   func(_, v []byte) []byte { return make([]byte, len(v)) },
	"huge":    hugeBody,
	"ones":    func(_, v []byte) []byte { return []byte(strings.Repeat("\xff", len(v)+1)) },
}

func init() {
	if raceDetector {
		for _, name := range []string{"cut", "longer", "ones", "zeros"} {
			delete(garble, name)
		}
	}
}

// hugeBody makes a body promise a content of nearly 2^63 bytes; of other rows
// it changes the last byte.
func hugeBody(key, v []byte) []byte {
	if key[0] != prefixBody {
		v[len(v)-1] ^= 0xff
		return v
	}
	r := reader{b: v}
	r.take(3)
	r.varint()
	for range r.count(runTableMin) {
		r.take(16)
		r.uvarint()
	}
	if r.uvarint() > 0 {
		r.bytes()
	}
	r.uvarint()
	at := len(v) - len(r.b)
	r.uvarint()
	out := binary.AppendUvarint(append([]byte(nil), v[:at]...), 1<<63-1)
	return append(out, r.b...)
}

// derivedStore has traces in two days, partly only in the journal when torn.
func derivedStore(t *testing.T, torn bool) (vfs.FS, Options) {
	t.Helper()
	fs, clock := vfs.NewCrashableMem(), newClock()
	o := smallOptions(fs, clock)
	o.CheckpointDeltas = 1 << 20
	e := openTest(t, "data", o)
	post := func(prefix string) {
		for i := range 40 {
			r := oneRun(fmt.Sprint(prefix, i), epoch.Add(time.Duration(i)*37*time.Minute))
			r.failed, r.dur = i%3 == 0, time.Duration(i+1)*time.Millisecond
			ingest(t, e, "app", r)
		}
	}
	post("a")
	if err := e.Checkpoint(bg); err != nil {
		t.Fatal(err)
	}
	if torn {
		post("b")
		o.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	}
	mustClose(t, e)
	return o.FS, o
}

// TestDerivedRowsHeal: a damaged index or bucket is made again from the rows.
func TestDerivedRowsHeal(t *testing.T) {
	for _, torn := range []bool{false, true} {
		base, o := derivedStore(t, torn)
		want := answersOf(t, o, base)
		for _, prefix := range []byte{prefixBucket, prefixHist, prefixIndex, prefixQuarter} {
			for name, change := range garble {
				t.Run(fmt.Sprintf("%s %c torn=%v", name, prefix, torn), func(t *testing.T) {
					fs := copyOf(t, base)
					o.FS = fs
					if n := rewrite(t, fs, prefix, change); n == 0 {
						t.Fatal("no row")
					}
					e := openTest(t, "data", o)
					defer mustClose(t, e)
					if got := answers(t, e); got != want {
						t.Errorf("got  %s\nwant %s", got, want)
					}
					verifyClean(t, e)
					if e.Stats().RebuiltUnits == 0 {
						t.Error("nothing was made again")
					}
					ingest(t, e, "app", oneRun("new", epoch.Add(time.Hour)))
					if err := e.DeleteTrace(bg, "app", "a3"); err != nil {
						t.Fatal(err)
					}
					if err := e.Checkpoint(bg); err != nil {
						t.Fatal(err)
					}
					verifyClean(t, e)
				})
			}
		}
	}
}

// answersOf opens a copy of a store and asks it.
func answersOf(t *testing.T, o Options, fs vfs.FS) string {
	t.Helper()
	o.FS = copyOf(t, fs)
	e := openTest(t, "data", o)
	defer mustClose(t, e)
	return answers(t, e)
}

func copyOf(t *testing.T, fs vfs.FS) vfs.FS {
	t.Helper()
	c := vfs.NewMem()
	if ok, err := vfs.Clone(fs, c, "data", "data"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return c
}

// answers is what an app answers about lists and charts.
func answers(t *testing.T, e *Engine) string {
	t.Helper()
	out := fmt.Sprint(listIDs(t, e, "app", ListQuery{}), listIDs(t, e, "app", ListQuery{Ascending: true, Preview: 100, Filter: Filter{Statuses: []rollup.Status{rollup.Failed}}}))
	for _, iv := range []string{"15m", "1h", "24h"} {
		m, err := e.Metrics(bg, "app", MetricsQuery{Start: epoch.UnixMicro() + 5, End: epoch.Add(48 * time.Hour).UnixMicro(), Interval: mustInterval(t, iv)})
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprint(m.Summary)
		for _, p := range m.Series {
			out += fmt.Sprint(p.Start, *p.Stats)
		}
	}
	return out
}

// TestDamagedRows garbles the rows that nothing can be made again from: what
// needs them is an error or still right, everything else works.
func TestDamagedRows(t *testing.T) {
	base, o := derivedStore(t, false)
	for _, prefix := range []byte{prefixSummary, prefixLocator, prefixBody} {
		for name, change := range garble {
			t.Run(fmt.Sprintf("%s %c", name, prefix), func(t *testing.T) {
				fs := copyOf(t, base)
				o.FS = fs
				n := 0
				rewrite(t, fs, prefix, func(k, v []byte) []byte {
					if n++; n%8 == 0 {
						return change(k, v)
					}
					return v
				})
				e := openTest(t, "data", o)
				defer mustClose(t, e)
				askEverything(t, e)
				rep, err := e.Verify(bg)
				if err != nil || len(rep.Differences) == 0 {
					t.Errorf("verify: %v, %d differences", err, len(rep.Differences))
				}
				if _, err := e.Ingest(bg, "other", parseRuns(t, oneRun("x", epoch))); err != nil {
					t.Errorf("another app: %v", err)
				}
				if err := e.Ready(); err != nil {
					t.Errorf("ready: %v", err)
				}
			})
		}
	}
}

// askEverything makes every call for every trace; an error must be ErrCorrupt
// or ErrNotFound. It returns how many calls answered.
func askEverything(t *testing.T, e *Engine) (good int) {
	t.Helper()
	check := func(what string, err error) {
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			good++
		}
	}
	for i := range 40 {
		id := fmt.Sprint("a", i)
		_, err := e.Trace(bg, "app", id)
		check("trace", err)
		_, err = e.TraceWithRuns(bg, "app", id)
		check("trace with runs", err)
		_, err = e.Runs(bg, "app", id, RunQuery{Page: 1, PageSize: 10, Statuses: []string{"failed"}})
		check("runs", err)
		_, err = e.List(bg, "app", ListQuery{Page: i + 1, PageSize: 1, Preview: 100})
		check("list", err)
		_, err = e.Ingest(bg, "app", parseRuns(t, testRun{trace: id, id: "more", start: epoch.Add(time.Duration(i) * time.Minute), open: true}))
		check("ingest", err)
	}
	for _, zstd := range []bool{false, true} {
		_, err := e.Export(bg, "app", ExportQuery{IncludeRuns: true, Zstd: zstd}, io.Discard)
		check("export", err)
	}
	_, err := e.Metrics(bg, "app", MetricsQuery{Start: epoch.UnixMicro() + 1, End: epoch.Add(20 * time.Hour).UnixMicro(), Interval: mustInterval(t, "1h")})
	check("metrics", err)
	_, err = e.Apps(bg)
	check("apps", err)
	return good
}

// TestDamagedBlocks flips bits in the tables of a closed store.
func TestDamagedBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	rounds, refused, fewest := 30, 0, 1<<30
	if raceDetector {
		rounds = 10
	}
	base, o := derivedStore(t, false)
	o.FS = base
	e := openTest(t, "data", o)
	if err := e.db.Flush(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, e)
	for round := range rounds {
		fs := copyOf(t, base)
		o.FS = fs
		var tables []string
		for path := range files(t, fs, "data") {
			if strings.HasSuffix(path, ".sst") {
				tables = append(tables, path)
			}
		}
		path := tables[rng.IntN(len(tables))]
		b := []byte(readFile(t, fs, path))
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		writeFile(t, fs, path, string(b))
		e, err := Open("data", o)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("round %d: open: %v", round, err)
			}
			refused++
			continue
		}
		fewest = min(fewest, askEverything(t, e))
		if err := e.Ready(); err != nil {
			t.Errorf("round %d: ready: %v", round, err)
		}
		if err := e.Close(); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("round %d: close: %v", round, err)
		}
	}
	t.Logf("%d of %d did not open; the worst of the others answered %d calls of 204", refused, rounds, fewest)
}
