package demo

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// extract reads invoices: convert a file, extract fields, validate them.
type extract struct {
	id                  string
	convert, llm, check *node
}

func newExtract(rng *rand.Rand) *extract {
	return &extract{
		id:      uuid(rng),
		convert: plainNode(rng, "PDF to text", "converters", "converters.PyPDFConverter"),
		llm:     llmNode(rng, "Extract fields", flash),
		check:   plainNode(rng, "Validate", "validators", "validators.ValidJSON"),
	}
}

func (e *extract) record(g *generator, t *tracer, at time.Time) {
	rng := g.rng
	t.sessionID = uuid(rng)
	file := fmt.Sprintf("invoice-%05d.pdf", 10000+rng.IntN(90000))
	text := fmt.Sprintf("INVOICE %s\n%s\nNet 30 days\nHosting and support: %d.00 EUR\nVAT 25 %%", file[8:13], vendors[rng.IntN(len(vendors))], 80+rng.IntN(4000))
	w := start(t, e.id, "4", at, map[string]any{"file_paths": []string{file}})
	conv := t.openNode(e.convert, w.flow, at.Add(time.Millisecond), map[string]any{"file_paths": []string{file}}, nil)
	now := t.succeed(conv, conv.start.Add(jitter(rng, 40, 600)), map[string]any{"documents": []any{map[string]any{"content": text, "metadata": map[string]any{"file_path": file}}}})
	w.saw(conv)
	chat := []message{{"Extract number, vendor, net and currency as JSON.", "system"}, {text, "user"}}
	if g.refused(now) {
		r := t.openNode(e.llm.withPrompt(rng, chat), w.flow, now.Add(time.Millisecond), map[string]any{"documents": conv.Output}, conv)
		now = t.fail(r, r.start.Add(3*time.Second), "litellm.ServiceUnavailableError: GeminiException - 503 The model is overloaded. Please try again later.")
		w.saw(r)
		t.skip(e.check, w.flow, now.Add(time.Millisecond), map[string]any{}, r, "")
		w.finish(now.Add(2*time.Millisecond), false)
		return
	}
	answer := fmt.Sprintf(`{"number":%q,"vendor":"Nordlys AS","net":%d,"currency":"EUR"}`, file[8:13], 80+rng.IntN(4000))
	r, now := t.call(e.llm, w.flow, now.Add(time.Millisecond), map[string]any{"documents": conv.Output}, chat, map[string]any{"content": answer}, answer, 200+rng.IntN(2500), conv)
	w.saw(r)
	check := t.openNode(e.check, w.flow, now.Add(500*time.Microsecond), map[string]any{"content": answer}, r)
	if rng.IntN(22) == 0 {
		now = t.fail(check, check.start.Add(jitter(rng, 1, 4)), "Value is not valid JSON. Value: '{\"number\": …'. Error: Expecting ',' delimiter: line 1 column 41 (char 40)")
	} else {
		now = t.succeed(check, check.start.Add(jitter(rng, 1, 4)), map[string]any{"content": answer})
	}
	w.saw(check)
	w.finish(now, false)
}

// triage sorts tickets: classify, take one branch of a choice, and fall back
// to another model when the first one fails.
type triage struct {
	id                                       string
	classify, route, billing, tech, fallback *node
}

func newTriage(rng *rand.Rand) *triage {
	s := &triage{
		id: uuid(rng), classify: llmNode(rng, "Classify", llama), route: plainNode(rng, "Route", "operators", "operators.Choice"),
		billing: llmNode(rng, "Billing reply", haiku), tech: llmNode(rng, "Technical reply", haiku), fallback: llmNode(rng, "Fallback reply", mini),
	}
	s.fallback.Fallback = true
	return s
}

func (s *triage) record(g *generator, t *tracer, at time.Time) {
	rng, user := g.rng, g.user(t, at)
	k := tickets[rng.IntN(len(tickets))]
	in := map[string]any{"ticket": k.text, "user_id": user}
	w := start(t, s.id, "2", at, in)
	r, now := t.call(s.classify, w.flow, at.Add(time.Millisecond), in, []message{{"Answer with one word: billing or technical.", "system"}, {k.text, "user"}}, map[string]any{"content": k.kind}, k.kind, 30, nil)
	w.saw(r)
	route := t.openNode(s.route, w.flow, now.Add(300*time.Microsecond), map[string]any{"value": k.kind}, r)
	now = t.succeed(route, route.start.Add(jitter(rng, 1, 2)), map[string]any{k.kind: true})
	w.saw(route)
	taken, other := s.billing, s.tech
	if k.kind == "technical" {
		taken, other = s.tech, s.billing
	}
	t.skip(other, w.flow, now.Add(200*time.Microsecond), in, route, other.Name)
	w.saw(t.runs[len(t.runs)-1])
	chat := []message{{"Write a short, friendly reply.", "system"}, {k.text, "user"}}
	if !g.refused(now) && rng.IntN(12) > 0 {
		r, now = t.call(taken, w.flow, now.Add(time.Millisecond), in, chat, map[string]any{"content": k.reply}, k.reply, 160, route)
		w.saw(r)
		w.finish(now, false)
		return
	}
	r = t.openNode(taken.withPrompt(rng, chat), w.flow, now.Add(time.Millisecond), in, route)
	now = t.fail(r, r.start.Add(jitter(rng, 700, 1800)), "litellm.InternalServerError: AnthropicException - Overloaded")
	w.saw(r)
	r, now = t.call(s.fallback, w.flow, now.Add(time.Millisecond), in, chat, map[string]any{"content": k.reply}, k.reply, 160, r)
	w.saw(r)
	w.finish(now, true)
}

// digest sums up many articles at once: a map with overlapping calls.
type digest struct {
	id             string
	each, one, sum *node
}

func newDigest(rng *rand.Rand) *digest {
	return &digest{
		id: uuid(rng), each: plainNode(rng, "For each article", "operators", "operators.Map"),
		one: llmNode(rng, "Summarize article", haiku), sum: llmNode(rng, "Write digest", sonnet),
	}
}

func (s *digest) record(g *generator, t *tracer, at time.Time) {
	rng := g.rng
	t.sessionID = uuid(rng)
	n := 6 + rng.IntN(14)
	articles := make([]string, n)
	for i := range articles {
		articles[i] = headlines[rng.IntN(len(headlines))]
	}
	in := map[string]any{"articles": articles}
	w := start(t, s.id, "9", at, in)
	each := t.openNode(s.each, w.flow, at.Add(time.Millisecond), in, nil)
	var outs []any
	lanes := [4]time.Time{}
	for i := range lanes {
		lanes[i] = each.start.Add(time.Duration(i+1) * time.Millisecond)
	}
	for i, a := range articles {
		lane := &lanes[i%len(lanes)]
		item := *s.one // a map clones its node for every item
		item.ID = uuid(rng)
		text := "In short: " + a
		_, end := t.call(&item, each, *lane, map[string]any{"article": a}, []message{{"Sum up in one sentence.", "system"}, {a, "user"}}, map[string]any{"content": text}, text, 700+rng.IntN(3000), nil)
		*lane = end.Add(time.Millisecond)
		outs = append(outs, map[string]any{"content": text})
	}
	now := later(later(lanes[0], lanes[1]), later(lanes[2], lanes[3]))
	t.succeed(each, now, map[string]any{"output": outs})
	w.saw(each)
	text := "Today's digest: " + articles[0] + " Also: " + articles[1]
	r, now := t.call(s.sum, w.flow, now.Add(time.Millisecond), map[string]any{"items": outs}, []message{{"Write a digest for the team.", "system"}, {text, "user"}}, map[string]any{"content": text}, text+text+text, 40*n, each)
	w.saw(r)
	w.finish(now, false)
}
