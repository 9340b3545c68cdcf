package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine/trace"
)

func evaluate(t testing.TB, e *Engine, app, id string, texts ...string) []trace.Evaluation {
	t.Helper()
	out, err := e.PutEvaluations(bg, app, id, parseEvaluations(t, texts...))
	if err != nil {
		t.Fatalf("evaluate: %v", err)
	}
	return out
}

// evaluationIDs lists them as every reader gives them, which must agree.
func evaluationIDs(t testing.TB, e *Engine, app, id string) string {
	t.Helper()
	list, err := e.Evaluations(bg, app, id)
	if err != nil {
		t.Fatal(err)
	}
	row, err := e.Trace(bg, app, id)
	if err != nil {
		t.Fatal(err)
	}
	full, err := e.TraceWithRuns(bg, app, id)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"trace": row.JSON, "with runs": full} {
		var o struct{ Evaluations json.RawMessage }
		if err := json.Unmarshal(b, &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := string(o.Evaluations); got != string(list) && !(got == "" && string(list) == "[]") {
			t.Fatalf("%s has evaluations %s, the list is %s", name, got, list)
		}
	}
	var ids []string
	all, err := trace.ParseEvaluations(list)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		ids = append(ids, all[i].ID)
	}
	return strings.Join(ids, " ")
}

func TestEvaluations(t *testing.T) {
	e, clock := newEngine(t, nil)
	root := oneRun("t", epoch)
	ingest(t, e, "app", root)
	if got := evaluationIDs(t, e, "app", "t"); got != "" {
		t.Errorf("before any: %q", got)
	}
	before, err := e.Trace(bg, "app", "t")
	if err != nil {
		t.Fatal(err)
	}
	version := func() string {
		t.Helper()
		v, err := e.TraceVersion(bg, "app", "t")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v0 := version()
	clock.advance(time.Minute)
	out := evaluate(t, e, "app", "t", `{"name":"relevance","value":0.90,"comment":"good \u00e9","source":"judge","run_id":"t-r"}`,
		`{"id":"late","name":"passed","value":true,"created_at":"2027-01-01T00:00:00.10+01:00"}`,
		`{"id":"early","name":"label","value":"a\"b","created_at":"2020-01-01T00:00:00Z"}`)
	if len(out) != 3 || len(out[0].ID) != 36 {
		t.Fatalf("stored %+v", out)
	}
	want := fmt.Sprintf(`{"id":%q,"name":"relevance","value":0.90,"comment":"good \u00e9","source":"judge","run_id":"t-r","created_at":"2026-03-02T12:01:00.000000Z"}`, out[0].ID)
	if got := string(out[0].JSON); got != want {
		t.Errorf("stored %s\nwant   %s", got, want)
	}
	if got := string(out[1].JSON); got != `{"id":"late","name":"passed","value":true,"comment":null,"source":null,"run_id":null,"created_at":"2026-12-31T23:00:00.10Z"}` {
		t.Errorf("stored %s", got)
	}
	if got := evaluationIDs(t, e, "app", "t"); got != "early "+out[0].ID+" late" {
		t.Errorf("order %q", got)
	}
	after, err := e.Trace(bg, "app", "t")
	if err != nil {
		t.Fatal(err)
	}
	list, err := e.Evaluations(bg, "app", "t")
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Replace(after.JSON, append([]byte(`,"evaluations":`), list...), nil, 1); !bytes.Equal(got, before.JSON) {
		t.Errorf("evaluations change more than themselves:\n%s\n%s", got, before.JSON)
	}
	v1 := version()
	if v1 == v0 {
		t.Error("the version does not change with an evaluation")
	}

	// The same again, without the time: nothing changes.
	seq := e.Stats().Seq
	clock.advance(time.Minute)
	again := evaluate(t, e, "app", "t", strings.Replace(strings.TrimSuffix(want, `,"created_at":"2026-03-02T12:01:00.000000Z"}`), "t-r", "t-r", 1)+"}")
	if string(again[0].JSON) != want || e.Stats().Seq != seq || version() != v1 {
		t.Errorf("sent again: %s, operation %d after %d", again[0].JSON, e.Stats().Seq, seq)
	}
	// Another value under the same id takes its place.
	evaluate(t, e, "app", "t", `{"id":"late","name":"passed","value":false}`)
	if list, _ = e.Evaluations(bg, "app", "t"); !bytes.Contains(list, []byte(`"value":false`)) || bytes.Contains(list, []byte(`"value":true`)) {
		t.Errorf("replaced: %s", list)
	}
	verifyClean(t, e)
}

// Everything that renders a trace again keeps its evaluations; what removes it
// removes them.
func TestEvaluationsStay(t *testing.T) {
	e, clock := newEngine(t, func(o *Options) { o.OrphanTimeout, o.Retention = time.Hour, 48*time.Hour })
	long := oneRun("t", epoch.Add(time.Hour))
	long.output = noise(20_000, 1)
	child := testRun{trace: "t", id: "child", parent: "gone", start: epoch.Add(2 * time.Hour), dur: time.Second}
	ingest(t, e, "app", long, child)
	check := func(what, want string) {
		t.Helper()
		if got := evaluationIDs(t, e, "app", "t"); got != want {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
		verifyClean(t, e)
	}
	evaluate(t, e, "app", "t", `{"id":"a","name":"n","value":1}`)
	check("first", "a")
	ingest(t, e, "app", long)
	check("identical re-send", "a")
	long.output = noise(9_000, 2)
	ingest(t, e, "app", long)
	check("one run changed", "a")
	long.tokens, child.tokens = 99, 98
	ingest(t, e, "app", long, child)
	check("every run replaced", "a")
	clock.advance(2 * time.Hour)
	if n, err := e.PromoteOrphans(bg); n != 1 || err != nil {
		t.Fatalf("promoted %d, %v", n, err)
	}
	check("orphans promoted", "a")
	evaluate(t, e, "app", "t", `{"id":"b","name":"n","value":"late"}`)
	check("evaluated when promoted", "a b")
	ingest(t, e, "app", testRun{trace: "t", id: "older", start: epoch, dur: time.Second})
	check("start moved", "a b")
	row := func(preview int) string {
		t.Helper()
		p, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1, Preview: preview})
		if err != nil {
			t.Fatal(err)
		}
		return string(p.Rows[0].JSON)
	}
	for _, preview := range []int{0, 100, 2048, 5000, 1 << 20} {
		if r := row(preview); strings.Contains(r, "evaluations") || !json.Valid([]byte(r)) {
			t.Errorf("list row with preview %d: %.300s", preview, r)
		}
	}
	if err := e.DeleteTrace(bg, "app", "t"); err != nil {
		t.Fatal(err)
	}
	ingest(t, e, "app", long)
	check("deleted and sent again", "")
	evaluate(t, e, "app", "t", `{"id":"a","name":"n","value":1}`)
	clock.advance(60 * time.Hour)
	if _, err := e.Expire(bg); err != nil {
		t.Fatal(err)
	}
	if _, err := e.PutEvaluations(bg, "app", "t", parseEvaluations(t, `{"name":"n","value":1}`)); !errors.Is(err, ErrNotFound) {
		t.Errorf("of an expired trace: %v", err)
	}
	verifyClean(t, e)
}

// An export has the evaluations, and with zstd is still a copy of what is
// stored; a stale trace is rendered.
func TestEvaluationsInExports(t *testing.T) {
	e, clock := newEngine(t, nil)
	for i := range 3 {
		r := oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Hour))
		r.open = i == 2
		ingest(t, e, "app", r)
		evaluate(t, e, "app", r.trace, fmt.Sprintf(`{"id":"e%d","name":"n","value":%d,"comment":%q}`, i, i, noise(i*9000, int64(i))))
	}
	clock.advance(100 * time.Hour) // t2 is stale
	for _, runs := range []bool{false, true} {
		plain := exportAll(t, e, "app", ExportQuery{Format: JSONLines, IncludeRuns: runs})
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		spliced, err := d.DecodeAll(exportAll(t, e, "app", ExportQuery{Format: JSONLines, IncludeRuns: runs, Zstd: true}), nil)
		d.Close()
		// Between two stored frames stand spaces.
		if lines := bytes.ReplaceAll(spliced, []byte(strings.Repeat(" ", 17)+"\n"), []byte("\n")); err != nil || !bytes.Equal(plain, lines) {
			t.Fatalf("the zstd export differs (%v): %s", err, firstDifference(lines, plain))
		}
		for i, line := range bytes.Split(bytes.TrimSpace(plain), []byte("\n")) {
			var o struct {
				ID          string
				Evaluations []struct{ ID string }
				Stale       bool
			}
			if err := json.Unmarshal(line, &o); err != nil {
				t.Fatal(err)
			}
			if o.ID != fmt.Sprint("t", 2-i) || len(o.Evaluations) != 1 || o.Evaluations[0].ID != fmt.Sprint("e", 2-i) || o.Stale != (i == 0) {
				t.Errorf("line %d: %+v", i, o)
			}
		}
	}
}

func TestEvaluationErrors(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	put := func(app, id string, texts ...string) error {
		_, err := e.PutEvaluations(bg, app, id, parseEvaluations(t, texts...))
		return err
	}
	var many []string
	for i := range trace.MaxEvaluations {
		many = append(many, fmt.Sprintf(`{"id":"m%d","name":"n","value":%d}`, i, i))
	}
	big := make([]string, 70)
	for i := range big {
		big[i] = fmt.Sprintf(`{"id":"b%d","name":"n","value":1,"comment":%q}`, i, noise(trace.MaxEvaluationText, 1))
	}
	for _, c := range []struct {
		name string
		err  error
		is   error
		text string
	}{
		{"no app", put("none", "t", `{"name":"n","value":1}`), ErrNotFound, "none"},
		{"no trace", put("app", "none", `{"name":"n","value":1}`), ErrNotFound, "none"},
		{"no run", put("app", "t", `{"name":"n","value":1}`, `{"name":"n","value":1,"run_id":"zz"}`), ErrInvalid, "evaluations[1].run_id: "},
		{"twice", put("app", "t", `{"id":"x","name":"n","value":1}`, `{"id":"x","name":"n","value":2}`), ErrInvalid, "evaluations[1].id: "},
		{"too long together", put("app", "t", big...), ErrInvalid, "4096 are allowed"},
		{"full", put("app", "t", many...), nil, ""},
		{"too many", put("app", "t", `{"id":"one more","name":"n","value":1}`), ErrInvalid, "1001; 1000 are allowed"},
		{"replaced where full", put("app", "t", `{"id":"m7","name":"n","value":-1}`), nil, ""},
	} {
		if !errors.Is(c.err, c.is) || c.err != nil && !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %q", c.name, c.err, c.is, c.text)
		}
	}
	op := &Op{Kind: OpEvaluate, App: "app", Key: "t", Value: []byte(`[{"name":"n","value":1}]`)}
	if _, err := e.Apply(bg, op); !errors.Is(err, ErrInvalid) {
		t.Errorf("an operation without an id: %v", err)
	}
	op.Value = []byte(`{`)
	if _, err := e.Apply(bg, op); !errors.Is(err, ErrInvalid) {
		t.Errorf("an operation without a list: %v", err)
	}
	verifyClean(t, e)
}
