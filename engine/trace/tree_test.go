package trace

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAppendNode(t *testing.T) {
	const whole = `{"id":"r1","name":"Order LLM","type":"node","trace_id":"t","source_id":null,"session_id":null,` +
		`"start_time":"2026-01-01T00:00:00.5Z","end_time":"2026-01-01T00:00:01Z","parent_run_id":"p","status":"failed","input":{"id":"no"},"output":null,` +
		`"metadata":{"node":{"id":"n-1","prompt":{"messages":[{"id":7}]},"depends":[{"node":{"id":"a","name":"A"},"option":null},{"node":"odd"},5,{"node":{"id":"b"}}]},` +
		`"run_depends":[{"node":{"name":"x","id":"c\n"},"option":null,"condition":null}],"usage":{"prompt_tokens":1}},` +
		`"error":{"message":"boom \u00e9","traceback":"…"},"executions":[{"id":1},{"id":2}],"tags":[],"group":"llms","model":"openai/gpt-4o",` +
		`"usage":{"prompt_tokens":412,"prompt_tokens_cost_usd":1e-05,"completion_tokens":38,"completion_tokens_cost_usd":null,"total_tokens":450,"total_tokens_cost_usd":7.5e-05,"cost_estimated":true},"duration_ms":500}`
	const want = `{"id":"r1","parent_run_id":"p","name":"Order LLM","type":"node","group":"llms","status":"failed",` +
		`"start_time":"2026-01-01T00:00:00.5Z","end_time":"2026-01-01T00:00:01Z","duration_ms":500,"model":"openai/gpt-4o","node_id":"n-1",` +
		`"prompt_tokens":412,"completion_tokens":38,"total_tokens":450,"total_cost_usd":7.5e-05,"cost_estimated":true,"attempts":2,` +
		`"depends":["a","b"],"run_depends":["c\n"],"error":"boom \u00e9"}`
	const bare = `{"id":"r","name":null,"type":"flow","trace_id":"t","source_id":null,"session_id":null,"start_time":"2026-01-01T00:00:00Z",` +
		`"end_time":null,"parent_run_id":null,"status":null,"input":null,"output":null,"metadata":{},"error":null,"executions":[],"tags":[],` +
		`"group":null,"model":null,"usage":null,"duration_ms":null}`
	var s TreeScanner
	for _, c := range []struct{ in, want string }{
		{whole, want},
		{bare, `{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z"}`},
		{strings.Replace(bare, `"error":null`, `"error":{"message":""}`, 1), `{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z","error":""}`},
		{strings.Replace(bare, `"error":null`, `"error":{"message":null}`, 1), `{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z","error":""}`},
		{strings.Replace(bare, `"error":null`, `"error":["a\"b"]`, 1), `{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z","error":"[\"a\\\"b\"]"}`},
		{strings.Replace(bare, `"error":null`, `"error":"`+strings.Repeat("é", 200)+`"`, 1),
			`{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z","error":"` + strings.Repeat("é", 128) + `"}`},
		{strings.Replace(bare, `"metadata":{}`, `"metadata":{"node":[],"run_depends":[{}]}`, 1), `{"id":"r","type":"flow","status":"running","start_time":"2026-01-01T00:00:00Z"}`},
		{whole, want}, // nothing is left of the run before
	} {
		got, err := s.AppendNode(nil, []byte(c.in))
		if err != nil || string(got) != c.want || !json.Valid(got) {
			t.Errorf("%v\n got %s\nwant %s", err, got, c.want)
		}
	}
	for n := range len(whole) {
		if _, err := s.AppendNode(nil, []byte(whole[:n])); err == nil {
			t.Fatalf("cut at %d: no error", n)
		}
	}
}

func TestPreviewRun(t *testing.T) {
	const run = `{"id":"` + "a very long id that stays" + `","input":"0123456789\u00e9","output":{"a":"b\"c"},"metadata":{},"error":null,"tags":["stays whole, too"],"x":"as does this"}`
	for preview, want := range map[int]string{
		0: run, 1000: run,
		14: run,
		12: strings.Replace(run, `{"a":"b\"c"}`, `{"a":"b\"c"}`, 1),
		11: strings.Replace(strings.Replace(run, `"0123456789\u00e9"`, `"0123456789","input_truncated":true`, 1), `{"a":"b\"c"}`, `"{\"a\":\"b\\\"c\"","output_truncated":true`, 1),
		4:  strings.Replace(strings.Replace(run, `"0123456789\u00e9"`, `"0123","input_truncated":true`, 1), `{"a":"b\"c"}`, `"{\"a\"","output_truncated":true`, 1),
	} {
		got, err := PreviewRun([]byte(run), preview)
		if err != nil || string(got) != want || !json.Valid(got) {
			t.Errorf("%d: %v\n got %s\nwant %s", preview, err, got, want)
		}
	}
	if _, err := PreviewRun([]byte(run[:len(run)-1]), 5); err == nil {
		t.Error("a run that is cut off was taken")
	}
}

func TestMember(t *testing.T) {
	for name, want := range map[string]string{"a": "1", "b": `{"c":2}`, "c": "", "d": "null"} {
		got, err := Member([]byte(`{"a":1,"b":{"c":2},"d":null}`), name)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}
