package demo

import (
	"math/rand/v2"
	"time"
)

// node is the configuration of one step of an app; it is sent whole with
// every run of it, as the SDK does.
type node struct {
	ID, Name, Group, Type, Description string
	Model                              *model
	LLM                                *node   // of an agent
	Tools                              []*node // of an agent
	Retries                            int
	Cached                             bool
	Fallback                           bool
	prompt                             map[string]any
}

// model is a language model with its price per token (nil: unknown) and pace.
type model struct {
	name, class   string
	in, out       float64 // USD per token
	priced        bool
	first, perTok time.Duration // time to the first token, and for each more
}

var (
	gpt4o   = &model{name: "openai/gpt-4o", class: "OpenAI", in: 2.5e-06, out: 1e-05, priced: true, first: 620 * time.Millisecond, perTok: 11 * time.Millisecond}
	mini    = &model{name: "openai/gpt-4o-mini", class: "OpenAI", in: 1.5e-07, out: 6e-07, priced: true, first: 380 * time.Millisecond, perTok: 8 * time.Millisecond}
	sonnet  = &model{name: "anthropic/claude-sonnet-4-5", class: "Anthropic", in: 3e-06, out: 1.5e-05, priced: true, first: 900 * time.Millisecond, perTok: 14 * time.Millisecond}
	haiku   = &model{name: "anthropic/claude-haiku-4-5", class: "Anthropic", in: 1e-06, out: 5e-06, priced: true, first: 450 * time.Millisecond, perTok: 6 * time.Millisecond}
	flash   = &model{name: "gemini/gemini-2.5-flash", class: "Gemini", in: 3e-07, out: 2.5e-06, priced: true, first: 340 * time.Millisecond, perTok: 5 * time.Millisecond}
	llama   = &model{name: "ollama/llama3.1:8b", class: "Ollama", first: 1500 * time.Millisecond, perTok: 32 * time.Millisecond}
	embed3s = &model{name: "openai/text-embedding-3-small", class: "OpenAIDocumentEmbedder"}
)

// config is metadata.node: the shape of the SDK's to_dict.
func (n *node) config() map[string]any {
	c := map[string]any{
		"id": n.ID, "name": n.Name, "group": n.Group, "type": n.Type, "description": nil,
		"error_handling": map[string]any{
			"timeout_seconds": nil, "retry_interval_seconds": 1, "max_retries": n.Retries,
			"backoff_rate": 1, "max_retry_interval_seconds": nil, "behavior": "raise",
		},
		"is_postponed_component_init": false, "is_optimized_for_agents": n.Group == "tools",
		"depends": []any{}, "caching": map[string]any{"enabled": n.Cached},
		"streaming": map[string]any{"enabled": false}, "approval": map[string]any{"enabled": false},
		"input_mapping": map[string]any{},
	}
	if n.Description != "" {
		c["description"] = n.Description
	}
	if n.Model != nil {
		c["model"] = n.Model.name
		c["connection"] = map[string]any{"id": n.ID[:24] + "c0ffee000001", "type": "dynamiq.connections." + n.Model.class}
	}
	if n.Fallback {
		c["is_fallback"] = true
	}
	if n.prompt != nil {
		c["prompt"] = n.prompt
	}
	if n.LLM != nil {
		c["llm"] = n.LLM.config()
		tools := []any{}
		for _, t := range n.Tools {
			tools = append(tools, t.config())
		}
		c["tools"], c["max_loops"], c["role"], c["memory"] = tools, 10, n.Description, nil
	}
	return c
}

func llmNode(rng *rand.Rand, name string, m *model) *node {
	return &node{ID: uuid(rng), Name: name, Group: "llms", Type: "dynamiq.nodes.llms." + m.class, Model: m, Retries: 2}
}

func toolNode(rng *rand.Rand, name, typ, about string) *node {
	return &node{ID: uuid(rng), Name: name, Group: "tools", Type: typ, Description: about}
}

func agentNode(rng *rand.Rand, name, role string, llm *node, tools ...*node) *node {
	return &node{ID: uuid(rng), Name: name, Group: "agents", Type: "dynamiq.nodes.agents.Agent", Description: role, LLM: llm, Tools: tools}
}

func plainNode(rng *rand.Rand, name, group, typ string) *node {
	return &node{ID: uuid(rng), Name: name, Group: group, Type: "dynamiq.nodes." + typ}
}

// message is one rendered chat message.
type message struct {
	Content string `json:"content"`
	Role    string `json:"role"`
}

// withPrompt is the node as sent with one call: its rendered prompt included.
func (n *node) withPrompt(rng *rand.Rand, messages []message) *node {
	c := *n
	c.prompt = map[string]any{"id": uuid(rng), "version": nil, "messages": messages, "tools": nil, "response_format": nil}
	return &c
}

// tokens estimates the tokens of a text: four bytes each.
func tokens(s string) int { return len(s)/4 + 3 }

// took is how long the model needs for a completion, with a long tail.
func (m *model) took(rng *rand.Rand, completion int) time.Duration {
	f := 0.7 + rng.ExpFloat64()*0.35
	whole := float64(m.first) + float64(completion)*float64(m.perTok)
	return time.Duration(f * whole).Truncate(time.Microsecond)
}

// usage is metadata.usage of a call; prices that litellm does not know are null.
func (m *model) usage(prompt, completion, cached int) map[string]any {
	u := map[string]any{
		"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
		"prompt_tokens_cost_usd": nil, "completion_tokens_cost_usd": nil, "total_tokens_cost_usd": nil,
		"cache_read_input_tokens": cached, "cache_creation_input_tokens": nil,
	}
	if m.priced {
		in, out := float64(prompt)*m.in, float64(completion)*m.out
		u["prompt_tokens_cost_usd"], u["completion_tokens_cost_usd"], u["total_tokens_cost_usd"] = in, out, in+out
	}
	return u
}

// call records one call of a model with its answer and returns when it ended.
// Extra prompt tokens stand for what the demo leaves out (documents, schemas).
func (t *tracer) call(n *node, parent *run, at time.Time, input any, messages []message, answer any, text string, extra int, after *run) (*run, time.Time) {
	r := t.openNode(n.withPrompt(t.rng, messages), parent, at, input, after)
	prompt := extra
	for _, m := range messages {
		prompt += tokens(m.Content)
	}
	completion := tokens(text)
	if t.rng.IntN(24) == 0 { // a first attempt that the provider did not answer
		lost := at.Add(time.Duration(4+t.rng.IntN(9)) * time.Second)
		t.attempt(r, at.Add(150*time.Microsecond), lost, failed, "")
		at = lost.Add(time.Second)
	}
	end := at.Add(n.Model.took(t.rng, completion))
	cached := 0
	if prompt > 1024 && t.rng.IntN(3) == 0 {
		cached = prompt / 128 * 64
	}
	t.succeed(r, end, answer)
	r.Metadata["usage"] = n.Model.usage(prompt, completion, cached)
	return r, end
}
