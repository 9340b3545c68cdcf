package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

var bg = context.Background()

// epoch is where the times of these tests begin: a whole UTC day.
var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// testClock is a wall clock that only a test moves.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *testClock { return &testClock{t: epoch.Add(12 * time.Hour)} }

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// smallOptions make flushes, checkpoints and evictions happen within a test.
func smallOptions(fs vfs.FS, c *testClock) Options {
	return Options{FS: fs, Now: c.Now, MemTableBytes: 256 << 10, CacheBytes: 1 << 20,
		CheckpointDeltas: 50, DisableBackground: true}
}

func openTest(t testing.TB, dir string, o Options) *Engine {
	t.Helper()
	e, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return e
}

// newEngine opens a store in memory that is closed with the test.
func newEngine(t testing.TB, change func(*Options)) (*Engine, *testClock) {
	t.Helper()
	c := newClock()
	o := smallOptions(vfs.NewMem(), c)
	if change != nil {
		change(&o)
	}
	e := openTest(t, "data", o)
	t.Cleanup(func() { _ = e.Close() })
	return e, c
}

func mustClose(t testing.TB, e *Engine) {
	t.Helper()
	if err := e.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// testRun describes one run; the zero value of a field leaves it out.
type testRun struct {
	trace, id, parent string
	start             time.Time
	dur               time.Duration
	open, failed      bool
	canceled          bool
	tokens            int
	cost              string // USD as JSON number
	output            string
}

func (r testRun) json() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%q,"name":"step","type":"node","trace_id":%q,"start_time":%q`,
		r.id, r.trace, r.start.UTC().Format(time.RFC3339Nano))
	switch {
	case r.open:
	case r.failed:
		fmt.Fprintf(&b, `,"status":"failed","end_time":%q,"error":{"message":"boom"}`, r.start.Add(r.dur).UTC().Format(time.RFC3339Nano))
	case r.canceled:
		fmt.Fprintf(&b, `,"status":"canceled","end_time":%q`, r.start.Add(r.dur).UTC().Format(time.RFC3339Nano))
	default:
		fmt.Fprintf(&b, `,"status":"succeeded","end_time":%q`, r.start.Add(r.dur).UTC().Format(time.RFC3339Nano))
	}
	if r.parent != "" {
		fmt.Fprintf(&b, `,"parent_run_id":%q`, r.parent)
	}
	if r.output != "" {
		fmt.Fprintf(&b, `,"output":%q`, r.output)
	}
	if r.tokens > 0 {
		cost := ""
		if r.cost != "" {
			cost = `,"total_tokens_cost_usd":` + r.cost
		}
		fmt.Fprintf(&b, `,"metadata":{"node":{"group":"llms"},"usage":{"prompt_tokens":%d,"completion_tokens":1,"total_tokens":%d%s}}`,
			r.tokens, r.tokens+1, cost)
	}
	b.WriteByte('}')
	return b.String()
}

func parseRuns(t testing.TB, specs ...testRun) []trace.Run {
	t.Helper()
	texts := make([]string, len(specs))
	for i := range specs {
		texts[i] = specs[i].json()
	}
	return parseTexts(t, texts...)
}

func parseTexts(t testing.TB, texts ...string) []trace.Run {
	t.Helper()
	runs, rejected, err := dynamiq.Parse([]byte(`{"runs":[`+strings.Join(texts, ",")+`]}`), dynamiq.Options{})
	if err != nil || len(rejected) > 0 {
		t.Fatalf("parse: %v %v", err, rejected)
	}
	return runs
}

func ingest(t testing.TB, e *Engine, app string, specs ...testRun) IngestResult {
	t.Helper()
	res, err := e.Ingest(bg, app, parseRuns(t, specs...))
	if err != nil {
		t.Fatalf("ingest: %v", err)
	}
	return res
}

// oneRun is a trace of a single finished run.
func oneRun(id string, start time.Time) testRun {
	return testRun{trace: id, id: id + "-r", start: start, dur: 1500 * time.Millisecond, tokens: 7, cost: "0.0125"}
}

// verifyClean fails the test where Verify finds anything.
func verifyClean(t testing.TB, e *Engine) VerifyReport {
	t.Helper()
	rep, err := e.Verify(bg)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if len(rep.Differences) > 0 {
		t.Fatalf("verify finds %d differences:\n%s", len(rep.Differences), strings.Join(rep.Differences[:min(10, len(rep.Differences))], "\n"))
	}
	return rep
}

// listIDs walks all pages by cursor.
func listIDs(t testing.TB, e *Engine, app string, q ListQuery) (ids []string) {
	t.Helper()
	q.Page, q.PageSize = 1, 100
	for {
		p, err := e.List(bg, app, q)
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		for i := range p.Rows {
			ids = append(ids, p.Rows[i].ID)
		}
		if p.NextCursor == "" {
			if int64(len(ids)) != p.TotalCount {
				t.Fatalf("%d rows, total %d", len(ids), p.TotalCount)
			}
			return ids
		}
		q.Cursor = p.NextCursor
	}
}

func exportAll(t testing.TB, e *Engine, app string, q ExportQuery) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := e.Export(bg, app, q, &b); err != nil {
		t.Fatalf("export: %v", err)
	}
	return b.Bytes()
}

func validJSON(t testing.TB, b []byte) {
	t.Helper()
	if !json.Valid(b) {
		t.Fatalf("not JSON: %.300q", b)
	}
}

// workload makes random operations on few apps, traces and hours, so that
// every kind of collision happens: known runs, moved starts, equal times.
type workload struct {
	rng    *rand.Rand
	prefix string // of ids that only this writer uses; "" = shared ones
	apps   int
	traces int
	next   int
}

func newWorkload(seed, stream uint64, prefix string) *workload {
	return &workload{rng: rand.New(rand.NewPCG(seed, stream)), prefix: prefix, apps: 3, traces: 12}
}

func (w *workload) app() string { return fmt.Sprintf("app%d", w.rng.IntN(w.apps)) }

func (w *workload) trace() string {
	if w.rng.IntN(3) > 0 {
		return fmt.Sprintf("%st%d", w.prefix, w.rng.IntN(w.traces))
	}
	w.next++
	return fmt.Sprintf("%sn%d", w.prefix, w.next)
}

// runs makes a post of one to three runs of one or two traces. A run has a few
// possible starts in three hours, so that traces move between units.
func (w *workload) runs() []testRun {
	var out []testRun
	for range 1 + w.rng.IntN(2) {
		id := w.trace()
		for range 1 + w.rng.IntN(3) {
			k := w.rng.IntN(4)
			r := testRun{trace: id, id: fmt.Sprintf("%s-r%d", id, k),
				start: epoch.Add(time.Duration(w.rng.IntN(3))*time.Hour + time.Duration(w.rng.IntN(5))*time.Millisecond/2),
				dur:   time.Duration(w.rng.IntN(4000)) * time.Microsecond,
				open:  w.rng.IntN(4) == 0, failed: w.rng.IntN(4) == 0, canceled: w.rng.IntN(4) == 0}
			if w.rng.IntN(8) == 0 {
				r.start = r.start.Add(24 * time.Hour)
			}
			if k > 0 {
				r.parent = id + "-r0" // an orphan until run 0 comes
			}
			if w.rng.IntN(2) == 0 {
				r.tokens, r.cost = 1+w.rng.IntN(500), fmt.Sprintf("0.%06d", w.rng.IntN(1000))
			}
			if w.rng.IntN(6) == 0 {
				r.output = strings.Repeat("long output ", 50+w.rng.IntN(400))
			}
			out = append(out, r)
		}
	}
	return out
}

// evaluations makes one to three, some of whose ids come again.
func (w *workload) evaluations() []trace.Evaluation {
	var texts []string
	for i := range 1 + w.rng.IntN(3) {
		id := fmt.Sprintf(`"e%d"`, w.rng.IntN(3)*4+i)
		created := []string{"null", `"2026-03-01T00:00:00Z"`, `"2026-03-01T00:00:00.5+01:00"`}[w.rng.IntN(3)]
		comment := `"` + strings.Repeat("why ", w.rng.IntN(2)*w.rng.IntN(3000)) + `"`
		texts = append(texts, fmt.Sprintf(`{"id":%s,"name":"quality","value":%d.50,"comment":%s,"created_at":%s}`,
			id, w.rng.IntN(3), comment, created))
	}
	return parseEvaluations(panicker{}, texts...)
}

func evaluationsJSON(texts ...string) []byte {
	list := parseEvaluations(panicker{}, texts...)
	return trace.AppendEvaluations(nil, list)
}

func parseEvaluations(t testing.TB, texts ...string) []trace.Evaluation {
	t.Helper()
	list, err := trace.ParseEvaluations([]byte("[" + strings.Join(texts, ",") + "]"))
	if err != nil {
		t.Fatalf("evaluations: %v", err)
	}
	return list
}

// statusText names a status for messages.
func statusText(s rollup.Status) string {
	return [...]string{"succeeded", "failed", "canceled", "running"}[s]
}

// runID reads the id of a run; it stands first.
func runID(run []byte) string {
	var r struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(run, &r); err != nil {
		return "?" + err.Error()
	}
	return r.ID
}

// withCRC appends the checksum that a record ends with.
func withCRC(b []byte) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(b), crc32.Checksum(b, crcTable))
}

// noise is text that does not compress to little.
func noise(n int, seed int64) string {
	rng := rand.New(rand.NewPCG(uint64(seed), 9))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}
