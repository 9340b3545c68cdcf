package dynamiq

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// link is a run with the given parent and a null trace id.
func link(id, parent string) string {
	p := "null"
	if parent != "" {
		p = `"` + parent + `"`
	}
	return fmt.Sprintf(`{"id":"%s","type":"node","start_time":"2026-06-10T09:15:00Z","parent_run_id":%s,"trace_id":null}`, id, p)
}

func TestNullTraceID(t *testing.T) {
	for name, c := range map[string]struct {
		runs []string
		want string
	}{
		"root, child, grandchild, child first": {
			[]string{link("c", "b"), link("b", "a"), link("a", ""), link("z", "")}, "c:a b:a a:a z:z",
		},
		"parent is the run itself":                 {[]string{link("a", "a"), link("b", "a")}, "a:a b:a"},
		"missing parent":                           {[]string{link("b", "x"), link("c", "b"), link("d", "x")}, "b:x c:x d:x"},
		"circle: the smallest id":                  {[]string{link("d", "c"), link("c", "b"), link("b", "c"), link("e", "d")}, "d:b c:b b:b e:b"},
		"a given trace id stays, absent is null":   {[]string{run(""), `{"id":"q","type":"flow","start_time":"2026-06-10T09:15:00Z"}`}, "a:t q:q"},
		"an ancestor with a trace id is an id too": {[]string{run(""), link("b", "a")}, "a:t b:a"},
		"the last copy of a run says its parent":   {[]string{link("b", "x"), link("b", "y")}, "b:y b:y"},
		"a rejected run is not known":              {[]string{link("c", "b"), strings.Replace(link("b", "a"), "node", "?", 1)}, "c:b"},
	} {
		t.Run(name, func(t *testing.T) {
			runs, _, err := Parse([]byte(body(c.runs...)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range runs {
				got = append(got, runs[i].ID+":"+runs[i].TraceID)
				var m struct {
					TraceID string `json:"trace_id"`
				}
				if err := json.Unmarshal(runs[i].JSON, &m); err != nil || m.TraceID != runs[i].TraceID {
					t.Errorf("trace_id in JSON %q, fact %q, %v", m.TraceID, runs[i].TraceID, err)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, " "), c.want)
			}
			checkRuns(t, runs)
		})
	}
}

// Random parents against a walk without memory.
func TestNullTraceIDAgainstNaiveWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		n := 1 + rng.IntN(12)
		parents := map[string]string{}
		var texts []string
		for i := range n {
			id, parent := fmt.Sprint(i), ""
			if rng.IntN(4) > 0 {
				parent = fmt.Sprint(rng.IntN(n + 2)) // two ids that nobody has
			}
			parents[id] = parent
			texts = append(texts, link(id, parent))
		}
		rng.Shuffle(n, func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
		runs, _, err := Parse([]byte(body(texts...)), Options{})
		if err != nil || len(runs) != n {
			t.Fatalf("%v: %v", texts, err)
		}
		for i := range runs {
			at := runs[i].ID
			for range n { // up to the top, or n steps into a circle
				p, known := parents[at]
				if !known || p == "" || p == at {
					break
				}
				at = p
			}
			want := at
			if p, known := parents[at]; known && p != "" && p != at {
				for c := p; c != at; c = parents[c] {
					want = min(want, c)
				}
			}
			if runs[i].TraceID != want {
				t.Fatalf("%s in %v: %s, want %s", runs[i].ID, parents, runs[i].TraceID, want)
			}
		}
	}
}

// A chain, and a circle, as long as a body may hold, in linear time.
func TestNullTraceIDLongChains(t *testing.T) {
	const n = 5_000
	for _, top := range []string{"", "0", "missing", fmt.Sprint(n - 1)} {
		texts := make([]string, n)
		for i := range texts {
			parent := top
			if i > 0 {
				parent = fmt.Sprint(i - 1)
			}
			texts[n-1-i] = link(fmt.Sprint(i), parent)
		}
		want := "0"
		if top == "missing" {
			want = top
		}
		runs, _, err := Parse([]byte(body(texts...)), Options{})
		if err != nil || len(runs) != n {
			t.Fatal(err)
		}
		for i := range runs {
			if runs[i].TraceID != want {
				t.Fatalf("run %s is in trace %s, want %s", runs[i].ID, runs[i].TraceID, want)
			}
		}
	}
}
