package dynamiq

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// Parse takes any bytes; what it takes comes out as valid canonical runs, and
// it refuses as bad JSON just what is bad JSON.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		body(run("")), body(run(`"x":1,"x":[ 2 ]`), link("b", "c"), link("c", "b"), "7"), `{"runs":[]}`, `{"runs":1}`,
		body(run(`"metadata":{"node":{"group":"llms","model":"m"},"usage":{"total_tokens":1e3,"total_tokens_cost_usd":0.1}},"status":"failed"`)),
		body(run(`"input":{"user_id":"\ud800"},"tags":["a"],"end_time":"2026-06-10T09:15:60Z"`)), body(`{"id":"a","name":"","type":"workflow","trace_id":"t","start_time":"2026-06-10T09:00:01.291990110Z","end_time":"2026-06-10T09:00:09.3Z",` +
			`"status":"succeeded","metadata":{"otlp":{"flags":769}},"error":null,"group":"llms","model":"m","usage":{"prompt_tokens":7,"cost_estimated":true},` +
			`"duration_ms":1,"source":"otlp","parent_remote":true,"user_id":"u","version":2}`),
		`{"runs":[],"resourceSpans":[]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(checkBody)
}

func checkBody(t *testing.T, text []byte) {
	runs, rejected, err := Parse(text, Options{MaxRuns: 1000})
	var syntax *jsonscan.SyntaxError
	switch valid := json.Valid(text) && utf8.Valid(text); {
	case errors.Is(err, ErrManyRuns):
	case !errors.As(err, &syntax):
		if !valid {
			t.Fatalf("bad JSON gave %v\n%q", err, text)
		}
	case valid && syntax.Msg != "JSON nests too deep":
		t.Fatalf("%v, but it is valid JSON: %q", err, text)
	}
	if err != nil && (runs != nil || rejected != nil) {
		t.Fatal("runs beside an error")
	}
	checkRuns(t, runs)
	for _, r := range rejected {
		if r.Reason == "" || len(r.ID) > trace.MaxIDBytes {
			t.Fatalf("bad rejection %+v", r)
		}
	}
	if kind, err := Sniff(text); err == nil && runs != nil && kind != Dynamiq {
		t.Fatalf("Sniff says %d", kind)
	}
}

// Recorded bodies with a few bytes changed, cut or moved: too large for the
// fuzzer to work on, and nearer to what a broken client sends.
func TestMutatedFixtures(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	bodies := fixtures(t)
	for round := range 1200 {
		name := [...]string{"dynamiq-single-llm", "dynamiq-failed"}[round%2]
		text := bytes.Clone(bodies[name][0])
		for range 1 + rng.IntN(3) {
			at := rng.IntN(len(text))
			switch rng.IntN(4) {
			case 0:
				text[at] = " \"\\{}[],:0e-.nt\n\x00\xff"[rng.IntN(18)]
			case 1:
				text = append(text[:at], text[min(at+rng.IntN(4), len(text)):]...)
			case 2: // a value, most often, becomes another one
				values := []string{"null", "1", `"x"`, "[]", "{}", "-1.5e3", `"2026-06-10T09:15:00Z"`}
				if colon := bytes.IndexByte(text[at:], ':'); colon >= 0 {
					from := at + colon + 1
					if to := bytes.IndexByte(text[from:], ','); to >= 0 {
						text = slices.Concat(text[:from], []byte(values[rng.IntN(len(values))]), text[from+to:])
					}
				}
			case 3:
				text = slices.Insert(text, at, text[at:min(at+rng.IntN(30), len(text))]...)
			}
		}
		checkBody(t, text)
	}
}
