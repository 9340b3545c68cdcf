package dynamiq

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
)

// fixtures are recorded requests of the SDK by name.
func fixtures(t testing.TB) map[string][]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob("testdata/dynamiq-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	all := map[string][]json.RawMessage{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(text, &fixture); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		for _, r := range fixture.Requests {
			all[name] = append(all[name], r.Body)
		}
	}
	return all
}

type expectedTrace struct {
	Runs         int
	Roots        int
	RunsByStatus map[string]int `json:"runs_by_status"`
	LLMRuns      int            `json:"llm_runs"`
	Started      string         `json:"started_at"`
	Usage        map[string]int64
	Cost         struct {
		Prompt, Completion, Total *float64
		Unpriced                  int `json:"unpriced_leaves"`
	} `json:"cost_as_given_usd"`
}

func TestFixtures(t *testing.T) {
	text, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Fixtures map[string]struct {
			Identity struct{ Models []string }
			After    []struct{ Traces map[string]expectedTrace }
		}
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for name, bodies := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			want := expected.Fixtures[name]
			stored := map[string][]trace.Run{}
			for i, text := range bodies {
				runs, rejected, err := Parse(text, Options{})
				if err != nil || len(rejected) > 0 {
					t.Fatalf("request %d: %+v, %v", i+1, rejected, err)
				}
				checkRuns(t, runs)
				checkValues(t, text, runs)
				for j := range runs {
					id := runs[j].TraceID
					stored[id], _, _, _ = trace.Merge(stored[id], runs[j:j+1])
				}
				for id, w := range want.After[i].Traces {
					checkTrace(t, stored[id], w)
				}
			}
			if len(want.Identity.Models) > 0 {
				var models []string
				for _, runs := range stored {
					for i := len(runs) - 1; i >= 0; i-- {
						if m := runs[i].Model; m != "" && !slices.Contains(models, m) {
							models = append(models, m)
						}
					}
				}
				if !slices.Equal(models, want.Identity.Models) {
					t.Errorf("models %q, want %q", models, want.Identity.Models)
				}
			}
		})
	}
}

func checkTrace(t *testing.T, runs []trace.Run, want expectedTrace) {
	t.Helper()
	status := map[trace.RunStatus]string{1: "succeeded", 2: "failed", 3: "skipped", 4: "canceled", 0: "open"}
	got := expectedTrace{Runs: len(runs), RunsByStatus: map[string]int{}, Usage: map[string]int64{}}
	var cost [3]float64
	for i := range runs {
		r := &runs[i]
		got.RunsByStatus[status[r.Status]]++
		if r.ParentID == "" {
			got.Roots++
			got.Started = string(trace.AppendTime(nil, r.Start))
		}
		if r.Group == "llms" {
			got.LLMRuns++
		}
		if u := r.Usage; u != nil {
			got.Usage["prompt_tokens"] += u.PromptTokens
			got.Usage["completion_tokens"] += u.CompletionTokens
			got.Usage["total_tokens"] += u.TotalTokens
			if u.TotalCost == nil {
				got.Cost.Unpriced++
				continue
			}
			cost[0] += u.PromptCost.Float()
			cost[1] += u.CompletionCost.Float()
			cost[2] += u.TotalCost.Float()
		}
	}
	for i, w := range []*float64{want.Cost.Prompt, want.Cost.Completion, want.Cost.Total} {
		if w != nil && math.Abs(*w-cost[i]) > 1e-12 {
			t.Errorf("cost %d = %v, want %v", i, cost[i], *w)
		}
	}
	got.Cost.Prompt, got.Cost.Completion, got.Cost.Total = want.Cost.Prompt, want.Cost.Completion, want.Cost.Total
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// checkValues compares the canonical runs with what was sent, member by member.
func checkValues(t *testing.T, text []byte, runs []trace.Run) {
	t.Helper()
	var sent struct{ Runs []map[string]any }
	decode(t, text, &sent)
	if len(sent.Runs) != len(runs) {
		t.Fatalf("%d runs of %d", len(runs), len(sent.Runs))
	}
	for i := range runs {
		var got map[string]any
		decode(t, runs[i].JSON, &got)
		for _, name := range []string{"group", "model", "usage", "duration_ms"} {
			if _, ok := got[name]; !ok {
				t.Errorf("run %d has no %s", i, name)
			}
			delete(got, name)
		}
		for _, name := range []string{"start_time", "end_time"} {
			if v, ok := sent.Runs[i][name].(string); ok {
				at, err := time.Parse(time.RFC3339Nano, v)
				if err != nil {
					t.Fatal(err)
				}
				layout := "2006-01-02T15:04:05Z"
				if strings.Contains(v, ".") {
					layout = "2006-01-02T15:04:05.000000Z"
				}
				sent.Runs[i][name] = at.UTC().Format(layout)
			}
		}
		if !reflect.DeepEqual(got, sent.Runs[i]) {
			t.Errorf("run %d\n got %v\nsent %v", i, got, sent.Runs[i])
		}
	}
}

func decode(t testing.TB, text []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
}
