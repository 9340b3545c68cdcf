package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

const pageSize = 20

// listCase is one filter of status and window.
type listCase struct {
	name     string
	statuses []rollup.Status
	days     int64 // of the window, 0 = none
}

func listCases() (cases []listCase) {
	for _, st := range []struct {
		name     string
		statuses []rollup.Status
	}{
		{"any", nil},
		{"failed", []rollup.Status{rollup.Failed}},
		{"canceled", []rollup.Status{rollup.Canceled}},
		{"succeeded", []rollup.Status{rollup.Succeeded}},
	} {
		cases = append(cases, listCase{st.name, st.statuses, 0}, listCase{st.name + "-3days", st.statuses, 3})
	}
	return cases
}

// listTimes are the latencies of the first page, page 1,000 (or the middle
// one where there are fewer than 2,000) and the last.
type listTimes [3]timings

var pageNames = [3]string{"first", "p1000", "last"}

// BenchmarkList: a page of 20 of 400,000 traces, previews as by default, in one
// of 40 windows. The three pages take turns.
func BenchmarkList(b *testing.B) {
	s := sharedStore(b)
	var all timings
	worstP99, worstRatio := 0.0, 0.0
	worstAt, ratioAt := "", ""
	for _, c := range listCases() {
		b.Run(c.name, func(b *testing.B) {
			var t listTimes
			lockThread(b)
			phase("list")
			windows := c.windows(b, s)
			c.run(b, s, windows, 40, &listTimes{})
			for range b.N {
				c.run(b, s, windows, 400, &t)
			}
			noTime(b)
			for i, name := range pageNames {
				t[i].report(b, name+"-")
				if p := ms(t[i].wall.At(99)); p > worstP99 {
					worstP99, worstAt = p, c.name+" "+name
				}
				all.wall.Merge(&t[i].wall)
				all.cpu.Merge(&t[i].cpu)
			}
			ratio := float64(t[2].wall.At(50)) / float64(t[0].wall.At(50))
			b.ReportMetric(ratio, "last/first")
			if ratio > worstRatio {
				worstRatio, ratioAt = ratio, c.name
			}
		})
	}
	report.Set(Row{"list page of 20, any filter", "p99 ≤ 1 ms",
		fmt.Sprintf("p50 %.2f, p99 %.2f, CPU p99 %.2f ms; worst p99 %.2f ms (%s)", ms(all.wall.At(50)), ms(all.wall.At(99)),
			ms(all.cpu.At(99)), worstP99, worstAt), worstP99 <= 1})
	report.Set(Row{"last page against first", "≤ 1.5×",
		fmt.Sprintf("worst %.2f× (%s)", worstRatio, ratioAt), worstRatio <= 1.5})
}

// listWindow is a window and how many pages it has.
type listWindow struct {
	engine.Window
	pages int
}

// windows draws the windows and asks how much is in them.
func (c *listCase) windows(b *testing.B, s *bigStore) (out []listWindow) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 40 {
		w := listWindow{}
		if c.days > 0 {
			w.Window = raggedWindow(rng, c.days)
		}
		q := engine.ListQuery{Filter: engine.Filter{Window: w.Window, Statuses: c.statuses}, Page: 1, PageSize: pageSize}
		got, err := s.e.List(context.Background(), storeApp, q)
		check(b, err)
		if w.pages = int((got.TotalCount + pageSize - 1) / pageSize); w.pages == 0 {
			b.Fatal("an empty window")
		}
		out = append(out, w)
	}
	return out
}

// run makes n queries for each page.
func (c *listCase) run(b *testing.B, s *bigStore, windows []listWindow, n int, t *listTimes) {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	for range n {
		// Each page in a window of its own, so that none finds warm what
		// another has just read.
		for i := range pageNames {
			w := windows[rng.IntN(len(windows))]
			q := engine.ListQuery{Filter: engine.Filter{Window: w.Window, Statuses: c.statuses},
				Page: [3]int{1, max(1, min(1000, w.pages/2)), w.pages}[i], PageSize: pageSize, Preview: 2048}
			var got engine.ListPage
			var err error
			t[i].call(func() { got, err = s.e.List(context.Background(), storeApp, q) })
			check(b, err)
			if len(got.Rows) == 0 || (q.Page < w.pages && len(got.Rows) != pageSize) {
				b.Fatalf("page %d of %d has %d rows", q.Page, w.pages, len(got.Rows))
			}
		}
	}
}
