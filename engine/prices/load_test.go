package prices

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

func TestLoadErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "not valid JSON"},
		{`{"m":{}`, "not valid JSON"},
		{`{"m":{}} x`, "not valid JSON"},
		{`[]`, "must be a JSON object"},
		{`null`, "must be a JSON object"},
		{`"x"`, "must be a JSON object"},
		{`{"m":1}`, `model "m": must be an object of prices`},
		{`{"m":null}`, `model "m": must be an object of prices`},
		{`{"m":[]}x`, "not valid JSON"},
		{`{"m":[1]}`, `model "m": must be an object of prices`},
		{`{"m":{"input_cost_per_token":-1e-6}}`, `model "m": input_cost_per_token must be a number of USD per token from 0 to 1`},
		{`{"m":{"input_cost_per_token":2}}`, `model "m": input_cost_per_token must`},
		{`{"m":{"output_cost_per_token":"cheap"}}`, `model "m": output_cost_per_token must`},
		{`{"m":{"output_cost_per_token":[1]}}`, `model "m": output_cost_per_token must`},
		{`{"m":{"input_cost_per_token_above_200k_tokens":true}}`, `model "m": input_cost_per_token_above_200k_tokens must`},
		{`{"m":{"input_cost_per_token":1e-6,"effective_from":"soon"}}`, `model "m": effective_from must be a date`},
		{`{"m":{"input_cost_per_token":1e-6,"effective_from":5}}`, `model "m": effective_from must be a date`},
		{`{"m":{"input_cost_per_token":1e-6,"effective_from":"1492-01-01"}}`, `model "m": effective_from must be a date`},
		{`{"m":[{"input_cost_per_token":1e-6},{"input_cost_per_token":2e-6}]}`, `model "m": has two prices with the same effective_from`},
		{`{"b":1,"a":1,"c":1}`, `model "b"`}, // the first in the file
	} {
		for range 3 {
			table, err := Load(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) || table != nil {
				t.Errorf("Load(%s): %v, want %s", c.text, err, c.want)
			}
		}
	}
	if _, err := Load(io.LimitReader(spaces{}, MaxFileBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestLoadPassesOver(t *testing.T) {
	book := load(t, `{"sample_spec":{"input_cost_per_token":"a number"},"_note":"hello","_list":[1],
		"picture":{"output_cost_per_image":0.04,"mode":"image_generation"},"empty":[],"none":{"input_cost_per_token":null},
		"twice":{"input_cost_per_token":1e-6},"twice":{},
		"m":{"input_cost_per_token":1e-6,"max_tokens":"many","input_cost_per_token_above_x_tokens":7,
		"input_cost_per_token_priority":9,"cache_creation_input_token_cost_above_1hr":8,"max_above_3k_tokens":6,
		"effective_from":null,"mode":3}}`)
	if names := book.Names(); len(names) != 1 || names[0] != "m" {
		t.Errorf("%q", names)
	}
	if p, _, _ := book.Lookup("m", trace.Time{}); len(p.Tiers) != 0 || p.Mode != "" || p.CacheWrite.Known() {
		t.Errorf("%+v", p)
	}
	if book.Note("_note") != "hello" || book.Note("_list") != "" {
		t.Error("notes")
	}
}

func TestDefault(t *testing.T) {
	book := Default()
	if book.Len() < 2000 || DefaultBytes() > 80<<10 {
		t.Errorf("%d models in %d bytes", book.Len(), DefaultBytes())
	}
	if !strings.Contains(book.Note("_license"), "Permission is hereby granted") || book.Note("_taken") == "" ||
		!strings.Contains(book.Note("_source"), "litellm") {
		t.Error("the table does not say where it is from")
	}
	for _, c := range []struct{ model, matched, input, output string }{
		{"openai/gpt-4o-mini", "gpt-4o-mini", "0.15", "0.6"},
		{"gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "2.5", "10"},
		{"text-embedding-3-small", "text-embedding-3-small", "0.02", "0"},
		{"claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929", "3", "15"},
		{"gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash", "0.3", "2.5"},
		{"ollama/llama3.1", "", "", ""},
		{"no such model", "", "", ""},
	} {
		p, matched, _ := book.Lookup(c.model, at("2026-06-10"))
		if matched != c.matched {
			t.Errorf("%s is %q, want %q", c.model, matched, c.matched)
		} else if p != nil && (p.Input.PerMillion() != c.input || p.Output.PerMillion() != c.output) {
			t.Errorf("%s: %s and %s a million", c.model, p.Input.PerMillion(), p.Output.PerMillion())
		}
	}
	for _, name := range book.Names() {
		if strings.HasPrefix(name, "ollama") {
			t.Errorf("%s has a price", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(bookText, "plain", int64(5))
	f.Add(`{"m":[{"input_cost_per_token":3e-6,"effective_from":"2026-03-01"},{"output_cost_per_token":"1"}]}`, "openai/M-2026-01-01", int64(1e12))
	f.Add(`{"_a":"b","m":{"input_cost_per_token_above_4294967295k_tokens":1}}`, "m", int64(-1))
	f.Add(`{"":{"input_cost_per_token":1}}`, "", int64(0))
	f.Fuzz(func(t *testing.T, text, model string, tokens int64) {
		book, err := Load(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, name := range append(book.Names(), model) {
			p, matched, how := book.Lookup(name, trace.Time{})
			if (p == nil) != (how == Unknown) || p != nil && book.Prices(matched) == nil {
				t.Fatalf("%q: %v, %q, %q", name, p, matched, how)
			}
			u := trace.Usage{PromptTokens: tokens, CompletionTokens: tokens, CacheReadTokens: tokens / 2, ReasoningTokens: tokens / 3}
			if ok := book.Estimate(name, trace.Time{}, &u); ok && u.TotalCost.Cmp(maxCost) > 0 || ok != (u.TotalCost != nil) {
				t.Fatalf("%q: %+v", name, u)
			}
		}
		if over := book.Overlay(book); over.Len() != book.Len() {
			t.Fatal("overlay of itself")
		}
	})
}
