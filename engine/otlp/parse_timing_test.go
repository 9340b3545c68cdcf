package otlp

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/tracebed/tracebed/engine/dynamiq"
)

// fiveSpans is a request of some 17 KB with five spans of an agent, as the SDKs
// of today send them; fiveRuns says the same as the Dynamiq SDK does.
func fiveSpans(t testing.TB) []byte {
	text := strings.Repeat("The customer asks about \"order 4711\" and wants a refund for the damaged item.\n", 6)
	str := func(k, v string) *commonv1.KeyValue {
		return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: v}}}
	}
	num := func(k string, n int64) *commonv1.KeyValue {
		return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: n}}}
	}
	message := func(role, text string) string {
		return fmt.Sprintf(`{"role":"%s","parts":[{"type":"text","content":%q}]}`, role, text)
	}
	scope := &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: "opentelemetry.instrumentation.openai_v2", Version: "2.3.0"}}
	for i := range 5 {
		s := &tracev1.Span{TraceId: []byte("0123456789abcdef"), SpanId: []byte{1, 2, 3, 4, 5, 6, 7, byte(i)}, Name: "chat gpt-4o-mini", Kind: 3,
			StartTimeUnixNano: 1781082000104233000 + uint64(i)*1e9, EndTimeUnixNano: 1781082009911870000, Flags: 0x101}
		if i > 0 {
			s.ParentSpanId = []byte{1, 2, 3, 4, 5, 6, 7, 0}
		}
		s.Attributes = []*commonv1.KeyValue{str("gen_ai.operation.name", "chat"), str("gen_ai.provider.name", "openai"),
			str("gen_ai.request.model", "gpt-4o-mini"), str("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
			num("gen_ai.usage.input_tokens", 412), num("gen_ai.usage.output_tokens", 38), num("gen_ai.usage.cache_read.input_tokens", 256),
			str("gen_ai.response.id", "chatcmpl-9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d"), num("gen_ai.request.max_tokens", 500),
			str("server.address", "api.openai.com"), num("server.port", 443), str("session.id", "7f1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa"),
			str("gen_ai.conversation.id", "7f1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa"), str("user.id", "u"),
			str("gen_ai.input.messages", "["+message("system", text)+","+message("user", text)+","+message("assistant", text)+","+
				message("user", text)+","+message("user", text)+"]"),
			str("gen_ai.output.messages", "["+message("assistant", text)+"]"),
		}
		scope.Spans = append(scope.Spans, s)
	}
	body, err := proto.Marshal(&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{scope}}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func fiveRuns() []byte {
	text := strings.Repeat(`The customer asks about \"order 4711\" and wants a refund for the damaged item.\n`, 6)
	var runs []string
	for i := range 5 {
		parent := "null"
		if i > 0 {
			parent = `"00001a01-0000-4613-8e08-00018cca2f32"`
		}
		message := func(role string) string { return `{"role":"` + role + `","content":"` + text + `"}` }
		runs = append(runs, fmt.Sprintf(`{"id":"00001a01-000%d-4613-8e08-00018cca2f32","name":"Order LLM","type":"node",`+
			`"trace_id":"00001a01-0001-4613-8e08-00018cca2f32","source_id":"5e1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa",`+
			`"session_id":"7f1f0c8e-9c0a-4bb0-8d10-4c8a40d3b7aa","start_time":"2026-06-10T09:15:0%d.104233+00:00",`+
			`"end_time":"2026-06-10T09:15:09.911870+00:00","parent_run_id":%s,"status":"succeeded",`+
			`"input":{"user_id":"u","messages":[%s,%s,%s,%s,%s]},"output":{"content":"%s"},"metadata":{"node":{"id":"x","name":"LLM",`+
			`"group":"llms","type":"dynamiq.nodes.llms.OpenAI","model":"openai/gpt-4o-mini"},"usage":{"prompt_tokens":412,"completion_tokens":38,`+
			`"total_tokens":450,"cache_read_input_tokens":256}},"error":null,"executions":[],"tags":[]}`,
			i, i, parent, message("system"), message("user"), message("assistant"), message("user"), message("user"), text))
	}
	return []byte(`{"runs":[` + strings.Join(runs, ",") + `]}`)
}

// BenchmarkParse compares what a request costs with the same runs as Dynamiq
// JSON, and with decoding it into the generated types alone.
func BenchmarkParse(b *testing.B) {
	body := fiveSpans(b)
	b.Run("protobuf", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if batch, err := Parse(body, Protobuf, Options{}); err != nil || len(batch.Groups[0].Runs) != 5 {
				b.Fatal(err)
			}
		}
	})
	b.Run("dynamiq", func(b *testing.B) {
		body := fiveRuns()
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if runs, _, err := dynamiq.Parse(body, dynamiq.Options{}); err != nil || len(runs) != 5 {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		body := jsonOf(b, body)
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if batch, err := Parse(body, JSON, Options{}); err != nil || len(batch.Groups[0].Runs) != 5 {
				b.Fatal(err)
			}
		}
	})
	b.Run("generated-types-only", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if err := proto.Unmarshal(body, new(tracev1.TracesData)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
