// Package fakellm answers like a service of language models with OpenAI's API,
// so that the clients of the end-to-end tests need no network and no key.
//
// The answers depend on nothing but the request: a model that is given tools
// calls the first one, once, with the city Oslo; a question with "fail" in it is
// refused with 400; one with "slow" in it is never answered while the client
// waits. Usage is always [Prompt] and [Completion] tokens, in streams too.
package fakellm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What every answer says of itself, in tokens. Cached is part of Prompt,
// Reasoning of Completion.
const (
	Prompt     = 412
	Completion = 38
	Cached     = 128
	Reasoning  = 16
	Embedding  = 8
)

// Answer is what the model says, Refusal what the service says of a bad request.
const (
	Answer  = "Oslo is lovely in June."
	Refusal = "the model refuses to fail"
)

const (
	chatUsage = `{"prompt_tokens":412,"completion_tokens":38,"total_tokens":450,` +
		`"prompt_tokens_details":{"cached_tokens":128},"completion_tokens_details":{"reasoning_tokens":16}}`
	maxWait = 30 * time.Second
)

// request is what the answers depend on.
type request struct {
	Model    string
	Stream   bool
	Messages []struct {
		Role    string
		Content json.RawMessage
	}
	Tools []struct {
		Function struct{ Name string }
	}
	Input         json.RawMessage
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// Handler serves /v1/chat/completions and /v1/embeddings.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", chat)
	mux.HandleFunc("POST /v1/embeddings", embeddings)
	return mux
}

func read(w http.ResponseWriter, r *http.Request) (q request, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err == nil {
		err = json.Unmarshal(body, &q)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	w.Header().Set("Content-Type", "application/json")
	return q, err == nil
}

func chat(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r)
	if !ok {
		return
	}
	asked, answered := "", false
	for _, m := range q.Messages {
		if m.Role == "user" {
			asked = string(m.Content)
		}
		answered = answered || m.Role == "tool"
	}
	switch {
	case strings.Contains(asked, "fail"):
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":{"message":%q,"type":"invalid_request_error","code":"refused"}}`, Refusal)
		return
	case strings.Contains(asked, "slow"):
		select {
		case <-r.Context().Done():
			return
		case <-time.After(maxWait):
		}
	}
	message, finish := map[string]any{"role": "assistant", "content": Answer}, "stop"
	if call := toCall(q, answered); call != nil {
		message, finish = map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{call}}, "tool_calls"
	}
	if q.Stream {
		stream(w, q, message, finish)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1780000000, "model": q.Model,
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": finish}},
		"usage":   json.RawMessage(chatUsage),
	})
}

// toCall is the call of a tool that the model asks for, nil for an answer in
// words. An agent that ends by calling a tool of its own for the final answer
// is given that call.
func toCall(q request, answered bool) map[string]any {
	if len(q.Tools) == 0 {
		return nil
	}
	name, arguments := q.Tools[0].Function.Name, `{"city":"Oslo"}`
	final := ""
	for _, t := range q.Tools {
		if strings.HasSuffix(t.Function.Name, "final_answer") {
			final = t.Function.Name
		} else {
			name = t.Function.Name
		}
	}
	if answered {
		if final == "" {
			return nil
		}
		name, arguments = final, fmt.Sprintf(`{"thought":"I know.","answer":%q}`, Answer)
	} else if final != "" {
		arguments = `{"thought":"I look it up.","action_input":{"city":"Oslo"}}`
	}
	return map[string]any{"id": "call_1", "type": "function", "function": map[string]any{"name": name, "arguments": arguments}}
}

// stream sends the message as server-sent events.
func stream(w http.ResponseWriter, q request, message map[string]any, finish string) {
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(choices []any, usage json.RawMessage) {
		chunk, err := json.Marshal(map[string]any{
			"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1780000000, "model": q.Model,
			"choices": choices, "usage": usage,
		})
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", chunk)
		_ = http.NewResponseController(w).Flush()
	}
	choice := func(delta map[string]any, finish any) []any {
		return []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}
	}
	null := json.RawMessage("null")
	if calls, ok := message["tool_calls"].([]any); ok {
		call := calls[0].(map[string]any)
		call["index"] = 0
		send(choice(map[string]any{"role": "assistant", "tool_calls": calls}, nil), null)
	} else {
		for i, word := range strings.SplitAfter(Answer, " ") {
			delta := map[string]any{"content": word}
			if i == 0 {
				delta["role"] = "assistant"
			}
			send(choice(delta, nil), null)
		}
	}
	send(choice(map[string]any{}, finish), null)
	if q.StreamOptions.IncludeUsage {
		send([]any{}, json.RawMessage(chatUsage))
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

func embeddings(w http.ResponseWriter, r *http.Request) {
	q, ok := read(w, r)
	if !ok {
		return
	}
	inputs := 1
	var list []json.RawMessage
	if json.Unmarshal(q.Input, &list) == nil {
		inputs = len(list)
	}
	data := make([]any, inputs)
	for i := range data {
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": []float64{0.25, 0.5, 0.75}}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"object": "list", "model": q.Model, "data": data,
		"usage": map[string]int{"prompt_tokens": Embedding, "total_tokens": Embedding},
	})
}
