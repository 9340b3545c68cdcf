package otlp

// This file is the whole mapping from attributes to runs (wire facts §10). To
// support one more convention, add its attributes to the rows below, in order
// of trust, and a line for each to TestMapping, which fails until it has one.

// field is what a run can say about itself.
type field int

const (
	fieldModel field = iota
	fieldProvider
	fieldPrompt
	fieldCompletion
	fieldTotal
	fieldCacheRead
	fieldCacheWrite
	fieldReasoning
	fieldPromptCost
	fieldCompletionCost
	fieldTotalCost
	fieldInput
	fieldOutput
	fieldInputMessages
	fieldOutputMessages
	fieldSession
	fieldUser
	fieldTags
	fieldMetadata
	fieldEnvironment
	fieldVersion
	fieldAgentName
	fieldAgentID
	fieldAgentVersion
	fieldToolName
	fieldToolCallID
	fieldWorkflowName
	fieldParameters
	fieldFinishReasons
	fieldResponseID
	fieldFirstToken
	fieldErrorMessage
	fieldErrorType
	numFields
)

// how says in what form a place holds a value.
type how uint8

const (
	plain        how = iota // the value itself; JSON in a string is taken as structured
	inObject                // a member of an object (or of JSON in a string): the first of place.members (a.b is one of a member)
	withParts               // a member of an object, counted without the parts that stand beside it (langfuse.go)
	encoded                 // JSON of any kind in a string
	onRoot                  // plain, but only of a span without a parent in its process
	onGroup                 // a text, but only of a span of the group place.members[0]
	withMime                // plain; the attribute named by place.members says if it is JSON or text
	withSystem              // messages; the attribute named by place.members has the system instructions
	flat                    // a list of objects, flattened to attributes name.N.member (name ends in a dot): messages, or what each wraps in place.members
	prefixed                // an object, flattened to attributes name.member (name ends in a dot)
	prefixedJSON            // prefixed, and a text may be a JSON string
	inEvents                // messages in span events of that name; of several such places in a row all count
	seconds                 // a duration in seconds
	millis                  // a duration in milliseconds
	instant                 // an RFC 3339 time, counted from the start of the span
)

// place is where a convention puts a field: the name of an attribute, and how.
type place struct {
	name    string
	how     how
	members []string
}

// row is a field with its places; the first one that holds a usable value wins,
// except that metadata is the union of all of them.
type row struct {
	name     string
	resource bool // attributes of the resource count, too, after those of the span
	places   []place
}

func at(name string) place                           { return place{name: name} }
func as(h how, name string, members ...string) place { return place{name, h, members} }
func in(name string, members ...string) place        { return place{name, inObject, members} }
func eventOf(name string, members ...string) place   { return place{name, inEvents, members} }
func usageWithParts(member string) place {
	return as(withParts, "langfuse.observation.usage_details", member)
}
func usageDetails(members ...string) place {
	return in("langfuse.observation.usage_details", members...)
}
func costDetails(members ...string) place { return in("langfuse.observation.cost_details", members...) }

// mapping is the table. Left to right in wire facts §10 is top to bottom here:
// Langfuse, GenAI of today, GenAI of before and OpenLLMetry, OpenInference,
// then the Vercel AI SDK.
var mapping = [numFields]row{
	fieldModel: {name: "model", places: []place{
		at("langfuse.observation.model.name"),
		at("gen_ai.response.model"), at("gen_ai.request.model"),
		at("llm.response.model_name"), at("llm.model_name"), at("embedding.model_name"), at("reranker.model_name"),
		at("ai.response.model"), at("ai.model.id"),
	}},
	fieldProvider: {name: "provider", places: []place{
		at("gen_ai.provider.name"), at("gen_ai.system"), at("llm.provider"), at("llm.system"), at("ai.model.provider"),
	}},

	fieldPrompt: {name: "prompt tokens", places: []place{
		usageWithParts("input"), usageDetails("prompt_tokens", "input_tokens"),
		at("gen_ai.usage.input_tokens"), at("gen_ai.usage.prompt_tokens"), at("llm.token_count.prompt"),
		at("ai.usage.promptTokens"), at("ai.usage.inputTokens"), at("ai.usage.tokens"),
	}},
	fieldCompletion: {name: "completion tokens", places: []place{
		usageWithParts("output"), usageDetails("completion_tokens", "output_tokens"),
		at("gen_ai.usage.output_tokens"), at("gen_ai.usage.completion_tokens"), at("llm.token_count.completion"),
		at("ai.usage.completionTokens"), at("ai.usage.outputTokens"),
	}},
	fieldTotal: {name: "total tokens", places: []place{
		usageDetails("total", "total_tokens"),
		at("gen_ai.usage.total_tokens"), at("llm.usage.total_tokens"), at("llm.token_count.total"), at("ai.usage.totalTokens"),
	}},
	fieldCacheRead: {name: "cache read", places: []place{
		usageDetails("input_cached_tokens", "input_cache_read", "cache_read_input_tokens",
			"prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
		at("gen_ai.usage.cache_read.input_tokens"), at("gen_ai.usage.cache_read_input_tokens"),
		at("llm.token_count.prompt_details.cache_read"), at("ai.usage.cachedInputTokens"),
	}},
	fieldCacheWrite: {name: "cache write", places: []place{
		usageDetails("input_cache_creation", "cache_creation_input_tokens"),
		at("gen_ai.usage.cache_creation.input_tokens"), at("gen_ai.usage.cache_creation_input_tokens"),
		at("llm.token_count.prompt_details.cache_write"),
	}},
	fieldReasoning: {name: "reasoning", places: []place{
		usageDetails("output_reasoning_tokens", "output_reasoning",
			"completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"),
		at("gen_ai.usage.reasoning.output_tokens"), at("gen_ai.usage.reasoning_tokens"), at("llm.usage.reasoning_tokens"),
		at("llm.token_count.completion_details.reasoning"), at("ai.usage.reasoningTokens"),
	}},
	fieldPromptCost:     {name: "prompt cost", places: []place{costDetails("input"), at("llm.cost.prompt")}},
	fieldCompletionCost: {name: "completion cost", places: []place{costDetails("output"), at("llm.cost.completion")}},
	fieldTotalCost:      {name: "total cost", places: []place{costDetails("total"), at("gen_ai.usage.cost"), at("llm.cost.total"), at("operation.cost")}},

	fieldInput: {name: "input", places: []place{
		as(onRoot, "langfuse.trace.input"), at("langfuse.observation.input"),
		as(withSystem, "gen_ai.input.messages", "gen_ai.system_instructions"),
		at("gen_ai.tool.call.arguments"), at("gen_ai.retrieval.query.text"),
		as(encoded, "traceloop.entity.input"), as(flat, "gen_ai.prompt."),
		eventOf("gen_ai.system.message"), eventOf("gen_ai.user.message"), eventOf("gen_ai.assistant.message"), eventOf("gen_ai.tool.message"),
		eventOf("gen_ai.content.prompt", "gen_ai.prompt"),
		as(withMime, "input.value", "input.mime_type"),
		as(flat, "llm.input_messages."), as(flat, "llm.prompts."),
		at("ai.prompt.messages"), at("ai.prompt"), at("ai.toolCall.args"), at("ai.value"), at("ai.values"),
	}},
	fieldOutput: {name: "output", places: []place{
		as(onRoot, "langfuse.trace.output"), at("langfuse.observation.output"),
		at("gen_ai.output.messages"), at("gen_ai.tool.call.result"), at("gen_ai.retrieval.documents"),
		as(encoded, "traceloop.entity.output"), as(flat, "gen_ai.completion."),
		eventOf("gen_ai.choice"), eventOf("gen_ai.content.completion", "gen_ai.completion"),
		as(withMime, "output.value", "output.mime_type"),
		as(flat, "llm.output_messages."), as(flat, "retrieval.documents.", "document"),
		at("ai.response.text"), at("ai.response.object"), at("ai.response.toolCalls"), at("ai.toolCall.result"),
		at("ai.embedding"), at("ai.embeddings"), at("final_result"), // Pydantic AI
	}},
	// Of LLM calls and agents: what can be made a uniform list of messages.
	// Lists of messages come before raw requests and answers.
	fieldInputMessages: {name: "input messages", places: []place{
		as(withSystem, "gen_ai.input.messages", "gen_ai.system_instructions"), as(flat, "gen_ai.prompt."),
		eventOf("gen_ai.system.message"), eventOf("gen_ai.user.message"), eventOf("gen_ai.assistant.message"), eventOf("gen_ai.tool.message"),
		eventOf("gen_ai.content.prompt", "gen_ai.prompt"),
		as(flat, "llm.input_messages."), at("ai.prompt.messages"), at("langfuse.observation.input"), at("input.value"),
		at("traceloop.entity.input"), as(withSystem, "pydantic_ai.all_messages", "gen_ai.system_instructions"),
	}},
	fieldOutputMessages: {name: "output messages", places: []place{
		at("gen_ai.output.messages"), as(flat, "gen_ai.completion."),
		eventOf("gen_ai.choice"), eventOf("gen_ai.content.completion", "gen_ai.completion"),
		as(flat, "llm.output_messages."), at("langfuse.observation.output"), at("output.value"), at("traceloop.entity.output"),
	}},

	fieldSession: {name: "session", resource: true, places: []place{
		at("langfuse.session.id"), at("session.id"), at("gen_ai.conversation.id"),
		at("traceloop.association.properties.session_id"), at("ai.telemetry.metadata.sessionId"),
	}},
	fieldUser: {name: "user", resource: true, places: []place{
		at("langfuse.user.id"), at("user.id"), at("traceloop.association.properties.user_id"),
		at("gen_ai.user"), at("llm.user"), at("enduser.id"), at("ai.telemetry.metadata.userId"),
	}},
	fieldTags: {name: "tags", places: []place{at("langfuse.trace.tags"), at("tag.tags"), at("ai.telemetry.metadata.tags")}},
	fieldMetadata: {name: "metadata", places: []place{
		at("langfuse.trace.metadata"), as(prefixedJSON, "langfuse.trace.metadata."),
		at("langfuse.observation.metadata"), as(prefixedJSON, "langfuse.observation.metadata."),
		as(prefixed, "traceloop.association.properties."), at("metadata"), as(prefixed, "ai.telemetry.metadata."),
	}},
	fieldEnvironment: {name: "environment", resource: true, places: []place{
		at("langfuse.environment"), at("deployment.environment.name"), at("deployment.environment"),
	}},
	fieldVersion: {name: "version", resource: true, places: []place{at("langfuse.release"), at("service.version")}},

	fieldAgentName:    {name: "agent name", places: []place{at("gen_ai.agent.name"), as(onGroup, "traceloop.entity.name", "agents"), at("agent.name")}},
	fieldAgentID:      {name: "agent id", places: []place{at("gen_ai.agent.id")}},
	fieldAgentVersion: {name: "agent version", places: []place{at("gen_ai.agent.version")}},
	fieldToolName:     {name: "tool name", places: []place{at("gen_ai.tool.name"), as(onGroup, "traceloop.entity.name", "tools"), at("tool.name"), at("ai.toolCall.name")}},
	fieldToolCallID:   {name: "tool call id", places: []place{at("gen_ai.tool.call.id"), at("tool_call.id"), at("tool.id"), at("ai.toolCall.id")}},
	fieldWorkflowName: {name: "workflow name", places: []place{at("gen_ai.workflow.name"), at("traceloop.workflow.name"), at("ai.telemetry.functionId")}},
	fieldParameters: {name: "parameters", places: []place{
		at("langfuse.observation.model.parameters"), at("llm.invocation_parameters"),
		as(prefixed, "gen_ai.request."), as(prefixed, "ai.settings."),
	}},
	fieldFinishReasons: {name: "finish reasons", places: []place{at("gen_ai.response.finish_reasons"), at("ai.response.finishReason")}},
	fieldResponseID:    {name: "response id", places: []place{at("gen_ai.response.id"), at("ai.response.id")}},
	fieldFirstToken: {name: "time to first token", places: []place{
		as(instant, "langfuse.observation.completion_start_time"),
		as(seconds, "gen_ai.response.time_to_first_chunk"),
		as(millis, "ai.response.msToFirstChunk"), as(millis, "ai.stream.msToFirstChunk"),
	}},
	fieldErrorMessage: {name: "error message", places: []place{at("langfuse.observation.status_message")}},
	fieldErrorType:    {name: "error type", places: []place{at("error.type")}},
}

// kinds says which group a span belongs to, in order of trust. Names are
// compared without regard to case; one that is not listed says nothing, and
// the next attribute is asked. Groups are those of Dynamiq's nodes.
var kinds = []struct {
	attr   string
	groups map[string]string
}{
	{"langfuse.observation.type", map[string]string{
		"span": "utils", "event": "utils", "generation": "llms", "embedding": "embedders", "agent": "agents", "tool": "tools",
		"chain": "utils", "retriever": "retrievers", "guardrail": "validators", "evaluator": "validators"}},
	{"openinference.span.kind", map[string]string{
		"llm": "llms", "embedding": "embedders", "chain": "utils", "retriever": "retrievers", "reranker": "rankers",
		"tool": "tools", "agent": "agents", "guardrail": "validators", "evaluator": "validators", "prompt": "utils"}},
	{"gen_ai.operation.name", map[string]string{
		"chat": "llms", "text_completion": "llms", "generate_content": "llms", "embeddings": "embedders", "retrieval": "retrievers",
		"execute_tool": "tools", "invoke_agent": "agents", "create_agent": "agents", "invoke_workflow": "utils", "plan": "utils",
		"create_memory": "utils", "update_memory": "utils", "upsert_memory": "utils", "delete_memory": "utils", "search_memory": "utils",
		"create_memory_store": "utils", "delete_memory_store": "utils"}},
	{"traceloop.span.kind", map[string]string{"workflow": "utils", "task": "utils", "agent": "agents", "tool": "tools"}},
	{"llm.request.type", map[string]string{"chat": "llms", "completion": "llms", "embedding": "embedders", "rerank": "rankers"}},
	{"ai.operationId", map[string]string{
		"ai.generateText": "utils", "ai.streamText": "utils", "ai.generateObject": "utils", "ai.streamObject": "utils",
		"ai.embed": "utils", "ai.embedMany": "utils", "ai.toolCall": "tools",
		"ai.generateText.doGenerate": "llms", "ai.streamText.doStream": "llms", "ai.generateObject.doGenerate": "llms",
		"ai.streamObject.doStream": "llms", "ai.embed.doEmbed": "embedders", "ai.embedMany.doEmbed": "embedders"}},
}

// canceledTypes are the last dotted parts of error types that say that
// somebody gave up waiting; canceledMessage is what Go says.
var canceledTypes = map[string]bool{
	"CancelledError": true, "CanceledError": true, "CanceledException": true, "CancellationException": true, "AbortError": true,
	"APIUserAbortError": true, "OperationCanceledException": true, "TaskCanceledException": true, "Canceled": true,
}

const canceledMessage = "context canceled"
