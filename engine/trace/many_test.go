package trace

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
)

// bigForest makes n runs of one shape, the worst for some step of Derive.
func bigForest(shape string, n int) []Run {
	runs := make([]Run, n)
	name := func(prefix string, i int) string { return prefix + strconv.Itoa(i) }
	for i := range runs {
		parent := ""
		switch shape {
		case "chain":
			if i > 0 {
				parent = name("r", i-1)
			}
		case "reversed chain":
			if i < n-1 {
				parent = name("r", i+1)
			}
		case "fan":
			if i > 0 {
				parent = "r0"
			}
		case "cycle":
			parent = name("r", (i+1)%n)
		case "pairs":
			parent = name("r", i^1)
		case "orphans":
			parent = name("gone", i)
		case "tree":
			if i > 0 {
				parent = name("r", (i-1)/2)
			}
		}
		runs[i] = Run{ID: name("r", i), ParentID: parent, TraceID: "t", Status: RunFailed, Start: timeAt(int64(n-i) * 1000), End: timeAt(int64(n-i)*1000 + 500),
			Usage: &Usage{PromptTokens: 1, TotalTokens: 1}, Group: "llms", Model: name("model-", i), Tags: []string{name("tag-", i)}}
	}
	return runs
}

func TestManyRuns(t *testing.T) {
	const most, many = 50_000, 5_000
	for _, c := range []struct {
		shape      string
		n          int
		roots      int // how many intervals of 500 ns the duration holds
		leaves     int64
		orphanShow bool
	}{
		{"chain", most, 1, 1, false}, {"roots", most, most, most, false}, {"cycle", most, 1, 1, true},
		{"fan", many, 1, many - 1, false}, {"reversed chain", many, 1, 1, false}, {"tree", many, 1, many / 2, false},
		{"pairs", many, many / 2, many / 2, true}, {"orphans", many, many, many, true},
	} {
		runs := bigForest(c.shape, c.n)
		if s := Derive(runs, Options{}); s.Orphans != c.orphanShow {
			t.Errorf("%s: orphans %v", c.shape, s.Orphans)
		}
		s := Derive(runs, Options{Promoted: true})
		if got, want := s.Sample.DurationUS, int64(c.roots)*500/1000; got != want || s.Sample.TotalTokens != c.leaves {
			t.Errorf("%s: duration %d µs, want %d; tokens %d, want %d", c.shape, got, want, s.Sample.TotalTokens, c.leaves)
		}
		raw := append(AppendTrace(nil, "a", runs, &s, timeAt(1), Options{Promoted: true}), '}')
		tags, models := bytes.Count(raw, []byte(`"tag-`)), bytes.Count(raw, []byte(`"model-`))
		if !json.Valid(raw) || tags != c.roots || models != c.n {
			t.Errorf("%s: %d tags, %d models, or not JSON", c.shape, tags, models)
		}
	}
}
