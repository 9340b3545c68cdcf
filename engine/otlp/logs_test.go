package otlp

import (
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

func logBody(records ...string) []byte {
	return []byte(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},"scopeLogs":[{"logRecords":[` +
		strings.Join(records, ",") + `]}]}]}`)
}

func record(more string, attrs ...string) string {
	var list []string
	for i := 0; i+1 < len(attrs); i += 2 {
		list = append(list, `{"key":`+quote(attrs[i])+`,"value":`+attrs[i+1]+`}`)
	}
	return `{"timeUnixNano":"1781082000000000000","traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001"` + more +
		`,"attributes":[` + strings.Join(list, ",") + `]}`
}

func parseLogs(t *testing.T, body []byte) Batch {
	t.Helper()
	b, err := ParseLogs(body, JSON, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseLogs(toProto(t, body), Protobuf, Options{})
	if err != nil || len(p.Groups) != len(b.Groups) || p.Ignored != b.Ignored || p.Rejected != b.Rejected {
		t.Fatalf("encodings differ: %v\n%+v\n%+v", err, p, b)
	}
	for j, g := range b.Groups {
		for i := range g.Runs {
			checkRun(t, &g.Runs[i])
			if diff := difference(&g.Runs[i], &p.Groups[j].Runs[i]); diff != "" {
				t.Fatal("encodings differ: ", diff)
			}
		}
	}
	return b
}

// TestLogEvents: an event is a child of its span, the same one each time; it
// has no usage of its own; other records are passed over.
func TestLogEvents(t *testing.T) {
	details := record(`,"eventName":"gen_ai.client.inference.operation.details","severityText":"INFO","observedTimeUnixNano":"7"`,
		"gen_ai.input.messages", str(hello), "gen_ai.output.messages", str(helloBack), "gen_ai.request.model", str("m"),
		"gen_ai.usage.input_tokens", `{"intValue":5}`, "gen_ai.operation.name", str("chat"))
	score := record(`,"body":{"stringValue":"text"}`, "event.name", str("gen_ai.evaluation.result"), "gen_ai.evaluation.name", str("Relevance"),
		"gen_ai.evaluation.score.value", `{"doubleValue":0.5}`)
	b := parseLogs(t, logBody(details, record(`,"eventName":"other"`), score, `{"timeUnixNano":"1","body":{"stringValue":"plain"}}`,
		`{"eventName":"gen_ai.evaluation.result","timeUnixNano":"1","traceId":"5b8efff798038103d269b633813fc60c"}`,
		strings.Replace(details, "1781082000000000000", "1781082000000000001", 1)))
	if b.Ignored != 2 || b.Rejected != 1 || len(b.Groups) != 1 || b.Groups[0].App != "s" || len(b.Groups[0].Runs) != 3 {
		t.Fatalf("%+v", b)
	}
	runs := b.Groups[0].Runs
	d, e := runs[0], runs[1]
	if d.ParentID != "a100000000000001" || d.Type != "node" || d.Group != "utils" || d.Usage != nil || d.Model != "" ||
		string(d.Input) != hello || string(d.Output) != helloBack || d.Start != d.End || d.ID == runs[2].ID {
		t.Errorf("details: %s", d.JSON)
	}
	if e.Group != "validators" || string(e.Output) != `{"name":"Relevance","score.value":0.5}` || !strings.Contains(string(e.Metadata), `"log":true,"body":"text"`) {
		t.Errorf("evaluation: %s", e.JSON)
	}
	if again := parseLogs(t, logBody(score, details)); again.Groups[0].Runs[1].Hash != d.Hash || again.Groups[0].Runs[0].Hash != e.Hash {
		t.Error("the same record is another run when it comes again")
	}

	// Before, after and without its span: nothing is lost, nothing counts twice.
	span := one(t, spanBody("", "gen_ai.operation.name", str("chat"), "gen_ai.usage.input_tokens", `{"intValue":5}`))
	for _, order := range [][]trace.Run{{span, d}, {d, span}, {d, span, d, span}} {
		var stored []trace.Run
		for i := range order {
			stored, _, _, _ = trace.Merge(stored, order[i:i+1])
		}
		got := render(t, stored)
		if got["status"] != "succeeded" || got["usage"].(map[string]any)["prompt_tokens"] != 5.0 || got["input"] == nil || got["run_count"] != 2.0 {
			t.Errorf("trace %v", got)
		}
	}
	if got := render(t, []trace.Run{d}); got["status"] != "running" {
		t.Errorf("the event alone: %v", got)
	}
}
