package otlp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/trace"
)

// mapped is one line of TestMapping: an attribute of a place of the table, its
// value, and what the fact must come out as (as JSON).
type mapped struct {
	field field
	attr  string // the name, for prefixes a name below it
	value string // JSON of an AnyValue
	want  string
	more  []string // further attributes, by turns
}

func tokens(f field, attr string) mapped { return mapped{f, attr, `{"intValue":"7"}`, "7", nil} }
func text(f field, attr string) mapped   { return mapped{f, attr, str("abc"), `"abc"`, nil} }

const (
	details   = "langfuse.observation.usage_details"
	costs     = "langfuse.observation.cost_details"
	hello     = `[{"role":"user","parts":[{"type":"text","content":"hi"}]}]`
	helloBack = `[{"role":"assistant","parts":[{"type":"text","content":"hi"}]}]`
	openAI    = `[{"role":"user","content":"hi"}]`
)

var llm = []string{"openinference.span.kind", str("LLM")}

var mappings = []mapped{
	text(fieldModel, "langfuse.observation.model.name"), text(fieldModel, "gen_ai.response.model"), text(fieldModel, "gen_ai.request.model"),
	text(fieldModel, "llm.response.model_name"), text(fieldModel, "llm.model_name"), text(fieldModel, "embedding.model_name"),
	text(fieldModel, "reranker.model_name"), text(fieldModel, "ai.response.model"), text(fieldModel, "ai.model.id"),
	text(fieldProvider, "gen_ai.provider.name"), text(fieldProvider, "gen_ai.system"), text(fieldProvider, "llm.provider"),
	text(fieldProvider, "llm.system"), text(fieldProvider, "ai.model.provider"),

	{fieldPrompt, details, str(`{"input": 7, "output": 2}`), "7", nil}, {fieldPrompt, details, str(`{"prompt_tokens":7.0}`), "7", nil},
	{fieldPrompt, details, str(`{"input_tokens":7,"input_tokens_details":{"cached_tokens":3}}`), "7", nil},
	{fieldPrompt, details, str(`{"input":4,"input_cached_tokens":3,"output":1,"total":8}`), "7", nil},
	{fieldPrompt, details, str(`{"input":4,"cache_read_input_tokens":2,"cache_creation_input_tokens":1,"input_priority":4}`), "7", nil},
	{fieldPrompt, details, str(`{"input":7,"input_cached_tokens":3,"output":1,"total":8}`), "7", nil},
	tokens(fieldPrompt, "gen_ai.usage.input_tokens"), tokens(fieldPrompt, "gen_ai.usage.prompt_tokens"),
	tokens(fieldPrompt, "llm.token_count.prompt"), tokens(fieldPrompt, "ai.usage.promptTokens"), tokens(fieldPrompt, "ai.usage.inputTokens"),
	tokens(fieldPrompt, "ai.usage.tokens"),
	{fieldCompletion, details, str(`{"output":7}`), "7", nil}, {fieldCompletion, details, str(`{"completion_tokens":7}`), "7", nil},
	{fieldCompletion, details, str(`{"output_tokens":7}`), "7", nil}, {fieldCompletion, details, str(`{"output":4,"output_reasoning":3}`), "7", nil},
	tokens(fieldCompletion, "gen_ai.usage.output_tokens"), tokens(fieldCompletion, "gen_ai.usage.completion_tokens"),
	tokens(fieldCompletion, "llm.token_count.completion"), tokens(fieldCompletion, "ai.usage.completionTokens"),
	tokens(fieldCompletion, "ai.usage.outputTokens"),
	{fieldTotal, details, str(`{"total":7}`), "7", nil}, {fieldTotal, details, str(`{"total_tokens":7}`), "7", nil},
	tokens(fieldTotal, "gen_ai.usage.total_tokens"), tokens(fieldTotal, "llm.usage.total_tokens"), tokens(fieldTotal, "llm.token_count.total"),
	tokens(fieldTotal, "ai.usage.totalTokens"),
	{fieldCacheRead, details, str(`{"input_cached_tokens":7}`), "7", nil}, {fieldCacheRead, details, str(`{"cache_read_input_tokens":7}`), "7", nil},
	{fieldCacheRead, details, str(`{"input":2,"input_cache_read":7}`), "7", nil},
	{fieldCacheRead, details, str(`{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":7}}`), "7", nil},
	{fieldCacheRead, details, str(`{"input_tokens":9,"input_tokens_details":{"cached_tokens":7}}`), "7", nil},
	tokens(fieldCacheRead, "gen_ai.usage.cache_read.input_tokens"), tokens(fieldCacheRead, "gen_ai.usage.cache_read_input_tokens"),
	tokens(fieldCacheRead, "llm.token_count.prompt_details.cache_read"), tokens(fieldCacheRead, "ai.usage.cachedInputTokens"),
	{fieldCacheWrite, details, str(`{"input_cache_creation":7}`), "7", nil}, {fieldCacheWrite, details, str(`{"cache_creation_input_tokens":7}`), "7", nil},
	tokens(fieldCacheWrite, "gen_ai.usage.cache_creation.input_tokens"), tokens(fieldCacheWrite, "gen_ai.usage.cache_creation_input_tokens"),
	tokens(fieldCacheWrite, "llm.token_count.prompt_details.cache_write"),
	{fieldReasoning, details, str(`{"output_reasoning_tokens":7}`), "7", nil}, {fieldReasoning, details, str(`{"output_reasoning":7}`), "7", nil},
	{fieldReasoning, details, str(`{"completion_tokens":9,"completion_tokens_details":{"reasoning_tokens":7}}`), "7", nil},
	{fieldReasoning, details, str(`{"output_tokens":9,"output_tokens_details":{"reasoning_tokens":7}}`), "7", nil},
	tokens(fieldReasoning, "gen_ai.usage.reasoning.output_tokens"), tokens(fieldReasoning, "gen_ai.usage.reasoning_tokens"),
	tokens(fieldReasoning, "llm.usage.reasoning_tokens"), tokens(fieldReasoning, "llm.token_count.completion_details.reasoning"),
	tokens(fieldReasoning, "ai.usage.reasoningTokens"),

	{fieldPromptCost, costs, str(`{"input":0.25}`), "0.25", nil}, {fieldPromptCost, "llm.cost.prompt", `{"doubleValue":0.25}`, "0.25", nil},
	{fieldCompletionCost, costs, str(`{"output":0.25}`), "0.25", nil},
	{fieldCompletionCost, "llm.cost.completion", `{"doubleValue":0.25}`, "0.25", nil},
	{fieldTotalCost, costs, str(`{"total":0.25}`), "0.25", nil}, {fieldTotalCost, "gen_ai.usage.cost", str("2.5e-1"), "0.25", nil},
	{fieldTotalCost, "llm.cost.total", `{"doubleValue":0.25}`, "0.25", nil},
	{fieldTotalCost, "operation.cost", `{"doubleValue":0.25}`, "0.25", nil},

	{fieldInput, "langfuse.trace.input", str(`{"q": 1}`), `{"q":1}`, []string{"langfuse.observation.input", str("other")}},
	{fieldInput, "langfuse.observation.input", str("42"), `"42"`, nil},
	{fieldInput, "gen_ai.input.messages", str(hello), hello, nil},
	{fieldInput, "gen_ai.input.messages", str(hello), `[{"role":"system","parts":[{"type":"text","content":"be kind"}]},` + hello[1:],
		[]string{"gen_ai.system_instructions", str(`[{"type":"text","content":"be kind"}]`)}},
	{fieldInput, "gen_ai.tool.call.arguments", str(`{"a":1}`), `{"a":1}`, nil}, text(fieldInput, "gen_ai.retrieval.query.text"),
	{fieldInput, "traceloop.entity.input", str(`{"args":[],"kwargs":{}}`), `{"args":[],"kwargs":{}}`, nil},
	{fieldInput, "traceloop.entity.input", str(`"hi"`), `"hi"`, nil}, {fieldInput, "traceloop.entity.input", str(`hi`), `"hi"`, nil},
	{fieldInput, "gen_ai.prompt.0.content", str("hi"), hello, []string{"gen_ai.prompt.0.role", str("user")}},
	{fieldInput, "input.value", str("5"), "5", []string{"input.mime_type", str("application/json")}},
	{fieldInput, "input.value", str("[1]"), `"[1]"`, []string{"input.mime_type", str("text/plain")}},
	{fieldInput, "llm.input_messages.0.message.content", str("hi"), hello, nil},
	{fieldInput, "llm.prompts.0.prompt.text", str("hi"), hello, nil},
	{fieldInput, "ai.prompt.messages", str(openAI), openAI, nil}, {fieldInput, "ai.prompt", str(`{"prompt":"hi"}`), `{"prompt":"hi"}`, nil},
	{fieldInput, "ai.toolCall.args", str(`{"a":1}`), `{"a":1}`, nil}, text(fieldInput, "ai.value"),
	{fieldInput, "ai.values", `{"arrayValue":{"values":[` + str("a") + `]}}`, `["a"]`, nil},

	{fieldOutput, "langfuse.trace.output", str(`{"q":1}`), `{"q":1}`, []string{"langfuse.observation.output", str("other")}},
	text(fieldOutput, "langfuse.observation.output"), {fieldOutput, "gen_ai.output.messages", str(helloBack), helloBack, nil},
	{fieldOutput, "gen_ai.tool.call.result", str(`{"a":1}`), `{"a":1}`, nil},
	{fieldOutput, "gen_ai.retrieval.documents", str(`[{"id":1}]`), `[{"id":1}]`, nil},
	{fieldOutput, "traceloop.entity.output", str(`{"a":1}`), `{"a":1}`, nil},
	{fieldOutput, "traceloop.entity.output", str(`17.50`), `17.50`, nil},
	{fieldOutput, "gen_ai.completion.0.content", str("hi"), helloBack, nil},
	{fieldOutput, "output.value", str("true"), "true", []string{"output.mime_type", str("application/json; charset=utf-8")}},
	{fieldOutput, "llm.output_messages.0.message.content", str("hi"), helloBack, nil},
	{fieldOutput, "retrieval.documents.0.document.id", str("d"), `[{"id":"d"}]`, nil},
	text(fieldOutput, "ai.response.text"), {fieldOutput, "ai.response.object", str(`{"a":1}`), `{"a":1}`, nil},
	{fieldOutput, "ai.response.toolCalls", str(`[{"toolName":"t"}]`), `[{"toolName":"t"}]`, nil},
	{fieldOutput, "ai.toolCall.result", str(`{"a":1}`), `{"a":1}`, nil}, {fieldOutput, "ai.embedding", str("[0.5]"), "[0.5]", nil},
	{fieldOutput, "ai.embeddings", str("[[0.5]]"), "[[0.5]]", nil}, text(fieldOutput, "final_result"),

	// Where input has the list already, metadata does not repeat it.
	{fieldInputMessages, "gen_ai.input.messages", str(hello), "null", llm},
	{fieldInputMessages, "gen_ai.input.messages", str(openAI), hello, llm},
	{fieldInputMessages, "gen_ai.prompt.0.content", str("hi"), "null", llm},
	{fieldInputMessages, "llm.input_messages.0.message.content", str("hi"), hello, append([]string{"input.value", str("{}")}, llm...)},
	{fieldInputMessages, "ai.prompt.messages", str(openAI), hello, llm},
	{fieldInputMessages, "langfuse.observation.input", str(`{"messages":` + openAI + `}`), hello, llm},
	{fieldInputMessages, "input.value", str(`{"system":"be kind","messages":` + openAI + `}`),
		`[{"role":"system","parts":[{"type":"text","content":"be kind"}]},` + hello[1:], llm},
	{fieldInputMessages, "traceloop.entity.input", str(openAI), hello, llm},
	{fieldInputMessages, "pydantic_ai.all_messages", str(hello), `[{"role":"system","parts":[{"type":"text","content":"be kind"}]},` + hello[1:],
		[]string{"gen_ai.operation.name", str("invoke_agent"), "gen_ai.system_instructions", str("be kind")}},
	{fieldOutputMessages, "gen_ai.output.messages", str(`[{"content":"hi"}]`), helloBack, llm},
	{fieldOutputMessages, "gen_ai.completion.0.content", str("hi"), helloBack, append([]string{"langfuse.observation.output", str("x")}, llm...)},
	{fieldOutputMessages, "llm.output_messages.0.message.content", str("hi"), helloBack, append([]string{"output.value", str("x")}, llm...)},
	{fieldOutputMessages, "langfuse.observation.output", str(`{"role":"assistant","content":"hi"}`), helloBack, llm},
	{fieldInputMessages, "langfuse.observation.input", str("hi"), hello, llm},
	{fieldOutputMessages, "langfuse.observation.output", str("hi"), helloBack, llm}, // of a stream
	{fieldOutputMessages, "langfuse.observation.output", str("hi"), "null", []string{"openinference.span.kind", str("AGENT")}},
	{fieldOutputMessages, "output.value", str(`{"choices":[{"message":{"content":"hi"}}]}`), helloBack, llm},
	{fieldOutputMessages, "traceloop.entity.output", str(`{"role":"assistant","content":"hi"}`), helloBack, llm},
	{fieldOutputMessages, "ai.response.text", str("hi"), helloBack, llm},

	text(fieldSession, "langfuse.session.id"), text(fieldSession, "session.id"), text(fieldSession, "gen_ai.conversation.id"),
	text(fieldSession, "traceloop.association.properties.session_id"), text(fieldSession, "ai.telemetry.metadata.sessionId"),
	text(fieldUser, "langfuse.user.id"), {fieldUser, "user.id", `{"intValue":12}`, `"12"`, nil},
	text(fieldUser, "traceloop.association.properties.user_id"), text(fieldUser, "gen_ai.user"), text(fieldUser, "llm.user"),
	text(fieldUser, "enduser.id"), text(fieldUser, "ai.telemetry.metadata.userId"),
	{fieldTags, "langfuse.trace.tags", `{"arrayValue":{"values":[` + str("a") + `,` + str("b") + `]}}`, `["a","b"]`, nil},
	{fieldTags, "tag.tags", str(`["a","b"]`), `["a","b"]`, nil}, {fieldTags, "ai.telemetry.metadata.tags", str("a"), `["a"]`, nil},
	{fieldMetadata, "langfuse.trace.metadata", str(`{"a":1}`), `{"a":1}`, nil},
	{fieldMetadata, "langfuse.trace.metadata.a", str(`{"b":1}`), `{"a":{"b":1}}`, []string{"metadata", str(`{"a":2}`)}},
	{fieldMetadata, "langfuse.observation.metadata", str(`{"workflow":1,"usage":2,"otlp":3}`), `{"workflow":1,"usage":2}`, nil},
	{fieldMetadata, "langfuse.observation.metadata.a", str("x"), `{"a":"x"}`, nil},
	{fieldMetadata, "langfuse.observation.metadata.a", str(`"x\ny"`), `{"a":"x\ny"}`, nil},
	{fieldMetadata, "langfuse.trace.metadata.a", str(`"x`), `{"a":"\"x"}`, nil}, {fieldMetadata, "langfuse.trace.metadata.a", str("5"), `{"a":"5"}`, nil},
	{fieldMetadata, "traceloop.association.properties.a", str("x"), `{"a":"x"}`, nil},
	{fieldMetadata, "metadata", str(`{"plan":"pro"}`), `{"plan":"pro"}`, nil},
	{fieldMetadata, "ai.telemetry.metadata.a", `{"boolValue":true}`, `{"a":true}`, nil},
	text(fieldEnvironment, "langfuse.environment"), text(fieldEnvironment, "deployment.environment.name"), text(fieldEnvironment, "deployment.environment"),
	text(fieldVersion, "langfuse.release"), text(fieldVersion, "service.version"),

	text(fieldAgentName, "gen_ai.agent.name"), text(fieldAgentName, "agent.name"), text(fieldAgentID, "gen_ai.agent.id"),
	{fieldAgentName, "traceloop.entity.name", str("planner"), `"planner"`, []string{"traceloop.span.kind", str("agent")}},
	{fieldToolName, "traceloop.entity.name", str("search"), `"search"`, []string{"traceloop.span.kind", str("tool")}},
	{fieldToolName, "traceloop.entity.name", str("step"), `null`, []string{"traceloop.span.kind", str("task")}},
	text(fieldAgentVersion, "gen_ai.agent.version"),
	text(fieldToolName, "gen_ai.tool.name"), text(fieldToolName, "tool.name"), text(fieldToolName, "ai.toolCall.name"),
	text(fieldToolCallID, "gen_ai.tool.call.id"), text(fieldToolCallID, "tool_call.id"), text(fieldToolCallID, "tool.id"),
	text(fieldToolCallID, "ai.toolCall.id"), text(fieldWorkflowName, "gen_ai.workflow.name"), text(fieldWorkflowName, "traceloop.workflow.name"),
	text(fieldWorkflowName, "ai.telemetry.functionId"),
	{fieldParameters, "langfuse.observation.model.parameters", str(`{"t":1}`), `{"t":1}`, nil},
	{fieldParameters, "llm.invocation_parameters", str(`{"t":1}`), `{"t":1}`, nil},
	{fieldParameters, "gen_ai.request.temperature", `{"doubleValue":0.5}`, `{"temperature":0.5}`, []string{"gen_ai.request.model", str("m")}},
	{fieldParameters, "ai.settings.maxRetries", `{"intValue":2}`, `{"maxRetries":2}`, nil},
	{fieldFinishReasons, "gen_ai.response.finish_reasons", `{"arrayValue":{"values":[` + str("stop") + `]}}`, `["stop"]`, nil},
	text(fieldFinishReasons, "ai.response.finishReason"), text(fieldResponseID, "gen_ai.response.id"), text(fieldResponseID, "ai.response.id"),
	{fieldFirstToken, "langfuse.observation.completion_start_time", str(`"2026-06-10T09:00:00.250Z"`), "250", nil},
	{fieldFirstToken, "gen_ai.response.time_to_first_chunk", `{"doubleValue":0.25}`, "250", nil},
	{fieldFirstToken, "ai.response.msToFirstChunk", `{"doubleValue":250}`, "250", nil},
	{fieldFirstToken, "ai.stream.msToFirstChunk", `{"intValue":250}`, "250", nil},
	text(fieldErrorMessage, "langfuse.observation.status_message"), text(fieldErrorType, "error.type"),
}

// uniformMembers are where in metadata.gen_ai a field is shown.
var uniformMembers = map[field]string{fieldProvider: "provider", fieldAgentName: "agent_name", fieldAgentID: "agent_id", fieldAgentVersion: "agent_version",
	fieldToolName: "tool_name", fieldToolCallID: "tool_call_id", fieldWorkflowName: "workflow_name", fieldParameters: "parameters",
	fieldFinishReasons: "finish_reasons", fieldResponseID: "response_id", fieldFirstToken: "time_to_first_token_ms"}

// factOf is a field of a run as JSON.
func factOf(t *testing.T, r *trace.Run, f field) string {
	t.Helper()
	var run map[string]any
	if err := json.Unmarshal(r.JSON, &run); err != nil {
		t.Fatal(err)
	}
	meta := metadata(t, r)
	uniform, _ := meta["gen_ai"].(map[string]any)
	usage, _ := run["usage"].(map[string]any)
	fault, _ := run["error"].(map[string]any)
	messages, _ := uniform["messages"].(map[string]any)
	delete(meta, "gen_ai")
	delete(meta, "otlp")
	facts := map[field]any{fieldModel: run["model"], fieldPrompt: usage["prompt_tokens"], fieldCompletion: usage["completion_tokens"],
		fieldTotal: usage["total_tokens"], fieldCacheRead: usage["cache_read_input_tokens"],
		fieldCacheWrite: usage["cache_creation_input_tokens"], fieldReasoning: usage["reasoning_tokens"],
		fieldPromptCost: usage["prompt_tokens_cost_usd"], fieldCompletionCost: usage["completion_tokens_cost_usd"],
		fieldTotalCost: usage["total_tokens_cost_usd"], fieldInput: run["input"], fieldOutput: run["output"],
		fieldInputMessages: messages["input"], fieldOutputMessages: messages["output"], fieldSession: run["session_id"],
		fieldUser: run["user_id"], fieldTags: run["tags"], fieldMetadata: meta, fieldEnvironment: run["environment"],
		fieldVersion: run["version"], fieldErrorMessage: fault["message"], fieldErrorType: fault["type"]}
	v, ok := facts[f]
	if !ok {
		v = uniform[uniformMembers[f]]
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMapping: every place of the table, in both encodings.
func TestMapping(t *testing.T) {
	for _, m := range mappings {
		t.Run(fmt.Sprint(mapping[m.field].name, "/", m.attr), func(t *testing.T) {
			more := ""
			if m.field == fieldErrorMessage || m.field == fieldErrorType {
				more = `,"status":{"code":2}`
			}
			r := one(t, spanBody(more, append([]string{m.attr, m.value}, m.more...)...))
			var got, want any
			if json.Unmarshal([]byte(factOf(t, &r, m.field)), &got) != nil || json.Unmarshal([]byte(m.want), &want) != nil {
				t.Fatal("no JSON")
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v in %s", got, want, r.JSON)
			}
			attrs := metadata(t, &r)["otlp"].(map[string]any)["attributes"].(map[string]any)
			if _, ok := attrs[m.attr]; !ok {
				t.Errorf("the attribute is gone: %v", attrs)
			}
		})
	}
}

// TestEveryPlaceIsTested: no place of the table is without a line in mappings
// (events have a test of their own).
func TestEveryPlaceIsTested(t *testing.T) {
	for f := range numFields {
		for _, p := range mapping[f].places {
			tested := p.how == inEvents
			for _, m := range mappings {
				tested = tested || m.field == f && (m.attr == p.name || strings.HasSuffix(p.name, ".") && strings.HasPrefix(m.attr, p.name))
			}
			if !tested {
				t.Errorf("%s: %s has no test", mapping[f].name, p.name)
			}
		}
	}
}

// TestOrder: of two places that both have a value the first one wins; one that
// has no usable value does not count.
func TestOrder(t *testing.T) {
	for f := range numFields {
		for i, p := range mapping[f].places[1:] {
			if q := mapping[f].places[i]; p.how != plain || q.how != plain || f >= fieldInputMessages && f <= fieldOutputMessages || f == fieldMetadata {
				continue
			}
			first, second := `{"intValue":3}`, `{"intValue":4}`
			if f == fieldErrorMessage || f == fieldErrorType || f == fieldTags || f == fieldParameters {
				continue
			}
			r := one(t, spanBody("", p.name, second, mapping[f].places[i].name, first))
			if got := factOf(t, &r, f); strings.Trim(got, `"`) != "3" {
				t.Errorf("%s: %s beats %s: %s", mapping[f].name, p.name, mapping[f].places[i].name, got)
			}
		}
	}
	r := one(t, spanBody("", "gen_ai.usage.input_tokens", str("many"), "gen_ai.usage.prompt_tokens", `{"intValue":5}`, "session.id", str(""), "gen_ai.conversation.id", str("c")))
	if r.Usage.PromptTokens != 5 || r.SessionID != "c" {
		t.Errorf("unusable values count: %s", r.JSON)
	}
}

// TestKinds: every kind of every convention, and their order.
func TestKinds(t *testing.T) {
	for i, k := range kinds {
		for name, group := range k.groups {
			parent := `,"parentSpanId":"b100000000000001"`
			attrs := []string{k.attr, str(strings.ToUpper(name))}
			if i+1 < len(kinds) { // a less trusted one says something else
				for other, g := range kinds[i+1].groups {
					if g != group {
						attrs = append(attrs, kinds[i+1].attr, str(other))
						break
					}
				}
			}
			if r := one(t, spanBody(parent, attrs...)); r.Type != "node" || r.Group != group {
				t.Errorf("%s %s: %s/%s, want node/%s", k.attr, name, r.Type, r.Group, group)
			}
			wantType, wantGroup := "node", group
			if group == "utils" {
				wantType, wantGroup = "workflow", ""
			}
			if r := one(t, spanBody("", attrs[:2]...)); r.Type != wantType || r.Group != wantGroup {
				t.Errorf("root %s %s: %s/%s, want %s/%s", k.attr, name, r.Type, r.Group, wantType, wantGroup)
			}
		}
	}
	for _, c := range []struct {
		attrs []string
		group string
	}{
		{[]string{"gen_ai.request.model", str("m"), "gen_ai.usage.input_tokens", `{"intValue":1}`}, "llms"},
		{[]string{"gen_ai.request.model", str("m")}, "utils"},
		{[]string{"openinference.span.kind", str("UNKNOWN"), "gen_ai.operation.name", str("chat")}, "llms"},
		{[]string{"http.request.method", str("GET")}, "utils"},
	} {
		if r := one(t, spanBody(`,"parentSpanId":"b100000000000001"`, c.attrs...)); r.Group != c.group {
			t.Errorf("%v: %s, want %s", c.attrs, r.Group, c.group)
		}
	}
}
