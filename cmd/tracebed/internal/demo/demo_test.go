package demo

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

var when = time.Date(2026, 6, 10, 13, 37, 11, 123456789, time.UTC)

// few is a quarter of a demo, which is enough to see all kinds of traces and
// does not take minutes under the race detector.
const few = traces / 4

// TestGenerateIsBelievable checks what the demo promises: the time it covers,
// the kinds of traces in it, and that its bodies are well formed.
func TestGenerateIsBelievable(t *testing.T) {
	type sent struct {
		ID     string  `json:"id"`
		Trace  string  `json:"trace_id"`
		Parent *string `json:"parent_run_id"`
		Start  string  `json:"start_time"`
		End    *string `json:"end_time"`
		Status *string `json:"status"`
		Meta   struct {
			Usage map[string]any `json:"usage"`
			Node  struct{ Group, Model string }
			Cache bool `json:"is_output_from_cache"`
		} `json:"metadata"`
		Executions []any `json:"executions"`
	}
	ids, roots := map[string]string{}, map[string]string{}
	models, groups, days := map[string]int{}, map[string]int{}, map[string]int{}
	var size, cached, retried, unpriced int
	made, err := generate(1, when, few, func(body []byte) error {
		size += len(body)
		var b struct{ Runs []sent }
		if err := json.Unmarshal(body, &b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Runs {
			if ids[r.ID] != "" {
				t.Fatalf("run id %s comes twice", r.ID)
			}
			ids[r.ID] = r.Trace
			state := "running"
			if r.Status != nil {
				state = *r.Status
			}
			start, err := time.Parse(time.RFC3339, r.Start)
			if err != nil || start.After(when) || start.Before(when.Add(-Days*24*time.Hour)) {
				t.Fatalf("run starts at %s (%v), outside of the demo", r.Start, err)
			}
			if r.End != nil {
				end, err := time.Parse(time.RFC3339, *r.End)
				if err != nil || end.Before(start) || end.After(when) {
					t.Fatalf("run ends at %s (%v), starts at %s", *r.End, err, r.Start)
				}
			} else if state != "running" {
				t.Fatalf("run is %s without an end", state)
			}
			if r.Parent == nil {
				roots[r.Trace] = state
				days[start.Format("2006-01-02")]++
			} else if ids[*r.Parent] != r.Trace {
				t.Fatalf("run %s of trace %s has the parent %s, which is not in that trace", r.ID, r.Trace, *r.Parent)
			}
			groups[r.Meta.Node.Group]++
			if u := r.Meta.Usage; u != nil {
				models[r.Meta.Node.Model]++
				if u["total_tokens_cost_usd"] == nil {
					unpriced++
				}
			}
			if r.Meta.Cache {
				cached++
			}
			if len(r.Executions) > 1 {
				retried++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, s := range roots {
		states[s]++
	}
	t.Logf("%d traces, %d runs, %d bytes, roots %v, models %v, groups %v", made, len(ids), size, states, models, groups)
	if made < few*8/10 || made > few*12/10 || made != len(roots) {
		t.Errorf("%d traces with %d roots, want about %d with one root each", made, len(roots), few)
	}
	if len(days) < Days || len(models) < 6 || len(groups) < 9 {
		t.Errorf("%d days, %d models, %d groups: too little variety", len(days), len(models), len(groups))
	}
	if states["running"] < 3 || states["canceled"] < 5 || states["failed"] < 12 || states["failed"] > made/8 {
		t.Errorf("states of roots %v: want some of each and mostly succeeded", states)
	}
	if cached == 0 || retried == 0 || unpriced == 0 {
		t.Errorf("%d cached, %d retried, %d unpriced runs, want some of each", cached, retried, unpriced)
	}
}

// TestEvaluations: some traces of every kind were judged, by evaluations that
// the store takes, and always by the same ones.
func TestEvaluations(t *testing.T) {
	seen := map[string]int{}
	_, err := generate(1, when, few, func(body []byte) error {
		runs, _, err := dynamiq.Parse(body, dynamiq.Options{})
		if err != nil {
			return err
		}
		for i := range runs {
			raw, err := Evaluations(&runs[i])
			if err != nil {
				return err
			}
			if runs[i].ParentID == "" && raw == nil {
				seen["silent"]++
			}
			if raw == nil {
				continue
			}
			list, err := trace.ParseEvaluations(raw)
			if err != nil {
				return err
			}
			again, _ := Evaluations(&runs[i])
			if string(again) != string(raw) {
				t.Fatalf("%s, then %s", raw, again)
			}
			for j := range list {
				seen[list[j].Name]++
				if list[j].CreatedAt.NS < runs[i].End.NS {
					t.Errorf("%s was said before the trace ended", list[j].JSON)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen["relevance"] < few/16 || seen["relevance"] != seen["on_topic"] || seen["user_feedback"] < few/60 || seen["silent"] < few/2 {
		t.Errorf("%v", seen)
	}
}

// TestGenerateIsDeterministic: the same seed and time give the same bytes.
func TestGenerateIsDeterministic(t *testing.T) {
	sum := func(seed uint64, at time.Time) []byte {
		h := fnv.New128a()
		if _, err := generate(seed, at, 150, func(b []byte) error { _, err := h.Write(b); return err }); err != nil {
			t.Fatal(err)
		}
		return h.Sum(nil)
	}
	a := sum(7, when)
	if !bytes.Equal(a, sum(7, when)) {
		t.Error("two runs with the same seed and time differ")
	}
	if bytes.Equal(a, sum(8, when)) {
		t.Error("another seed gives the same data")
	}
}
