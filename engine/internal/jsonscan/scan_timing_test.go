package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// sample is a body of about 17 KB shaped like that of the Dynamiq SDK: short
// members, node configuration, and texts with line feeds and quotes.
func sample() []byte {
	var b bytes.Buffer
	b.WriteString(`{"runs":[`)
	text := strings.Repeat(`The customer asks about \"order 4711\" and wants a refund for the damaged item.\n`, 12)
	for i := range 5 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"0000%04d-0001-4613-8e08-00018cca2f32","name":"Order LLM","type":"node","trace_id":null,`+
			`"start_time":"2026-06-10T09:15:00.104233+00:00","input":{"messages":[{"role":"user","content":"%s"}],"n":%d},`+
			`"output":{"content":"%s"},"metadata":{"node":{"id":"x","group":"llms","error_handling":{"timeout_seconds":null,`+
			`"retry_interval_seconds":1,"max_retries":0,"backoff_rate":1.5},"depends":[],"caching":{"enabled":false},`+
			`"prompt":{"messages":[{"role":"system","content":"%s"}]}},"usage":{"prompt_tokens":412,`+
			`"prompt_tokens_cost_usd":7.500000000000001e-05}},"executions":[],"tags":["a","b"]}`, i, text, i, text, text)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkValid(b *testing.B) {
	for name, body := range map[string][]byte{
		"dynamiq": sample(),
		"cjk":     []byte(`{"a":"` + strings.Repeat("日本語のテキスト、", 700) + `"}`),
	} {
		b.Run("jsonscan/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Valid(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("encoding-json/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("not valid")
				}
			}
		})
	}
}

func BenchmarkAppendCompact(b *testing.B) {
	var indented bytes.Buffer
	if err := json.Indent(&indented, sample(), "", "  "); err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.SetBytes(int64(indented.Len()))
	for b.Loop() {
		dst = AppendCompact(dst[:0], indented.Bytes())
	}
}

func BenchmarkAppendQuoted(b *testing.B) {
	text := strings.Repeat("An answer with \"quotes\" and\nlines. ", 100)
	var dst []byte
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		dst = AppendQuoted(dst[:0], text)
	}
}
