package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/rollup"
)

var everyStatus = []rollup.Status{rollup.Succeeded, rollup.Failed, rollup.Canceled, rollup.Running}

// TestConcurrentReads: while writers change everything and tiny budgets evict
// all state, every single answer is one moment of the store.
func TestConcurrentReads(t *testing.T) {
	e, clock := newEngine(t, func(o *Options) { o.StateBytes, o.OrphanTimeout = 1, time.Minute })
	for i := range 3 {
		ingest(t, e, fmt.Sprint("app", i), oneRun("first", epoch))
	}
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			w := newWorkload(9, uint64(n), "")
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := concurrentWrite(e, clock, w); err != nil {
					t.Errorf("write: %v", err)
					return
				}
			}
		})
	}
	var answered [3]int
	for n := range answered {
		readers.Go(func() {
			r := &reads{e: e, rng: rand.New(rand.NewPCG(4, uint64(n)))}
			until := time.Now().Add(2500 * time.Millisecond)
			for time.Now().Before(until) {
				if err := r.one(); err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("read: %v", err)
					return
				}
				answered[n]++
			}
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
	t.Logf("%v answers, %d operations", answered, e.Stats().Seq)
	verifyClean(t, e)
	noRepairs(t, e)
	for i := range 3 {
		checkQuiet(t, e, fmt.Sprint("app", i))
	}
}

func concurrentWrite(e *Engine, clock *testClock, w *workload) (err error) {
	switch k := w.rng.IntN(30); {
	case k == 0:
		clock.advance(time.Minute)
		_, err = e.PromoteOrphans(bg)
	case k < 4:
		err = e.DeleteTrace(bg, w.app(), w.trace())
	case k == 4 && w.rng.IntN(4) == 0:
		err = e.DeleteApp(bg, w.app())
	default:
		_, err = e.Ingest(bg, w.app(), parseRuns(panicker{}, w.runs()...))
	}
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// reads makes random reads and checks that each answer fits itself.
type reads struct {
	e   *Engine
	rng *rand.Rand
}

func (r *reads) filter() (f Filter) {
	if r.rng.IntN(2) == 0 {
		f.Window.From = epoch.UnixMicro() + r.rng.Int64N(2*usPerHour)
		f.Window.To = f.Window.From + r.rng.Int64N(30*usPerHour)
	}
	if r.rng.IntN(2) == 0 {
		f.Statuses = everyStatus[r.rng.IntN(4):]
	}
	return f
}

func (r *reads) one() error {
	app := fmt.Sprint("app", r.rng.IntN(3))
	switch r.rng.IntN(6) {
	case 0, 1:
		return r.list(app)
	case 2:
		return r.metrics(app)
	case 3:
		return r.export(app)
	case 4:
		return r.runs(app)
	}
	infos, err := r.e.Apps(bg)
	for _, in := range infos {
		if in.TraceCount > 0 && (in.FirstStart.IsZero() || in.LastStart.Before(in.FirstStart)) {
			return fmt.Errorf("app %+v", in)
		}
	}
	return err
}

// list asks for one page that holds all there can be.
func (r *reads) list(app string) error {
	q := ListQuery{Filter: r.filter(), Page: 1, PageSize: MaxPageSize, Ascending: r.rng.IntN(2) == 0, Preview: 64 * r.rng.IntN(2)}
	if r.rng.IntN(3) == 0 {
		q.PageSize, q.Page = 1+r.rng.IntN(20), 1+r.rng.IntN(5)
	}
	p, err := r.e.List(bg, app, q)
	if err != nil {
		return err
	}
	want := min(max(p.TotalCount-int64((q.Page-1)*q.PageSize), 0), int64(q.PageSize))
	if int64(len(p.Rows)) != want {
		return fmt.Errorf("page %d of %d: %d rows of %d", q.Page, q.PageSize, len(p.Rows), p.TotalCount)
	}
	if more := p.TotalCount > int64(q.Page*q.PageSize); more != (p.NextCursor != "") && want > 0 {
		return fmt.Errorf("page %d of %d, total %d: next cursor %q", q.Page, q.PageSize, p.TotalCount, p.NextCursor)
	}
	for i := range p.Rows {
		if err := rowFits(&p.Rows[i], &q); err != nil {
			return err
		}
		if i > 0 && (p.Rows[i].StartUS < p.Rows[i-1].StartUS) != !q.Ascending && p.Rows[i].StartUS != p.Rows[i-1].StartUS {
			return fmt.Errorf("row %d is out of order", i)
		}
	}
	return nil
}

func rowFits(row *TraceRow, q *ListQuery) error {
	if len(q.Statuses) > 0 {
		ok := false
		for _, st := range q.Statuses {
			ok = ok || st == row.Status
		}
		if !ok {
			return fmt.Errorf("row %s is %s", row.ID, statusText(row.Status))
		}
	}
	if w := q.Window; row.StartUS < w.From || w.To > 0 && row.StartUS >= w.To {
		return fmt.Errorf("row %s starts at %d, outside of %v", row.ID, row.StartUS, w)
	}
	var obj struct{ ID, Status string }
	if err := json.Unmarshal(row.JSON, &obj); err != nil || obj.ID != row.ID || obj.Status != statusText(row.Status) {
		return fmt.Errorf("row %s %s has %.200s (%w)", row.ID, statusText(row.Status), row.JSON, err)
	}
	return nil
}

func (r *reads) metrics(app string) error {
	iv, _ := rollup.ParseInterval([]string{"15m", "1h", "24h"}[r.rng.IntN(3)])
	from := epoch.UnixMicro() - r.rng.Int64N(usPerHour)
	m, err := r.e.Metrics(bg, app, MetricsQuery{Start: from, End: from + r.rng.Int64N(50*usPerHour), Interval: iv})
	if err != nil {
		return err
	}
	return seriesFit(&m)
}

// seriesFit compares the sums of the bars with the summary.
func seriesFit(m *Metrics) error {
	var sum rollup.Stats
	s := &m.Summary
	for i := range m.Series {
		p := m.Series[i].Stats
		sum.InvocationCount += p.InvocationCount
		sum.SuccessCount += p.SuccessCount
		sum.FailureCount += p.FailureCount
		sum.RunningCount += p.RunningCount
		sum.Duration.Count += p.Duration.Count
		sum.TotalTokens += p.TotalTokens
		sum.TotalCost.USD = sum.TotalCost.USD.Add(p.TotalCost.USD)
		sum.UnpricedCount += p.UnpricedCount
		if p.Duration.Count > 0 && (p.Duration.Min < s.Duration.Min || p.Duration.Max > s.Duration.Max) {
			return fmt.Errorf("extremes of bar %d lie outside those of the summary: %+v, %+v", i, p.Duration, s.Duration)
		}
	}
	if sum.InvocationCount != s.InvocationCount || sum.SuccessCount != s.SuccessCount || sum.FailureCount != s.FailureCount ||
		sum.RunningCount != s.RunningCount || sum.Duration.Count != s.Duration.Count || sum.TotalTokens != s.TotalTokens ||
		sum.TotalCost.USD != s.TotalCost.USD || sum.UnpricedCount != s.UnpricedCount ||
		s.InvocationCount != s.SuccessCount+s.FailureCount+s.CanceledCount+s.RunningCount {
		return fmt.Errorf("bars add up to %+v, the summary is %+v", sum, *s)
	}
	return nil
}

func (r *reads) export(app string) error {
	q := ExportQuery{Filter: r.filter(), IncludeRuns: r.rng.IntN(2) == 0, Zstd: r.rng.IntN(2) == 0}
	var b bytes.Buffer
	res, err := r.e.Export(bg, app, q, &b)
	if err != nil {
		return err
	}
	n, err := exported(b.Bytes(), q.Zstd)
	if err == nil && (int64(n) != res.Count || !res.Complete) {
		err = fmt.Errorf("%d traces, %+v", n, res)
	}
	return err
}

// exported counts the traces of an export.
func exported(b []byte, packed bool) (int, error) {
	if packed {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return 0, err
		}
		defer d.Close()
		if b, err = d.DecodeAll(b, nil); err != nil {
			return 0, err
		}
	}
	var list []json.RawMessage
	err := json.Unmarshal(b, &list)
	return len(list), err
}

func (r *reads) runs(app string) error {
	id := fmt.Sprint("t", r.rng.IntN(12))
	all, err := r.e.TraceWithRuns(bg, app, id)
	if err != nil {
		return err
	}
	var obj struct {
		ID       string            `json:"id"`
		RunCount int               `json:"run_count"`
		Runs     []json.RawMessage `json:"runs"`
	}
	if err := json.Unmarshal(all, &obj); err != nil || obj.ID != id || obj.RunCount != len(obj.Runs) {
		return fmt.Errorf("trace %s: %d runs, run_count %d (%w)", id, len(obj.Runs), obj.RunCount, err)
	}
	p, err := r.e.Runs(bg, app, id, RunQuery{Page: 1, PageSize: 2})
	if err == nil && int64(len(p.Runs)) != min(p.TotalCount, 2) {
		err = fmt.Errorf("runs of %s: %d of %d", id, len(p.Runs), p.TotalCount)
	}
	return err
}

// checkQuiet compares the answers of an app that nobody changes.
func checkQuiet(t *testing.T, e *Engine, app string) {
	t.Helper()
	whole, err := e.List(bg, app, ListQuery{Page: 1, PageSize: 1})
	if errors.Is(err, ErrNotFound) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Metrics(bg, app, MetricsQuery{Start: epoch.UnixMicro(), End: epoch.Add(72 * time.Hour).UnixMicro(), Interval: mustInterval(t, "1h")})
	if err != nil || int64(m.Summary.InvocationCount) != whole.TotalCount {
		t.Errorf("%s: charts count %d, the list %d (%v)", app, m.Summary.InvocationCount, whole.TotalCount, err)
	}
	var sum int64
	for i, want := range []uint64{m.Summary.SuccessCount, m.Summary.FailureCount, m.Summary.CanceledCount, m.Summary.RunningCount} {
		f := Filter{Statuses: everyStatus[i : i+1]}
		p, err := e.List(bg, app, ListQuery{Filter: f, Page: 1, PageSize: 1})
		if err != nil || p.TotalCount != int64(want) {
			t.Errorf("%s: %d %s, charts say %d (%v)", app, p.TotalCount, statusText(everyStatus[i]), want, err)
		}
		n, err := exported(exportAll(t, e, app, ExportQuery{Filter: f}), false)
		if err != nil || int64(n) != p.TotalCount {
			t.Errorf("%s: exported %d, the list has %d (%v)", app, n, p.TotalCount, err)
		}
		sum += p.TotalCount
	}
	info, err := e.App(bg, app)
	if err != nil || sum != whole.TotalCount || info.TraceCount != sum {
		t.Errorf("%s: totals %d, %d and %d (%v)", app, sum, whole.TotalCount, info.TraceCount, err)
	}
}
