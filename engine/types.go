package engine

import (
	"context"
	"io"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// IngestResult counts what became of the runs of one Ingest call.
type IngestResult struct {
	Created, Updated, Unchanged int
	// Rejected lists runs that could not be stored; their neighbours were.
	Rejected []Rejection
}

// Rejection says why one run of a batch was not stored.
type Rejection struct {
	Index  int    // position in the batch
	ID     string // run id, "" where it is not known
	Reason string // names the field and the fix
}

// AppInfo is one application as GET /v1/apps shows it.
type AppInfo struct {
	ID         string
	TraceCount int64
	// FirstStart and LastStart are the start of the oldest and newest trace;
	// zero when the app has no trace.
	FirstStart, LastStart time.Time
}

// Window is a range of start times in µs since the epoch, From ≤ t < To.
// The zero To means "no upper end".
type Window struct{ From, To int64 }

// Filter selects traces; the zero Filter takes all.
type Filter struct {
	Window   Window
	Statuses []rollup.Status // none = every status
}

// ListQuery asks for one page of traces.
type ListQuery struct {
	Filter
	Ascending bool
	Page      int    // 1-based; ignored with Cursor
	PageSize  int    // 1–1000
	Cursor    string // from ListPage.NextCursor or ExportResult.NextCursor
	// Preview bounds input and output in bytes; 0 = whole.
	Preview int
}

// TraceRow is a trace without its runs: what indexes and buckets know of it,
// and the object of the contract.
type TraceRow struct {
	ID     string
	Status rollup.Status
	// StartUS is in µs since the epoch; JSON has the start as it was sent.
	StartUS int64
	Sample  rollup.Sample
	// Orphans: a parent is missing, and the trace runs until it comes or the
	// orphan timeout makes roots of its children.
	Orphans bool
	// OpenRoot: a root has not ended. Stale: and nothing came for long.
	OpenRoot, Stale bool
	// JSON is the trace object of the contract §3, one line.
	JSON []byte
}

// ListPage is the answer to a ListQuery.
type ListPage struct {
	Rows       []TraceRow
	TotalCount int64
	NextCursor string // "" on the last page
}

// RunQuery asks for one page of the runs of a trace, newest first.
type RunQuery struct {
	Page, PageSize int
	ParentRunID    string   // "" = any
	Statuses       []string // run status texts; "running" = open; none = any
	Types          []string // none = any
}

// RunPage is the answer to a RunQuery; every run is one line of JSON.
type RunPage struct {
	Runs       [][]byte
	TotalCount int64
}

// MetricsQuery asks for the charts of an app. Start and End are included
// (contract §4), in µs since the epoch.
type MetricsQuery struct {
	Start, End int64
	Interval   rollup.Interval
	Location   *time.Location // nil = UTC
}

// Metrics is the answer: the whole window and its bars in ascending order.
type Metrics struct {
	Summary rollup.Stats
	Series  []Point
}

// Point is one bar. Start is the first instant of the bucket. Stats is shared
// with other answers and must not be changed: copies would be most of the cost
// of a year by hour, 2 MB of garbage each.
type Point struct {
	Start time.Time
	Stats *rollup.Stats
}

// ExportFormat is the shape of an export.
type ExportFormat uint8

// The export formats.
const (
	JSONArray ExportFormat = iota // one array, one trace a line
	JSONLines
)

// ExportQuery asks for a stream of traces, newest first.
type ExportQuery struct {
	Filter
	Cursor      string
	Limit       int64 // 0 = no limit
	IncludeRuns bool
	Format      ExportFormat
	// Zstd asks for one zstd frame made of the stored frames (no
	// recompression); otherwise plain JSON is written.
	Zstd bool
	// Deadline, when not zero, ends the export early with a valid end. It is
	// a time of Options.Now.
	Deadline time.Time
}

// ExportResult says how an export ended.
type ExportResult struct {
	Count int64
	// Complete: no trace that matches is left. The limit and the deadline end
	// an export before that.
	Complete bool
	// NextCursor goes on behind the last trace; "" when complete.
	NextCursor string
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	Apps, Traces, Runs int64
	Differences        []string
}

// API is the set of calls that a server or an embedder makes; *Engine
// implements it. It exists so that the HTTP layer can be tested without a
// store.
type API interface {
	Ingest(ctx context.Context, app string, runs []trace.Run) (IngestResult, error)
	// Submit is Ingest in two halves; the runs are free when it returns.
	Submit(ctx context.Context, app string, runs []trace.Run) (wait func(context.Context) (IngestResult, error), err error)
	Apps(ctx context.Context) ([]AppInfo, error)
	App(ctx context.Context, app string) (AppInfo, error)
	Trace(ctx context.Context, app, id string) (TraceRow, error)
	// TraceVersion changes whenever what is shown of a trace does.
	TraceVersion(ctx context.Context, app, id string) (string, error)
	// TraceWithRuns is the trace object with a member "runs", newest first.
	TraceWithRuns(ctx context.Context, app, id string) ([]byte, error)
	Runs(ctx context.Context, app, id string, q RunQuery) (RunPage, error)
	Run(ctx context.Context, app, id, runID string) ([]byte, error)
	// Tree writes {"trace":{…},"runs":[…]}, runs without payloads by start.
	Tree(ctx context.Context, app, id string, w io.Writer) error
	// Evaluations is a JSON array; PutEvaluations returns what is stored.
	Evaluations(ctx context.Context, app, id string) ([]byte, error)
	PutEvaluations(ctx context.Context, app, id string, list []trace.Evaluation) ([]trace.Evaluation, error)
	List(ctx context.Context, app string, q ListQuery) (ListPage, error)
	Metrics(ctx context.Context, app string, q MetricsQuery) (Metrics, error)
	Export(ctx context.Context, app string, q ExportQuery, w io.Writer) (ExportResult, error)
	DeleteTrace(ctx context.Context, app, id string) error
	DeleteApp(ctx context.Context, app string) error

	// Settings are small durable values (tokens, for one), keys are free text.
	Setting(ctx context.Context, key string) ([]byte, error)
	Settings(ctx context.Context, prefix string) (map[string][]byte, error)
	PutSetting(ctx context.Context, key string, value []byte) error
	DeleteSetting(ctx context.Context, key string) error

	// Backup writes a consistent copy of the store to dir, which must not exist.
	Backup(ctx context.Context, dir string) error
	// BackupTo writes the same copy to w as a tar archive, after begin was told
	// its length in bytes.
	BackupTo(ctx context.Context, w io.Writer, begin func(bytes int64)) error
	Verify(ctx context.Context) (VerifyReport, error)
	// Ready is nil while the store is open and writable; otherwise it says why not.
	Ready() error
	Stats() Stats
}

var _ API = (*Engine)(nil)
