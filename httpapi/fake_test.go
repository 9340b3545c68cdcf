package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// fake is a store of maps: enough of engine.API to see what the server asks
// of it and what it makes of the answers.
type fake struct {
	mu       sync.Mutex
	apps     map[string]map[string][]trace.Run
	settings map[string][]byte
	err      error // of every call when set
	ready    error

	ingest func(app string, runs []trace.Run) (engine.IngestResult, error)
	export func(ctx context.Context, q engine.ExportQuery, w io.Writer) (engine.ExportResult, error)

	evaluations []trace.Evaluation
	backedUp    []string // directories
	report      engine.VerifyReport
	verify      func() // called by Verify

	list    engine.ListQuery
	metrics engine.MetricsQuery
	runs    engine.RunQuery
	exportQ engine.ExportQuery
}

var _ engine.API = (*fake)(nil)

func newFake() *fake {
	return &fake{apps: map[string]map[string][]trace.Run{}, settings: map[string][]byte{}}
}

// put stores n traces t0, t1, … of one run each.
func (f *fake) put(app string, n int) {
	f.apps[app] = map[string][]trace.Run{}
	for i := range n {
		f.apps[app][fmt.Sprintf("t%d", i)] = []trace.Run{{ID: "r", JSON: []byte(`{"id":"r","big":123456789012345678901234567890}`)}}
	}
}

// Submit takes copies: the runs are free afterwards.
func (f *fake) Submit(ctx context.Context, app string, runs []trace.Run) (func(context.Context) (engine.IngestResult, error), error) {
	runs = slices.Clone(runs)
	for i := range runs {
		runs[i].JSON = slices.Clone(runs[i].JSON)
	}
	res, err := f.Ingest(ctx, app, runs)
	return func(context.Context) (engine.IngestResult, error) { return res, err }, nil
}

func (f *fake) Ingest(_ context.Context, app string, runs []trace.Run) (res engine.IngestResult, err error) {
	if f.ingest != nil {
		return f.ingest(app, runs)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return res, f.err
	}
	if f.apps[app] == nil {
		f.apps[app] = map[string][]trace.Run{}
	}
	for i, r := range runs {
		if r.ID == "refused" {
			res.Rejected = append(res.Rejected, engine.Rejection{Index: i, ID: r.ID, Reason: "the trace is full"})
			continue
		}
		f.apps[app][r.TraceID] = append(f.apps[app][r.TraceID], r)
		res.Created++
	}
	return res, nil
}

func (f *fake) traces(app string) (map[string][]trace.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	if f.apps[app] == nil {
		return nil, fmt.Errorf("%w: app %q", engine.ErrNotFound, app)
	}
	return f.apps[app], nil
}

func (f *fake) Apps(context.Context) (out []engine.AppInfo, err error) {
	for app := range f.apps {
		a, err := f.App(context.Background(), app)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, f.err
}

func (f *fake) App(_ context.Context, app string) (engine.AppInfo, error) {
	m, err := f.traces(app)
	a := engine.AppInfo{ID: app, TraceCount: int64(len(m))}
	if len(m) > 0 {
		a.FirstStart, a.LastStart = time.Unix(1, 500).UTC(), time.Unix(3, 0).UTC()
	}
	return a, err
}

func (f *fake) Trace(_ context.Context, app, id string) (row engine.TraceRow, err error) {
	m, err := f.traces(app)
	if err != nil {
		return row, err
	}
	if m[id] == nil {
		return row, fmt.Errorf("%w: trace %q", engine.ErrNotFound, id)
	}
	row.JSON = fmt.Appendf(nil, `{"id":%q,"big":123456789012345678901234567890}`, id)
	return row, nil
}

func (f *fake) TraceWithRuns(ctx context.Context, app, id string) ([]byte, error) {
	row, err := f.Trace(ctx, app, id)
	return append(bytes.TrimSuffix(row.JSON, []byte("}")), `,"runs":[]}`...), err
}

func (f *fake) TraceVersion(ctx context.Context, app, id string) (string, error) {
	_, err := f.Trace(ctx, app, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%016x", 0xabc+len(f.evaluations)), err
}

func (f *fake) Run(ctx context.Context, app, id, runID string) ([]byte, error) {
	m, err := f.traces(app)
	if err != nil {
		return nil, err
	}
	for _, r := range m[id] {
		if r.ID == runID {
			return r.JSON, nil
		}
	}
	return nil, fmt.Errorf("%w: run %q", engine.ErrNotFound, runID)
}

func (f *fake) Tree(ctx context.Context, app, id string, w io.Writer) error {
	row, err := f.Trace(ctx, app, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `{"trace":%s,"runs":[]}`, row.JSON)
	return err
}

func (f *fake) Evaluations(ctx context.Context, app, id string) ([]byte, error) {
	_, err := f.Trace(ctx, app, id)
	f.mu.Lock()
	defer f.mu.Unlock()
	return trace.AppendEvaluations(nil, f.evaluations), err
}

func (f *fake) PutEvaluations(ctx context.Context, app, id string, list []trace.Evaluation) ([]trace.Evaluation, error) {
	if _, err := f.Trace(ctx, app, id); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range list {
		if list[i].RunID == "none" {
			return nil, fmt.Errorf("%w: evaluations[%d].run_id: the trace has no such run", engine.ErrInvalid, i)
		}
		list[i].Complete(fmt.Sprint("made-", i), trace.Time{NS: 1e9, Valid: true})
	}
	f.evaluations = append(f.evaluations, list...)
	return list, nil
}

func (f *fake) Runs(_ context.Context, app, id string, q engine.RunQuery) (p engine.RunPage, err error) {
	f.runs = q
	m, err := f.traces(app)
	if err != nil {
		return p, err
	}
	for _, r := range m[id] {
		p.Runs = append(p.Runs, r.JSON)
	}
	p.TotalCount = int64(len(p.Runs))
	return p, nil
}

func (f *fake) List(_ context.Context, app string, q engine.ListQuery) (p engine.ListPage, err error) {
	f.list = q
	m, err := f.traces(app)
	if err != nil {
		return p, err
	}
	ids := slices.Sorted(maps.Keys(m))
	p.TotalCount = int64(len(ids))
	lo := min((q.Page-1)*q.PageSize, len(ids))
	hi := min(lo+q.PageSize, len(ids))
	for _, id := range ids[lo:hi] {
		p.Rows = append(p.Rows, engine.TraceRow{JSON: fmt.Appendf(nil, `{"id":%q}`, id)})
	}
	if hi < len(ids) {
		p.NextCursor = "after-" + ids[hi-1]
	}
	return p, nil
}

func (f *fake) Metrics(_ context.Context, app string, q engine.MetricsQuery) (m engine.Metrics, err error) {
	f.metrics = q
	if _, err = f.traces(app); err != nil {
		return m, err
	}
	m.Summary.InvocationCount = 7
	m.Series = []engine.Point{{Start: time.UnixMicro(q.Start).UTC(), Stats: &rollup.Stats{SuccessCount: 7}}}
	return m, nil
}

func (f *fake) Export(ctx context.Context, app string, q engine.ExportQuery, w io.Writer) (res engine.ExportResult, err error) {
	f.mu.Lock()
	f.exportQ = q
	f.mu.Unlock()
	if f.export != nil {
		return f.export(ctx, q, w)
	}
	m, err := f.traces(app)
	if err != nil {
		return res, err
	}
	var z *zstd.Encoder
	if q.Zstd {
		if z, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); err != nil {
			return res, err
		}
		w = z
	}
	begin, between, end := "[\n", ",\n", "\n]\n"
	if q.Format == engine.JSONLines {
		begin, between, end = "", "\n", "\n"
	}
	var text bytes.Buffer
	text.WriteString(begin)
	for i, id := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			text.WriteString(between)
		}
		fmt.Fprintf(&text, `{"id":%q,"text":%q}`, id, strings.Repeat("x", 1000))
		res.Count++
	}
	text.WriteString(end)
	if _, err = w.Write(text.Bytes()); err == nil && z != nil {
		err = z.Close()
	}
	res.Complete = true
	return res, err
}

func (f *fake) DeleteTrace(_ context.Context, app, id string) error {
	m, err := f.traces(app)
	if err == nil && m[id] == nil {
		err = engine.ErrNotFound
	}
	delete(m, id)
	return err
}

func (f *fake) DeleteApp(_ context.Context, app string) error {
	_, err := f.traces(app)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.apps, app)
	return err
}

func (f *fake) Setting(_ context.Context, key string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.settings[key]; ok {
		return v, nil
	}
	return nil, engine.ErrNotFound
}

func (f *fake) Settings(_ context.Context, prefix string) (map[string][]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string][]byte{}
	for k, v := range f.settings {
		if strings.HasPrefix(k, prefix) {
			out[k] = v
		}
	}
	return out, nil
}

func (f *fake) PutSetting(_ context.Context, key string, value []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings[key] = slices.Clone(value)
	return nil
}

func (f *fake) DeleteSetting(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.settings, key)
	return nil
}

func (f *fake) Backup(_ context.Context, dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backedUp = append(f.backedUp, dir)
	return f.err
}

func (f *fake) BackupTo(_ context.Context, w io.Writer, begin func(int64)) error {
	begin(7)
	_, err := io.WriteString(w, "archive")
	return errors.Join(err, f.err)
}

func (f *fake) Verify(context.Context) (engine.VerifyReport, error) {
	if f.verify != nil {
		f.verify()
	}
	return f.report, f.err
}

func (f *fake) Ready() error { return f.ready }

func (f *fake) Stats() engine.Stats { return engine.Stats{Seq: 42} }
