package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// support is a help desk bot: embed the question, retrieve documents, rank
// them, answer.
type support struct {
	id                        string
	embed, find, rank, answer *node
}

func newSupport(rng *rand.Rand) *support {
	s := &support{id: uuid(rng), answer: llmNode(rng, "Answer", mini)}
	s.embed = plainNode(rng, "Embed question", "embedders", "embedders.OpenAITextEmbedder")
	s.embed.Model = embed3s
	s.find = plainNode(rng, "Knowledge base", "retrievers", "retrievers.QdrantDocumentRetriever")
	s.rank = plainNode(rng, "Rerank", "rankers", "rankers.CohereReranker")
	s.answer.Cached = true
	return s
}

func (s *support) record(g *generator, t *tracer, at time.Time) {
	rng, user := g.rng, g.user(t, at)
	f := faq[rng.IntN(len(faq))]
	version := "11"
	if at.After(g.outage.Add(24 * time.Hour)) {
		version = "12" // a release within the two weeks
	}
	input := map[string]any{"input": f.question, "user_id": user}
	w := start(t, s.id, version, at, input)

	embed := t.openNode(s.embed, w.flow, at.Add(1300*time.Microsecond), map[string]any{"query": f.question}, nil)
	now := t.succeed(embed, embed.start.Add(jitter(rng, 90, 160)), map[string]any{
		"query": f.question, "embedding": vector(rng),
		"meta": map[string]any{"model": "text-embedding-3-small", "usage": map[string]any{"prompt_tokens": tokens(f.question), "total_tokens": tokens(f.question)}},
	})
	w.saw(embed)
	docs := documents(rng, f)
	find := t.openNode(s.find, w.flow, now.Add(300*time.Microsecond), map[string]any{"embedding": embed.Output.(map[string]any)["embedding"]}, embed)
	if rng.IntN(110) == 0 {
		now = t.fail(find, find.start.Add(5*time.Second), "qdrant_client.http.exceptions.ResponseHandlingException: timed out after 5.0 s")
		w.saw(find)
		t.skip(s.rank, w.flow, now.Add(200*time.Microsecond), map[string]any{}, find, "")
		t.skip(s.answer, w.flow, now.Add(400*time.Microsecond), map[string]any{}, find, "")
		w.finish(now.Add(time.Millisecond), false)
		return
	}
	now = t.succeed(find, find.start.Add(jitter(rng, 12, 40)), map[string]any{"documents": docs})
	w.saw(find)
	rank := t.openNode(s.rank, w.flow, now.Add(200*time.Microsecond), map[string]any{"query": f.question, "documents": docs}, find)
	now = t.succeed(rank, rank.start.Add(jitter(rng, 130, 220)), map[string]any{"documents": docs[:2]})
	w.saw(rank)
	s.reply(g, t, w, f, docs, now.Add(250*time.Microsecond), rank)
}

// reply is the last step: an answer, an answer from the cache, or a refusal.
func (s *support) reply(g *generator, t *tracer, w *workflow, f question, docs []any, at time.Time, after *run) {
	in := map[string]any{"question": f.question, "documents": docs[:2]}
	messages := []message{
		{"You answer questions of customers of Fjord Outdoor. Use only the documents. If they do not say it, offer to open a ticket.\n\n" + f.source, "system"},
		{f.question, "user"},
	}
	if g.rng.IntN(14) == 0 {
		r := t.openNode(s.answer.withPrompt(g.rng, messages), w.flow, at, in, after)
		now := t.fromCache(r, at.Add(jitter(g.rng, 2, 3)), map[string]any{"content": f.answer})
		w.saw(r)
		w.finish(now, false)
		return
	}
	if g.refused(at) {
		r := t.openNode(s.answer.withPrompt(g.rng, messages), w.flow, at, in, after)
		const limit = "litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for gpt-4o-mini on tokens per min (TPM): Limit 200000"
		t.attempt(r, at.Add(100*time.Microsecond), at.Add(800*time.Millisecond), failed, limit)
		now := t.fail(r, at.Add(2600*time.Millisecond), limit)
		w.saw(r)
		w.finish(now, false)
		return
	}
	r, now := t.call(s.answer, w.flow, at, in, messages, map[string]any{"content": f.answer}, f.answer, 420+g.rng.IntN(900), after)
	w.saw(r)
	w.finish(now, false)
}

// documents are what the knowledge base finds for a question.
func documents(rng *rand.Rand, f question) []any {
	docs := make([]any, 0, 4)
	for i := range 4 {
		text := f.source
		if i > 0 {
			text = faq[rng.IntN(len(faq))].source
		}
		docs = append(docs, map[string]any{
			"id": uuid(rng), "content": text, "score": round(0.93 - float64(i)*0.07 - rng.Float64()*0.05),
			"metadata": map[string]any{"file": fmt.Sprintf("handbook/%s.md", strings.Fields(strings.ToLower(f.question))[1]), "page": 1 + rng.IntN(40)},
		})
	}
	return docs
}

// vector is an embedding as traces hold it: cut at 20 numbers by the SDK.
func vector(rng *rand.Rand) []float64 {
	v := make([]float64, 20)
	for i := range v {
		v[i] = round(rng.NormFloat64() * 0.03)
	}
	return v
}

func round(f float64) float64 { return float64(int64(f*1e6)) / 1e6 }

// jitter is a time between lo and lo+spread milliseconds, to the microsecond.
func jitter(rng *rand.Rand, lo, spread int) time.Duration {
	return time.Duration(lo)*time.Millisecond + time.Duration(rng.IntN(spread*1000+1))*time.Microsecond
}
