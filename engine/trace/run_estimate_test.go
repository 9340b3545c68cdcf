package trace

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/rollup"
)

// canonicalOf takes a run through Scan, Facts, Estimate and AppendCanonical.
func canonicalOf(t testing.TB, text string, price Pricer) Run {
	t.Helper()
	var s jsonscan.Scanner
	var f Fields
	var r Run
	s.Reset([]byte(text))
	if err := f.Scan(&s); err != nil {
		t.Fatal(err)
	}
	if reason := f.Facts(&r); reason != "" {
		t.Fatal(reason)
	}
	f.Estimate(&r, price)
	f.AppendCanonical(nil, &r)
	return r
}

func usageRun(model, usage string) string {
	return `{"id":"r","type":"node","trace_id":"t","start_time":"2026-06-10T09:00:00Z","status":"succeeded",` +
		`"model":` + model + `,"usage":` + usage + `}`
}

func uniformUsage(r *Run) string {
	_, rest, _ := strings.Cut(string(r.JSON), `,"usage":`)
	usage, _, _ := strings.Cut(rest, `,"duration_ms":`)
	return usage
}

func TestEstimate(t *testing.T) {
	fixed := func(model string, at Time, u *Usage) bool {
		if model != "m" || at.NS == 0 {
			return false
		}
		p, c := rollup.Money{Lo: uint64(u.PromptTokens) * 1000}, rollup.Money{Lo: uint64(u.CompletionTokens)}
		total := p.Add(c)
		u.PromptCost, u.CompletionCost, u.TotalCost = &p, &c, &total
		return true
	}
	const tail = `"cache_read_input_tokens":null,"cache_creation_input_tokens":null`
	estimated := `{"prompt_tokens":10,"prompt_tokens_cost_usd":0.00000001,"completion_tokens":2,` +
		`"completion_tokens_cost_usd":0.000000000002,"total_tokens":null,"total_tokens_cost_usd":0.000000010002,` + tail + `,"cost_estimated":true}`
	const unpriced = `{"prompt_tokens":10,"prompt_tokens_cost_usd":null,"completion_tokens":2,"completion_tokens_cost_usd":null,"total_tokens":null,`
	unknown := unpriced + `"total_tokens_cost_usd":null,` + tail + `}`
	for _, c := range []struct {
		name, model, usage string
		price              Pricer
		want               string
	}{
		{"estimated", `"m"`, `{"prompt_tokens":10,"completion_tokens":2}`, fixed, estimated},
		{"prices off", `"m"`, `{"prompt_tokens":10,"completion_tokens":2}`, nil, unknown},
		{"unknown model", `"n"`, `{"prompt_tokens":10,"completion_tokens":2}`, fixed, unknown},
		{"no model", `null`, `{"prompt_tokens":10,"completion_tokens":2}`, fixed, unknown},
		{"no usage", `"m"`, `null`, fixed, `null`},
		{
			"sent total stays alone", `"m"`, `{"prompt_tokens":10,"completion_tokens":2,"total_tokens_cost_usd":0}`, fixed,
			unpriced + `"total_tokens_cost_usd":0,` + tail + `}`,
		},
		{
			"a mark without a cost is dropped", `"n"`, `{"prompt_tokens":10,"completion_tokens":2,"cost_estimated":true}`, fixed,
			unknown,
		},
		{
			"a mark that is not true is dropped", `"n"`,
			`{"prompt_tokens":10,"completion_tokens":2,"total_tokens_cost_usd":1,"cost_estimated":"yes"}`, fixed,
			unpriced + `"total_tokens_cost_usd":1,` + tail + `}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := canonicalOf(t, usageRun(c.model, c.usage), c.price)
			if got := uniformUsage(&r); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			stored, err := ParseRun(r.JSON)
			if err != nil {
				t.Fatal(err)
			}
			if u, v := r.Usage, stored.Usage; u != nil && (u.CostEstimated != v.CostEstimated || u.priced() != v.priced() ||
				u.priced() && *u.TotalCost != *v.TotalCost) {
				t.Errorf("read back %+v, want %+v", v, u)
			}
			again := canonicalOf(t, string(r.JSON), c.price)
			if !bytes.Equal(again.JSON, r.JSON) {
				t.Errorf("made canonical again:\n%s\n%s", again.JSON, r.JSON)
			}
		})
	}
}

func TestUsageParts(t *testing.T) {
	r := canonicalOf(t, usageRun(`"m"`, `{"prompt_tokens":10,"cache_read_input_tokens":4,`+
		`"cache_creation_input_tokens":3.0,"reasoning_tokens":2,"else":1}`), nil)
	u := r.Usage
	if u.CacheReadTokens != 4 || u.CacheWriteTokens != 3 || u.ReasoningTokens != 2 || u.TotalTokens != 10 {
		t.Errorf("%+v", u)
	}
	want := `{"prompt_tokens":10,"prompt_tokens_cost_usd":null,"completion_tokens":null,"completion_tokens_cost_usd":null,` +
		`"total_tokens":null,"total_tokens_cost_usd":null,"cache_read_input_tokens":4,` +
		`"cache_creation_input_tokens":3.0,"reasoning_tokens":2}`
	if got := uniformUsage(&r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r = canonicalOf(t, usageRun(`"m"`, `{"prompt_tokens":1,"reasoning_tokens":"2","cache_read_input_tokens":-1}`), nil)
	if got := uniformUsage(&r); strings.Contains(got, "reasoning") || !strings.Contains(got, `"cache_read_input_tokens":-1`) {
		t.Error(got)
	}
	if r.Usage.CacheReadTokens != 0 || r.Usage.ReasoningTokens != 0 {
		t.Errorf("%+v", r.Usage)
	}
}
