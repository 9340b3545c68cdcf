package otlp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

// difference names the first fact in which two runs differ, "" if in none.
func difference(a, b *trace.Run) string {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return fmt.Sprintf("%s is %v and %v", x.Type().Field(i).Name, x.Field(i), y.Field(i))
		}
	}
	return ""
}

type node struct {
	Name, Type, Group, Status string
	Tokens                    int64
	Children                  []node
}

type expectation struct {
	Identity map[string]any
	After    []struct {
		Traces map[string]struct {
			Status       string
			Runs         float64
			Roots        int
			RunsByStatus map[string]int `json:"runs_by_status"`
			LLMRuns      int            `json:"llm_runs"`
			StartedAt    string         `json:"started_at"`
			EndedAt      string         `json:"ended_at"`
			Duration     float64        `json:"duration_ms"`
			Usage        map[string]any
			Cost         struct {
				Prompt, Completion, Total any
				Unpriced                  float64 `json:"unpriced_leaves"`
			} `json:"cost_as_given_usd"`
			Tree []node
		}
	}
}

// TestFixtures: every OTLP fixture comes out as expected.json says, as JSON and
// as protobuf, in order and in reverse, and again from its stored form.
func TestFixtures(t *testing.T) {
	var all struct{ Fixtures map[string]expectation }
	if err := json.Unmarshal(readFile(t, "expected.json"), &all); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, want := range all.Fixtures {
		if !strings.HasPrefix(name, "otlp-") {
			continue
		}
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(readFile(t, name+".json"), &sent); err != nil {
			t.Fatal(err)
		}
		for _, enc := range []Encoding{JSON, Protobuf} {
			t.Run(fmt.Sprint(name, enc), func(t *testing.T) {
				stored := map[string][]trace.Run{}
				for i, request := range sent.Requests {
					body := []byte(request.Body)
					if enc == Protobuf {
						body = toProto(t, body)
					}
					b, err := Parse(body, enc, Options{})
					if err != nil || b.Rejected > 0 || len(b.Groups) != 1 {
						t.Fatal(b.Messages, err)
					}
					if app := want.Identity["app_from_resource"]; b.Groups[0].App != app {
						t.Errorf("app %q, want %q", b.Groups[0].App, app)
					}
					for j := range b.Groups[0].Runs {
						r := b.Groups[0].Runs[j]
						checkRun(t, &r)
						stored[r.TraceID], _, _, _ = trace.Merge(stored[r.TraceID], []trace.Run{r, r})
					}
					for id, w := range want.After[i].Traces {
						w.Usage["prompt_tokens_cost_usd"] = w.Cost.Prompt
						w.Usage["completion_tokens_cost_usd"] = w.Cost.Completion
						w.Usage["total_tokens_cost_usd"] = w.Cost.Total
						w.Usage["unpriced_count"] = w.Cost.Unpriced
						runs := stored[id]
						slices.Reverse(runs)
						got := render(t, runs)
						compare(t, got, map[string]any{"id": id, "status": w.Status, "run_count": w.Runs, "started_at": w.StartedAt,
							"ended_at": w.EndedAt, "duration_ms": w.Duration, "usage": w.Usage})
						compareIdentity(t, got, want.Identity)
						compareRuns(t, runs, w.Roots, w.LLMRuns, w.RunsByStatus)
						if tree := treeOf(runs, ""); !reflect.DeepEqual(tree, w.Tree) {
							t.Errorf("tree\n got %+v\nwant %+v", tree, w.Tree)
						}
						checked++
					}
				}
			})
		}
	}
	if checked != 4 {
		t.Errorf("%d states of traces checked, want 4", checked)
	}
}

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

func compare(t *testing.T, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if g, ok := got[k]; !ok || !reflect.DeepEqual(g, v) {
			t.Errorf("%s = %v, want %v", k, g, v)
		}
	}
}

func compareIdentity(t *testing.T, got, identity map[string]any) {
	t.Helper()
	members := map[string]string{"tags": "tags", "metadata": "metadata", "session": "session_id", "user": "user_id", "environment": "environment"}
	for word, v := range identity {
		switch word {
		case "app_from_resource":
		case "models": // the fixture lists them by weight
			var models []any
			models = append(models, got["models"].([]any)...)
			slices.SortFunc(models, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			if !reflect.DeepEqual(models, v) {
				t.Errorf("models = %v, want %v", models, v)
			}
		default:
			compare(t, got, map[string]any{members[word]: v})
		}
	}
}

var statusText = map[trace.RunStatus]string{trace.RunSucceeded: "succeeded", trace.RunFailed: "failed", trace.RunCanceled: "canceled"}

func compareRuns(t *testing.T, runs []trace.Run, roots, llms int, byStatus map[string]int) {
	t.Helper()
	got := map[string]int{}
	for i := range runs {
		got[statusText[runs[i].Status]]++
		if runs[i].ParentID == "" {
			roots--
		}
		if runs[i].Group == "llms" {
			llms--
		}
	}
	if roots != 0 || llms != 0 || !reflect.DeepEqual(got, byStatus) {
		t.Errorf("roots and LLM runs missing: %d, %d; by status %v, want %v", roots, llms, got, byStatus)
	}
}

// treeOf is the tree below a parent in order of start. Tokens are those of
// leaves only, as in expected.json.
func treeOf(runs []trace.Run, parent string) []node {
	var list []node
	ordered := slices.Clone(runs)
	slices.SortFunc(ordered, func(a, b trace.Run) int { return trace.CompareNewestFirst(&b, &a) })
	for i := range ordered {
		r := &ordered[i]
		if r.ParentID != parent {
			continue
		}
		n := node{Name: *r.Name, Type: r.Type, Group: r.Group, Status: statusText[r.Status], Children: treeOf(runs, r.ID)}
		if r.Usage != nil && r.Group != "agents" {
			n.Tokens = r.Usage.TotalTokens
		}
		list = append(list, n)
	}
	return list
}
