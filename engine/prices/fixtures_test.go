package prices_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/prices"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

const fixtureDir = "../dynamiq/testdata"

type costs struct {
	Prompt, Completion, Total json.Number // "" = null
	Priced                    uint32      `json:"priced_leaves"`
	Unpriced                  uint32      `json:"unpriced_leaves"`
}

type expected struct {
	Table map[string]struct {
		Input     json.Number
		Output    json.Number
		CacheRead json.Number `json:"cache_read"`
	} `json:"price_table_usd_per_token"`
	Fixtures map[string]struct {
		After []struct {
			Traces map[string]struct {
				AsGiven   costs `json:"cost_as_given_usd"`
				WithTable costs `json:"cost_with_price_table_usd"`
			}
		}
	}
}

func readJSON(t *testing.T, file string, v any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtureDir, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(file, err)
	}
}

// book is the price table of the fixtures as a price file.
func (e *expected) book(t *testing.T) *prices.Table {
	t.Helper()
	models := map[string]map[string]json.Number{}
	for name, p := range e.Table {
		models[name] = map[string]json.Number{"input_cost_per_token": p.Input, "output_cost_per_token": p.Output}
		if p.CacheRead != "" {
			models[name]["cache_read_input_token_cost"] = p.CacheRead
		}
	}
	text, err := json.Marshal(models)
	if err != nil {
		t.Fatal(err)
	}
	table, err := prices.Load(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestFixtures sends every recorded request with prices off and on.
func TestFixtures(t *testing.T) {
	var want expected
	readJSON(t, "expected.json", &want)
	files, err := filepath.Glob(filepath.Join(fixtureDir, "dynamiq-*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	book := want.book(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		var fixture struct {
			Requests []struct{ Body json.RawMessage }
		}
		readJSON(t, filepath.Base(file), &fixture)
		for mode, price := range map[string]trace.Pricer{"off": nil, "table": book.Estimate, "built-in": prices.Default().Estimate} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				stored := map[string][]trace.Run{}
				for i, request := range fixture.Requests {
					runs, rejected, err := dynamiq.Parse(request.Body, dynamiq.Options{Price: price})
					if err != nil || len(rejected) > 0 {
						t.Fatal(rejected, err)
					}
					for j := range runs {
						id := runs[j].TraceID
						stored[id], _, _, _ = trace.Merge(stored[id], runs[j:j+1])
					}
					for id, w := range want.Fixtures[name].After[i].Traces {
						c := w.AsGiven
						if price != nil {
							c = w.WithTable
						}
						checkCosts(t, fmt.Sprintf("request %d, trace %s", i+1, id), stored[id], c)
					}
				}
			})
		}
	}
}

func checkCosts(t *testing.T, what string, runs []trace.Run, want costs) {
	t.Helper()
	s := trace.Derive(runs, trace.Options{}).Sample
	if s.TotalPriced != want.Priced || s.Unpriced != want.Unpriced {
		t.Errorf("%s: %d priced, %d not; want %d and %d", what, s.TotalPriced, s.Unpriced, want.Priced, want.Unpriced)
	}
	for _, c := range []struct {
		got  rollup.Money
		want json.Number
	}{{s.PromptCost, want.Prompt}, {s.CompletionCost, want.Completion}, {s.TotalCost, want.Total}} {
		var w rollup.Money
		if c.want != "" {
			var err error
			if w, err = rollup.ParseUSD([]byte(c.want)); err != nil {
				t.Fatal(err)
			}
		}
		if c.got != w {
			t.Errorf("%s: cost %s, want %s", what, c.got.AppendUSD(nil), c.want)
		}
	}
}

// TestEstimatesInRuns strips the sent costs off a recorded body: the estimates
// come out as the SDK's own, are marked, and are read back.
func TestEstimatesInRuns(t *testing.T) {
	var want expected
	readJSON(t, "expected.json", &want)
	var fixture struct {
		Requests []struct{ Body json.RawMessage }
	}
	readJSON(t, "dynamiq-single-llm.json", &fixture)
	text := string(fixture.Requests[0].Body)
	for _, cost := range []string{"prompt_tokens_cost_usd", "completion_tokens_cost_usd", "total_tokens_cost_usd"} {
		text = strings.ReplaceAll(text, `"`+cost+`"`, `"sdk_`+cost+`"`)
	}
	book := want.book(t)
	parse := func(price trace.Pricer) []trace.Run {
		runs, rejected, err := dynamiq.Parse([]byte(text), dynamiq.Options{Price: price})
		if err != nil || len(rejected) > 0 {
			t.Fatal(rejected, err)
		}
		return runs
	}
	n := 0
	for i, r := range parse(book.Estimate) {
		if r.Usage == nil {
			continue
		}
		n++
		stored, err := trace.ParseRun(r.JSON)
		if err != nil {
			t.Fatal(err)
		}
		// 412 prompt tokens, 256 of them cached; 38 of the completion.
		if u := stored.Usage; !u.CostEstimated || u.TotalCost == nil || *u.TotalCost != *r.Usage.TotalCost ||
			string(u.PromptCost.AppendUSD(nil)) != "0.0000426" || string(u.CompletionCost.AppendUSD(nil)) != "0.0000228" {
			t.Errorf("read back %+v", u)
		}
		if !strings.Contains(string(r.JSON), `"total_tokens_cost_usd":0.0000654,`) || !strings.Contains(string(r.JSON), `"cost_estimated":true}`) {
			t.Errorf("run %d is not marked: %s", i, r.JSON)
		}
		// Equal arguments, equal bytes: a re-send is no update.
		if again := parse(book.Estimate)[i]; !again.Same(&r) {
			t.Error("a second parse differs")
		}
		if off := parse(nil)[i]; off.Usage.TotalCost != nil || strings.Contains(string(off.JSON), "cost_estimated") {
			t.Error("estimated with prices off")
		}
	}
	if n != 1 {
		t.Errorf("%d runs with usage", n)
	}
}
