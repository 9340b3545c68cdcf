package prices

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine/trace"
)

// BenchmarkLookup: the rules cost a map access more than an exact name, once
// the name is remembered.
func BenchmarkLookup(b *testing.B) {
	book, when := Default(), at("2026-06-10")
	for name, model := range map[string]string{
		"exact":   "gpt-4o-mini",
		"prefix":  "openai/gpt-4o-mini",
		"both":    "openrouter/openai/gpt-4o-mini-2031-01-01",
		"unknown": "ollama/llama3.1:8b",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				book.Lookup(model, when)
			}
		})
	}
	b.Run("first time", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			book.findMatches("openrouter/openai/gpt-4o-mini-2031-01-01")
		}
	})
}

func BenchmarkEstimate(b *testing.B) {
	book, when := Default(), at("2026-06-10")
	b.ReportAllocs()
	for b.Loop() {
		u := trace.Usage{PromptTokens: 412, CacheReadTokens: 256, CompletionTokens: 38, TotalTokens: 450}
		if !book.Estimate("openai/gpt-4o-mini", when, &u) {
			b.Fatal("no price")
		}
	}
}

// BenchmarkLoad is what the built-in table adds to the start of a server.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		r, err := zstd.NewReader(bytes.NewReader(defaultFile))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Load(r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
