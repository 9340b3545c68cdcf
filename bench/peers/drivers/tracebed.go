// Package drivers holds one store per file, and beside it the schema and the
// settings that its good users would choose.
package drivers

import (
	"context"
	"fmt"
	"io"
	"time"
	"unsafe"

	"github.com/tracebed/tracebed/bench/peers/peer"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// Tracebed is the engine inside the process, with default options. It gets
// parsed runs: parsing is not timed for any store but over HTTP.
type Tracebed struct {
	e     *engine.Engine
	arena peer.Arena
}

// OpenTracebed opens a store in dir.
func OpenTracebed(dir string) (peer.Driver, error) {
	e, err := engine.Open(dir, engine.Options{})
	return &Tracebed{e: e}, err
}

// Prepare parses the bodies as the server does.
func (t *Tracebed) Prepare(batch []peer.Rec) (peer.Work, error) {
	var all []trace.Run
	for i := range batch {
		runs, rejected, err := dynamiq.Parse(batch[i].Raw, dynamiq.Options{})
		if err != nil {
			return nil, err
		}
		if len(rejected) > 0 {
			return nil, fmt.Errorf("rejected: %s", rejected[0].Reason)
		}
		for k := range runs {
			t.pin(&runs[k])
		}
		all = append(all, runs...)
	}
	app := batch[0].App
	all = peer.Slice(&t.arena, all)
	return func() error {
		res, err := t.e.Ingest(context.Background(), app, all)
		if err == nil && len(res.Rejected) > 0 {
			err = fmt.Errorf("rejected: %s", res.Rejected[0].Reason)
		}
		return err
	}, nil
}

// pin moves a run out of the heap (see peer.Chunk): the collector's work on
// runs that wait for their turn would be counted as the store's. What was a
// slice of the JSON stays one.
func (t *Tracebed) pin(r *trace.Run) {
	a := &t.arena
	for _, s := range []*string{&r.ID, &r.TraceID, &r.ParentID, &r.Type, &r.Group, &r.Model,
		&r.SessionID, &r.SourceID, &r.UserID, &r.Version, &r.Environment} {
		*s = a.String(*s)
	}
	if r.Name != nil {
		r.Name = &peer.Slice(a, []string{a.String(*r.Name)})[0]
	}
	if r.Usage != nil {
		u := *r.Usage
		for _, m := range []**rollup.Money{&u.PromptCost, &u.CompletionCost, &u.TotalCost} {
			if *m != nil {
				*m = &peer.Slice(a, []rollup.Money{**m})[0]
			}
		}
		r.Usage = &peer.Slice(a, []trace.Usage{u})[0]
	}
	for i := range r.Tags {
		r.Tags[i] = a.String(r.Tags[i])
	}
	r.Tags = peer.Slice(a, r.Tags)
	old := r.JSON
	r.JSON = t.arena.Keep(old)
	for _, part := range []*[]byte{&r.Input, &r.Output, &r.Metadata, &r.Error} {
		b := *part
		if len(b) == 0 {
			continue
		}
		at := int64(uintptr(unsafe.Pointer(&b[0]))) - int64(uintptr(unsafe.Pointer(&old[0])))
		if at >= 0 && at+int64(len(b)) <= int64(len(old)) {
			*part = r.JSON[at : at+int64(len(b))]
		} else {
			*part = t.arena.Keep(b)
		}
	}
}

// Metrics asks the engine; its series must have the bars of the query.
func (t *Tracebed) Metrics(q *peer.MetricsQuery) ([]peer.Sums, error) {
	m, err := t.RawMetrics(q)
	if err != nil {
		return nil, err
	}
	if len(m.Series) != len(q.Bounds)-1 {
		return nil, fmt.Errorf("%d bars, want %d", len(m.Series), len(q.Bounds)-1)
	}
	sums := make([]peer.Sums, len(m.Series))
	for i, p := range m.Series {
		if p.Start.UnixMicro() != q.Bounds[i] {
			return nil, fmt.Errorf("bar %d begins at %v", i, p.Start)
		}
		sums[i] = fromStats(p.Stats)
	}
	return sums, nil
}

// RawMetrics is the engine's own answer, percentiles included.
func (t *Tracebed) RawMetrics(q *peer.MetricsQuery) (engine.Metrics, error) {
	iv, err := rollup.ParseInterval(q.Interval)
	if err != nil {
		return engine.Metrics{}, err
	}
	return t.e.Metrics(context.Background(), q.App, engine.MetricsQuery{
		Start: q.Window.From, End: q.Window.To - 1, Interval: iv, Location: q.Zone,
	})
}

func fromStats(s *rollup.Stats) peer.Sums {
	return peer.Sums{
		N:    [4]int64{int64(s.SuccessCount), int64(s.FailureCount), int64(s.CanceledCount), int64(s.RunningCount)},
		DurN: int64(s.Duration.Count), DurSum: int64(s.Duration.Avg*float64(s.Duration.Count)*1000 + 0.5),
		Tokens:   [3]int64{s.PromptTokens, s.CompletionTokens, s.TotalTokens},
		Cost:     [3]int64{int64(s.PromptCost.USD.Lo), int64(s.CompletionCost.USD.Lo), int64(s.TotalCost.USD.Lo)},
		Unpriced: int64(s.UnpricedCount),
	}
}

// List asks for a page.
func (t *Tracebed) List(q *peer.ListQuery) (peer.Page, error) {
	f := engine.Filter{Window: engine.Window{From: q.Window.From, To: q.Window.To}}
	if q.Status >= 0 {
		f.Statuses = []rollup.Status{rollup.Status(q.Status)}
	}
	page, err := t.e.List(context.Background(), q.App, engine.ListQuery{
		Filter: f, Page: q.Offset/q.Limit + 1, PageSize: q.Limit, Preview: peer.PreviewBytes,
	})
	if err != nil {
		return peer.Page{}, err
	}
	p := peer.Page{Total: page.TotalCount, Rows: make([]peer.Row, len(page.Rows))}
	for i, r := range page.Rows {
		p.Rows[i] = peer.Row{ID: r.ID, StartUS: r.StartUS, Head: r.JSON}
	}
	return p, nil
}

// Trace returns a trace with its runs.
func (t *Tracebed) Trace(app string, _ int32, id string) ([]byte, error) {
	return t.e.TraceWithRuns(context.Background(), app, id)
}

// Export writes one zstd frame made of the stored frames.
func (t *Tracebed) Export(app string, _ int32, limit int, w io.Writer) (peer.Exported, error) {
	res, err := t.e.Export(context.Background(), app, engine.ExportQuery{Limit: int64(limit), IncludeRuns: true, Zstd: true}, w)
	return peer.Exported{Count: res.Count}, err
}

// Settle waits for compactions.
func (t *Tracebed) Settle() error {
	for quiet, end := 0, time.Now().Add(time.Minute); quiet < 5 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		if quiet++; t.e.Stats().CompactionDebtBytes > 0 {
			quiet = 0
		}
	}
	return nil
}

// Close closes the store.
func (t *Tracebed) Close() error {
	t.arena.Free()
	return t.e.Close()
}
