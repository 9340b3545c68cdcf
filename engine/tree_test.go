package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// manyRuns ingests a trace of n runs with outputs of size bytes.
func manyRuns(t testing.TB, e *Engine, n, size int) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		specs := make([]testRun, 0, 1000)
		for i := from; i < min(n, from+1000); i++ {
			r := testRun{trace: "big", id: fmt.Sprintf("r%05d", i), start: epoch.Add(time.Duration(i/2) * time.Millisecond), dur: time.Millisecond, tokens: i + 1}
			if i > 0 {
				r.parent = fmt.Sprintf("r%05d", i/3)
			}
			if size > 0 {
				r.output = noise(size, int64(i))
			}
			specs = append(specs, r)
		}
		ingest(t, e, "app", specs...)
	}
}

// The tree has every run, in the reverse order of Runs; a run by itself is the
// same as in Runs. Both for traces that are read at once and in pieces.
func TestTree(t *testing.T) {
	for _, c := range []struct{ runs, size int }{{1, 10}, {700, 0}, {1500, 5000}, {3, 3 << 20}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			e, _ := newEngine(t, nil)
			manyRuns(t, e, c.runs, c.size)
			var out bytes.Buffer
			if err := e.Tree(bg, "app", "big", &out); err != nil {
				t.Fatal(err)
			}
			var tree struct {
				Trace struct {
					ID       string
					RunCount int `json:"run_count"`
				}
				Runs []struct {
					ID          string
					ParentRunID string `json:"parent_run_id"`
					Total       int    `json:"total_tokens"`
				}
			}
			if err := json.Unmarshal(out.Bytes(), &tree); err != nil {
				t.Fatalf("%v: %.300s", err, out.Bytes())
			}
			if tree.Trace.ID != "big" || tree.Trace.RunCount != c.runs || len(tree.Runs) != c.runs {
				t.Fatalf("%+v with %d runs", tree.Trace, len(tree.Runs))
			}
			at := c.runs
			for page := 1; at > 0; page++ {
				p, err := e.Runs(bg, "app", "big", RunQuery{Page: page, PageSize: 1000})
				if err != nil {
					t.Fatal(err)
				}
				for _, raw := range p.Runs {
					at--
					n := tree.Runs[at]
					var i int
					if _, err := fmt.Sscanf(n.ID, "r%d", &i); err != nil || n.ID != runID(raw) || n.Total != i+2 {
						t.Fatalf("node %d is %+v, the run %s", at, n, runID(raw))
					}
					if at%97 == 0 {
						one, err := e.Run(bg, "app", "big", n.ID)
						if err != nil || !bytes.Equal(one, raw) {
							t.Fatalf("run %s: %v %.200s", n.ID, err, one)
						}
					}
				}
			}
		})
	}
}

func TestTreeErrors(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	for name, err := range map[string]error{
		"app":   e.Tree(bg, "none", "t", new(bytes.Buffer)),
		"trace": e.Tree(bg, "app", "none", new(bytes.Buffer)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("no such %s: %v", name, err)
		}
	}
	for _, path := range [][3]string{{"none", "t", "t-r"}, {"app", "none", "t-r"}, {"app", "t", "none"}} {
		if _, err := e.Run(bg, path[0], path[1], path[2]); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %v", path, err)
		}
	}
}

// BenchmarkTree is the tree of a trace of 50,000 small runs, 100 MB of JSON, and
// one run in the middle of it.
func BenchmarkTree(b *testing.B) {
	e, _ := newEngine(b, func(o *Options) { o.MemTableBytes = 64 << 20 })
	manyRuns(b, e, 50_000, 1500)
	b.Run("tree", func(b *testing.B) {
		for b.Loop() {
			var n countWriter
			if err := e.Tree(bg, "app", "big", &n); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(n))
		}
	})
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			if _, err := e.Run(bg, "app", "big", "r25000"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type countWriter int

func (c *countWriter) Write(p []byte) (int, error) { *c += countWriter(len(p)); return len(p), nil }
