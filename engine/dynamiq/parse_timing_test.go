package dynamiq

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// fiveRuns is a body of 17 KB with five runs, the size and shape that the
// figures of the storage design were measured with.
func fiveRuns() []byte {
	text := strings.Repeat(`The customer asks about \"order 4711\" and wants a refund for the damaged item.\n`, 6)
	var runs []string
	for i := range 5 {
		typ, meta, parent := "node", fmt.Sprintf(`{"node":{"id":"x%d","name":"LLM","group":"llms","type":"dynamiq.nodes.llms.OpenAI",`+
			`"model":"openai/gpt-4o-mini","error_handling":{"timeout_seconds":null,"retry_interval_seconds":1,"max_retries":0,"backoff_rate":1,`+
			`"behavior":"raise"},"depends":[],"caching":{"enabled":false},"streaming":{"enabled":false,"event":"streaming"},`+
			`"prompt":{"id":"p","messages":[{"role":"system","content":"%s"},{"role":"user","content":"%s"}],"tools":null}},`+
			`"run_depends":[],"usage":{"prompt_tokens":412,"prompt_tokens_cost_usd":6.18e-05,"completion_tokens":38,`+
			`"completion_tokens_cost_usd":2.28e-05,"total_tokens":450,"total_tokens_cost_usd":8.46e-05,"cache_read_input_tokens":256,`+
			`"cache_creation_input_tokens":null},"is_output_from_cache":false}`, i, text, text), `"00001a01-0000-4613-8e08-00018cca2f32"`
		if i < 2 {
			typ, meta = []string{"workflow", "flow"}[i], `{"workflow":{"id":"w","version":"7"},"env":"prod"}`
		}
		if i == 0 {
			parent = "null"
		}
		runs = append(runs, fmt.Sprintf(`{"id":"00001a01-000%d-4613-8e08-00018cca2f32","name":"Order LLM","type":"%s",`+
			`"trace_id":"00001a01-0001-4613-8e08-00018cca2f32","source_id":"5e1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa",`+
			`"session_id":"7f1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa","start_time":"2026-06-10T09:15:0%d.104233+00:00",`+
			`"end_time":"2026-06-10T09:15:09.911870+00:00","parent_run_id":%s,"status":"succeeded",`+
			`"input":{"user_id":"u","question":"%s","history":[{"role":"user","content":"%s"}]},"output":{"content":"%s"},`+
			`"metadata":%s,"error":null,"executions":[{"id":"e","start_time":"2026-06-10T09:15:01.104233+00:00",`+
			`"end_time":"2026-06-10T09:15:02+00:00","status":"succeeded","input":null,"output":null,"error":null,"metadata":{}}],`+
			`"tags":["support-bot","prod"]}`, i, typ, i, parent, text, text, text, meta))
	}
	return []byte(body(runs...))
}

func BenchmarkParse(b *testing.B) {
	text := fiveRuns()
	b.Run("5-runs", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if runs, _, err := Parse(text, Options{}); err != nil || len(runs) != 5 {
				b.Fatal(err)
			}
		}
	})
	b.Run("5-runs-null-trace", func(b *testing.B) {
		text := []byte(strings.ReplaceAll(string(text), `"00001a01-0001-4613-8e08-00018cca2f32","source_id"`, `null,"source_id"`))
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if runs, _, err := Parse(text, Options{}); err != nil || len(runs) != 5 {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var v struct{ Runs []map[string]json.RawMessage }
			if err := json.Unmarshal(text, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSniff(b *testing.B) {
	text := fiveRuns()
	for b.Loop() {
		if kind, err := Sniff(text); kind != Dynamiq || err != nil {
			b.Fatal(err)
		}
	}
}
