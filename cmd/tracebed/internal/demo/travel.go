package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// travel is an agent with tools and a sub-agent, run on its own: its trace has
// the agent as root, no workflow around it.
type travel struct {
	planner, researcher            *node
	weather, flights, search, calc *node
}

func newTravel(rng *rand.Rand) *travel {
	a := &travel{
		weather: toolNode(rng, "weather", "__main__.weather", "Gives the weather forecast of a city"),
		flights: toolNode(rng, "flight-search", "dynamiq.nodes.tools.HttpApiCall", "Finds flights between two cities"),
		search:  toolNode(rng, "web-search", "dynamiq.nodes.tools.TavilyTool", "Searches the web"),
		calc:    toolNode(rng, "calculator", "dynamiq.nodes.tools.Python", "Adds up the costs of a trip"),
	}
	a.researcher = agentNode(rng, "Researcher", "finds facts about places", llmNode(rng, "Researcher LLM", sonnet), a.search)
	a.planner = agentNode(rng, "Travel planner", "plans trips within a budget", llmNode(rng, "Planner LLM", gpt4o), a.weather, a.flights, a.calc, a.researcher)
	return a
}

func (a *travel) record(g *generator, t *tracer, at time.Time) {
	rng, user := g.rng, g.user(t, at)
	from, to := cities[rng.IntN(len(cities))], cities[rng.IntN(len(cities))]
	ask := fmt.Sprintf("Plan %d days in %s from %s for under %d euros.", 2+rng.IntN(5), to, from, 400+rng.IntN(12)*100)
	root := t.openNode(a.planner, nil, at, map[string]any{"input": ask, "user_id": user, "files": nil}, nil)
	chat := []message{{"You plan trips. Think first, then use your tools. Answer with a day plan and the sum of the costs.", "system"}, {ask, "user"}}

	thought := "I need the forecast and the flights before I can plan."
	last, now := t.call(a.planner.LLM, root, at.Add(2*time.Millisecond), map[string]any{}, chat, toolCalls(rng, "weather", "flight-search"), thought+to+to+from, 900, nil)
	forecast := fmt.Sprintf("%s: %d°C, %s", to, 4+rng.IntN(24), skies[rng.IntN(len(skies))])
	offers := fmt.Sprintf("[{\"flight\":\"TB %d\",\"from\":%q,\"to\":%q,\"price_eur\":%d,\"stops\":%d}]", 100+rng.IntN(800), from, to, 70+rng.IntN(300), rng.IntN(2))
	w := a.tool(t, a.weather, root, now.Add(3*time.Millisecond), map[string]any{"city": to}, forecast, last)
	f := a.tool(t, a.flights, root, now.Add(4*time.Millisecond), map[string]any{"from": from, "to": to}, offers, last)
	now = later(w.end, f.end)
	if rng.IntN(9) == 0 { // a tool that fails does not fail the agent: it goes on without
		broken := t.openNode(a.flights, root, now.Add(time.Millisecond), map[string]any{"from": to, "to": from}, f)
		now = t.fail(broken, broken.start.Add(jitter(rng, 900, 3000)), "HTTP 502 from flights.example: upstream unavailable")
	}
	chat = append(chat, message{thought, "assistant"}, message{"Observation: " + forecast + "\n" + offers, "user"})

	if rng.IntN(3) > 0 {
		var notes string
		if notes, now = a.research(t, root, now.Add(2*time.Millisecond), to); notes != "" {
			chat = append(chat, message{"Observation: " + notes, "user"})
		}
	}
	for range rng.IntN(3) {
		last, now = t.call(a.planner.LLM, root, now.Add(2*time.Millisecond), map[string]any{}, chat, toolCalls(rng, "calculator"), "Adding up the costs of this variant.", 1200, last)
		sum := a.tool(t, a.calc, root, now.Add(time.Millisecond), map[string]any{"expression": fmt.Sprintf("%d + 3*%d", 90+rng.IntN(200), 60+rng.IntN(80))}, fmt.Sprint(300+rng.IntN(500)), last)
		now = sum.end
		chat = append(chat, message{"Observation: the sum is " + sum.Output.(map[string]any)["content"].(string) + " euros", "user"})
	}
	if g.refused(now) || rng.IntN(28) == 0 {
		r := t.openNode(a.planner.LLM.withPrompt(rng, chat), root, now.Add(time.Millisecond), map[string]any{}, last)
		const why = "litellm.Timeout: APITimeoutError - Request timed out after 60.0 seconds"
		t.fail(r, r.start.Add(60*time.Second), why)
		t.fail(root, r.end.Add(2*time.Millisecond), "Agent Travel planner failed: "+why)
		return
	}
	plan := fmt.Sprintf("Day 1: arrive in %s (%s) and walk the old town. %s Total: within budget.", to, forecast, plans[rng.IntN(len(plans))])
	_, now = t.call(a.planner.LLM, root, now.Add(2*time.Millisecond), map[string]any{}, chat, map[string]any{"content": plan}, plan+plan, 1500, last)
	t.succeed(root, now.Add(900*time.Microsecond), map[string]any{"content": plan})
}

func (a *travel) tool(t *tracer, n *node, parent *run, at time.Time, input any, output string, after *run) *run {
	r := t.openNode(n, parent, at, input, after)
	t.succeed(r, at.Add(jitter(t.rng, 60, 1400)), map[string]any{"content": output})
	return r
}

// research runs the sub-agent: a call, a search, a call.
func (a *travel) research(t *tracer, parent *run, at time.Time, city string) (string, time.Time) {
	ask := "What should one not miss in " + city + "?"
	r := t.openNode(a.researcher, parent, at, map[string]any{"input": ask, "user_id": "planner:Researcher"}, nil)
	chat := []message{{"You find facts. Cite where they are from.", "system"}, {ask, "user"}}
	last, now := t.call(a.researcher.LLM, r, at.Add(time.Millisecond), map[string]any{}, chat, toolCalls(t.rng, "web-search"), "Searching.", 500, nil)
	found := city + ": " + sights[t.rng.IntN(len(sights))]
	s := a.tool(t, a.search, r, now.Add(time.Millisecond), map[string]any{"query": city + " sights"}, found, last)
	chat = append(chat, message{"Observation: " + found, "user"})
	_, now = t.call(a.researcher.LLM, r, s.end.Add(time.Millisecond), map[string]any{}, chat, map[string]any{"content": found}, found, 650, s)
	t.succeed(r, now.Add(time.Millisecond), map[string]any{"content": found})
	return found, r.end
}

// toolCalls is the output of a model that asks for tools.
func toolCalls(rng *rand.Rand, names ...string) map[string]any {
	calls := make([]any, 0, len(names))
	for _, n := range names {
		calls = append(calls, map[string]any{
			"id": "call_" + uuid(rng)[:8], "type": "function",
			"function": map[string]any{"name": n, "arguments": map[string]any{"thought": "look it up first"}},
		})
	}
	return map[string]any{"content": nil, "tool_calls": calls}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
