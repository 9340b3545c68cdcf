package otlp

import (
	"fmt"
	"math/rand/v2"
	"testing"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestAgainstGeneratedTypes: random requests, encoded by the generated types
// as protobuf and as JSON, come out the same.
func TestAgainstGeneratedTypes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		body, err := proto.Marshal(randomRequest(r))
		if err != nil {
			t.Fatal(err)
		}
		text := jsonOf(t, body)
		a, errA := Parse(body, Protobuf, Options{})
		b, errB := Parse(text, JSON, Options{})
		if errA != nil || errB != nil || a.Rejected != b.Rejected || len(a.Groups) != len(b.Groups) {
			t.Fatalf("%v, %v\n%+v\n%+v", errA, errB, a, b)
		}
		for i := range a.Groups {
			x, y := a.Groups[i], b.Groups[i]
			if x.App != y.App || len(x.Runs) != len(y.Runs) {
				t.Fatalf("groups %v, %v", x, y)
			}
			for j := range x.Runs {
				checkRun(t, &x.Runs[j])
				if diff := difference(&x.Runs[j], &y.Runs[j]); diff != "" {
					t.Fatalf("%s\n%s\n%s", diff, x.Runs[j].JSON, y.Runs[j].JSON)
				}
			}
		}
	}
}

func randomRequest(r *rand.Rand) *tracev1.TracesData {
	m := new(tracev1.TracesData)
	for range r.IntN(3) {
		rs := &tracev1.ResourceSpans{Resource: &resourcev1.Resource{Attributes: randomAttrs(r, 3)}, SchemaUrl: pick1(r, "", "https://s")}
		for range r.IntN(3) {
			ss := &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: pick1(r, "", "lib"), Attributes: randomAttrs(r, 2)}}
			for range r.IntN(4) {
				ss.Spans = append(ss.Spans, randomSpan(r))
			}
			rs.ScopeSpans = append(rs.ScopeSpans, ss)
		}
		m.ResourceSpans = append(m.ResourceSpans, rs)
	}
	return m
}

func randomSpan(r *rand.Rand) *tracev1.Span {
	s := &tracev1.Span{TraceId: []byte("0123456789abcdef")[:pick1(r, 16, 16, 16, 3)], SpanId: []byte{1, 2, 3, 4, 5, 6, 7, byte(r.IntN(9))},
		Name: pick1(r, "", "chat", "a\"\n é"), Kind: tracev1.Span_SpanKind(r.IntN(6)), StartTimeUnixNano: 1781082000000000000 + r.Uint64N(1e10),
		EndTimeUnixNano: pick1(r, 0, 1781082005000000000+r.Uint64N(1e10)), Attributes: randomAttrs(r, 12), Flags: pick1(r, uint32(0), 0x101, 0x301),
		DroppedAttributesCount: r.Uint32N(2), DroppedEventsCount: r.Uint32N(2), TraceState: pick1(r, "", "a=b"),
		Status: pick1(r, nil, &tracev1.Status{Code: tracev1.Status_StatusCode(r.IntN(3)), Message: pick1(r, "", "boom")})}
	if r.IntN(2) > 0 {
		s.ParentSpanId = []byte("parent78")
	}
	for range r.IntN(3) {
		s.Events = append(s.Events, &tracev1.Span_Event{TimeUnixNano: r.Uint64N(2e18), Name: pick1(r, "e", "exception", "gen_ai.choice", "gen_ai.user.message"),
			Attributes: randomAttrs(r, 3)})
	}
	for range r.IntN(2) {
		s.Links = append(s.Links, &tracev1.Span_Link{TraceId: []byte("0123456789abcdef"), SpanId: []byte("12345678"), Attributes: randomAttrs(r, 2), Flags: 1})
	}
	return s
}

func pick1[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func randomAttrs(r *rand.Rand, most int) []*commonv1.KeyValue {
	var list []*commonv1.KeyValue
	for range r.IntN(most + 1) {
		key := fmt.Sprint("custom.", r.IntN(5))
		if r.IntN(3) > 0 {
			key = mappings[r.IntN(len(mappings))].attr
		}
		list = append(list, &commonv1.KeyValue{Key: key, Value: randomValue(r, 3)})
	}
	return list
}

func randomValue(r *rand.Rand, depth int) *commonv1.AnyValue {
	switch r.IntN(9) {
	case 0:
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: int64(r.Uint64()) >> r.IntN(64)}}
	case 1:
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: r.NormFloat64()}}
	case 2:
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_BoolValue{BoolValue: r.IntN(2) > 0}}
	case 3:
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_BytesValue{BytesValue: []byte{1, 2, 255}}}
	case 4:
		list := new(commonv1.ArrayValue)
		for range r.IntN(depth + 1) {
			list.Values = append(list.Values, randomValue(r, depth-1))
		}
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_ArrayValue{ArrayValue: list}}
	case 5:
		list := new(commonv1.KeyValueList)
		for i := range r.IntN(depth + 1) {
			list.Values = append(list.Values, &commonv1.KeyValue{Key: pick1(r, "role", "content", "parts", fmt.Sprint("k", i)), Value: randomValue(r, depth-1)})
		}
		return &commonv1.AnyValue{Value: &commonv1.AnyValue_KvlistValue{KvlistValue: list}}
	}
	return &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: pick1(r, "", "abc", "7", "0.5", hello, openAI, `{"a": 1}`, "[1,", "chat", "\u2028é", `{"input":3,"output":"x"}`)}}
}
