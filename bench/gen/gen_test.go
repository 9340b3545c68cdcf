package gen

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// run has the members in the SDK's order, so that encoding it again shows
// whether keys and order are the SDK's.
type run struct {
	ID          string          `json:"id"`
	Name        *string         `json:"name"`
	Type        string          `json:"type"`
	TraceID     string          `json:"trace_id"`
	SourceID    string          `json:"source_id"`
	SessionID   string          `json:"session_id"`
	StartTime   string          `json:"start_time"`
	EndTime     string          `json:"end_time"`
	ParentRunID *string         `json:"parent_run_id"`
	Status      string          `json:"status"`
	Input       json.RawMessage `json:"input"`
	Output      json.RawMessage `json:"output"`
	Metadata    json.RawMessage `json:"metadata"`
	Error       json.RawMessage `json:"error"`
	Executions  json.RawMessage `json:"executions"`
	Tags        json.RawMessage `json:"tags"`
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00$`)
)

func decode(t *testing.T, tr Trace) []run {
	t.Helper()
	var body struct {
		Runs []run `json:"runs"`
	}
	if err := json.Unmarshal(tr.Body, &body); err != nil {
		t.Fatalf("%v in %.3000s", err, tr.Body)
	}
	var again bytes.Buffer
	enc := json.NewEncoder(&again)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		t.Fatal(err)
	}
	if got := bytes.TrimSpace(again.Bytes()); !bytes.Equal(got, tr.Body) {
		t.Fatalf("keys or order differ:\n%.3000s\n%.3000s", tr.Body, got)
	}
	return body.Runs
}

func TestBody(t *testing.T) {
	g := New(7, Options{Apps: 3})
	for range 150 {
		tr := g.Next()
		runs := decode(t, tr)
		if len(runs) != 5 {
			t.Fatalf("%d runs", len(runs))
		}
		parents := []int{-1, 0, 1, 2, 2}
		seen := map[string]bool{}
		for i, r := range runs {
			for _, id := range []string{r.ID, r.TraceID, r.SourceID, r.SessionID} {
				if !uuidForm.MatchString(id) {
					t.Fatalf("id %q", id)
				}
			}
			if !timeForm.MatchString(r.StartTime) || !timeForm.MatchString(r.EndTime) {
				t.Fatalf("times %q, %q", r.StartTime, r.EndTime)
			}
			if r.EndTime[:19] < r.StartTime[:19] || seen[r.ID] || r.TraceID != tr.ID {
				t.Fatalf("run %+v of trace %s", r, tr.ID)
			}
			seen[r.ID] = true
			if p := parents[i]; p < 0 && r.ParentRunID != nil || p >= 0 && *r.ParentRunID != runs[p].ID {
				t.Fatalf("parent of run %d", i)
			}
			status := tr.Status
			if i == 3 {
				status = "succeeded" // the tool ends before the trouble
			}
			if r.Status != status || (string(r.Output) == "null") != (status != "succeeded") {
				t.Fatalf("run %d: %s with output %s in a %s trace", i, r.Status, r.Output, tr.Status)
			}
		}
		checkRoot(t, tr, runs[0])
		checkUsage(t, tr.Status, runs[4])
	}
}

func checkRoot(t *testing.T, tr Trace, root run) {
	t.Helper()
	start, err := time.Parse(time.RFC3339Nano, root.StartTime)
	end, err2 := time.Parse(time.RFC3339Nano, root.EndTime)
	if err != nil || err2 != nil || !start.Equal(tr.Start) || !end.Equal(tr.End) || !end.After(start) {
		t.Fatalf("root %s–%s, trace %s–%s", root.StartTime, root.EndTime, tr.Start, tr.End)
	}
	var meta struct {
		FailedNodes []json.RawMessage `json:"failed_nodes"`
	}
	if err := json.Unmarshal(root.Metadata, &meta); err != nil {
		t.Fatal(err)
	}
	if failed := tr.Status == "failed"; failed != (len(meta.FailedNodes) == 1) {
		t.Fatalf("%s trace with failed nodes %s", tr.Status, meta.FailedNodes)
	}
	if (string(root.Error) == "null") != (tr.Status == "succeeded") {
		t.Fatalf("%s trace with error %s", tr.Status, root.Error)
	}
}

func checkUsage(t *testing.T, status string, llm run) {
	t.Helper()
	var meta struct {
		Node struct {
			Group, Model string
			Prompt       struct{ Messages []json.RawMessage }
		}
		Usage *struct {
			Prompt     int      `json:"prompt_tokens"`
			Completion int      `json:"completion_tokens"`
			Total      int      `json:"total_tokens"`
			PromptUSD  *float64 `json:"prompt_tokens_cost_usd"`
			TotalUSD   *float64 `json:"total_tokens_cost_usd"`
		}
	}
	if err := json.Unmarshal(llm.Metadata, &meta); err != nil {
		t.Fatal(err)
	}
	if meta.Node.Group != "llms" || meta.Node.Model == "" || len(meta.Node.Prompt.Messages) != 3 {
		t.Fatalf("LLM node %+v", meta.Node)
	}
	u := meta.Usage
	if (u != nil) != (status == "succeeded") {
		t.Fatalf("usage %v of a %s run", u, status)
	}
	if u != nil && (u.Prompt <= 0 || u.Total != u.Prompt+u.Completion ||
		(u.TotalUSD == nil) != strings.HasPrefix(meta.Node.Model, "ollama/")) {
		t.Fatalf("usage %+v of %s", *u, meta.Node.Model)
	}
}

func TestDeterministic(t *testing.T) {
	a, b, c := New(3, Options{}), New(3, Options{}), New(4, Options{})
	buf := []byte(nil)
	for range 50 {
		x, y := a.Next(), b.NextInto(buf)
		if !bytes.Equal(x.Body, y.Body) || x.ID != y.ID || x.App != y.App {
			t.Fatal("equal seeds, other traces")
		}
		if bytes.Equal(x.Body, c.Next().Body) {
			t.Fatal("other seeds, equal traces")
		}
		buf = y.Body
	}
}

// TestShape checks the figures that the package promises.
func TestShape(t *testing.T) {
	const n = 2500
	start := time.Date(2026, 3, 1, 7, 30, 0, 0, time.UTC)
	opts := Options{Start: start, Window: 4 * 24 * time.Hour, Traces: n}
	g := New(1, opts)
	zw, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	var raw, packed, backwards int
	var sizes []int
	var last time.Time
	status, apps, hours := map[string]int{}, map[string]int{}, [24]int{}
	var buf, out []byte
	for range n {
		tr := g.NextInto(buf)
		buf, out = tr.Body, zw.EncodeAll(tr.Body, out[:0])
		raw, packed = raw+len(tr.Body), packed+len(out)
		sizes = append(sizes, len(tr.Body))
		status[tr.Status]++
		apps[tr.App]++
		hours[tr.Start.Hour()]++
		if tr.Start.Before(last) {
			backwards++
		}
		last = tr.Start
		if tr.Start.Before(start) || tr.Start.After(start.Add(opts.Window)) {
			t.Fatalf("start %s outside of the window", tr.Start)
		}
	}
	slices.Sort(sizes)
	ratio := float64(raw) / float64(packed)
	t.Logf("mean %d, median %d, p99 %d bytes; packed %d, %.2f×; %v; hours %v; %d backwards",
		raw/n, sizes[n/2], sizes[n*99/100], packed/n, ratio, status, hours, backwards)
	near := func(what string, got, want, tolerance float64) {
		if math.Abs(got-want) > tolerance {
			t.Errorf("%s: %.3f, want %.3f", what, got, want)
		}
	}
	near("mean bytes", float64(raw)/n, 17_000, 400)
	near("median bytes", float64(sizes[n/2]), 16_000, 400)
	near("zstd ratio", ratio, 4.5, 0.2)
	near("failed", float64(status["failed"])/n, 0.05, 0.01)
	near("canceled", float64(status["canceled"])/n, 0.01, 0.005)
	near("first app", float64(apps["app-1"])/n, 0.8, 0.02)
	near("rate at 15:00", float64(hours[14]+hours[15])/n*12, 1.7, 0.2)
	near("rate at 03:00", float64(hours[2]+hours[3])/n*12, 0.3, 0.1)
	if len(apps) != 10 || backwards < n/100 || backwards > n/2 {
		t.Errorf("%d apps, %d of %d starts go backwards", len(apps), backwards, n)
	}
}

func TestOptions(t *testing.T) {
	g := New(1, Options{Apps: 1, MedianBytes: 60_000, Traces: 10, Window: time.Hour})
	var sizes []int
	for range 300 { // far behind the window: it goes on at its rate
		tr := g.Next()
		if tr.App != "app-1" {
			t.Fatal(tr.App)
		}
		sizes = append(sizes, len(tr.Body))
	}
	slices.Sort(sizes)
	if m := sizes[150]; m < 50_000 || m > 70_000 {
		t.Fatalf("median %d", m)
	}
	decode(t, New(1, Options{MedianBytes: 1}).Next())
}

func TestAppendTimeAndFloat(t *testing.T) {
	for want, in := range map[string]time.Time{
		"2026-06-01T00:00:00+00:00":        time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		"2026-06-01T00:00:00.000001+00:00": time.Date(2026, 6, 1, 0, 0, 0, 1000, time.UTC),
		"2026-12-31T23:59:59.120000+00:00": time.Date(2026, 12, 31, 23, 59, 59, 120e6, time.UTC),
	} {
		if got := string(appendTime(nil, in)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for want, in := range map[string]float64{"0.0": 0, "2.0": 2, "6.18e-05": 6.18e-05, "0.003025": 0.003025} {
		if got := string(appendFloat(nil, in)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	g := New(1, Options{})
	b.ReportAllocs()
	var n int64
	for b.Loop() {
		n += int64(len(g.Next().Body))
	}
	b.ReportMetric(float64(n)/float64(b.N), "B/body")
}

func BenchmarkNextInto(b *testing.B) {
	g := New(1, Options{})
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = g.NextInto(buf).Body
	}
}
