package otlp

import "github.com/tracebed/tracebed/engine/internal/jsonscan"

// The members of a part of a message, of all the shapes that clients send.
const (
	partType = iota
	partText
	partContent
	partID
	partName
	partInput
	partArgs
	partToolCallID
	partToolName
	partToolUseID
	partResult
	partOutput
	partThinking
	partWrapped
	numPart
)

var partNames = [numPart]string{"type", "text", "content", "id", "name", "input", "args", "toolCallId", "toolName", "tool_use_id",
	"result", "output", "thinking", "message_content"}

// appendPart appends one part in the uniform form; parts that have no other
// name there stay as they are.
func appendPart(dst, raw []byte) []byte {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return append(append(append(dst, `{"type":"text","content":`...), raw...), '}')
	}
	var p [numPart][]byte
	pick(raw, partNames[:], p[:])
	if inner := p[partWrapped]; jsonscan.KindOf(inner) == jsonscan.Object {
		raw, p = inner, [numPart][]byte{}
		pick(raw, partNames[:], p[:])
	}
	switch string(p[partType]) {
	case `"text"`, `"input_text"`, `"output_text"`:
		if p[partText] != nil {
			return append(append(append(dst, `{"type":"text","content":`...), p[partText]...), '}')
		}
	case `"thinking"`:
		if p[partThinking] != nil {
			return append(append(append(dst, `{"type":"reasoning","content":`...), p[partThinking]...), '}')
		}
	case `"reasoning"`:
		if p[partText] != nil {
			return append(append(append(dst, `{"type":"reasoning","content":`...), p[partText]...), '}')
		}
	case `"tool_use"`, `"tool-call"`:
		return appendCall(dst, first(p[partID], p[partToolCallID]), first(p[partName], p[partToolName]), first(p[partInput], p[partArgs]))
	case `"tool_result"`, `"tool-result"`:
		dst = append(dst, `{"type":"tool_call_response","id":`...)
		dst = append(dst, orNull(first(p[partToolUseID], p[partToolCallID]))...)
		dst = append(dst, `,"response":`...)
		return append(append(dst, orNull(first(p[partContent], p[partResult], plainOutput(p[partOutput])))...), '}')
	}
	return append(dst, raw...)
}

// plainOutput is the value of an output that the Vercel AI SDK wraps as
// {type, value}, or the output itself.
func plainOutput(raw []byte) []byte {
	if jsonscan.KindOf(raw) != jsonscan.Object || jsonscan.Lookup(raw, "type") == nil {
		return raw
	}
	if value := jsonscan.Lookup(raw, "value"); value != nil {
		return value
	}
	return raw
}

// The members of a tool call.
const (
	callID = iota
	callToolCallID
	callName
	callToolName
	callArguments
	callArgs
	callInput
	callFunction
	callWrapped
	numCall
)

var callNames = [numCall]string{"id", "toolCallId", "name", "toolName", "arguments", "args", "input", "function", "tool_call"}

// appendToolCall appends a tool call as a part: {id,name,arguments}, OpenAI's
// {id,function:{name,arguments}}, or OpenInference's {tool_call:{…}}.
func appendToolCall(dst, raw []byte) []byte {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return appendCall(dst, nil, nil, raw)
	}
	var c, f [numCall][]byte
	pick(raw, callNames[:], c[:])
	if inner := c[callWrapped]; jsonscan.KindOf(inner) == jsonscan.Object {
		c = [numCall][]byte{}
		pick(inner, callNames[:], c[:])
	}
	if jsonscan.KindOf(c[callFunction]) == jsonscan.Object {
		pick(c[callFunction], callNames[:], f[:])
	}
	return appendCall(dst, first(c[callID], c[callToolCallID]), first(c[callName], f[callName], c[callToolName]),
		first(c[callArguments], f[callArguments], c[callArgs], c[callInput]))
}

// appendCall appends a tool call; arguments that are JSON in a string become
// structured.
func appendCall(dst, id, name, arguments []byte) []byte {
	dst = append(append(dst, `{"type":"tool_call","id":`...), orNull(id)...)
	dst = append(append(dst, `,"name":`...), orNull(name)...)
	dst = append(dst, `,"arguments":`...)
	if jsonscan.KindOf(arguments) == jsonscan.String {
		if out, ok := appendJSONText(dst, jsonscan.AppendString(nil, arguments)); ok {
			return append(out, '}')
		}
	}
	return append(append(dst, orNull(arguments)...), '}')
}

func first(values ...[]byte) []byte {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

var nullText = []byte("null")

func orNull(raw []byte) []byte {
	if raw == nil {
		return nullText
	}
	return raw
}
