//go:build e2e

package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// TestPricedFixtures: with the fixtures' price table, every recorded body of
// either source costs what expected.json says, through the API.
func TestPricedFixtures(t *testing.T) {
	var want struct {
		Table map[string]struct {
			Input, Output json.Number
			CacheRead     json.Number `json:"cache_read"`
		} `json:"price_table_usd_per_token"`
		Fixtures map[string]struct {
			After []struct {
				Request int
				Traces  map[string]struct {
					Cost struct {
						Prompt, Completion, Total *float64
						Unpriced                  int `json:"unpriced_leaves"`
					} `json:"cost_with_price_table_usd"`
				}
			}
		}
	}
	readJSON(t, "expected.json", &want)
	models := map[string]map[string]json.Number{}
	for name, p := range want.Table {
		models[name] = map[string]json.Number{"input_cost_per_token": p.Input, "output_cost_per_token": p.Output}
		if p.CacheRead != "" {
			models[name]["cache_read_input_token_cost"] = p.CacheRead
		}
	}
	text, err := json.Marshal(models)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prices.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, filepath.Join(dir, "data"), "--prices", file)
	checked := 0
	for name, w := range want.Fixtures {
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		readJSON(t, fixtureFile(name), &sent)
		for i, request := range sent.Requests {
			s.post(t, "/v1/apps/"+name+"/traces", request.Body)
			for id, e := range w.After[i].Traces {
				var got struct{ Data gotTrace }
				s.get(t, "/v1/apps/"+name+"/traces/"+url.PathEscape(id), &got)
				u := got.Data.Usage
				for what, pair := range map[string][2]*float64{
					"prompt": {u.PromptCost, e.Cost.Prompt}, "completion": {u.CompletionCost, e.Cost.Completion}, "total": {u.TotalCost, e.Cost.Total},
				} {
					if !sameCost(pair[0], pair[1]) {
						t.Errorf("%s after request %d: %s cost is %v, want %v", name, i+1, what, costText(pair[0]), costText(pair[1]))
					}
				}
				if u.Unpriced != e.Cost.Unpriced {
					t.Errorf("%s after request %d: %d unpriced, want %d", name, i+1, u.Unpriced, e.Cost.Unpriced)
				}
				checked++
			}
		}
	}
	if checked < len(want.Fixtures) {
		t.Errorf("%d traces were checked", checked)
	}
}

// fixtureFile is the file of a fixture, in testdata or beside the decoder.
func fixtureFile(name string) string {
	if _, err := os.Stat(filepath.Join("testdata", name+".json")); err == nil {
		return name + ".json"
	}
	return filepath.Join("..", "..", "engine", "otlp", "testdata", name+".json")
}

func sameCost(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	d := *a - *b
	return d < 1e-12 && d > -1e-12
}

func costText(c *float64) any {
	if c == nil {
		return nil
	}
	return *c
}
