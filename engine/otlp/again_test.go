package otlp

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// again sends runs as an export has them, in a Dynamiq body.
func again(t *testing.T, runs []trace.Run, indent bool) []trace.Run {
	t.Helper()
	var list [][]byte
	for i := range runs {
		list = append(list, runs[i].JSON)
	}
	body := append(append([]byte(`{"runs":[`), bytes.Join(list, []byte{','})...), "]}"...)
	if indent {
		var b bytes.Buffer
		if err := json.Indent(&b, body, "", "  "); err != nil {
			t.Fatal(err)
		}
		body = b.Bytes()
	}
	out, rejected, err := dynamiq.Parse(body, dynamiq.Options{})
	if err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
	return out
}

// TestIngestedAgain: an export of spans that is ingested makes the same runs,
// byte for byte, so that nothing is lost and nothing counts twice.
func TestIngestedAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	spans := 0
	for n := range 200 {
		body, err := proto.Marshal(randomRequest(r))
		if err != nil {
			t.Fatal(err)
		}
		batch, err := Parse(body, Protobuf, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range batch.Groups {
			spans += len(g.Runs)
			for i, back := range again(t, g.Runs, n%2 > 0) {
				if diff := difference(&back, &g.Runs[i]); diff != "" || string(back.JSON) != string(g.Runs[i].JSON) {
					t.Fatalf("%s\nsent %s\ncame %s", diff, g.Runs[i].JSON, back.JSON)
				}
				if !back.Same(&g.Runs[i]) {
					t.Fatal("the copy is an update")
				}
			}
		}
	}
	if spans < 100 {
		t.Fatalf("%d spans only", spans)
	}
}

// TestNotAgain: what only looks like such a run keeps the rules of Dynamiq
// runs, and all that it has.
func TestNotAgain(t *testing.T) {
	run := one(t, spanBody("", "gen_ai.operation.name", str("chat"), "gen_ai.usage.input_tokens", `{"intValue":7}`))
	for name, change := range map[string]func(string) string{
		"no span":         func(s string) string { return strings.Replace(s, `"otlp":{`, `"other":{`, 1) },
		"another source":  func(s string) string { return strings.Replace(s, `"source":"otlp"`, `"source":"x"`, 1) },
		"more members":    func(s string) string { return strings.Replace(s, `"source":"otlp"`, `"source":"otlp","mine":1`, 1) },
		"not ended":       func(s string) string { return strings.Replace(s, `"status":"succeeded"`, `"status":null`, 1) },
		"with executions": func(s string) string { return strings.Replace(s, `"executions":[]`, `"executions":[{}]`, 1) },
	} {
		text := change(string(run.JSON))
		if text == string(run.JSON) {
			t.Fatalf("%s: nothing changed", name)
		}
		runs, rejected, err := dynamiq.Parse([]byte(`{"runs":[`+text+`]}`), dynamiq.Options{})
		if err != nil || len(rejected) > 0 {
			t.Fatal(name, rejected, err)
		}
		if r := runs[0]; r.FromSpan || r.Usage != nil || !strings.Contains(string(r.JSON), `"source":`) {
			t.Errorf("%s: %s", name, r.JSON)
		}
	}
}
