package gen

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

type model struct {
	name, class    string
	prompt, answer float64 // USD a token
	unpriced       bool
}

// models in falling order of use. Prices are of the kind the SDK sends.
var models = []model{
	{name: "openai/gpt-4o-mini", class: "OpenAI", prompt: 1.5e-07, answer: 6e-07},
	{name: "openai/gpt-4o", class: "OpenAI", prompt: 2.5e-06, answer: 1e-05},
	{name: "anthropic/claude-sonnet-4-5", class: "Anthropic", prompt: 3e-06, answer: 1.5e-05},
	{name: "gemini/gemini-2.0-flash", class: "Gemini", prompt: 1e-07, answer: 4e-07},
	{name: "ollama/llama3.1", class: "Ollama", unpriced: true},
}

// appendTime appends t as Python's isoformat does: +00:00, and six digits of
// fraction or none.
func appendTime(b []byte, t time.Time) []byte {
	b = t.Truncate(time.Second).AppendFormat(b, time.RFC3339) // the layout with a fast path
	b = b[:len(b)-len("Z")]
	if us := t.Nanosecond() / 1000; us != 0 {
		b = append(b, '.')
		for unit := 100_000; unit > 0; unit /= 10 {
			b = append(b, '0'+byte(us/unit%10))
		}
	}
	return append(b, "+00:00"...)
}

// appendFloat appends f as Python's repr does.
func appendFloat(b []byte, f float64) []byte {
	n := len(b)
	b = strconv.AppendFloat(b, f, 'g', -1, 64)
	if !bytes.ContainsAny(b[n:], ".e") {
		b = append(b, ".0"...)
	}
	return b
}

// uuid is a version 4 UUID in text form.
type uuid [36]byte

func (u uuid) String() string { return string(u[:]) }

func (g *Gen) uuid() (u uuid) {
	const digits = "0123456789abcdef"
	hi := g.r.Uint64()&^0xf000 | 0x4000
	lo := g.r.Uint64()&^(3<<62) | 2<<62
	for i := len(u) - 1; i >= 0; i-- {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			u[i] = '-'
		case i > 18:
			u[i] = digits[lo&15]
			lo >>= 4
		default:
			u[i] = digits[hi&15]
			hi >>= 4
		}
	}
	return u
}

// fill replaces each %x% of a template by its value.
func fill(template string, pairs ...string) []byte {
	return []byte(strings.NewReplacer(pairs...).Replace(template))
}
