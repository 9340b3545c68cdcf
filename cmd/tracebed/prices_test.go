package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tracebed runs the program and gives its exit code and what it printed.
func tracebed(in string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

func writePriceFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPricesCommand(t *testing.T) {
	file := writePriceFile(t, `{"_source":"us","gpt-4o-mini":[{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06},
		{"input_cost_per_token":3e-06,"output_cost_per_token":4e-06,"effective_from":"2026-03-01",
		"input_cost_per_token_above_200k_tokens":5e-06}]}`)
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"openai/gpt-4o-mini", 0, []string{"litellm", "taken 20", "gpt-4o-mini", "without provider prefix", "0.15", "0.6", "0.075", "always"}},
		{"--prices " + file + " --at 2026-02-28 GPT-4o-mini", 0, []string{"source us", "1 models", "ignoring case", "  1  ", "  2  ", "always"}},
		{"--prices " + file + " --at 2026-03-01 gpt-4o-mini-2024-07-18", 0, []string{"without date", "  3  ", "since 2026-03-01T00:00:00Z", "  5  ", "200,000"}},
		{"--prices default," + file + " gpt-4o --at 2026-03-01", 0, []string{"exact", "2.5"}},
		{"--prices " + file, 0, []string{"exact"}},
		{"gpt-4o ollama/llama3.1", 1, []string{"exact", "ollama/llama3.1  -", "unknown", "1 of 2 models have no price", "--prices default,FILE"}},
		{"--license", 0, []string{"MIT License", "Copyright (c) 2023 Berri AI"}},
		{"--prices off", 2, []string{"off has no prices"}},
		{"--prices off,default", 2, []string{"off stands alone"}},
		{"--prices a,,b", 2, []string{"not a list"}},
		{"--prices " + file + ".none", 1, []string{"no such file", "  -> correct the file"}},
		{"--at soon", 2, []string{"not a time"}},
	} {
		code, out, errOut := tracebed("", append([]string{"prices"}, strings.Fields(c.args)...)...)
		if code != c.code {
			t.Errorf("prices %s: exit %d, %s", c.args, code, errOut)
		}
		for _, s := range c.says {
			if !strings.Contains(out+errOut, s) {
				t.Errorf("prices %s: no %q in\n%s%s", c.args, s, out, errOut)
			}
		}
	}
	code, _, errOut := tracebed("", "serve", "--data", t.TempDir(), "--prices", writePriceFile(t, `{"m":{"input_cost_per_token":"dear"}}`))
	if code != 1 || !strings.Contains(errOut, `model "m": input_cost_per_token must be a number`) {
		t.Errorf("serve with a wrong file: %d, %s", code, errOut)
	}
}

const unpricedBody = `{"runs":[{"id":"w","type":"workflow","trace_id":"t","start_time":"2026-06-10T09:00:00Z",
	"end_time":"2026-06-10T09:00:02Z","status":"succeeded"},
	{"id":"l","type":"node","trace_id":"t","parent_run_id":"w","start_time":"2026-06-10T09:00:00Z","end_time":"2026-06-10T09:00:01Z",
	"status":"succeeded","metadata":{"node":{"group":"llms","model":"openai/gpt-4o-mini"},"usage":{"prompt_tokens":300,
	"completion_tokens":10,"total_tokens":310,"cache_read_input_tokens":100,"prompt_tokens_cost_usd":null,
	"completion_tokens_cost_usd":null,"total_tokens_cost_usd":null}}}]}`

// TestEstimatedCosts takes runs without costs in with prices off and on, and
// reads trace, run and verification.
func TestEstimatedCosts(t *testing.T) {
	file := writePriceFile(t, `{"gpt-4o-mini":{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06,"cache_read_input_token_cost":1e-07}}`)
	other := writePriceFile(t, `{"gpt-5":{"input_cost_per_token":1e-06}}`)
	for _, c := range []struct{ prices, trace, run string }{
		{"off", `"total_tokens_cost_usd":null,"unpriced_count":1`, `"total_tokens_cost_usd":null,"cache_read_input_tokens":100,"cache_creation_input_tokens":null}`},
		{other, `"total_tokens_cost_usd":null,"unpriced_count":1`, `"total_tokens_cost_usd":null,"cache_read_input_tokens":100,"cache_creation_input_tokens":null}`},
		{file, `"prompt_tokens_cost_usd":0.00021,"completion_tokens":10,"completion_tokens_cost_usd":0.00002,"total_tokens":310,"total_tokens_cost_usd":0.00023,"unpriced_count":0`,
			`"prompt_tokens_cost_usd":0.00021,"completion_tokens":10,"completion_tokens_cost_usd":0.00002,"total_tokens":310,"total_tokens_cost_usd":0.00023,"cache_read_input_tokens":100,"cache_creation_input_tokens":null,"cost_estimated":true}`},
		{"default", `"total_tokens_cost_usd":0.0000435,"unpriced_count":0`, `"cost_estimated":true}`},
	} {
		dir := t.TempDir()
		ingest := []string{"ingest", "--data", dir, "--app", "a", "--prices", c.prices, "-"}
		for range 2 { // the second time changes nothing
			if code, out, errOut := tracebed(unpricedBody, ingest...); code != 0 {
				t.Fatal(out, errOut)
			}
		}
		code, out, errOut := tracebed("", "export", "--data", dir, "--app", "a", "--include-runs")
		if code != 0 || !strings.Contains(out, c.trace) || !strings.Contains(out, c.run) {
			t.Errorf("--prices %s: exit %d, %s\n%s\nwant %s\nand %s", c.prices, code, errOut, out, c.trace, c.run)
		}
		if code, out, errOut := tracebed("", "verify", dir); code != 0 {
			t.Error(out, errOut)
		}
	}
}
