package trace

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

const second = int64(1e9)

func timeAt(ns int64) Time { return Time{NS: ns, Digits: 6, Valid: true} }

func picoUSD(pico uint64) *rollup.Money { return &rollup.Money{Lo: pico} }

func pickOne[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func jsonOrNil(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// randomForest makes n runs of every odd kind: orphans, own parents, cycles,
// remote parents, open roots, clocks that jump, facts that are missing.
func randomForest(r *rand.Rand, n int) []Run {
	runs := make([]Run, n)
	for i := range runs {
		run := &runs[i]
		run.ID, run.TraceID = fmt.Sprint("r", i), "t"
		switch k := r.IntN(10); {
		case k < 1:
			run.ParentID = run.ID
		case k < 2:
			run.ParentID = fmt.Sprint("gone", r.IntN(3))
		case k < 9:
			run.ParentID = fmt.Sprint("r", r.IntN(n)) // makes cycles
		}
		run.ParentRemote = run.ParentID != "" && r.IntN(12) == 0
		run.Status = pickOne(r, RunSucceeded, RunSucceeded, RunSucceeded, RunFailed, RunCanceled, RunSkipped, RunOpen)
		run.Start = Time{NS: 1e18 + r.Int64N(9)*second/4 + r.Int64N(2), Digits: uint8(r.IntN(10)), Valid: true}
		if r.IntN(8) > 0 {
			run.End = Time{NS: run.Start.NS + r.Int64N(9)*second/4 - second/2 + r.Int64N(3), Digits: uint8(r.IntN(10)), Valid: true}
		}
		if r.IntN(3) > 0 {
			run.Name = pickOne(r, new("Flow"), new("a \"quoted\"\n"))
		}
		run.Group, run.Model = pickOne(r, "llms", "embedders", "agents", ""), pickOne(r, "m1", "m2", "m3", "")
		run.SessionID, run.SourceID = pickOne(r, "s1", "s2", ""), pickOne(r, "o1", "")
		run.UserID, run.Version, run.Environment = pickOne(r, "u", ""), pickOne(r, "7", ""), pickOne(r, "prod", "")
		run.Tags = pickOne(r, nil, []string{"a"}, []string{"b", "a", "b"})
		run.Input = jsonOrNil(pickOne(r, "", "", "null", `{"q":[1,2.50]}`, `"text"`))
		run.Output = jsonOrNil(pickOne(r, "", "", "null", `{"x":{"output":"é"}}`, `12345678901234567890.10`))
		run.Metadata = jsonOrNil(pickOne(r, "", "null", `{}`, `{"workflow":{"id":"w"},"env":"prod","failed_nodes":[]}`,
			`{"failed_nodes":[{"error_message":"deep"},{"error_message":"second"}],"a":1,"b":{"node":[]}}`,
			`{"node":{},"failed_nodes":[{"error_message":""}],"fl\u006fw":1,"tool_data":{}}`, `{"failed_nodes":{"error_message":"no list"}}`))
		run.Error = jsonOrNil(pickOne(r, "", "null", `{"message":"boom","traceback":"x"}`, `{"message":""}`, `{"message":7}`, `"text"`))
		if r.IntN(2) == 0 {
			p, c := r.Int64N(100), r.Int64N(100)
			run.Usage = &Usage{PromptTokens: p, CompletionTokens: c, TotalTokens: p + c,
				PromptCost: pickOne(r, nil, picoUSD(0), picoUSD(84600000)), CompletionCost: pickOne(r, nil, picoUSD(1)), TotalCost: pickOne(r, nil, nil, picoUSD(1e13))}
		}
	}
	r.Shuffle(n, func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	return runs
}

func TestDeriveAgainstNaive(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 2))
		n := 1 + r.IntN(7)
		if seed%10 == 0 {
			n = linearIDs - 2 + r.IntN(8) // on both sides of the map
		}
		runs := randomForest(r, n)
		for _, promoted := range []bool{false, true} {
			o := Options{Promoted: promoted}
			s := Derive(runs, o)
			updated := timeAt(2e18)
			raw := AppendTrace([]byte("before"), "my \"app\"", runs, &s, updated, o)[len("before"):]
			raw = append(raw, '}')
			if !json.Valid(raw) {
				t.Fatalf("seed %d: not JSON: %s", seed, raw)
			}
			want := newNaive(runs, promoted)
			got, trace := decodeJSON(raw), want.trace("my \"app\"", promoted, updated)
			for k, v := range trace {
				if g := got.(map[string]any)[k]; !reflect.DeepEqual(g, v) {
					t.Fatalf("seed %d, promoted %v: %s\n got %v\nwant %v\nin %s", seed, promoted, k, g, v, raw)
				}
			}
			if len(got.(map[string]any)) != len(trace) {
				t.Fatalf("seed %d: %d members, want %d", seed, len(got.(map[string]any)), len(trace))
			}
			checkSummary(t, seed, &s, runs, want, promoted)
		}
	}
}

// checkSummary checks what the trace object does not show.
func checkSummary(t *testing.T, seed uint64, s *Summary, runs []Run, want *naive, promoted bool) {
	t.Helper()
	open := slices.ContainsFunc(want.roots, func(r *Run) bool { return r.Status == RunOpen })
	orphans := len(want.orphans) > 0 && !promoted
	if s.OpenRoot != open || s.Orphans != orphans {
		t.Fatalf("seed %d: open root %v, orphans %v, want %v, %v", seed, s.OpenRoot, s.Orphans, open, orphans)
	}
	running := s.Status == rollup.Running
	if s.Sample.Status != s.Status || (s.Sample.DurationUS < 0) != running || s.End.Valid == running || running != (open || orphans) {
		t.Fatalf("seed %d: summary contradicts itself: %+v", seed, s)
	}
	if int(s.Sample.Runs) != len(runs) || s.ID != "t" {
		t.Fatalf("seed %d: %d runs of %q", seed, s.Sample.Runs, s.ID)
	}
}

func TestOrderOfRunsMeansNothing(t *testing.T) {
	var d Deriver
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		runs := randomForest(r, 1+r.IntN(30))
		o := Options{Promoted: seed%2 == 0}
		s := Derive(runs, o)
		want := AppendTrace(nil, "a", runs, &s, timeAt(1), o)
		for range 3 {
			r.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
			got := d.Derive(runs, o) // a Deriver that was used before
			if got != s {
				t.Fatalf("seed %d: %+v, then %+v", seed, s, got)
			}
			if b, _ := d.AppendPreviewTrace(nil, "a", &got, timeAt(1), 0); string(b) != string(want) {
				t.Fatalf("seed %d:\n%s\n%s", seed, want, b)
			}
		}
	}
}
