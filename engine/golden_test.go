package engine

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/rollup"
)

var update = flag.Bool("update", false, "write the testdata of the present format anew: only for a new format version")

func goldenDir(format int) string { return fmt.Sprint("testdata/format-", format) }

// goldenAnswers is what the golden store must answer for ever.
type goldenAnswers struct {
	Seq      uint64                     `json:"seq"`
	Apps     []AppInfo                  `json:"apps"`
	Settings map[string]string          `json:"settings"`
	Lists    map[string][]string        `json:"lists"`
	Charts   map[string]json.RawMessage `json:"charts"`
	Exports  map[string]string          `json:"exports"`
}

// goldenOps are the fixed operations of the golden store.
func goldenOps(t *testing.T, e *Engine, clock *testClock) {
	t.Helper()
	for i := range 30 {
		app := []string{"shop", "ünï/code"}[i%2]
		r := oneRun(fmt.Sprintf("trace-%02d", i), epoch.Add(time.Duration(i)*94*time.Minute+time.Duration(i)*time.Microsecond))
		switch i % 6 {
		case 1:
			r.failed = true
		case 2:
			r.open = true
		case 3:
			r.output = strings.Repeat("golden output ", 200)
		case 4:
			r.parent = "nobody"
		case 5:
			r.trace = fmt.Sprintf("0190a1b2-c3d4-7e5f-8a9b-%012x", i)
		}
		r.dur = time.Duration(i*i) * time.Millisecond
		ingest(t, e, app, r, testRun{trace: r.trace, id: "child", parent: r.id, start: r.start.Add(time.Millisecond), dur: time.Second, tokens: i + 1})
	}
	for i := range 9 { // a busy quarter of an hour, kept by minutes
		ingest(t, e, "shop", oneRun(fmt.Sprint("busy-", i), epoch.Add(30*time.Hour+time.Duration(i)*50*time.Second)))
	}
	if err := e.DeleteTrace(bg, "shop", "trace-00"); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{`{"id":"e2","name":"relevance","value":0.75,"comment":"ünï","source":"judge","created_at":"2026-03-02T01:00:00Z"}`,
		`{"id":"e1","name":"passed","value":true,"run_id":"child"}`} {
		if _, err := e.PutEvaluations(bg, "ünï/code", "trace-03", parseEvaluations(t, text)); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := e.PutSetting(bg, "token/one", []byte{0, 1, 0xff}); err != nil {
		t.Fatal(err)
	}
	clock.advance(time.Hour)
	if _, err := e.PromoteOrphans(bg); err != nil {
		t.Fatal(err)
	}
	if err := e.Checkpoint(bg); err != nil {
		t.Fatal(err)
	}
	if err := e.db.Flush(); err != nil {
		t.Fatal(err)
	}
	// The rest is left in the log and the journal.
	ingest(t, e, "shop", oneRun("late", epoch.Add(3*time.Hour)), testRun{trace: "orphan", id: "x", parent: "p", start: epoch, dur: time.Second})
	if err := e.DeleteTrace(bg, "shop", "trace-10"); err != nil {
		t.Fatal(err)
	}
}

func goldenClock() *testClock {
	c := newClock()
	c.advance(48 * time.Hour)
	return c
}

// makeGolden writes the golden store as a crash would leave it, so that its
// log and journal are part of it.
func makeGolden(t *testing.T) {
	t.Helper()
	goldenDir := goldenDir(FormatVersion)
	fs, clock := vfs.NewCrashableMem(), goldenClock()
	o := smallOptions(fs, clock)
	o.CheckpointDeltas = 1 << 20
	e := openTest(t, "data", o)
	goldenOps(t, e, clock)
	clone := fs.CrashClone(vfs.CrashCloneCfg{})
	mustClose(t, e)
	if err := os.RemoveAll(goldenDir); err != nil {
		t.Fatal(err)
	}
	if ok, err := vfs.Clone(clone, vfs.Default, "data", filepath.Join(goldenDir, "data")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := os.Remove(filepath.Join(goldenDir, "data", storeDir, "LOCK")); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	e, _ = openGolden(t, goldenDir)
	defer mustClose(t, e)
	if err := os.WriteFile(filepath.Join(goldenDir, "answers.json"), askGolden(t, e), 0o644); err != nil {
		t.Fatal(err)
	}
}

// openGolden opens a copy of the golden store.
func openGolden(t *testing.T, goldenDir string) (*Engine, Options) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if ok, err := vfs.Clone(vfs.Default, vfs.Default, filepath.Join(goldenDir, "data"), dir); !ok || err != nil {
		t.Fatalf("%s: %v %v", goldenDir, ok, err)
	}
	clock := goldenClock()
	clock.advance(time.Hour)
	o := smallOptions(vfs.Default, clock)
	return openTest(t, dir, o), o
}

func askGolden(t *testing.T, e *Engine) []byte {
	t.Helper()
	apps, err := e.Apps(bg)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := e.Settings(bg, "")
	if err != nil {
		t.Fatal(err)
	}
	a := goldenAnswers{Seq: e.Stats().Seq, Apps: apps, Settings: map[string]string{}, Lists: map[string][]string{},
		Charts: map[string]json.RawMessage{}, Exports: map[string]string{}}
	for k, v := range settings {
		a.Settings[k] = fmt.Sprintf("%x", v)
	}
	for _, app := range apps {
		for _, st := range everyStatus {
			a.Lists[app.ID+" "+statusText(st)] = listIDs(t, e, app.ID, ListQuery{Filter: Filter{Statuses: []rollup.Status{st}}, Preview: previewBytes})
		}
		m, err := e.Metrics(bg, app.ID, MetricsQuery{Start: epoch.UnixMicro() + 1, End: epoch.Add(72 * time.Hour).UnixMicro(), Interval: mustInterval(t, "24h")})
		if err != nil {
			t.Fatal(err)
		}
		chart := []byte("[")
		for i := range m.Series {
			chart = append(m.Series[i].Stats.AppendJSON(chart), ',')
		}
		if app.ID == "shop" { // a window that ends in the busy quarter
			m, err := e.Metrics(bg, app.ID, MetricsQuery{Start: epoch.Add(29 * time.Hour).UnixMicro(), End: epoch.Add(30*time.Hour + 170*time.Second).UnixMicro(), Interval: mustInterval(t, "24h")})
			if err != nil {
				t.Fatal(err)
			}
			if n := m.Summary.InvocationCount; n > 0 {
				a.Charts["busy"] = m.Summary.AppendJSON(nil)
			}
		}
		a.Charts[app.ID] = append(m.Summary.AppendJSON(chart), ']')
		a.Exports[app.ID] = string(exportAll(t, e, app.ID, ExportQuery{IncludeRuns: true}))
	}
	b, err := json.MarshalIndent(a, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// TestGolden opens stores that earlier builds wrote. Where it fails, the format
// has changed: raise FormatVersion and keep reading the old one.
func TestGolden(t *testing.T) {
	if *update {
		makeGolden(t)
	}
	for format := 1; format <= FormatVersion; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) { testGolden(t, goldenDir(format), format) })
	}
}

func testGolden(t *testing.T, goldenDir string, format int) {
	want, err := os.ReadFile(filepath.Join(goldenDir, "answers.json"))
	if err != nil {
		t.Fatal(err)
	}
	e, o := openGolden(t, goldenDir)
	if e.format() != format {
		t.Errorf("format %d", e.format())
	}
	verifyClean(t, e)
	noRepairs(t, e)
	if got := askGolden(t, e); !bytes.Equal(got, want) {
		t.Errorf("answers differ from %s/answers.json:\n%s", goldenDir, firstDifference(got, want))
	}
	ingest(t, e, "shop", oneRun("new", epoch))
	dir := e.dir
	mustClose(t, e)
	e = openTest(t, dir, o)
	defer mustClose(t, e)
	verifyClean(t, e)
	before := askGolden(t, e)
	if _, err := e.Repair(bg); err != nil || e.format() != FormatVersion {
		t.Fatalf("format %d after Repair, %v", e.format(), err)
	}
	verifyClean(t, e)
	if got := askGolden(t, e); !bytes.Equal(got, before) {
		t.Errorf("answers differ after Repair:\n%s", firstDifference(got, before))
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("line %d\n got %.400s\nwant %.400s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
