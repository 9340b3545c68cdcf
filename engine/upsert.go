package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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
	if jsonBytes(runs) < turns.Heavy {
		turns.Shared().Small()
	}
	var res IngestResult
	var waiting []*pending
	refused := map[string]string{}
	now := e.opts.Now().UnixNano()
	settle := func(p *pending) {
		if werr := p.wait(ctx); werr != nil && err == nil {
			err = werr
		}
		res.Created += p.result.created
		res.Updated += p.result.updated
		res.Unchanged += p.result.unchanged
		for id, reason := range p.result.refused {
			refused[id] = reason
		}
	}
	for _, part := range splitOps(groupRuns(runs)) {
		if len(waiting) == opsAhead {
			settle(waiting[0])
			if waiting = waiting[1:]; err != nil {
				break
			}
		}
		var p *pending
		if p, err = e.submit(ctx, &Op{Kind: OpUpsert, TimeNS: now, App: app, Runs: part,
			MaxRuns: e.opts.MaxTraceRuns, MaxBytes: e.opts.MaxTraceBytes}); err != nil {
			break
		}
		waiting = append(waiting, p)
	}
	for _, p := range waiting {
		settle(p)
	}
	if err != nil {
		return IngestResult{}, err
	}
	for i := range runs {
		if reason, bad := refused[runs[i].TraceID]; bad {
			res.Rejected = append(res.Rejected, Rejection{Index: i, ID: runs[i].ID, Reason: reason})
		}
	}
	return res, nil
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

// splitOps packs traces into operations of bounded size. The runs of each are
// copied once: adding one trace after the other to a slice copied those before
// it every time, a tenth of the CPU time of a request of 100 traces.
func splitOps(groups [][]trace.Run) [][]trace.Run {
	var out [][]trace.Run
	from, bytes := 0, 0
	for i, g := range groups {
		size := 0
		for k := range g {
			size += len(g[k].JSON)
		}
		if i > from && (i-from == opMaxTraces || bytes+size > opMaxBytes) {
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

// submitUpsert prepares what the runs change and queues it.
func (e *Engine) submitUpsert(ctx context.Context, op *Op) (*pending, error) {
	// Before all locks: who holds one never waits for a turn.
	giveTurn, err := e.takeTurn(ctx, op)
	if err != nil {
		return nil, err
	}
	a, unlockApp, err := e.lockApp(ctx, op.App, true)
	if err != nil {
		giveTurn()
		return nil, err
	}
	groups := groupRuns(op.Runs)
	unlockStripes := e.lockStripes(a.id, groups)
	hold := &longHold{turn: &e.long}
	unlock := func() { unlockStripes(); unlockApp(); hold.release() }
	changes, result, err := e.prepareAll(a, groups, op, hold)
	giveTurn()
	if err != nil {
		unlock()
		return nil, err
	}
	e.noopRuns.Add(uint64(result.unchanged))
	if len(changes) == 0 {
		seq := e.applied.Load()
		unlock()
		return &pending{e: e, seq: seq, result: result}, nil
	}
	p, err := e.enqueue(ctx, &commitReq{op: op, changes: changes, applied: unlock})
	if err != nil {
		return nil, err
	}
	p.result = result
	return p, nil
}

// prepareAll prepares the traces of an operation, on several cores when there
// are many traces and turns to be had: compression is the largest cost of an
// ingest. Each core takes the next trace, as their sizes differ; the changes are
// in the order of the groups.
func (e *Engine) prepareAll(a *appState, groups [][]trace.Run, op *Op, hold *longHold) ([]change, applyResult, error) {
	workers := 1
	for workers < len(groups)/4 && turns.Shared().TryTake() {
		defer turns.Shared().Give()
		workers++
	}
	changes := make([]change, len(groups))
	var total applyResult
	var err error
	if workers == 1 {
		var next atomic.Int64
		total, err = e.prepareSome(a, groups, changes, &next, op, hold)
	} else {
		total, err = e.prepareBeside(a, groups, changes, op, hold, workers)
	}
	if err != nil {
		return nil, total, err
	}
	return slices.DeleteFunc(changes, func(ch change) bool { return ch.new == nil }), total, nil
}

// prepareBeside is prepareSome on so many goroutines.
func (e *Engine) prepareBeside(a *appState, groups [][]trace.Run, changes []change, op *Op, hold *longHold, workers int) (total applyResult, err error) {
	results, errs := make([]applyResult, workers), make([]error, workers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { results[w], errs[w] = e.prepareSome(a, groups, changes, &next, op, hold) })
	}
	wg.Wait()
	for w := range results {
		total.add(results[w])
	}
	return total, cmp.Or(errs...)
}

func (r *applyResult) add(o applyResult) {
	r.created += o.created
	r.updated += o.updated
	r.unchanged += o.unchanged
	for id, reason := range o.refused {
		r.refuse(id, reason)
	}
}

func (r *applyResult) refuse(id, reason string) {
	if r.refused == nil {
		r.refused = map[string]string{}
	}
	r.refused[id] = reason
}

// prepareSome prepares the next traces until there are none, one after the
// other. An error ends the others too.
func (e *Engine) prepareSome(a *appState, groups [][]trace.Run, changes []change, next *atomic.Int64, op *Op, hold *longHold) (applyResult, error) {
	w, err := e.newPreparer(a, op)
	if err != nil {
		return applyResult{}, err
	}
	defer w.close()
	w.hold = hold
	for i := next.Add(1) - 1; i < int64(len(groups)); i = next.Add(1) - 1 {
		if changes[i], err = w.upsert(groups[i]); err != nil {
			next.Store(int64(len(groups)))
			return w.result, fmt.Errorf("trace %q: %w", groups[i][0].TraceID, err)
		}
	}
	return w.result, nil
}
