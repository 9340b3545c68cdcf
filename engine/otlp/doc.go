// Package otlp decodes OpenTelemetry's export requests, as protobuf and as
// JSON, into runs (wire facts §9 and §10): spans of traces, and the log events
// that tell of a span.
//
// It guarantees that one bad span never costs its neighbours, that both
// encodings of a request make the same bytes, that everything of a span is
// kept, and that hostile bytes cost bounded memory. It keeps no state between
// calls, reads no clock, and does not know what is stored: merging copies,
// deriving traces and counting repeated usage once are package trace's.
//
// # Mapping
//
// mapping.go is the table of where each convention (Langfuse, GenAI of today
// and before, OpenLLMetry, OpenInference, Vercel AI SDK) puts what. A run gets
// id, parent and trace id in lower-case hex; a parent in another process makes
// it a root (parent_remote). A root that only groups others is a workflow,
// everything else a node. Input and output are absent, not null, where a span
// has none: the trace then shows those of the first descendant. A value that is
// not usable (negative tokens, a session of more than 256 bytes) counts as not
// sent.
//
// # Metadata
//
// The user's own metadata stand at the top of the run's metadata. Two names are
// the decoder's:
//
//   - otlp: the span as it was sent: kind, status, flags, trace_state,
//     attributes, events, links, scope, resource, dropped counts, and the end
//     where the run shows another. Attributes keep their names and are plain
//     JSON: integers with every digit, bytes in base64, strings always strings.
//   - gen_ai: what is the same for all conventions, members only where known:
//     provider, agent_name, agent_id, agent_version, tool_name, tool_call_id, workflow_name,
//     response_id, finish_reasons, parameters, time_to_first_token_ms, messages.
//
// # Messages
//
// One form of messages for all, that of the GenAI conventions of today:
//
//	[{"role":"user","parts":[{"type":"text","content":"…"}],"finish_reason":"stop"}]
//
// with parts of the types text, reasoning, tool_call {id, name, arguments},
// tool_call_response {id, response}, and whatever else was sent, as it was. Run
// input and output are what was sent; messages that came in pieces (flattened
// attributes, span events) are put together in this form. Of LLM calls and
// agents, metadata.gen_ai.messages {input, output} has the uniform list of a
// side wherever input or output itself is not that list. A plain text that went
// into or came out of an LLM call is one message.
//
// # Log events
//
// gen_ai.client.inference.operation.details and gen_ai.evaluation.result may
// come before or after the span they tell of, in another request. A run upsert
// replaces a run, so an event never touches the run of its span: it becomes a
// child of it (type node; group utils, or validators for an evaluation), with
// the messages or the score as its input and output and an id that is a hash of
// the record. Sent again it is the same run. It has no usage: an operation's
// tokens are counted by its span. A span without content then shows the event's
// messages in its trace, by the rule for roots without content.
package otlp
