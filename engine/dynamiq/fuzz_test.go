package dynamiq

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// Parse takes any bytes; what it takes comes out as valid canonical runs, and
// it refuses as bad JSON just what is bad JSON.
func FuzzParse(f *testing.F) {
	for _, bodies := range fixtures(f) {
		f.Add([]byte(bodies[0]))
	}
	for _, text := range []string{
		body(run("")), body(run(`"x":1,"x":[ 2 ]`), link("b", "c"), link("c", "b"), "7"), `{"runs":[]}`, `{"runs":1}`,
		body(run(`"metadata":{"node":{"group":"llms","model":"m"},"usage":{"total_tokens":1e3,"total_tokens_cost_usd":0.1}},"status":"failed"`)),
		body(run(`"input":{"user_id":"\ud800"},"tags":["a"],"end_time":"2026-06-10T09:15:60Z"`)), `{"runs":[],"resourceSpans":[]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		runs, rejected, err := Parse(text, Options{MaxRuns: 1000})
		var syntax *jsonscan.SyntaxError
		if valid := json.Valid(text) && utf8.Valid(text); errors.As(err, &syntax) == valid && (!valid || syntax.Msg != "JSON nests too deep") {
			if !errors.Is(err, ErrManyRuns) {
				t.Fatalf("valid %v, but %v", valid, err)
			}
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
	})
}
