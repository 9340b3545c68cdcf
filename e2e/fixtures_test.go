//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"sync"
	"testing"
)

// fixture is a recorded conversation of a real SDK with a collector.
type fixture struct {
	Requests []struct {
		Body struct{ Runs []json.RawMessage }
	}
}

// expected is what the traces of a fixture must come out as.
type expected struct {
	Identity struct {
		Tags     []string
		Metadata map[string]any
		Models   []string
		Version  *string `json:"workflow_version"`
		User     *string `json:"user_in_input"`
		Error    *string
	}
	After []struct {
		Request int
		Traces  map[string]expectedTrace
	}
}

type expectedTrace struct {
	Status       string
	Runs         int
	RunsByStatus map[string]int `json:"runs_by_status"`
	LLMRuns      int            `json:"llm_runs"`
	StartedAt    string         `json:"started_at"`
	EndedAt      string         `json:"ended_at"`
	DurationMS   float64        `json:"duration_ms"`
	Usage        map[string]int64
	Cost         struct {
		Prompt, Completion, Total *float64
		Unpriced                  int `json:"unpriced_leaves"`
	} `json:"cost_as_given_usd"`
	Tree []tree
}

// tree is a run with its children in order of start.
type tree struct {
	Name     *string `json:"name"`
	Type     string  `json:"type"`
	Group    string  `json:"group,omitempty"`
	Status   string  `json:"status"`
	Tokens   *int64  `json:"tokens,omitempty"`
	Children []tree  `json:"children,omitempty"`
}

// gotTrace and gotRun are what the API answers.
type gotTrace struct {
	Status     string
	StartedAt  string   `json:"started_at"`
	EndedAt    *string  `json:"ended_at"`
	DurationMS *float64 `json:"duration_ms"`
	RunCount   int      `json:"run_count"`
	Usage      struct {
		Prompt         int64    `json:"prompt_tokens"`
		Completion     int64    `json:"completion_tokens"`
		Total          int64    `json:"total_tokens"`
		PromptCost     *float64 `json:"prompt_tokens_cost_usd"`
		CompletionCost *float64 `json:"completion_tokens_cost_usd"`
		TotalCost      *float64 `json:"total_tokens_cost_usd"`
		Unpriced       int      `json:"unpriced_count"`
	}
	Tags      []string
	Metadata  map[string]any
	Models    []string
	Version   *string
	UserID    *string `json:"user_id"`
	SessionID *string `json:"session_id"`
	Error     *string
}

type gotRun struct {
	ID     string
	Parent *string `json:"parent_run_id"`
	Name   *string
	Type   string
	Group  *string
	Status *string
	Start  string `json:"start_time"`
	Usage  *struct {
		Total int64 `json:"total_tokens"`
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func body(runs []json.RawMessage) []byte {
	b, err := json.Marshal(map[string]any{"runs": runs})
	if err != nil {
		panic(err)
	}
	return b
}

// TestFixtures sends recorded bodies in every manner that the contract allows;
// they must come out as expected.json says each time.
func TestFixtures(t *testing.T) {
	var want struct{ Fixtures map[string]expected }
	readJSON(t, "expected.json", &want)
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	names := 0
	for name, w := range want.Fixtures {
		if !strings.HasPrefix(name, "dynamiq-") {
			continue
		}
		names++
		var f fixture
		readJSON(t, name+".json", &f)
		bodies := make([][]byte, 0, len(f.Requests))
		var runs []json.RawMessage
		for _, r := range f.Requests {
			bodies = append(bodies, body(r.Body.Runs))
			runs = append(runs, r.Body.Runs...)
		}
		last := w.After[len(w.After)-1].Traces
		path := func(how string) string { return "/v1/apps/" + name + "-" + how + "/traces" }
		check := func(t *testing.T, how string, traces map[string]expectedTrace) {
			t.Helper()
			for id, e := range traces {
				checkTrace(t, s, path(how), id, w, e)
			}
			checkTotals(t, s, path(how), traces)
		}
		t.Run(name+"/in order", func(t *testing.T) {
			for i, b := range bodies {
				s.post(t, path("order"), b)
				for _, a := range w.After {
					if a.Request == i+1 {
						check(t, "order", a.Traces)
					}
				}
			}
		})
		t.Run(name+"/twice", func(t *testing.T) {
			for range 2 {
				for _, b := range bodies {
					s.post(t, path("twice"), b)
				}
				check(t, "twice", last)
			}
		})
		for seed := range uint64(5) {
			t.Run(fmt.Sprint(name, "/shuffled ", seed), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 1))
				how := fmt.Sprint("shuffled", seed)
				left := append([]json.RawMessage{}, runs...)
				rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
				for len(left) > 0 {
					n := 1 + rng.IntN(min(3, len(left)))
					s.post(t, path(how), body(left[:n]))
					left = left[n:]
				}
				check(t, how, last)
			})
		}
		t.Run(name+"/eight connections", func(t *testing.T) {
			var senders sync.WaitGroup
			for c := range 8 {
				senders.Add(1)
				go func() {
					defer senders.Done()
					rng := rand.New(rand.NewPCG(uint64(c), 2))
					for _, b := range bodies {
						s.post(t, path("eight"), b)
					}
					for range 4 {
						s.post(t, path("eight"), body([]json.RawMessage{runs[rng.IntN(len(runs))]}))
					}
				}()
			}
			senders.Wait()
			check(t, "eight", last)
		})
	}
	if names != 4 {
		t.Errorf("%d fixtures, want 4", names)
	}
	s.signal(15)
	clean(t, dir)
}

func checkTrace(t *testing.T, s *server, path, id string, w expected, e expectedTrace) {
	t.Helper()
	var got struct{ Data gotTrace }
	s.get(t, path+"/"+url.PathEscape(id), &got)
	g := got.Data
	same := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s %s: %v, want %v", id, what, show(got), show(want))
		}
	}
	same("status", g.Status, e.Status)
	same("started_at", g.StartedAt, e.StartedAt)
	same("ended_at", g.EndedAt, &e.EndedAt)
	same("duration_ms", g.DurationMS, &e.DurationMS)
	same("run_count", g.RunCount, e.Runs)
	same("prompt_tokens", g.Usage.Prompt, e.Usage["prompt_tokens"])
	same("completion_tokens", g.Usage.Completion, e.Usage["completion_tokens"])
	same("total_tokens", g.Usage.Total, e.Usage["total_tokens"])
	same("unpriced_count", g.Usage.Unpriced, e.Cost.Unpriced)
	for what, c := range map[string][2]*float64{
		"prompt cost":     {g.Usage.PromptCost, e.Cost.Prompt},
		"completion cost": {g.Usage.CompletionCost, e.Cost.Completion},
		"total cost":      {g.Usage.TotalCost, e.Cost.Total},
	} {
		if (c[0] == nil) != (c[1] == nil) || c[0] != nil && math.Abs(*c[0]-*c[1]) > 1e-12 {
			t.Errorf("%s %s: %s, want %s", id, what, show(c[0]), show(c[1]))
		}
	}
	i := w.Identity
	if i.Tags != nil {
		same("tags", g.Tags, i.Tags)
	}
	if i.Metadata != nil {
		same("metadata", g.Metadata, i.Metadata)
	}
	if i.Models != nil {
		same("models", g.Models, i.Models)
	}
	if i.Version != nil {
		same("version", g.Version, i.Version)
	}
	if i.User != nil {
		same("user_id", g.UserID, i.User)
	}
	same("error", g.Error, i.Error)
	checkRuns(t, s, path, id, e)
}

func checkRuns(t *testing.T, s *server, path, id string, e expectedTrace) {
	t.Helper()
	var got struct{ Data []gotRun }
	s.get(t, path+"/"+url.PathEscape(id)+"/runs?page_size=1000", &got)
	states, llms := map[string]int{}, 0
	for _, r := range got.Data {
		states[*r.Status]++
		if r.Group != nil && *r.Group == "llms" {
			llms++
		}
	}
	if !reflect.DeepEqual(states, e.RunsByStatus) || llms != e.LLMRuns {
		t.Errorf("%s: runs %v with %d of llms, want %v with %d", id, states, llms, e.RunsByStatus, e.LLMRuns)
	}
	sort.Slice(got.Data, func(i, j int) bool {
		a, b := got.Data[i], got.Data[j]
		return a.Start < b.Start || a.Start == b.Start && a.ID < b.ID
	})
	if made := grow(got.Data, ""); e.Tree != nil && show(made) != show(e.Tree) {
		t.Errorf("%s: tree %s\nwant %s", id, show(made), show(e.Tree))
	}
}

// grow makes the tree below a run.
func grow(runs []gotRun, parent string) []tree {
	var out []tree
	for _, r := range runs {
		if (r.Parent == nil) != (parent == "") || r.Parent != nil && *r.Parent != parent {
			continue
		}
		n := tree{Name: r.Name, Type: r.Type, Status: *r.Status, Children: grow(runs, r.ID)}
		if r.Group != nil {
			n.Group = *r.Group
		}
		if r.Usage != nil {
			n.Tokens = &r.Usage.Total
		}
		out = append(out, n)
	}
	return out
}

// checkTotals compares list and metrics with the expected traces.
func checkTotals(t *testing.T, s *server, path string, traces map[string]expectedTrace) {
	t.Helper()
	var list struct {
		Data       []gotTrace
		Pagination struct {
			Total int `json:"total_count"`
		}
	}
	s.get(t, path, &list)
	var m struct {
		Data struct {
			Summary struct {
				All   int `json:"invocation_count"`
				Usage struct {
					Total int64 `json:"total_tokens"`
				}
			}
		}
	}
	s.get(t, strings.TrimSuffix(path, "/traces")+"/metrics?start_time=2026-06-01T00:00:00Z&end_time=2026-07-01T00:00:00Z&interval=day", &m)
	var tokens int64
	for _, e := range traces {
		tokens += e.Usage["total_tokens"]
	}
	if list.Pagination.Total != len(traces) || len(list.Data) != len(traces) || m.Data.Summary.All != len(traces) || m.Data.Summary.Usage.Total != tokens {
		t.Errorf("%s: list %d of %d, metrics %d with %d tokens; want %d with %d", path, len(list.Data), list.Pagination.Total, m.Data.Summary.All, m.Data.Summary.Usage.Total, len(traces), tokens)
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
