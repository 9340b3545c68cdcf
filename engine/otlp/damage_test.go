package otlp

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// damages make a span of JSON one that cannot be taken, whatever else it has.
var damages = []func(s map[string]any){
	func(s map[string]any) { s["traceId"] = "0102" },
	func(s map[string]any) { s["traceId"] = "00000000000000000000000000000000" },
	func(s map[string]any) { s["spanId"] = "" },
	func(s map[string]any) { s["spanId"] = "zz00000000000001" },
	func(s map[string]any) { s["parentSpanId"] = "01" },
	func(s map[string]any) { s["startTimeUnixNano"] = "18446744073709551615" },
	func(s map[string]any) { s["startTimeUnixNano"] = "yesterday" },
	func(s map[string]any) { s["attributes"] = map[string]any{"a": 1} },
	func(s map[string]any) { s["attributes"] = []any{7} },
	func(s map[string]any) { s["events"] = "none" },
	func(s map[string]any) { s["status"] = []any{} },
	func(s map[string]any) {
		s["attributes"] = []any{map[string]any{"key": "k", "value": map[string]any{"intValue": "many"}}}
	},
}

// TestDamagedSpansJSON: in random valid requests spans are damaged at random;
// all others come out as without them, and just the damaged ones are counted.
func TestDamagedSpansJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		body := validRequest(t, r)
		var v struct {
			ResourceSpans []struct {
				Resource   any `json:"resource,omitempty"`
				ScopeSpans []struct {
					Scope any              `json:"scope,omitempty"`
					Spans []map[string]any `json:"spans"`
				} `json:"scopeSpans"`
			} `json:"resourceSpans"`
		}
		if err := json.Unmarshal(jsonOf(t, body), &v); err != nil {
			t.Fatal(err)
		}
		whole := encodeJSON(t, v)
		bad := map[string]bool{}
		for i := range v.ResourceSpans {
			for j := range v.ResourceSpans[i].ScopeSpans {
				for _, s := range v.ResourceSpans[i].ScopeSpans[j].Spans {
					if r.IntN(3) == 0 {
						bad[fmt.Sprint(s["spanId"])] = true
						damages[r.IntN(len(damages))](s)
					}
				}
			}
		}
		checkDamaged(t, whole, encodeJSON(t, v), JSON, bad)
	}
}

// TestDamagedSpansProtobuf is the same for protobuf, with damage that its
// messages can have: wrong ids, bad times, bytes that are no message.
func TestDamagedSpansProtobuf(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 300 {
		whole := validRequest(t, r)
		var m tracev1.TracesData
		if err := proto.Unmarshal(whole, &m); err != nil {
			t.Fatal(err)
		}
		bad := map[string]bool{}
		var out []byte
		for _, rs := range m.ResourceSpans {
			var scopes []byte
			for _, ss := range rs.ScopeSpans {
				var spans []byte
				for _, s := range ss.Spans {
					b := protoBytes(t, s)
					if r.IntN(3) == 0 {
						bad[fmt.Sprintf("%x", s.SpanId)] = true
						b = damagedProto(t, r, s)
					}
					spans = appendField(spans, fieldItems, b)
				}
				ss.Spans = nil
				scopes = appendField(scopes, fieldScopes, append(protoBytes(t, ss), spans...))
			}
			rs.ScopeSpans = nil
			out = appendField(out, fieldData, append(protoBytes(t, rs), scopes...))
		}
		checkDamaged(t, whole, out, Protobuf, bad)
	}
}

// damagedProto is a span that cannot be taken.
func damagedProto(t *testing.T, r *rand.Rand, s *tracev1.Span) []byte {
	switch r.IntN(6) {
	case 0:
		s.TraceId = s.TraceId[:7]
	case 1:
		s.SpanId = make([]byte, 8)
	case 2:
		s.ParentSpanId = []byte{1}
	case 3:
		s.StartTimeUnixNano = 1 << 63
	case 4:
		return append(protoBytes(t, s), 0xff)
	default: // an attribute that is cut off
		return appendField(protoBytes(t, s), 9, []byte{0x0a, 0x20, 'k'})
	}
	return protoBytes(t, s)
}

// validRequest is a random request whose spans can all be taken and have
// different ids.
func validRequest(t *testing.T, r *rand.Rand) []byte {
	m := randomRequest(r)
	n := uint64(0)
	for _, rs := range m.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				n++
				s.TraceId, s.SpanId = []byte("0123456789abcdef"), []byte{9, 9, 9, 9, 9, 9, 9, byte(n)}
			}
		}
	}
	return protoBytes(t, m)
}

func checkDamaged(t *testing.T, whole, damaged []byte, enc Encoding, bad map[string]bool) {
	t.Helper()
	a, err := Parse(whole, enc, Options{})
	if err != nil || a.Rejected > 0 {
		t.Fatalf("the whole request: %v, %v", a.Messages, err)
	}
	b, err := Parse(damaged, enc, Options{})
	if err != nil || b.Rejected != len(bad) {
		t.Fatalf("%d rejected of %d: %v, %v\n%s", b.Rejected, len(bad), b.Messages, err, damaged)
	}
	got := map[string]string{}
	for _, g := range b.Groups {
		for i := range g.Runs {
			got[g.Runs[i].ID] = g.App + " " + string(g.Runs[i].JSON)
		}
	}
	for _, g := range a.Groups {
		for i := range g.Runs {
			run := &g.Runs[i]
			if bad[run.ID] {
				continue
			}
			if got[run.ID] != g.App+" "+string(run.JSON) {
				t.Fatalf("a neighbour changed\nwithout %s\nwith %s", run.JSON, got[run.ID])
			}
			delete(got, run.ID)
		}
	}
	if len(got) > 0 {
		t.Fatalf("%d runs of damaged spans", len(got))
	}
}

func protoBytes(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func appendField(dst []byte, num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), b)
}

func encodeJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
