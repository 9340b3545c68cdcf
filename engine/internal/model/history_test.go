package model

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
	"unicode/utf8"
)

// TestHistory: the same seed gives the same steps, every body is JSON, and
// over some seeds the interesting things all happen.
func TestHistory(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(24) {
		ops := History(seed, 60)
		again := History(seed, 60)
		s := NewStore(time.Hour)
		now := time.Unix(1_800_000_000, 0)
		for i, op := range ops {
			if op.Kind != again[i].Kind || string(op.Body) != string(again[i].Body) {
				t.Fatalf("seed %d step %d differs between two makings", seed, i)
			}
			seen[op.Kind.String()]++
			apply(t, s, op, &now, seen)
		}
		for _, app := range s.Apps() {
			for _, tr := range s.Select(app, Filter{}) {
				seen["trace "+tr.Status]++
				count(seen, "several roots", tr.Roots > 1)
				count(seen, "orphans", tr.Orphans > 0)
				count(seen, "promoted", tr.Promoted)
				count(seen, "unpriced", tr.Unpriced > 0)
				count(seen, "cost", tr.Usage.TotalCost != nil)
				count(seen, "error", tr.Error != nil)
				count(seen, "user", tr.User != nil)
				count(seen, "no name", tr.Name == nil)
				count(seen, "version", tr.Version != nil)
				count(seen, "evaluations kept", len(tr.Evaluations) > 0)
			}
		}
	}
	for _, what := range []string{"post", "posts at once", "delete trace", "delete app", "restart", "backup", "crash", "checkpoint", "advance", "check",
		"trace succeeded", "trace failed", "trace canceled", "trace running", "several roots", "orphans", "promoted",
		"unpriced", "cost", "error", "user", "no name", "version", "created", "updated", "unchanged", "rejected", "evaluated", "evaluation refused", "evaluations kept"} {
		if seen[what] < 2 {
			t.Errorf("%s happened %d times", what, seen[what])
		}
	}
	t.Log(seen)
}

func count(seen map[string]int, what string, ok bool) {
	if ok {
		seen[what]++
	}
}

func apply(t *testing.T, s *Store, op Op, now *time.Time, seen map[string]int) {
	t.Helper()
	switch op.Kind {
	case OpTogether:
		for _, b := range op.Bodies {
			apply(t, s, Op{Kind: OpPost, App: op.App, Body: b}, now, seen)
		}
	case OpPost:
		if !json.Valid(op.Body) || !utf8.Valid(op.Body) {
			t.Fatalf("not JSON: %s", op.Body)
		}
		res, err := s.Post(op.App, op.Body, *now)
		if err != nil {
			t.Fatalf("%v: %s", err, op.Body)
		}
		seen["created"] += res.Created
		seen["updated"] += res.Updated
		seen["unchanged"] += res.Unchanged
		seen["rejected"] += len(res.Rejected)
	case OpEvaluate:
		if !json.Valid(op.Body) {
			t.Fatalf("not JSON: %s", op.Body)
		}
		err := s.Evaluate(op.App, op.TraceID, op.Body, *now)
		count(seen, "evaluated", err == nil)
		count(seen, "evaluation refused", errors.Is(err, ErrRefused))
	case OpDeleteTrace:
		_ = s.DeleteTrace(op.App, op.TraceID)
	case OpDeleteApp:
		_ = s.DeleteApp(op.App)
	case OpAdvance:
		*now = now.Add(op.Advance)
		s.Promote(*now)
	}
}

// TestBadRuns: every bad run is refused, and every other run of the
// generator is taken.
func TestBadRuns(t *testing.T) {
	g := newGenerator(1)
	for range 500 {
		raw := json.RawMessage(g.badRun())
		if _, err := parseRun(raw); err == nil {
			t.Fatalf("taken: %s", raw)
		}
	}
	for range 200 {
		for _, r := range g.newPlan("a").runs {
			for _, v := range r.versions {
				if _, err := parseRun(json.RawMessage(v.json(g))); err != nil {
					t.Fatalf("%v: %s", err, v.json(g))
				}
			}
		}
	}
	if slices.Contains(g.apps, "") {
		t.Error("an app without a name")
	}
}
