package trace_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// fixtureDir holds real Dynamiq bodies and what they must come out as; it is
// the Dynamiq parser's own test data.
const fixtureDir = "../dynamiq/testdata"

type expectation struct {
	Identity map[string]any
	After    []struct {
		Traces map[string]struct {
			Status    string
			Runs      float64
			StartedAt string         `json:"started_at"`
			EndedAt   string         `json:"ended_at"`
			Duration  float64        `json:"duration_ms"`
			Usage     map[string]any `json:"usage"`
			Cost      struct {
				Prompt, Completion, Total any
				Unpriced                  float64 `json:"unpriced_leaves"`
			} `json:"cost_as_given_usd"`
		}
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtureDir, name))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// render derives the runs of a trace and decodes the trace object.
func render(t *testing.T, runs []trace.Run) map[string]any {
	t.Helper()
	s := trace.Derive(runs, trace.Options{})
	raw := trace.AppendTrace(nil, "app", runs, &s, trace.Time{Valid: true}, trace.Options{})
	var got map[string]any
	if err := json.Unmarshal(append(raw, '}'), &got); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return got
}

// TestFixtures sends the bodies of every Dynamiq fixture in order and compares
// the traces after each.
func TestFixtures(t *testing.T) {
	var all struct{ Fixtures map[string]expectation }
	readJSON(t, "expected.json", &all)
	checked := 0
	for name, want := range all.Fixtures {
		if !strings.HasPrefix(name, "dynamiq-") {
			continue
		}
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		readJSON(t, name+".json", &sent)
		stored := map[string][]trace.Run{}
		for i, request := range sent.Requests {
			runs, rejected, err := dynamiq.Parse(request.Body, dynamiq.Options{})
			if err != nil || len(rejected) > 0 {
				t.Fatalf("%s: %v, %v", name, rejected, err)
			}
			for j := range runs {
				id := runs[j].TraceID
				stored[id], _, _, _ = trace.Merge(stored[id], runs[j:j+1])
			}
			for id, w := range want.After[i].Traces {
				w.Usage["prompt_tokens_cost_usd"] = w.Cost.Prompt
				w.Usage["completion_tokens_cost_usd"] = w.Cost.Completion
				w.Usage["total_tokens_cost_usd"] = w.Cost.Total
				w.Usage["unpriced_count"] = w.Cost.Unpriced
				compare(t, name, render(t, stored[id]), map[string]any{
					"id": id, "status": w.Status, "run_count": w.Runs, "started_at": w.StartedAt, "ended_at": w.EndedAt,
					"duration_ms": w.Duration, "usage": w.Usage,
				})
				compareIdentity(t, name, render(t, stored[id]), want.Identity)
				checked++
			}
		}
	}
	if checked < 5 {
		t.Errorf("%d states of traces checked, want 5", checked)
	}
}

// compareIdentity checks the facts that the fixtures name in their own words.
func compareIdentity(t *testing.T, name string, got, identity map[string]any) {
	t.Helper()
	members := map[string]string{"tags": "tags", "metadata": "metadata", "models": "models", "error": "error",
		"workflow_version": "version", "session": "session_id", "user_in_input": "user_id"}
	for word, v := range identity {
		member, ok := members[word]
		if !ok {
			t.Errorf("%s: unknown fact %s", name, word)
		}
		compare(t, name, got, map[string]any{member: v})
	}
}

func compare(t *testing.T, name string, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		g, ok := got[k]
		if !ok || !reflect.DeepEqual(g, v) {
			t.Errorf("%s: %s = %v, want %v", name, k, g, v)
		}
	}
}

// TestStoredRunsDeriveTheSame: what was parsed from a body and what is read
// back from the store come out as the same trace.
func TestStoredRunsDeriveTheSame(t *testing.T) {
	const body = `{"runs":[{"id":"a","type":"node","trace_id":"t","start_time":"2026-01-01T00:00:00Z","status":"failed"},
		{"id":"b","type":"node","trace_id":"t","start_time":"2026-01-01T00:00:01Z","end_time":"2026-01-01T00:00:02.5Z","parent_run_id":"a",
		"status":"succeeded","input":{"x":1},"output":2,"error":{"message":"no"},"metadata":{"k":[1.50]}}]}`
	sent, rejected, err := dynamiq.Parse([]byte(body), dynamiq.Options{})
	if err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
	read := make([]trace.Run, len(sent))
	for i := range sent {
		if read[i], err = trace.ParseRun(sent[i].JSON); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, "read back", render(t, read), render(t, sent))
}
