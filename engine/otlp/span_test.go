package otlp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

func eventJSON(name string, attrs ...string) string {
	list := make([]string, 0, len(attrs)/2)
	for i := 0; i+1 < len(attrs); i += 2 {
		list = append(list, `{"key":`+quote(attrs[i])+`,"value":`+attrs[i+1]+`}`)
	}
	return `{"name":"` + name + `","timeUnixNano":"1781082000500000001","attributes":[` + strings.Join(list, ",") + `]}`
}

// TestMessageEvents: the messages of span events, old and older.
func TestMessageEvents(t *testing.T) {
	r := one(t, spanBody(`,"events":[`+strings.Join([]string{
		eventJSON("gen_ai.system.message", "content", str("be kind"), "gen_ai.system", str("openai")),
		eventJSON("gen_ai.user.message", "content", str("hi")),
		eventJSON("gen_ai.assistant.message", "tool_calls", str(`[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]`)),
		eventJSON("gen_ai.tool.message", "id", str("c"), "content", str("5")),
		eventJSON("gen_ai.choice", "index", `{"intValue":0}`, "finish_reason", str("stop"), "message",
			`{"kvlistValue":{"values":[{"key":"role","value":`+str("assistant")+`},{"key":"content","value":`+str("bye")+`}]}}`),
	}, ",")+`]`, "gen_ai.operation.name", str("chat")))
	wantIn := `[{"role":"system","parts":[{"type":"text","content":"be kind"}]},{"role":"user","parts":[{"type":"text","content":"hi"}]},` +
		`{"role":"assistant","parts":[{"type":"tool_call","id":"c","name":"f","arguments":{"a":1}}]},` +
		`{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"5"}]}]`
	wantOut := `[{"role":"assistant","parts":[{"type":"text","content":"bye"}],"finish_reason":"stop"}]`
	if string(r.Input) != wantIn || string(r.Output) != wantOut {
		t.Errorf("input %s\noutput %s", r.Input, r.Output)
	}
	r = one(t, spanBody(`,"events":[`+eventJSON("gen_ai.content.prompt", "gen_ai.prompt", str(openAI))+`,`+
		eventJSON("gen_ai.content.completion", "gen_ai.completion", str("bye"))+`]`))
	if string(r.Input) != hello || string(r.Output) != `[{"role":"assistant","parts":[{"type":"text","content":"bye"}]}]` {
		t.Errorf("input %s\noutput %s", r.Input, r.Output)
	}
}

// TestMessages: every shape of a message and of its parts.
func TestMessages(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]`,
			`[{"role":"user","parts":[{"type":"text","content":"a"},{"type":"image_url","image_url":{"url":"u"}}]}]`},
		{`[{"role":"user","content":"[{\"type\":\"text\",\"text\":\"a\"}]"}]`, `[{"role":"user","parts":[{"type":"text","content":"a"}]}]`},
		{`[{"role":"user","content":"[1]"}]`, `[{"role":"user","parts":[{"type":"text","content":"[1]"}]}]`},
		{`[{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"tool_use","id":"i","name":"n","input":{"a":1}}]}]`,
			`[{"role":"assistant","parts":[{"type":"reasoning","content":"t"},{"type":"tool_call","id":"i","name":"n","arguments":{"a":1}}]}]`},
		{`[{"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":"r"}]}]`,
			`[{"role":"user","parts":[{"type":"tool_call_response","id":"i","response":"r"}]}]`},
		{`[{"role":"tool","content":[{"type":"tool-result","toolCallId":"i","toolName":"n","result":{"a":1}}]}]`,
			`[{"role":"tool","parts":[{"type":"tool_call_response","id":"i","response":{"a":1}}]}]`},
		{`[{"role":"tool","content":[{"type":"tool-result","toolCallId":"i","toolName":"n","output":{"type":"json","value":{"a":1}}}]}]`,
			`[{"role":"tool","parts":[{"type":"tool_call_response","id":"i","response":{"a":1}}]}]`},
		{`[{"role":"assistant","content":[{"type":"tool-call","toolCallId":"i","toolName":"n","args":{"a":1}}]}]`,
			`[{"role":"assistant","parts":[{"type":"tool_call","id":"i","name":"n","arguments":{"a":1}}]}]`},
		{`[{"message":{"role":"user","contents":[{"message_content":{"type":"text","text":"a"}}]}}]`,
			`[{"role":"user","parts":[{"type":"text","content":"a"}]}]`},
		{`[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"x"},"reasoning_content":"why"}]`,
			`[{"role":"assistant","parts":[{"type":"reasoning","content":"why"},{"type":"tool_call","id":null,"name":"f","arguments":"x"}]}]`},
		{`[{"role":"tool","tool_call_id":"i","content":"r"}]`, `[{"role":"tool","parts":[{"type":"tool_call_response","id":"i","response":"r"}]}]`},
		{`[{"role":"assistant"}]`, `[{"role":"assistant","parts":[]}]`},
		{`["a"]`, ""}, {`[]`, ""}, {`{}`, ""}, {`{"q":1}`, ""}, {`"a"`, ""}, {`[{"role":"user","content":"a"},5]`, ""},
	} {
		got, ok := appendMessages(nil, []byte(c.in), "user")
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
		if ok && json.Valid(got) == false {
			t.Errorf("%s: no JSON: %s", c.in, got)
		}
		if ok && isUniform(got) != true {
			t.Errorf("not uniform: %s", got)
		}
	}
}

// TestStatus: what fails and what was canceled, and what the error says.
func TestStatus(t *testing.T) {
	exception := func(kind, message string) string {
		return `,"events":[` + eventJSON("exception", "exception.type", str(kind), "exception.message", str(message), "exception.stacktrace", str("at x")) + `]`
	}
	for _, c := range []struct {
		more   string
		attrs  []string
		status trace.RunStatus
		error  string
	}{
		{``, nil, trace.RunSucceeded, `null`}, {`,"status":{"code":1}`, nil, trace.RunSucceeded, `null`},
		{`,"status":{"code":"STATUS_CODE_ERROR","message":"boom"}`, nil, trace.RunFailed, `{"message":"boom"}`},
		{`,"status":{"code":2}`, []string{"error.type", str("timeout")}, trace.RunFailed, `{"message":"timeout","type":"timeout"}`},
		{`,"status":{"code":2}` + exception("KeyError", "no"), nil, trace.RunFailed, `{"message":"no","type":"KeyError","traceback":"at x"}`},
		{exception("KeyError", "dealt with"), nil, trace.RunSucceeded, `null`},
		{``, []string{"langfuse.observation.level", str("ERROR"), "langfuse.observation.status_message", str("lf")}, trace.RunFailed, `{"message":"lf"}`},
		{``, []string{"langfuse.observation.level", str("WARNING")}, trace.RunSucceeded, `null`},
		{`,"status":{"code":2,"message":"x"}` + exception("asyncio.exceptions.CancelledError", ""), nil, trace.RunCanceled,
			`{"message":"x","type":"asyncio.exceptions.CancelledError","traceback":"at x"}`},
		{`,"status":{"code":2}`, []string{"error.type", str("java.util.concurrent.CancellationException")}, trace.RunCanceled,
			`{"message":"java.util.concurrent.CancellationException","type":"java.util.concurrent.CancellationException"}`},
		{`,"status":{"code":2,"message":"Post \"http://x\": context canceled"}`, nil, trace.RunCanceled, `{"message":"Post \"http://x\": context canceled"}`},
		{``, []string{"error.type", str("AbortError")}, trace.RunSucceeded, `null`},
	} {
		r := one(t, spanBody(c.more, c.attrs...))
		if r.Status != c.status || string(r.Error) != c.error {
			t.Errorf("%s %v: %d %s, want %d %s", c.more, c.attrs, r.Status, r.Error, c.status, c.error)
		}
	}
	for kind := range canceledTypes {
		if r := one(t, spanBody(`,"status":{"code":2}`, "error.type", str("a.b."+kind))); r.Status != trace.RunCanceled {
			t.Errorf("%s is not canceled", kind)
		}
	}
}

// TestUsage: totals, cached tokens that were left out, costs, prices.
func TestUsage(t *testing.T) {
	n := func(n int) string { return fmt.Sprintf(`{"intValue":%d}`, n) }
	r := one(t, spanBody("", "gen_ai.usage.input_tokens", n(10), "gen_ai.usage.output_tokens", n(4), "gen_ai.usage.cache_read.input_tokens", n(100)))
	if u := r.Usage; u.PromptTokens != 110 || u.TotalTokens != 114 || u.CacheReadTokens != 100 {
		t.Errorf("Anthropic's raw numbers: %+v", u)
	}
	r = one(t, spanBody("", "llm.cost.prompt", `{"doubleValue":0.5}`, "llm.cost.completion", str("0.25"), "gen_ai.usage.input_tokens", n(-1)))
	if u := r.Usage; u.TotalCost == nil || u.TotalCost.Float() != 0.75 || u.PromptTokens != 0 {
		t.Errorf("cost: %+v", u)
	}
	r = one(t, spanBody("", "llm.cost.prompt", `{"doubleValue":1e6}`, "llm.cost.completion", str("1000000"), "llm.token_count.total", n(2e12)))
	if u := r.Usage; u.TotalCost != nil || u.TotalTokens != 0 {
		t.Errorf("beyond all bounds: %+v", u)
	}
	if r = one(t, spanBody("", "gen_ai.usage.details.x", n(5), "gen_ai.aggregated_usage.input_tokens", n(5))); r.Usage != nil {
		t.Errorf("repeated parts count: %+v", r.Usage)
	}
	price := func(model string, at trace.Time, u *trace.Usage) bool {
		if model != "m" || at.NS != 1781082000000000000 {
			t.Errorf("asked for the price of %s at %d", model, at.NS)
		}
		cost, _ := costOf([]byte("0.5"))
		u.TotalCost = &cost
		return true
	}
	b, err := Parse(spanBody("", "gen_ai.request.model", str("m"), "gen_ai.usage.input_tokens", n(5)), JSON, Options{Price: price})
	if err != nil || !bytes.Contains(b.Groups[0].Runs[0].JSON, []byte(`"total_tokens_cost_usd":0.5,`)) || !b.Groups[0].Runs[0].Usage.CostEstimated {
		t.Errorf("no price: %v, %+v", err, b)
	}
	checkRun(t, &b.Groups[0].Runs[0])
}

// TestIDsAndTimes: parents, remote or not, and clocks.
func TestIDsAndTimes(t *testing.T) {
	r := one(t, spanBody(`,"parentSpanId":"B100000000000001","flags":769`))
	if r.ParentID != "b100000000000001" || !r.ParentRemote || r.Type != "workflow" || !bytes.Contains(r.JSON, []byte(`,"parent_remote":true`)) {
		t.Errorf("remote parent: %s", r.JSON)
	}
	if r = one(t, spanBody(`,"parentSpanId":"b100000000000001","flags":257`)); r.ParentRemote || bytes.Contains(r.JSON, []byte("parent_remote")) {
		t.Errorf("local parent: %s", r.JSON)
	}
	if r = one(t, spanBody(`,"flags":769`)); r.ParentRemote || r.ParentID != "" {
		t.Errorf("no parent: %s", r.JSON)
	}
	if r = one(t, spanBody(`,"parentSpanId":"0000000000000000"`)); r.ParentID != "" {
		t.Errorf("zero parent: %s", r.JSON)
	}
	if r.ID != "a100000000000001" || r.TraceID != "5b8efff798038103d269b633813fc60c" || *r.Name != "x" || !r.FromSpan {
		t.Errorf("ids: %s", r.JSON)
	}
	for _, c := range []struct{ start, end, wantStart, wantEnd string }{
		{`"1781082000000000001"`, `"1781082000000002000"`, "2026-06-10T09:00:00.000000001Z", "2026-06-10T09:00:00.000002Z"},
		{`"1781082000000001000"`, `"0"`, "2026-06-10T09:00:00.000001Z", "2026-06-10T09:00:00.000001Z"},
		{`1781082000000000000`, `1781081000000000000`, "2026-06-10T09:00:00.000000Z", "2026-06-10T09:00:00.000000Z"},
		{`1781082000000000000.0`, `1.781082001e18`, "2026-06-10T09:00:00.000000Z", "2026-06-10T09:00:01.000000Z"},
	} {
		body := strings.NewReplacer(`"1781082000000000000"`, c.start, `"1781082001000000000"`, c.end).Replace(string(spanBody("")))
		b, err := Parse([]byte(body), JSON, Options{})
		if err != nil || len(b.Groups) != 1 {
			t.Fatal(b, err)
		}
		r := b.Groups[0].Runs[0]
		checkRun(t, &r)
		if start, end := string(trace.AppendTime(nil, r.Start)), string(trace.AppendTime(nil, r.End)); start != c.wantStart || end != c.wantEnd {
			t.Errorf("%s %s: %s %s", c.start, c.end, start, end)
		}
		if kept := bytes.Contains(r.Metadata, []byte("end_time_unix_nano")); kept != (c.wantStart == c.wantEnd) {
			t.Errorf("%s %s: end as sent kept: %v", c.start, c.end, kept)
		}
	}
}

// TestNothingIsLost: every field of a span is under metadata.otlp.
func TestNothingIsLost(t *testing.T) {
	const body = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}},{"key":"service.namespace","value":{"stringValue":"n"}}],
		"droppedAttributesCount":1},"schemaUrl":"https://r","scopeSpans":[{"scope":{"name":"lib","version":"1","attributes":[{"key":"a","value":{"boolValue":true}}],
		"droppedAttributesCount":2},"schemaUrl":"https://s","spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"a100000000000001","traceState":"k=v",
		"name":"é\"\u0001","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1781082000000000000","endTimeUnixNano":"1781082001000000000","flags":257,
		"attributes":[{"key":"big","value":{"intValue":"9223372036854775807"}},{"key":"d","value":{"doubleValue":0.1}},{"key":"nan","value":{"doubleValue":"NaN"}},
		{"key":"inf","value":{"doubleValue":"-Infinity"}},{"key":"bytes","value":{"bytesValue":"AQL/"}},{"key":"empty","value":{}},
		{"key":"json","value":{"stringValue":"{\"a\": 1}"}},{"key":"list","value":{"arrayValue":{"values":[{"intValue":-5},{},{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"\"v"}}]}},
		{"bytesValue":"AQI="},{"arrayValue":{}},{"boolValue":false},{"doubleValue":1e300}]}}}],"droppedAttributesCount":3,
		"events":[{"timeUnixNano":"1781082000000000001","name":"e","attributes":[{"key":"x","value":{"intValue":1}}],"droppedAttributesCount":4},{"name":"f"}],"droppedEventsCount":5,
		"links":[{"traceId":"0000000000000000000000000000000a","spanId":"000000000000000b","traceState":"l=1","flags":1,"attributes":[{"key":"y","value":{"boolValue":true}}],"droppedAttributesCount":6}],
		"droppedLinksCount":7,"status":{"code":1,"message":"fine"},"unknownField":{"x":[1]}}]}]}]}`
	const want = `{"kind":"server","status":{"code":"ok","message":"fine"},"flags":257,"trace_state":"k=v",
		"attributes":{"big":9223372036854775807,"d":0.1,"nan":"NaN","inf":"-Infinity","bytes":"AQL/","empty":null,"json":"{\"a\": 1}",
		"list":[-5,null,{"k":"\"v"},"AQI=",[],false,1e+300]},"dropped_attributes_count":3,
		"events":[{"name":"e","time":"2026-06-10T09:00:00.000000001Z","attributes":{"x":1},"dropped_attributes_count":4},{"name":"f","time":"1970-01-01T00:00:00.000000Z"}],
		"dropped_events_count":5,"links":[{"trace_id":"0000000000000000000000000000000a","span_id":"000000000000000b","trace_state":"l=1","flags":1,
		"attributes":{"y":true},"dropped_attributes_count":6}],"dropped_links_count":7,
		"scope":{"name":"lib","version":"1","schema_url":"https://s","attributes":{"a":true},"dropped_attributes_count":2},
		"resource":{"attributes":{"service.name":"s","service.namespace":"n"},"schema_url":"https://r","dropped_attributes_count":1}}`
	r := one(t, []byte(body))
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if got := string(r.Metadata); got != `{"otlp":`+compact.String()+`}` {
		t.Errorf("got\n%s\nwant\n%s", got, compact.String())
	}
	if *r.Name != "é\"\u0001" || r.TraceID != "5b8efff798038103d269b633813fc60c" {
		t.Errorf("name %q, trace %s", *r.Name, r.TraceID)
	}
	if b, _ := Parse([]byte(body), JSON, Options{}); b.Groups[0].App != "n/s" {
		t.Errorf("app %q", b.Groups[0].App)
	}
}

// TestRejected: a bad span is rejected alone and named; a bad body is an error.
func TestRejected(t *testing.T) {
	good := `{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000002","name":"good","startTimeUnixNano":1781082000000000000}`
	for _, c := range []struct{ span, reason string }{
		{`{"name":"x","traceId":"","spanId":"a100000000000001","startTimeUnixNano":1}`, "traceId must be 16 bytes"},
		{`{"name":"x","traceId":"00000000000000000000000000000000","spanId":"a100000000000001","startTimeUnixNano":1}`, "traceId must be 16 bytes"},
		{`{"name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"0000000000000000","startTimeUnixNano":1}`, "spanId must be 8 bytes"},
		{`{"name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"a1","startTimeUnixNano":1}`, "spanId must be 8 bytes"},
		{`{"name":"x","traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"a100000000000001","startTimeUnixNano":1}`, "traceId must be hex"},
		{`{"name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001","parentSpanId":"ab","startTimeUnixNano":1}`, "parentSpanId"},
		{`{"name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001"}`, "startTimeUnixNano"},
		{`{"name":"x","traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001","startTimeUnixNano":"18446744073709551615"}`, "startTimeUnixNano"},
		{`{"name":5}`, "name must be a string"}, {`7`, "must be a JSON object"}, {`null`, "must be a JSON object"},
		{`{"name":"x","attributes":{}}`, "attributes must be a list"}, {`{"name":"x","events":[1]}`, "must be a JSON object"},
		{`{"name":"x","attributes":[{"key":"k","value":{"intValue":"x"}}]}`, "intValue"},
		{`{"name":"x","attributes":[{"key":"k","value":` + strings.Repeat(`{"arrayValue":{"values":[`, 70) + strings.Repeat(`]}}`, 70) + `}]}`, "nest too deep"},
		{`{"name":"x","attributes":[{"key":"a"},{"key":"b"},{"key":"c"},{"key":"d"}]}`, "too many attributes"},
	} {
		body := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + c.span + `,` + good + `]}]}]}`)
		b, err := Parse(body, JSON, Options{MaxAttributes: 3})
		if err != nil || b.Rejected != 1 || len(b.Groups) != 1 || len(b.Groups[0].Runs) != 1 || !strings.Contains(b.Messages[0], c.reason) {
			t.Errorf("%.80s: %+v, %v", c.span, b, err)
		}
	}
	for _, body := range []string{``, `{`, `[]`, `{"resourceSpans":5}`, `{"resourceSpans":[}`} {
		_, err := Parse([]byte(body), JSON, Options{})
		var syntax *jsonscan.SyntaxError
		if err == nil || !errors.Is(err, ErrShape) && !errors.As(err, &syntax) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{`{}`, `{"resourceSpans":[]}`, `{"resourceSpans":null}`, `{"resourceSpans":[{}]}`, `{"other":1}`} {
		if b, err := Parse([]byte(body), JSON, Options{}); err != nil || len(b.Groups) > 0 || b.Rejected > 0 {
			t.Errorf("%s: %+v, %v", body, b, err)
		}
	}
	if b, err := Parse(nil, Protobuf, Options{}); err != nil || len(b.Groups) > 0 {
		t.Errorf("empty protobuf: %+v, %v", b, err)
	}
	if _, err := Parse([]byte("\x0a\x05abc"), Protobuf, Options{}); err == nil {
		t.Error("a cut protobuf is taken")
	}
	two := []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + good + `,` + good + `]}]}]}`)
	if _, err := Parse(two, JSON, Options{MaxSpans: 1}); !errors.Is(err, ErrManySpans) {
		t.Errorf("too many spans: %v", err)
	}
	if b, err := Parse(two, JSON, Options{MaxOutput: 100}); err != nil || b.Rejected != 1 {
		t.Errorf("too much JSON: %+v, %v", b, err)
	}
}

// TestGroups: runs by the app that their resource names.
func TestGroups(t *testing.T) {
	resource := func(id int, attrs ...string) string {
		var list []string
		for i := 0; i+1 < len(attrs); i += 2 {
			list = append(list, `{"key":"`+attrs[i]+`","value":`+str(attrs[i+1])+`}`)
		}
		return fmt.Sprintf(`{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a10000000000000%d","startTimeUnixNano":5}]}],`+
			`"resource":{"attributes":[%s]}}`, id, strings.Join(list, ","))
	}
	body := []byte(`{"resourceSpans":[` + strings.Join([]string{resource(1, "service.name", "a", "user.id", "u", "deployment.environment", "prod"), resource(2),
		resource(3, "service.name", "a", "service.namespace", "n"), resource(4, "service.name", "unknown_service:node"), resource(5, "service.name", "a"),
		resource(6, "service.name", "a", "openinference.project.name", "p"), resource(7, "service.name", strings.Repeat("x", 300))}, ",") + `]}`)
	for _, enc := range []Encoding{JSON, Protobuf} {
		text := body
		if enc == Protobuf {
			text = toProto(t, body)
		}
		b, err := Parse(text, enc, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, g := range b.Groups {
			for i := range g.Runs {
				got[g.App] += g.Runs[i].ID[15:]
				if u := g.Runs[i].UserID; (u == "u") != (g.Runs[i].ID == "a100000000000001") {
					t.Errorf("run %s has user %q", g.Runs[i].ID, u)
				}
			}
		}
		if want := map[string]string{"a": "15", "": "247", "n/a": "3", "p": "6"}; !reflect.DeepEqual(got, want) {
			t.Errorf("groups %v, want %v", got, want)
		}
	}
}

// TestBadResource: a resource that is beyond the limits takes its own spans
// with it and no others.
func TestBadResource(t *testing.T) {
	spans := `"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"a100000000000001","startTimeUnixNano":"5"}]}]`
	deep := strings.Repeat(`{"arrayValue":{"values":[`, 70) + strings.Repeat(`]}}`, 70)
	body := []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":` + deep + `}]},` + spans + `},{` + spans + `}]}`)
	for _, enc := range []Encoding{JSON, Protobuf} {
		text := body
		if enc == Protobuf {
			text = toProto(t, body)
		}
		if b, err := Parse(text, enc, Options{}); err != nil || b.Rejected != 1 || len(b.Groups) != 1 || len(b.Groups[0].Runs) != 1 {
			t.Errorf("%+v, %v", b, err)
		}
	}
}
