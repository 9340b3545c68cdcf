package bench

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/otlp"
)

// otlpTraces is how many traces a round of BenchmarkOTLP stores in each
// encoding.
const otlpTraces = 5000

// BenchmarkOTLP: the processor time of the whole way into a store for OTLP
// protobuf against the same runs as Dynamiq JSON, one trace of five runs a
// request. The rounds take turns, so that other load hurts both alike.
func BenchmarkOTLP(b *testing.B) {
	c := loadCorpus(b)
	n := min(otlpTraces, c.len())
	spans := spansOf(b, c, n)
	for range b.N {
		var ratio, own, other []float64
		for range *rounds {
			d, o := otlpRound(b, c, spans, n)
			ratio = append(ratio, o.cpuMicros()/d.cpuMicros())
			own, other = append(own, o.cpuMicros()), append(other, d.cpuMicros())
		}
		r := Median(ratio)
		noTime(b)
		b.ReportMetric(r, "cpu-ratio")
		b.ReportMetric(Median(own), "otlp-cpu-µs/trace")
		b.ReportMetric(Median(other), "dynamiq-cpu-µs/trace")
		report.Set(Row{"CPU of OTLP protobuf", "≤ 1.5× Dynamiq JSON",
			fmt.Sprintf("%.2f× (%.0f of %.0f µs a trace)", r, Median(own), Median(other)), r <= 1.5})
	}
}

func otlpRound(b *testing.B, c *corpus, spans *corpus, n int) (dynamiq, protobuf cost) {
	dir := b.TempDir()
	phase("dynamiq")
	e, err := engine.Open(filepath.Join(dir, "dynamiq"), engine.Options{})
	check(b, err)
	dynamiq = loadN(b, n, inFlight, func(_, i int) error { return ingest(e, c.apps[i], c.body(i)) })
	check(b, e.Close())
	drop(b, filepath.Join(dir, "dynamiq"))
	phase("otlp")
	e, err = engine.Open(filepath.Join(dir, "otlp"), engine.Options{})
	check(b, err)
	protobuf = loadN(b, n, inFlight, func(_, i int) error { return ingestOTLP(e, c.apps[i], spans.body(i)) })
	check(b, e.Close())
	drop(b, filepath.Join(dir, "otlp"))
	return dynamiq, protobuf
}

// ingestOTLP stores one protobuf body as a server does.
func ingestOTLP(e *engine.Engine, app string, body []byte) error {
	batch, err := otlp.Parse(body, otlp.Protobuf, otlp.Options{})
	if err != nil {
		return err
	}
	if batch.Rejected > 0 || len(batch.Groups) != 1 || len(batch.Groups[0].Runs) != 5 {
		return fmt.Errorf("not five runs: %v", batch.Messages)
	}
	wait, err := e.Submit(context.Background(), app, batch.Groups[0].Runs)
	batch.Release()
	if err != nil {
		return err
	}
	res, err := wait(context.Background())
	if err == nil && res.Created != 5 {
		err = fmt.Errorf("%d runs were created", res.Created)
	}
	return err
}

// spansOf is the first n bodies of c as OTLP protobuf, outside of Go's heap as
// c is.
func spansOf(tb testing.TB, c *corpus, n int) *corpus {
	const room = 1 << 20
	arena, err := syscall.Mmap(-1, 0, n*32<<10+room, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	check(tb, err)
	out := &corpus{arena: arena, apps: c.apps}
	at := 0
	for i := range n {
		b := toSpans(tb, c.body(i))
		if len(arena)-at < len(b) {
			tb.Fatal("the bodies are larger than expected")
		}
		at += copy(arena[at:], b)
		out.ends = append(out.ends, at)
	}
	return out
}

// sentRun is a run as the Dynamiq SDK sends it.
type sentRun struct {
	ID, Type        string
	Name            *string
	TraceID         string  `json:"trace_id"`
	SessionID       string  `json:"session_id"`
	Start           string  `json:"start_time"`
	End             string  `json:"end_time"`
	Parent          *string `json:"parent_run_id"`
	Status          string
	Input, Output   json.RawMessage
	Metadata, Error json.RawMessage
	Tags            []string
	inputFacts      struct {
		UserID string `json:"user_id"`
	}
	metadataFacts runMetadata
}

type runMetadata struct {
	Node  struct{ Group, Model string }
	Usage *struct {
		Prompt     int64    `json:"prompt_tokens"`
		Completion int64    `json:"completion_tokens"`
		Total      int64    `json:"total_tokens"`
		Cost       *float64 `json:"total_tokens_cost_usd"`
	}
}

// toSpans writes the runs of a Dynamiq body as an instrumentation of the same
// program by today's conventions would (OpenLLMetry): GenAI attributes for the
// LLM call, entities for what is around it, inputs and outputs as JSON in
// attributes, the prompt as the input of the call, where the SDK hides it in the
// configuration, and the rest of that in an attribute of its own. Nothing is
// left out.
func toSpans(tb testing.TB, body []byte) []byte {
	var sent struct{ Runs []sentRun }
	check(tb, json.Unmarshal(body, &sent))
	scope := &tracev1.ScopeSpans{Scope: &commonv1.InstrumentationScope{Name: "openinference.instrumentation.bench", Version: "1.0"}}
	for i := range sent.Runs {
		scope.Spans = append(scope.Spans, toSpan(tb, &sent.Runs[i]))
	}
	b, err := proto.Marshal(&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{
		Resource: &resourcev1.Resource{Attributes: []*commonv1.KeyValue{strAttr("service.name", "bench"),
			strAttr("telemetry.sdk.language", "python"), strAttr("telemetry.sdk.name", "opentelemetry"), strAttr("telemetry.sdk.version", "1.40.0")}},
		ScopeSpans: []*tracev1.ScopeSpans{scope}}}})
	check(tb, err)
	return b
}

func toSpan(tb testing.TB, r *sentRun) *tracev1.Span {
	_ = json.Unmarshal(r.Input, &r.inputFacts) // not every input is an object
	check(tb, json.Unmarshal(r.Metadata, &r.metadataFacts))
	movePrompt(tb, r)
	trace, id := sha256.Sum256([]byte(r.TraceID)), sha256.Sum256([]byte(r.ID))
	s := &tracev1.Span{TraceId: trace[:16], SpanId: id[:8], Kind: tracev1.Span_SPAN_KIND_INTERNAL, Flags: 0x101,
		StartTimeUnixNano: nanos(tb, r.Start), EndTimeUnixNano: nanos(tb, r.End), Status: &tracev1.Status{Code: tracev1.Status_STATUS_CODE_OK}}
	if r.Name != nil {
		s.Name = *r.Name
	}
	if r.Parent != nil {
		parent := sha256.Sum256([]byte(*r.Parent))
		s.ParentSpanId = parent[:8]
	}
	s.Attributes = append([]*commonv1.KeyValue{strAttr("traceloop.association.properties.session_id", r.SessionID),
		strAttr("traceloop.association.properties.user_id", r.inputFacts.UserID), strAttr("dynamiq.metadata", string(r.Metadata))},
		contentOf(tb, r)...)
	if r.Status != "succeeded" {
		s.Status = &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR, Message: string(r.Error)}
	}
	return s
}

// contentOf is the attributes that depend on the kind of the run.
func contentOf(tb testing.TB, r *sentRun) []*commonv1.KeyValue {
	m := &r.metadataFacts
	if m.Node.Group != "llms" {
		kind := map[string]string{"agents": "agent", "tools": "tool"}[m.Node.Group]
		if kind == "" {
			kind = map[string]string{"workflow": "workflow"}[r.Type]
		}
		return []*commonv1.KeyValue{strAttr("traceloop.span.kind", cmp.Or(kind, "task")), strAttr("traceloop.entity.name", *r.Name),
			strAttr("traceloop.entity.input", string(r.Input)), strAttr("traceloop.entity.output", string(r.Output))}
	}
	var answer struct{ Content string }
	check(tb, json.Unmarshal(r.Output, &answer))
	list := []*commonv1.KeyValue{strAttr("gen_ai.operation.name", "chat"), strAttr("gen_ai.request.model", m.Node.Model),
		strAttr("gen_ai.input.messages", string(r.Input)),
		strAttr("gen_ai.output.messages", messages(tb, [][2]string{{"assistant", answer.Content}}))}
	if m.Usage != nil {
		list = append(list, intAttr("gen_ai.usage.input_tokens", m.Usage.Prompt), intAttr("gen_ai.usage.output_tokens", m.Usage.Completion))
		if m.Usage.Cost != nil {
			list = append(list, &commonv1.KeyValue{Key: "gen_ai.usage.cost",
				Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_DoubleValue{DoubleValue: *m.Usage.Cost}}})
		}
	}
	return list
}

// messages writes roles and texts in the GenAI conventions' form.
func messages(tb testing.TB, list [][2]string) string {
	type part struct {
		Type    string `json:"type"`
		Content string `json:"content"`
	}
	type message struct {
		Role  string `json:"role"`
		Parts []part `json:"parts"`
	}
	var out []message
	for _, m := range list {
		out = append(out, message{m[0], []part{{"text", m[1]}}})
	}
	b, err := json.Marshal(out)
	check(tb, err)
	return string(b)
}

// movePrompt makes the messages of an LLM call its input.
func movePrompt(tb testing.TB, r *sentRun) {
	if r.metadataFacts.Node.Group != "llms" {
		return
	}
	var metadata, node, prompt map[string]json.RawMessage
	check(tb, json.Unmarshal(r.Metadata, &metadata))
	check(tb, json.Unmarshal(metadata["node"], &node))
	check(tb, json.Unmarshal(node["prompt"], &prompt))
	var sent []struct{ Role, Content string }
	check(tb, json.Unmarshal(prompt["messages"], &sent))
	var list [][2]string
	for _, m := range sent {
		list = append(list, [2]string{m.Role, m.Content})
	}
	r.Input = json.RawMessage(messages(tb, list))
	delete(prompt, "messages")
	for _, up := range []struct {
		into map[string]json.RawMessage
		name string
		from map[string]json.RawMessage
	}{{node, "prompt", prompt}, {metadata, "node", node}} {
		b, err := json.Marshal(up.from)
		check(tb, err)
		up.into[up.name] = b
	}
	b, err := json.Marshal(metadata)
	check(tb, err)
	r.Metadata = b
}

func nanos(tb testing.TB, text string) uint64 {
	t, err := time.Parse(time.RFC3339Nano, text)
	check(tb, err)
	return uint64(t.UnixNano())
}

func strAttr(key, value string) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}}
}

func intAttr(key string, n int64) *commonv1.KeyValue {
	return &commonv1.KeyValue{Key: key, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: n}}}
}
