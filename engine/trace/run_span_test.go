package trace

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// spanRun is a run made of a span that has everything.
func spanRun() Run {
	cost := picoUSD(1_500_000)
	return Run{ID: "s1", TraceID: "t", ParentID: "p", ParentRemote: true, Name: new("a \"b\""), Type: "node", Group: "llms", Model: "m",
		Status: RunFailed, Start: Time{NS: 1e18, Digits: 6, Valid: true}, End: Time{NS: 1e18 + 1500, Digits: 9, Valid: true},
		Usage: &Usage{PromptTokens: 5, CompletionTokens: 2, TotalTokens: 7, TotalCost: cost, CacheReadTokens: 3, ReasoningTokens: 1,
			CostEstimated: true},
		SessionID: "se", UserID: "u", Version: "1", Environment: "prod", Tags: []string{"x", "y"},
		Input: []byte(`[1]`), Output: []byte(`null`), Error: []byte(`{"message":"no"}`)}
}

func appendSpan(r *Run, metadata string) {
	AppendSpan(nil, r, func(dst []byte) []byte { return append(dst, metadata...) })
}

// TestAppendSpan: the JSON has the members in order, and reads back.
func TestAppendSpan(t *testing.T) {
	r := spanRun()
	appendSpan(&r, `{"plan":"pro","otlp":{}}`)
	const want = `{"id":"s1","name":"a \"b\"","type":"node","trace_id":"t","source_id":null,"session_id":"se","start_time":"2001-09-09T01:46:40.000000Z",` +
		`"end_time":"2001-09-09T01:46:40.000001500Z","parent_run_id":"p","status":"failed","input":[1],"output":null,` +
		`"metadata":{"plan":"pro","otlp":{}},"error":{"message":"no"},"executions":[],"tags":["x","y"],"group":"llms","model":"m",` +
		`"usage":{"prompt_tokens":5,"prompt_tokens_cost_usd":null,"completion_tokens":2,"completion_tokens_cost_usd":null,` +
		`"total_tokens":7,"total_tokens_cost_usd":0.0000015,"cache_read_input_tokens":3,"cache_creation_input_tokens":null,"reasoning_tokens":1,"cost_estimated":true},` +
		`"duration_ms":0.001,"source":"otlp","parent_remote":true,"user_id":"u","version":"1","environment":"prod"}`
	if string(r.JSON) != want {
		t.Errorf("got  %s\nwant %s", r.JSON, want)
	}
	back, err := ParseRun(r.JSON)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%v\n%+v\n%+v", err, back, r)
	}

	bare := Run{ID: "s", TraceID: "t", Type: "node", Status: RunSucceeded, Start: Time{NS: 5000, Digits: 6, Valid: true}, End: Time{NS: 5000, Digits: 6, Valid: true}}
	appendSpan(&bare, `{}`)
	back, err = ParseRun(bare.JSON)
	if err != nil || !reflect.DeepEqual(back, bare) || back.Input != nil || back.Output != nil || bytes.Contains(bare.JSON, []byte("parent_remote")) {
		t.Errorf("%v\n%+v\n%+v", err, back, bare)
	}
}

// TestSpanMembersOfClients: no member that a client sends is taken for one of
// AppendSpan, wherever it stands; Dynamiq runs keep their bytes.
func TestSpanMembersOfClients(t *testing.T) {
	const sent = `{"id":"a","type":"node","trace_id":"t","start_time":"2026-01-01T00:00:00Z","status":"succeeded","parent_run_id":"p",` +
		`"input":{"user_id":"u"},"metadata":{"environment":"e","workflow":{"version":3},"otlp":{},"usage":{"reasoning_tokens":1}},"duration_ms":5,` +
		`"source":"otlp","parent_remote":true,"user_id":"x","version":"9","environment":"z"}`
	var s jsonscan.Scanner
	s.Reset([]byte(sent))
	var f Fields
	var r Run
	if err := f.Scan(&s); err != nil {
		t.Fatal(err)
	}
	if reason := f.Facts(&r); reason != "" {
		t.Fatal(reason)
	}
	f.AppendCanonical(nil, &r)
	back, err := ParseRun(r.JSON)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []*Run{&r, &back} {
		if run.FromSpan || run.ParentRemote || run.UserID != "" && run.UserID != "u" {
			t.Errorf("taken for a span: %+v", run)
		}
	}
	if !strings.Contains(string(r.JSON), `"tags":[],"source":"otlp","parent_remote":true,"user_id":"x","version":"9","environment":"z","group":null`) ||
		!strings.HasSuffix(string(r.JSON), `"duration_ms":0}`) {
		t.Errorf("the client's members moved: %s", r.JSON)
	}
}

// TestSpanRoots: a root that is an HTTP server span says what its descendants
// say; its user's metadata is not cut down as the SDK's is.
func TestSpanRoots(t *testing.T) {
	at := func(ns int64) Time { return Time{NS: ns, Digits: 6, Valid: true} }
	root := Run{ID: "r", TraceID: "t", Type: "workflow", Status: RunFailed, Start: at(1000), End: at(9000)}
	child := Run{ID: "c", TraceID: "t", ParentID: "r", Type: "node", Group: "llms", Status: RunFailed, Start: at(2000), End: at(8000),
		Input: []byte(`"q"`), Output: []byte(`"a"`), SessionID: "s", UserID: "u", Version: "1", Environment: "prod", Tags: []string{"x"},
		Error: []byte(`{"message":"no"}`)}
	late := child
	late.ID, late.Start, late.SessionID = "d", at(3000), "other"
	appendSpan(&root, `{"gen_ai":{},"otlp":{"attributes":{}}}`)
	appendSpan(&child, `{"workflow":1,"usage":2,"failed_nodes":[{"error_message":"user's"}],"gen_ai":{},"otlp":{}}`)
	appendSpan(&late, `{"otlp":{}}`)
	runs := []Run{late, root, child}
	s := Derive(runs, Options{})
	var got map[string]any
	if err := json.Unmarshal(append(AppendTrace(nil, "app", runs, &s, at(0), Options{}), '}'), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"session_id": "s", "user_id": "u", "version": "1", "environment": "prod", "tags": []any{"x"}, "input": "q", "output": "a",
		"error": "no", "metadata": map[string]any{"workflow": 1.0, "usage": 2.0, "failed_nodes": []any{map[string]any{"error_message": "user's"}}}}
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("%s = %v, want %v", k, got[k], v)
		}
	}
	child.FromSpan, root.FromSpan, late.FromSpan = false, false, false
	runs = []Run{late, root, child}
	s = Derive(runs, Options{})
	if raw := AppendTrace(nil, "app", runs, &s, at(0), Options{}); !bytes.Contains(raw, []byte(`"session_id":null,"user_id":null`)) ||
		!bytes.Contains(raw, []byte(`"tags":[]`)) {
		t.Errorf("Dynamiq roots speak for themselves: %s", raw)
	}
}
