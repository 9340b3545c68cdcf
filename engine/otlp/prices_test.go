package otlp

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/prices"
)

// TestFixturesPriced: with the price table of expected.json the calls that
// came without a cost get one, those that came with one keep it.
func TestFixturesPriced(t *testing.T) {
	var want struct {
		Table    map[string]map[string]json.Number `json:"price_table_usd_per_token"`
		Fixtures map[string]struct {
			After []struct {
				Traces map[string]struct {
					Cost struct {
						Prompt, Completion, Total float64
						Unpriced                  float64 `json:"unpriced_leaves"`
					} `json:"cost_with_price_table_usd"`
				}
			}
		}
	}
	if err := json.Unmarshal(readFile(t, "expected.json"), &want); err != nil {
		t.Fatal(err)
	}
	models := map[string]map[string]json.Number{}
	for name, p := range want.Table {
		models[name] = map[string]json.Number{"input_cost_per_token": p["input"], "output_cost_per_token": p["output"]}
		if rate, ok := p["cache_read"]; ok {
			models[name]["cache_read_input_token_cost"] = rate
		}
	}
	text, err := json.Marshal(models)
	if err != nil {
		t.Fatal(err)
	}
	book, err := prices.Load(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"otlp-genai", "otlp-openinference"} {
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(readFile(t, name+".json"), &sent); err != nil {
			t.Fatal(err)
		}
		b, err := Parse(toProto(t, sent.Requests[0].Body), Protobuf, Options{Price: book.Estimate})
		if err != nil {
			t.Fatal(err)
		}
		runs := b.Groups[0].Runs
		for i := range runs {
			checkRun(t, &runs[i])
		}
		cost := want.Fixtures[name].After[0].Traces[runs[0].TraceID].Cost
		usage := render(t, runs)["usage"].(map[string]any)
		for member, w := range map[string]float64{"prompt_tokens_cost_usd": cost.Prompt, "completion_tokens_cost_usd": cost.Completion,
			"total_tokens_cost_usd": cost.Total, "unpriced_count": cost.Unpriced} {
			if got, ok := usage[member].(float64); !ok || math.Abs(got-w) > 1e-12 {
				t.Errorf("%s: %s = %v, want %v", name, member, usage[member], w)
			}
		}
	}
}
