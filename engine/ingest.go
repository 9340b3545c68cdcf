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
	c, err := e.begin(ctx, app, runs)
	if err != nil {
		return IngestResult{}, err
	}
	return c.wait(ctx)
}

// Submit is Ingest in two halves, for callers that use memory again. It returns
// when the runs have been read: they and their JSON may then be changed, also
// after an error, unless there is an Options.OnApply. wait, which is to be called
// once, returns what Ingest does; before it has, nothing is promised.
//
// With 64 callers on two processors, parsers that are free while the disk writes
// are two warm ones instead of 64: 0.72 of the bare loop's rate instead of 0.66
// (BenchmarkIngest).
func (e *Engine) Submit(ctx context.Context, app string, runs []trace.Run) (wait func(context.Context) (IngestResult, error), err error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	c, err := e.begin(ctx, app, runs)
	if err != nil {
		return nil, err
	}
	return c.wait, nil
}

// call is one call of Ingest: operations on different traces, so that it does
// not matter in which order they are applied.
type call struct {
	e      *Engine
	app    string
	timeNS int64
	ahead  int // operations on their way, for each worker

	mu      sync.Mutex
	ops     [][]trace.Run // those that nobody has taken yet
	waiting []*pending    // those that all workers have left to be waited for
	total   applyResult
	res     IngestResult
	err     error // the first one; no operation is taken after it
}

// begin hands in the operations of a call, of which wait says what became.
func (e *Engine) begin(ctx context.Context, app string, runs []trace.Run) (*call, error) {
	if err := checkID("app", app); err != nil {
		return nil, err
	}
	bytes := jsonBytes(runs)
	if bytes < turns.Heavy {
		turns.Shared().Small()
	}
	workers := min(runtime.GOMAXPROCS(0), opsAhead)
	c := &call{e: e, app: app, timeNS: e.opts.Now().UnixNano(),
		ops: splitOps(arrange(runs), min(opMaxBytes, max(turns.Heavy, bytes/workers)))}
	c.run(ctx, min(workers, len(c.ops)))
	c.res = c.total.of(runs)
	if c.err != nil || e.opts.OnApply != nil { // which gets the runs
		if _, err := c.wait(ctx); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// run hands in the operations on so many goroutines. Each takes the next
// operation and, for preparing it, a turn: with two callers on two processors
// one prepares on both while the other waits for the disk (W1 of bench/peers).
func (c *call) run(ctx context.Context, workers int) {
	c.ahead = opsAhead / max(1, workers)
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(func() { c.work(ctx) })
	}
	c.work(ctx)
	wg.Wait()
}

// work hands in operations until there are none.
func (c *call) work(ctx context.Context) {
	var few [opsAhead]*pending
	waiting := few[:0]
	for runs := c.take(); runs != nil; runs = c.take() {
		if len(waiting) == c.ahead {
			if err := waiting[0].wait(ctx); err != nil {
				c.fail(err)
			}
			waiting = slices.Delete(waiting, 0, 1)
		}
		p, err := c.e.submit(ctx, &Op{Kind: OpUpsert, TimeNS: c.timeNS, App: c.app, Runs: runs,
			MaxRuns: c.e.opts.MaxTraceRuns, MaxBytes: c.e.opts.MaxTraceBytes})
		if err != nil {
			c.fail(err)
			break
		}
		c.add(p.result)
		waiting = append(waiting, p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, waiting...)
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

// wait returns when all operations are durable.
func (c *call) wait(ctx context.Context) (IngestResult, error) {
	for _, p := range c.waiting {
		if err := p.wait(ctx); err != nil {
			c.fail(err)
		}
	}
	c.waiting = nil
	if c.err != nil {
		return IngestResult{}, c.err
	}
	return c.res, nil
}

func (c *call) add(r applyResult) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.add(r)
}

func (c *call) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// groupRuns gives the runs of each trace, in the order of first appearance; runs
// of one trace keep their order.
func groupRuns(runs []trace.Run) (groups [][]trace.Run) {
	runs = arrange(runs)
	for from := 0; from < len(runs); {
		end := endOfTrace(runs, from)
		groups = append(groups, runs[from:end:end])
		from = end
	}
	return groups
}

// endOfTrace is the end of the runs from one on that are of its trace.
func endOfTrace(runs []trace.Run, from int) int {
	end := from + 1
	for end < len(runs) && runs[end].TraceID == runs[from].TraceID {
		end++
	}
	return end
}

// arrange puts the runs of each trace side by side, in the order of first
// appearance; runs of one trace keep their order. Where they lie so already, as
// most bodies have them, the result is runs itself.
func arrange(runs []trace.Run) []trace.Run {
	if len(runs) == 0 || endOfTrace(runs, 0) == len(runs) {
		return runs
	}
	traces := map[string]int{}
	sorted := true
	for from := 0; from < len(runs); {
		n := len(traces)
		if traces[runs[from].TraceID] = n; len(traces) == n { // it was there
			sorted = false
			break
		}
		from = endOfTrace(runs, from)
	}
	if sorted {
		return runs
	}
	clear(traces)
	var groups [][]trace.Run
	for i := range runs {
		g, seen := traces[runs[i].TraceID]
		if !seen {
			g = len(groups)
			traces[runs[i].TraceID] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], runs[i])
	}
	return slices.Concat(groups...)
}

// splitOps cuts arranged runs into operations of at most so many bytes, or of
// one trace.
func splitOps(runs []trace.Run, most int) (ops [][]trace.Run) {
	from, traces, bytes := 0, 0, 0
	for at := 0; at < len(runs); {
		end := endOfTrace(runs, at)
		size := jsonBytes(runs[at:end])
		if traces > 0 && (traces == opMaxTraces || bytes+size > most) {
			ops = append(ops, runs[from:at:at])
			from, traces, bytes = at, 0, 0
		}
		traces, bytes, at = traces+1, bytes+size, end
	}
	if from < len(runs) {
		ops = append(ops, runs[from:])
	}
	return ops
}
