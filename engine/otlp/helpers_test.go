package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tracebed/tracebed/engine/trace"
)

// officialJSON makes protobuf's own JSON form of OTLP's: ids in base64.
func officialJSON(t testing.TB, body []byte) []byte {
	t.Helper()
	return idsTo(t, body, func(s string) (string, error) {
		id, err := hex.DecodeString(s)
		return base64.StdEncoding.EncodeToString(id), err
	})
}

// idsTo rewrites all ids of a JSON body.
func idsTo(t testing.TB, body []byte, rewrite func(string) (string, error)) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				if s, ok := x.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
					id, err := rewrite(s)
					if err != nil {
						t.Fatal(err)
					}
					v[k] = id
				}
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(v)
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// toProto re-encodes an OTLP JSON body as protobuf by the official types.
func toProto(t testing.TB, body []byte) []byte {
	t.Helper()
	var m proto.Message = new(tracev1.TracesData)
	if bytes.Contains(body, []byte("resourceLogs")) {
		m = new(logsv1.LogsData)
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(officialJSON(t, body), m); err != nil {
		t.Fatal(err)
	}
	out, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// spanBody is a body of one span with these attributes, given as name and JSON
// of an AnyValue by turns, and more members of the span.
func spanBody(more string, attrs ...string) []byte {
	var list []string
	for i := 0; i+1 < len(attrs); i += 2 {
		list = append(list, `{"key":`+quote(attrs[i])+`,"value":`+attrs[i+1]+`}`)
	}
	return []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001",` +
		`"name":"x","startTimeUnixNano":"1781082000000000000","endTimeUnixNano":"1781082001000000000"` + more +
		`,"attributes":[` + strings.Join(list, ",") + `]}]}]}]}`)
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// str is the AnyValue of a string.
func str(s string) string { return `{"stringValue":` + quote(s) + `}` }

// one parses a body of one span in both encodings, checks that they give the
// same, and returns the run.
func one(t *testing.T, body []byte) trace.Run {
	t.Helper()
	var run trace.Run
	for i, enc := range []Encoding{JSON, Protobuf} {
		text := body
		if enc == Protobuf {
			text = toProto(t, body)
		}
		b, err := Parse(text, enc, Options{})
		if err != nil || b.Rejected > 0 || len(b.Groups) != 1 || len(b.Groups[0].Runs) != 1 {
			t.Fatalf("encoding %d: %+v, %v", enc, b, err)
		}
		got := b.Groups[0].Runs[0]
		if i > 0 && string(got.JSON) != string(run.JSON) {
			t.Fatalf("encodings differ\nJSON     %s\nprotobuf %s", run.JSON, got.JSON)
		}
		run = got
		checkRun(t, &run)
	}
	return run
}

// checkRun checks that the JSON of a run reads back as the run.
func checkRun(t testing.TB, r *trace.Run) {
	t.Helper()
	back, err := trace.ParseRun(r.JSON)
	if err != nil {
		t.Fatalf("%v in %s", err, r.JSON)
	}
	if diff := difference(&back, r); diff != "" {
		t.Fatalf("read back: %s\n%s", diff, r.JSON)
	}
	if !json.Valid(r.JSON) {
		t.Fatalf("not valid JSON: %s", r.JSON)
	}
}

// metadata is metadata of a run, decoded.
func metadata(t *testing.T, r *trace.Run) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.Metadata, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// jsonOf writes a protobuf body in OTLP's JSON form.
func jsonOf(t testing.TB, body []byte) []byte {
	t.Helper()
	var m tracev1.TracesData
	if err := proto.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	return idsTo(t, text, func(s string) (string, error) {
		id, err := base64.StdEncoding.DecodeString(s)
		return hex.EncodeToString(id), err
	})
}
