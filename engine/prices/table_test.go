package prices

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
)

func load(t testing.TB, text string) *Table {
	t.Helper()
	table, err := Load(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func at(date string) trace.Time {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return trace.Time{NS: d.UnixNano(), Valid: true}
}

func TestLookup(t *testing.T) {
	const one = `{"input_cost_per_token":1e-6}`
	book := load(t, `{"gpt-4o":`+one+`,"gpt-4o-2024-08-06":`+one+`,"openai/gpt-4.1":`+one+`,"gpt-4.1":`+one+`,
		"azure/eu/gpt-4o":`+one+`,"claude-sonnet":`+one+`,"Llama-3":`+one+`,"llama-3":`+one+`,"deepseek/r1":`+one+`,
		"us.anthropic.claude":`+one+`,"own/model":{"input_cost_per_token":1e-6,"litellm_provider":"acme"},
		"qwen3":`+one+`,"MiXed":`+one+`}`)
	for _, c := range []struct {
		model, matched string
		how            How
	}{
		{"gpt-4o", "gpt-4o", Exact},
		{"openai/gpt-4.1", "openai/gpt-4.1", Exact},
		{"gpt-4o-2024-08-06", "gpt-4o-2024-08-06", Exact},
		{"openai/gpt-4o", "gpt-4o", WithoutPrefix},
		{"OpenAI/gpt-4o", "gpt-4o", WithoutPrefix},
		{"azure/gpt-4.1", "gpt-4.1", WithoutPrefix},
		{"openrouter/openai/gpt-4o", "gpt-4o", WithoutPrefix},
		{"openrouter/openai/gpt-4.1", "openai/gpt-4.1", WithoutPrefix},
		{"openrouter/deepseek/r1", "deepseek/r1", WithoutPrefix},
		{"acme/qwen3", "qwen3", WithoutPrefix}, // a provider that the table names
		{"openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06", WithoutPrefix},
		{"gpt-4o-2025-01-01", "gpt-4o", WithoutDate},
		{"openai/gpt-4.1-2025-04-14", "openai/gpt-4.1", WithoutDate},
		{"openai/gpt-4o-2025-01-01", "gpt-4o", WithoutBoth},
		{"claude-sonnet@20250101", "claude-sonnet", WithoutDate},
		{"vertex_ai/claude-sonnet@2025-01-01", "claude-sonnet", WithoutBoth},
		{"azure/eu/gpt-4o", "azure/eu/gpt-4o", Exact},
		{"us.anthropic.claude", "us.anthropic.claude", Exact},
		{"bedrock/us.anthropic.claude", "us.anthropic.claude", WithoutPrefix},
		{"GPT-4o", "gpt-4o", IgnoringCase},
		{"LLAMA-3", "Llama-3", IgnoringCase}, // of several the first in order
		{"mixed", "MiXed", IgnoringCase},
		{"openai/GPT-4o", "gpt-4o", WithoutPrefix + ", " + IgnoringCase},
		{"openai/GPT-4O-2025-01-01", "gpt-4o", WithoutBoth + ", " + IgnoringCase},
		{"azure/us/gpt-4o", "", Unknown},      // another region
		{"eu.anthropic.claude", "", Unknown},  // another region
		{"ollama/gpt-4o", "", Unknown},        // one's own machine
		{"hosted_vllm/qwen3", "", Unknown},    // one's own machine
		{"unheard/gpt-4o", "", Unknown},       // nobody knows that it is a provider
		{"openai/ollama/gpt-4o", "", Unknown}, // a prefix at a time
		{"gpt-4o-20250101", "", Unknown},
		{"gpt-4o@latest", "", Unknown},
		{"gpt-4o-mini", "", Unknown},
		{"gpt", "", Unknown},
		{"openai/", "", Unknown},
		{"-2025-01-01", "", Unknown},
		{"", "", Unknown},
		{strings.Repeat("openai/", 200) + "gpt-4o", "", Unknown}, // too long to be a name
	} {
		for range 2 { // found, then remembered
			p, matched, how := book.Lookup(c.model, trace.Time{})
			if matched != c.matched || how != c.how || (p == nil) != (c.matched == "") {
				t.Errorf("Lookup(%q) = %v, %q, %q; want %q, %q", c.model, p, matched, how, c.matched, c.how)
			}
		}
	}
}

func TestDatedPrices(t *testing.T) {
	book := load(t, `{"m":[{"input_cost_per_token":3e-6,"effective_from":"2026-03-01T00:00:00+01:00"},
		{"input_cost_per_token":1e-6},{"input_cost_per_token":2e-6,"effective_from":"2026-02-01"}],
		"late":{"input_cost_per_token":4e-6,"effective_from":"2026-02-01"},
		"openai/m":{"input_cost_per_token":5e-6,"effective_from":"2026-05-01"}}`)
	for _, c := range []struct{ model, at, want, matched string }{
		{"m", "1970-01-01", "1", "m"},
		{"m", "2026-01-31", "1", "m"},
		{"m", "2026-02-01", "2", "m"},
		{"m", "2026-02-28", "2", "m"},
		{"m", "2026-03-01", "3", "m"},
		{"m", "2099-01-01", "3", "m"},
		{"late", "2026-01-31", "", ""},
		{"late", "2026-02-01", "4", "late"},
		{"openai/m", "2026-04-30", "3", "m"}, // its own price is not in force yet
		{"openai/m", "2026-05-01", "5", "openai/m"},
	} {
		p, matched, _ := book.Lookup(c.model, at(c.at))
		got := ""
		if p != nil {
			got = p.Input.PerMillion()
		}
		if got != c.want || matched != c.matched {
			t.Errorf("%s at %s: %q of %q, want %q of %q", c.model, c.at, got, matched, c.want, c.matched)
		}
	}
	list := book.Prices("m")
	if len(list) != 3 || list[0].FromNS != math.MinInt64 || list[2].FromNS != at("2026-03-01").NS-int64(time.Hour) {
		t.Errorf("%+v", list)
	}
}

func TestOverlay(t *testing.T) {
	base := load(t, `{"_source":"base","a":{"input_cost_per_token":1e-6},"b":{"input_cost_per_token":1e-6},
		"c":[{"input_cost_per_token":1e-6},{"input_cost_per_token":2e-6,"effective_from":"2026-02-01"}]}`)
	over := load(t, `{"_source":"over","b":{"input_cost_per_token":9e-6},
		"c":[{"input_cost_per_token":8e-6,"effective_from":"2026-02-01"},{"input_cost_per_token":7e-6,"effective_from":"2026-03-01"}],
		"d":{"input_cost_per_token":6e-6,"effective_from":"2026-03-01"}}`)
	both := base.Overlay(over)
	for _, c := range []struct{ model, at, want string }{
		{"a", "2026-01-01", "1"},
		{"b", "2026-01-01", "9"},
		{"c", "2026-01-01", "1"},
		{"c", "2026-02-02", "8"},
		{"c", "2026-03-02", "7"},
		{"d", "2026-03-02", "6"},
	} {
		p, _, _ := both.Lookup(c.model, at(c.at))
		if p == nil || p.Input.PerMillion() != c.want {
			t.Errorf("%s at %s: %+v, want %s", c.model, c.at, p, c.want)
		}
	}
	if both.Note("_source") != "over" || both.Len() != 4 || base.Len() != 3 {
		t.Error("notes or models are wrong")
	}
	if p, _, _ := base.Lookup("b", trace.Time{}); p.Input.PerMillion() != "1" {
		t.Error("overlay changed what is below it")
	}
}

// TestMemoIsBounded asks for more names than are remembered, from several
// goroutines at once.
func TestMemoIsBounded(t *testing.T) {
	book := load(t, `{"m":{"input_cost_per_token":1e-6}}`)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range maxMemo {
				book.Lookup(fmt.Sprintf("openai/x%d-%d", g, i), trace.Time{})
				if p, _, _ := book.Lookup("openai/m", trace.Time{}); p == nil {
					t.Error("m is lost")
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(book.memo); n == 0 || n > maxMemo {
		t.Errorf("%d names are remembered", n)
	}
}
