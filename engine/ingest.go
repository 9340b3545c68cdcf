package engine

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/internal/turns"
)

const (
	// One operation holds up to this much; more of one call is split, so that
	// a large import shares the committer with everybody else.
	opMaxTraces = 64
	opMaxBytes  = 256 << 10
	// opsAhead is how many operations of one call are on their way at a time.
	// What waits keeps its frames in memory and its traces locked.
	opsAhead = 8
)

// Ingest stores runs of an app, creating the app if need be. It returns when
// they are durable and visible to every read that starts afterwards.
//
// It is idempotent. Runs that cannot be stored are listed as Rejected and do
// not hurt their neighbours. The runs and their JSON must not be changed until
// Ingest returns; after the end of ctx, never.
//
// Errors: ErrInvalid (the app's id), ErrOverloaded, ErrUnavailable, ErrReadOnly, ErrClosed, or
// the error of ctx; part of the runs may then be stored.
func (e *Engine) Ingest(ctx context.Context, app string, runs []trace.Run) (IngestResult, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return IngestResult{}, err
	}
	defer leave()
	if err := checkID("app", app); err != nil {
		return IngestResult{}, err
	}
	bytes := jsonBytes(runs)
	if bytes < turns.Heavy {
		turns.Shared().Small()
	}
	workers := runtime.GOMAXPROCS(0)
	c := &call{e: e, app: app, timeNS: e.opts.Now().UnixNano(), ahead: opsAhead,
		ops: splitOps(groupRuns(runs), min(opMaxBytes, max(turns.Heavy, bytes/workers)))}
	c.run(ctx, min(workers, len(c.ops)))
	if c.err != nil {
		return IngestResult{}, c.err
	}
	res := IngestResult{Created: c.total.created, Updated: c.total.updated, Unchanged: c.total.unchanged}
	for i := range runs {
		if reason, bad := c.total.refused[runs[i].TraceID]; bad {
			res.Rejected = append(res.Rejected, Rejection{Index: i, ID: runs[i].ID, Reason: reason})
		}
	}
	return res, nil
}

// call is one call of Ingest: operations on different traces, so that it does
// not matter in which order they are applied.
type call struct {
	e      *Engine
	app    string
	timeNS int64
	ahead  int // operations on their way, for each worker

	mu    sync.Mutex
	ops   [][]trace.Run // those that nobody has taken yet
	total applyResult
	err   error // the first one; no operation is taken after it
}

// run carries out the operations on so many goroutines. Each takes the next
// operation and, for preparing it, a turn: with two callers on two processors
// one prepares on both while the other waits for the disk (two writers of
// batches of 100: BenchmarkIngest in bench, and W1).
func (c *call) run(ctx context.Context, workers int) {
	if workers > 1 {
		c.ahead = max(1, opsAhead/workers)
	}
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(func() { c.work(ctx) })
	}
	c.work(ctx)
	wg.Wait()
}

// work carries out operations until there are none, and waits for them.
func (c *call) work(ctx context.Context) {
	var few [opsAhead]*pending
	waiting := few[:0]
	for runs := c.take(); runs != nil; runs = c.take() {
		if len(waiting) == c.ahead {
			c.settle(ctx, waiting[0])
			waiting = slices.Delete(waiting, 0, 1)
		}
		p, err := c.e.submit(ctx, &Op{Kind: OpUpsert, TimeNS: c.timeNS, App: c.app, Runs: runs,
			MaxRuns: c.e.opts.MaxTraceRuns, MaxBytes: c.e.opts.MaxTraceBytes})
		if err != nil {
			c.fail(err)
			break
		}
		waiting = append(waiting, p)
	}
	for _, p := range waiting {
		c.settle(ctx, p)
	}
}

// take gives the runs of the next operation, nil when there is none.
func (c *call) take() (runs []trace.Run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && len(c.ops) > 0 {
		runs, c.ops = c.ops[0], c.ops[1:]
	}
	return runs
}

// settle waits for an operation and adds what became of it.
func (c *call) settle(ctx context.Context, p *pending) {
	if err := p.wait(ctx); err != nil {
		c.fail(err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.add(p.result)
}

func (c *call) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// groupRuns puts the runs of each trace side by side, in the order of first
// appearance; runs of one trace keep their order.
func groupRuns(runs []trace.Run) [][]trace.Run {
	if len(runs) == 0 {
		return nil
	}
	if len(runs) == 1 || runs[0].TraceID == runs[len(runs)-1].TraceID && oneTrace(runs) {
		return [][]trace.Run{runs}
	}
	sorted := true // traces one behind the other
	first := map[string]int{runs[0].TraceID: 0}
	var starts []int
	starts = append(starts, 0)
	for i := 1; i < len(runs); i++ {
		if runs[i].TraceID == runs[i-1].TraceID {
			continue
		}
		if _, seen := first[runs[i].TraceID]; seen {
			sorted = false
			break
		}
		first[runs[i].TraceID] = len(starts)
		starts = append(starts, i)
	}
	if sorted {
		groups := make([][]trace.Run, len(starts))
		for g, s := range starts {
			end := len(runs)
			if g+1 < len(starts) {
				end = starts[g+1]
			}
			groups[g] = runs[s:end:end]
		}
		return groups
	}
	clear(first)
	var groups [][]trace.Run
	for i := range runs {
		g, seen := first[runs[i].TraceID]
		if !seen {
			g = len(groups)
			first[runs[i].TraceID] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], runs[i])
	}
	return groups
}

func oneTrace(runs []trace.Run) bool {
	for i := range runs {
		if runs[i].TraceID != runs[0].TraceID {
			return false
		}
	}
	return true
}

// splitOps packs traces into operations of at most so many bytes, or of one
// trace. The runs of each are copied once: adding one trace after the other to
// a slice copied those before it every time, a tenth of the CPU time of a
// request of 100 traces.
func splitOps(groups [][]trace.Run, most int) [][]trace.Run {
	var out [][]trace.Run
	from, bytes := 0, 0
	for i, g := range groups {
		size := jsonBytes(g)
		if i > from && (i-from == opMaxTraces || bytes+size > most) {
			out = append(out, joinRuns(groups[from:i]))
			from, bytes = i, 0
		}
		bytes += size
	}
	if from < len(groups) {
		out = append(out, joinRuns(groups[from:]))
	}
	return out
}

// joinRuns puts the runs of some traces into one slice; one trace's stay where
// they are.
func joinRuns(groups [][]trace.Run) []trace.Run {
	if len(groups) == 1 {
		return groups[0]
	}
	return slices.Concat(groups...)
}
