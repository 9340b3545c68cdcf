package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/klauspost/compress/zstd"
)

// longRuns are a trace of a root and n runs below it with output of size bytes
// in all, which hardly compresses below 60 %.
func longRuns(id string, start time.Time, n, size int) []testRun {
	runs := []testRun{{trace: id, id: id + "-root", start: start, dur: time.Second, output: noise(size/2, int64(len(id)))}}
	for i := range n {
		runs = append(runs, testRun{trace: id, id: fmt.Sprintf("%s-%d", id, i), parent: id + "-root",
			start: start.Add(time.Duration(i+1) * time.Millisecond), dur: time.Millisecond, output: noise(size/2/n, int64(i))})
	}
	return runs
}

// pieceRows counts the `y` rows of a store.
func pieceRows(t testing.TB, e *Engine) (n int) {
	t.Helper()
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixPiece}, UpperBound: []byte{prefixPiece + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

// readAll reads a trace in every way and compares the answers with each other.
func readAll(t *testing.T, e *Engine, id string, runs int) {
	t.Helper()
	whole, err := e.TraceWithRuns(bg, "app", id)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct {
		Output json.RawMessage   `json:"output"`
		Runs   []json.RawMessage `json:"runs"`
	}
	if err := json.Unmarshal(whole, &parsed); err != nil || len(parsed.Runs) != runs {
		t.Fatalf("%d runs came back instead of %d (%v)", len(parsed.Runs), runs, err)
	}
	row, err := e.Trace(bg, "app", id)
	if err != nil || !bytes.HasPrefix(whole, row.JSON[:len(row.JSON)-1]) {
		t.Errorf("the trace without runs is not the beginning of the trace with runs (%v)", err)
	}
	var got []json.RawMessage
	for page := 1; ; page++ {
		p, err := e.Runs(bg, "app", id, RunQuery{Page: page, PageSize: 7})
		if err != nil || p.TotalCount != int64(runs) {
			t.Fatalf("page %d of the runs: %d in all (%v)", page, p.TotalCount, err)
		}
		if len(p.Runs) == 0 {
			break
		}
		for _, r := range p.Runs {
			got = append(got, r)
		}
	}
	for i := range parsed.Runs {
		if i >= len(got) || !bytes.Equal(got[i], parsed.Runs[i]) {
			t.Fatalf("run %d of %d differs between the pages and the trace", i, len(got))
		}
	}
	run, err := e.Run(bg, "app", id, runID(parsed.Runs[runs-1]))
	if err != nil || !bytes.Equal(run, parsed.Runs[runs-1]) {
		t.Errorf("the oldest run differs: %v", err)
	}
	var tree bytes.Buffer
	if err := e.Tree(bg, "app", id, &tree); err != nil || !json.Valid(tree.Bytes()) {
		t.Errorf("tree: %v", err)
	}
}

// exports reads both kinds of export in both forms and compares them with the
// traces, which are in the order of the export.
func exports(t *testing.T, e *Engine, ids ...string) {
	t.Helper()
	for _, q := range []ExportQuery{{}, {IncludeRuns: true}, {Zstd: true}, {Zstd: true, IncludeRuns: true}} {
		text := exportAll(t, e, "app", q)
		if q.Zstd {
			d, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderMaxWindow(8<<20))
			if err != nil {
				t.Fatal(err)
			}
			var plain bytes.Buffer
			if _, err := plain.ReadFrom(d); err != nil {
				t.Fatal(err)
			}
			d.Close()
			text = plain.Bytes()
		}
		var got []json.RawMessage
		if err := json.Unmarshal(text, &got); err != nil || len(got) != len(ids) {
			t.Fatalf("%+v: %d traces (%v)", q, len(got), err)
		}
		for i, id := range ids {
			var want []byte
			if q.IncludeRuns {
				want, _ = e.TraceWithRuns(bg, "app", id)
			} else {
				row, _ := e.Trace(bg, "app", id)
				want = row.JSON
			}
			if !bytes.Equal(got[i], want) {
				t.Errorf("%+v: trace %q of %d bytes differs from the export's of %d", q, id, len(want), len(got[i]))
			}
		}
	}
}

// TestPieces: a trace whose body is stored in pieces reads as any other, and
// its pieces come and go with it, in both formats.
func TestPieces(t *testing.T) {
	t.Run("format 1", func(t *testing.T) { testPieces(t, 1, 1<<19, 2) })
	t.Run("format 2", func(t *testing.T) { testPieces(t, 2, 1<<20, 6) })
}

// testPieces makes traces of five and six units of bytes, which take so many
// pieces at least.
func testPieces(t *testing.T, format, unit, least int) {
	e, clock := newEngine(t, func(o *Options) { o.format = format })
	ingest(t, e, "app", longRuns("a", epoch, 20, 6*unit)...)
	ingest(t, e, "app", oneRun("b", epoch.Add(time.Second)))
	ingest(t, e, "app", longRuns("c", epoch.Add(2*time.Second), 3, 5*unit)...)
	rows := pieceRows(t, e)
	if rows < least {
		t.Fatalf("%d pieces: this tests nothing", rows)
	}
	check := func(what string, want int, ids ...string) {
		t.Helper()
		if n := pieceRows(t, e); n != want {
			t.Errorf("%s: %d pieces, %d expected", what, n, want)
		}
		verifyClean(t, e)
		exports(t, e, ids...)
	}
	readAll(t, e, "a", 21)
	readAll(t, e, "b", 1)
	readAll(t, e, "c", 4)
	check("stored", rows, "c", "b", "a")
	if err := e.flush(bg); err != nil {
		t.Fatal(err)
	}
	readAll(t, e, "a", 21)
	if res := ingest(t, e, "app", longRuns("c", epoch.Add(2*time.Second), 3, 5*unit)...); res.Unchanged != 4 {
		t.Errorf("sent again: %+v", res)
	}
	if list := listIDs(t, e, "app", ListQuery{Preview: 100}); strings.Join(list, "") != "cba" {
		t.Errorf("list: %v", list)
	}

	// A run more moves the start, and all pieces with it.
	clock.advance(time.Minute)
	ingest(t, e, "app", testRun{trace: "c", id: "early", start: epoch.Add(-time.Hour), dur: time.Second})
	readAll(t, e, "c", 5)
	check("moved", rows, "b", "a", "c")
	// What replaces all runs is short.
	small := longRuns("a", epoch, 20, 1000)
	for i := range small {
		small[i].dur += time.Second
	}
	ingest(t, e, "app", small...)
	readAll(t, e, "a", 21)
	var ofC int
	if ofC = pieceRows(t, e); ofC >= rows || ofC == 0 {
		t.Fatalf("%d pieces after a became small", ofC)
	}
	check("smaller", ofC, "b", "a", "c")
	if err := e.DeleteTrace(bg, "app", "c"); err != nil {
		t.Fatal(err)
	}
	check("deleted", 0, "b", "a")
	ingest(t, e, "app", longRuns("d", epoch, 2, 5*unit)...)
	if err := e.DeleteApp(bg, "app"); err != nil {
		t.Fatal(err)
	}
	if n := pieceRows(t, e); n != 0 {
		t.Errorf("%d pieces of a deleted app", n)
	}
}

// TestPiecesOfAlikeIDs: what becomes of the pieces of a trace does not touch those
// of others that start with it and whose ids begin with its id.
func TestPiecesOfAlikeIDs(t *testing.T) {
	e, _ := newEngine(t, nil)
	ids := []string{"a", "a1", "a0000", "aé", "aa", "a1-1"}
	for _, id := range ids {
		ingest(t, e, "app", longRuns(id, epoch, 2, 4<<20)...)
	}
	all := pieceRows(t, e)
	if all < 2*len(ids) {
		t.Fatalf("%d pieces: this tests nothing", all)
	}
	for i, id := range ids {
		ingest(t, e, "app", testRun{trace: id, id: id + "-more", start: epoch, dur: time.Second, output: "more"})
		verifyClean(t, e)
		if n := pieceRows(t, e); n != all {
			t.Errorf("%d pieces of %d are left after %q grew", n, all, id)
		}
		if i%2 == 0 {
			continue
		}
		if err := e.DeleteTrace(bg, "app", id); err != nil {
			t.Fatal(err)
		}
		verifyClean(t, e)
		all = pieceRows(t, e)
	}
	for i, id := range ids {
		if i%2 == 0 {
			readAll(t, e, id, 4)
		}
	}
}

// TestPiecesVersion: the version of a long trace changes with its evaluations,
// which stand in a later piece, and with nothing else.
func TestPiecesVersion(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", longRuns("a", epoch, 2, 8<<20)...)
	version := func() string {
		t.Helper()
		v, err := e.TraceVersion(bg, "app", "a")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	seen := map[string]bool{version(): true}
	for _, comment := range []string{"good", "fine", "nice"} {
		list := parseEvaluations(t, `{"id":"e","name":"quality","value":1,"comment":"`+comment+`","created_at":"2026-03-01T00:00:00Z"}`)
		if _, err := e.PutEvaluations(bg, "app", "a", list); err != nil {
			t.Fatal(err)
		}
		v := version()
		if seen[v] || v != version() {
			t.Errorf("%q: the version is %s, which was there before or changes by itself", comment, v)
		}
		seen[v] = true
	}
	verifyClean(t, e)
}

// TestPiecesExpire: retention takes pieces as well.
func TestPiecesExpire(t *testing.T) {
	e, clock := newEngine(t, func(o *Options) { o.Retention = 48 * time.Hour })
	ingest(t, e, "app", longRuns("a", epoch, 2, 4<<20)...)
	ingest(t, e, "app", longRuns("b", epoch.Add(30*time.Hour), 2, 4<<20)...)
	both := pieceRows(t, e)
	clock.advance(45 * time.Hour)
	if _, err := e.Expire(bg); err != nil {
		t.Fatal(err)
	}
	if n := pieceRows(t, e); n == 0 || n >= both {
		t.Errorf("%d pieces of %d are left", n, both)
	}
	verifyClean(t, e)
	exports(t, e, "b")
}

// TestDamagedPieces: a piece that is missing or too short is an error of what
// needs it, and verify finds it as it does one too many.
func TestDamagedPieces(t *testing.T) {
	for name, damage := range map[string]func(b *pebble.Batch, key []byte){
		"missing": func(b *pebble.Batch, key []byte) { _ = b.Delete(pieceKey(nil, key, 1), nil) },
		"last":    func(b *pebble.Batch, key []byte) { _ = b.Delete(pieceKey(nil, key, 2), nil) },
		"short":   func(b *pebble.Batch, key []byte) { _ = b.Set(pieceKey(nil, key, 1), []byte("x"), nil) },
		"noise":   func(b *pebble.Batch, key []byte) { _ = b.Set(pieceKey(nil, key, 1), make([]byte, pieceBytes), nil) },
		"stray":   func(b *pebble.Batch, key []byte) { _ = b.Set(pieceKey(nil, key, 9), []byte("x"), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := newEngine(t, nil)
			ingest(t, e, "app", longRuns("a", epoch, 4, 5<<20)...)
			ingest(t, e, "app", oneRun("b", epoch.Add(time.Second)))
			b := e.db.NewBatch()
			damage(b, bodyKey(nil, e.appNamed("app").id, epoch.UnixMicro(), appendID(nil, "a")))
			if err := e.db.Apply(b, pebble.Sync); err != nil {
				t.Fatal(err)
			}
			rep, err := e.Verify(bg)
			if err != nil || len(rep.Differences) == 0 {
				t.Errorf("verify finds nothing (%v)", err)
			}
			if _, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 10, Preview: 100}); err != nil {
				t.Errorf("the list needs none of the pieces: %v", err)
			}
			if name == "stray" {
				return
			}
			if _, err := e.TraceWithRuns(bg, "app", "a"); !errors.Is(err, ErrCorrupt) {
				t.Errorf("the trace: %v", err)
			}
			if err := e.Tree(bg, "app", "a", &bytes.Buffer{}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("its tree: %v", err)
			}
			for _, q := range []ExportQuery{{IncludeRuns: true}, {IncludeRuns: true, Zstd: true}} {
				if _, err := e.Export(bg, "app", q, &bytes.Buffer{}); !errors.Is(err, ErrCorrupt) && (name != "noise" || !q.Zstd) {
					t.Errorf("%+v: %v", q, err)
				}
			}
		})
	}
}
