package model

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fixtureDir holds the shared fixtures, which the tests of the Dynamiq parser use too.
const fixtureDir = "../../dynamiq/testdata"

type fixture struct {
	Requests []struct {
		Body json.RawMessage `json:"body"`
	} `json:"requests"`
}

type expectations struct {
	Fixtures map[string]struct {
		Identity map[string]json.RawMessage `json:"identity"`
		After    []struct {
			Request int                      `json:"request"`
			Traces  map[string]expectedTrace `json:"traces"`
		} `json:"after"`
	} `json:"fixtures"`
}

type expectedTrace struct {
	Status     string         `json:"status"`
	Runs       int            `json:"runs"`
	Roots      int            `json:"roots"`
	ByStatus   map[string]int `json:"runs_by_status"`
	StartedAt  string         `json:"started_at"`
	EndedAt    string         `json:"ended_at"`
	DurationMS json.Number    `json:"duration_ms"`
	Usage      struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Total      int64 `json:"total_tokens"`
	} `json:"usage"`
	Cost struct {
		Prompt     *json.Number `json:"prompt"`
		Completion *json.Number `json:"completion"`
		Total      *json.Number `json:"total"`
		Unpriced   int          `json:"unpriced_leaves"`
	} `json:"cost_as_given_usd"`
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtureDir, name))
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var dynamiqFixtures = []string{"dynamiq-single-llm", "dynamiq-agent-tools-nested",
	"dynamiq-failed", "dynamiq-skip-and-cache"}

func TestFixtures(t *testing.T) {
	var want expectations
	load(t, "expected.json", &want)
	for _, name := range dynamiqFixtures {
		t.Run(name, func(t *testing.T) {
			var fx fixture
			load(t, name+".json", &fx)
			s := NewStore(time.Hour)
			for i, req := range fx.Requests {
				if _, err := s.Post("app", req.Body, time.Unix(0, 0)); err != nil {
					t.Fatal(err)
				}
				after := want.Fixtures[name].After[i]
				for id, w := range after.Traces {
					check(t, s, id, w)
				}
			}
			for id, w := range want.Fixtures[name].After[len(fx.Requests)-1].Traces {
				shuffled(t, fx.Requests[0].Body, id, w)
				checkIdentity(t, s, id, want.Fixtures[name].Identity)
			}
		})
	}
}

// shuffled sends every run alone, in random orders and twice.
func shuffled(t *testing.T, body json.RawMessage, id string, want expectedTrace) {
	t.Helper()
	var b struct {
		Runs []json.RawMessage `json:"runs"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(10) {
		s := NewStore(time.Hour)
		for range 2 {
			for _, i := range rand.New(rand.NewPCG(seed, 1)).Perm(len(b.Runs)) {
				one, _ := json.Marshal(map[string]any{"runs": b.Runs[i : i+1]})
				if _, err := s.Post("app", one, time.Unix(0, 0)); err != nil {
					t.Fatal(err)
				}
			}
		}
		check(t, s, id, want)
	}
}

func check(t *testing.T, s *Store, id string, want expectedTrace) {
	t.Helper()
	tr, err := s.Trace("app", id, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if tr.Status != want.Status || tr.RunCount != want.Runs || tr.Roots != want.Roots {
		t.Errorf("status %s, %d runs, %d roots; want %+v", tr.Status, tr.RunCount, tr.Roots, want)
	}
	by := map[string]int{}
	for _, r := range s.Runs("app", id) {
		by[r.Status]++
	}
	for st, n := range want.ByStatus {
		if by[st] != n {
			t.Errorf("%d runs %s, want %d", by[st], st, n)
		}
	}
	start, _ := ParseInstant(want.StartedAt)
	end, _ := ParseInstant(want.EndedAt)
	if tr.Start != *start || *tr.End != *end {
		t.Errorf("from %v to %v, want %v to %v", tr.Start, tr.End, start, end)
	}
	if got := float64(*tr.DurationUS) / 1000; json.Number(jsonFloat(got)) != json.Number(jsonFloat(must(want.DurationMS.Float64()))) {
		t.Errorf("duration %v, want %v", got, want.DurationMS)
	}
	u := tr.Usage
	if u.Prompt != want.Usage.Prompt || u.Completion != want.Usage.Completion || u.Total != want.Usage.Total {
		t.Errorf("tokens %+v, want %+v", u, want.Usage)
	}
	if tr.Unpriced != want.Cost.Unpriced {
		t.Errorf("unpriced %d, want %d", tr.Unpriced, want.Cost.Unpriced)
	}
	for i, c := range []*json.Number{want.Cost.Prompt, want.Cost.Completion, want.Cost.Total} {
		pico := u.Costs()[i]
		if (c == nil) != (pico == nil) || c != nil && !SamePico(c.String(), pico) {
			t.Errorf("cost %d is %v, want %v", i, pico, c)
		}
	}
}

func checkIdentity(t *testing.T, s *Store, id string, want map[string]json.RawMessage) {
	t.Helper()
	tr, err := s.Trace("app", id, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	meta := map[string]json.RawMessage{}
	for k, v := range tr.Metadata {
		meta[k] = json.RawMessage(v)
	}
	got := map[string]any{"tags": tr.Tags, "metadata": meta, "models": tr.Models, "error": tr.Error,
		"user_in_input": tr.User, "session": tr.Session, "workflow_version": tr.Version}
	for name, w := range want {
		v, known := got[name]
		b, _ := json.Marshal(v)
		if !known || string(b) != compact(w) {
			t.Errorf("%s is %s, want %s", name, b, w)
		}
	}
}

func jsonFloat(f float64) string { b, _ := json.Marshal(f); return string(b) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
