package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

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
type listTimes [3]Latencies

var pageNames = [3]string{"first", "p1000", "last"}

// BenchmarkList: a page of 20 of 400,000 traces, previews as by default. Every
// query has another window; the three pages take turns.
func BenchmarkList(b *testing.B) {
	s := sharedStore(b)
	var all Latencies
	worstP99, worstRatio := 0.0, 0.0
	worstAt, ratioAt := "", ""
	for _, c := range listCases() {
		b.Run(c.name, func(b *testing.B) {
			var t listTimes
			for range b.N {
				c.run(b, s, 30, &listTimes{})
				c.run(b, s, 400, &t)
			}
			noTime(b)
			for i, name := range pageNames {
				b.ReportMetric(ms(t[i].At(50)), name+"-p50-ms")
				b.ReportMetric(ms(t[i].At(99)), name+"-p99-ms")
				b.ReportMetric(ms(t[i].At(100)), name+"-max-ms")
				if p := ms(t[i].At(99)); p > worstP99 {
					worstP99, worstAt = p, c.name+" "+name
				}
				for _, ns := range t[i].ns {
					all.Add(time.Duration(ns))
				}
			}
			ratio := float64(t[2].At(50)) / float64(t[0].At(50))
			b.ReportMetric(ratio, "last/first")
			if ratio > worstRatio {
				worstRatio, ratioAt = ratio, c.name
			}
		})
	}
	report.Set(Row{"list page of 20, any filter", "p99 ≤ 1 ms",
		fmt.Sprintf("all: p50 %.2f, p99 %.2f ms; worst case p99 %.2f ms (%s)", ms(all.At(50)), ms(all.At(99)), worstP99, worstAt), worstP99 <= 1})
	report.Set(Row{"last page against first", "≤ 1.5×",
		fmt.Sprintf("worst %.2f× (%s)", worstRatio, ratioAt), worstRatio <= 1.5})
}

// run makes n queries for each page.
func (c *listCase) run(b *testing.B, s *bigStore, n int, t *listTimes) {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	for range n {
		q := engine.ListQuery{PageSize: pageSize, Preview: 2048}
		q.Statuses = c.statuses
		if c.days > 0 {
			q.Window = raggedWindow(rng, c.days)
		}
		pages := 0
		for i := range pageNames {
			switch i {
			case 0:
				q.Page = 1
			case 1:
				q.Page = max(1, min(1000, pages/2))
			case 2:
				q.Page = max(1, pages)
			}
			start := time.Now()
			got, err := s.e.List(context.Background(), storeApp, q)
			t[i].Add(time.Since(start))
			check(b, err)
			pages = int((got.TotalCount + pageSize - 1) / pageSize)
			if len(got.Rows) == 0 || (i < 2 && pages > 1 && len(got.Rows) != pageSize) {
				b.Fatalf("page %d of %d has %d rows", q.Page, pages, len(got.Rows))
			}
		}
	}
}
