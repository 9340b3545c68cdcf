package prices

import (
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

const bookText = `{
	"plain":     {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
	"cached":    {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "cache_read_input_token_cost": 1e-7,
	              "cache_creation_input_token_cost": "1.25e-6"},
	"thinking":  {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 3e-6},
	"embed":     {"input_cost_per_token": 2e-8, "mode": "embedding"},
	"rank":      {"input_cost_per_token": 3e-8, "output_cost_per_token": 0.0, "mode": "rerank"},
	"outonly":   {"output_cost_per_token": 2e-6},
	"free":      {"input_cost_per_token": 0, "output_cost_per_token": 0},
	"dear":      {"input_cost_per_token": 1, "output_cost_per_token": 1},
	"tiers":     {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "cache_read_input_token_cost": 1e-7,
	              "input_cost_per_token_above_200k_tokens": 2e-6, "output_cost_per_token_above_200k_tokens": 3e-6,
	              "input_cost_per_token_above_1000k_tokens": 4e-6}
}`

func TestCost(t *testing.T) {
	book := load(t, bookText)
	for _, c := range []struct {
		name, model        string
		usage              trace.Usage
		prompt, completion string // "" = unknown
	}{
		{"plain", "plain", trace.Usage{PromptTokens: 10, CompletionTokens: 3, TotalTokens: 13}, "0.00001", "0.000006"},
		{"nothing used", "plain", trace.Usage{}, "0", "0"},
		{"cached is part of the prompt", "cached", trace.Usage{PromptTokens: 10, CacheReadTokens: 4}, "0.0000064", "0"},
		{"all is cached", "cached", trace.Usage{PromptTokens: 4, CacheReadTokens: 4}, "0.0000004", "0"},
		{"written is part of the prompt", "cached", trace.Usage{PromptTokens: 10, CacheReadTokens: 4, CacheWriteTokens: 2}, "0.0000069", "0"},
		{"raw prompt of Anthropic", "cached", trace.Usage{PromptTokens: 3, CacheReadTokens: 10}, "0.000004", "0"},
		{"raw prompt, written too", "cached", trace.Usage{PromptTokens: 3, CacheReadTokens: 10, CacheWriteTokens: 4}, "0.000009", "0"},
		{"only written is left out", "cached", trace.Usage{PromptTokens: 10, CacheReadTokens: 4, CacheWriteTokens: 8}, "0.0000164", "0"},
		{"no rate for the cache", "plain", trace.Usage{PromptTokens: 10, CacheReadTokens: 4, CacheWriteTokens: 2}, "0.00001", "0"},
		{"reasoning at its own rate", "thinking", trace.Usage{CompletionTokens: 10, ReasoningTokens: 4}, "0", "0.000024"},
		{"reasoning beyond the completion", "thinking", trace.Usage{CompletionTokens: 4, ReasoningTokens: 10}, "0", "0.000012"},
		{"reasoning without a rate", "plain", trace.Usage{CompletionTokens: 10, ReasoningTokens: 4}, "0", "0.00002"},
		{"embedding", "embed", trace.Usage{PromptTokens: 6, TotalTokens: 6}, "0.00000012", "0"},
		{"embedding with a total only", "embed", trace.Usage{TotalTokens: 6}, "0.00000012", "0"},
		{"rerank with a total only", "rank", trace.Usage{TotalTokens: 6}, "0.00000018", "0"},
		{"chat with a total only", "plain", trace.Usage{TotalTokens: 6}, "", ""},
		{"output of a model without its price", "embed", trace.Usage{PromptTokens: 6, CompletionTokens: 1}, "", ""},
		{"input of a model without its price", "outonly", trace.Usage{PromptTokens: 6, CompletionTokens: 1}, "", ""},
		{"output only", "outonly", trace.Usage{CompletionTokens: 1}, "0", "0.000002"},
		{"zero is a price", "free", trace.Usage{PromptTokens: 6, CompletionTokens: 1}, "0", "0"},
		{"the most there is", "dear", trace.Usage{PromptTokens: 400_000, CompletionTokens: 600_000}, "400000", "600000"},
		{"more than a run may cost", "dear", trace.Usage{PromptTokens: 400_000, CompletionTokens: 600_001}, "", ""},
		{"far more", "dear", trace.Usage{PromptTokens: 1e12, CacheReadTokens: 1e12, CacheWriteTokens: 1e12}, "", ""},
		{"negative", "plain", trace.Usage{PromptTokens: -1}, "", ""},
		{"too many", "plain", trace.Usage{CompletionTokens: 1e12 + 1}, "", ""},
		{"unknown model", "nobody", trace.Usage{PromptTokens: 1}, "", ""},
		{"at the tier", "tiers", trace.Usage{PromptTokens: 200_000, CompletionTokens: 10}, "0.2", "0.00002"},
		{"above it", "tiers", trace.Usage{PromptTokens: 200_001, CompletionTokens: 10}, "0.400002", "0.00003"},
		{"a tier keeps what it does not say", "tiers", trace.Usage{PromptTokens: 300_000, CacheReadTokens: 100_000}, "0.41", "0"},
		{"second tier", "tiers", trace.Usage{PromptTokens: 1_000_001, CompletionTokens: 1}, "4.000004", "0.000003"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := c.usage
			ok := book.Estimate(c.model, trace.Time{Valid: true}, &u)
			if !ok {
				if c.prompt != "" {
					t.Fatal("no cost")
				}
				if u != c.usage {
					t.Errorf("usage changed to %+v", u)
				}
				return
			}
			prompt, completion := string(u.PromptCost.AppendUSD(nil)), string(u.CompletionCost.AppendUSD(nil))
			if prompt != c.prompt || completion != c.completion {
				t.Errorf("%s + %s, want %s + %s", prompt, completion, c.prompt, c.completion)
			}
			if *u.TotalCost != u.PromptCost.Add(*u.CompletionCost) {
				t.Errorf("total %s", u.TotalCost.AppendUSD(nil))
			}
		})
	}
}
