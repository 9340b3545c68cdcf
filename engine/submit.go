package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
)

const (
	// So many that a trace hardly ever shares its stripe with those of a large
	// body that wait to be applied: 512 KiB.
	stripeCount = 1 << 16
	maxIDBytes  = 256 // contract §1
)

// pending is an operation that was handed in and is not answered yet.
type pending struct {
	e      *Engine
	req    *commitReq // nil when nothing had to change
	seq    uint64     // what must be durable when req is nil
	result applyResult
}

// applyResult is what became of the runs of an upsert.
type applyResult struct {
	created, updated, unchanged int
	refused                     map[string]string  // trace id → reason
	evaluations                 []trace.Evaluation // as stored
}

// Apply applies one operation and returns when it is durable and visible.
// Operations on different traces may be applied concurrently; the result is
// that of the order in which Options.OnApply reports them.
//
// Errors: ErrInvalid, ErrNotFound (deletes, evaluations), ErrOverloaded,
// ErrUnavailable (upserts, evaluations), ErrReadOnly, ErrClosed, or the error
// of ctx. After a ctx error the operation may still come into force.
func (e *Engine) Apply(ctx context.Context, op *Op) (IngestResult, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return IngestResult{}, err
	}
	defer leave()
	p, err := e.submit(ctx, op)
	if err != nil {
		return IngestResult{}, err
	}
	if err := p.wait(ctx); err != nil {
		return IngestResult{}, err
	}
	return p.result.of(op.Runs), nil
}

// of is what a caller is told of runs that came to this.
func (r *applyResult) of(runs []trace.Run) IngestResult {
	res := IngestResult{Created: r.created, Updated: r.updated, Unchanged: r.unchanged}
	if len(r.refused) == 0 {
		return res
	}
	for i := range runs {
		if reason, bad := r.refused[runs[i].TraceID]; bad {
			res.Rejected = append(res.Rejected, Rejection{Index: i, ID: runs[i].ID, Reason: reason})
		}
	}
	return res
}

// wait returns when the operation is durable.
func (p *pending) wait(ctx context.Context) error {
	if p.req == nil {
		return p.e.waitDurable(p.seq)
	}
	select {
	case err := <-p.req.done:
		return err
	case <-p.e.failCh:
		return p.e.failed.get()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waitDurable returns when operation seq is on disk: what an operation that
// changes nothing has seen may not be durable yet.
func (e *Engine) waitDurable(seq uint64) error {
	e.durable.Lock()
	defer e.durable.Unlock()
	for e.durable.seq < seq {
		if err := e.failed.get(); err != nil {
			return err
		}
		e.durable.cond.Wait()
	}
	return nil
}

// submit prepares an operation and queues it; the caller must wait.
func (e *Engine) submit(ctx context.Context, op *Op) (*pending, error) {
	if err := e.writable(); err != nil {
		return nil, err
	}
	if e.queueBytes.Load() > e.opts.QueueBytes {
		return nil, fmt.Errorf("%w: %d MiB wait to be written; try again in a second",
			ErrOverloaded, e.queueBytes.Load()>>20)
	}
	switch op.Kind {
	case OpUpsert:
		if err := e.takesData(); err != nil {
			return nil, err
		}
		return e.submitUpsert(ctx, op)
	case OpDeleteTrace, OpPromote:
		return e.submitOne(ctx, op)
	case OpEvaluate:
		if err := e.takesData(); err != nil {
			return nil, err
		}
		return e.submitEvaluate(ctx, op)
	case OpDeleteApp:
		return e.submitDeleteApp(ctx, op)
	case OpCreateApp:
		return e.submitCreateApp(ctx, op)
	case OpPutSetting, OpDeleteSetting:
		return e.submitSetting(ctx, op)
	case OpRetain:
		return e.submitRetain(ctx, op)
	}
	return nil, fmt.Errorf("%w: operation of kind %d", ErrInvalid, op.Kind)
}

// enqueue hands a request to the committer. On an error its locks are
// released.
func (e *Engine) enqueue(ctx context.Context, r *commitReq) (*pending, error) {
	r.done = make(chan error, 1)
	r.bytes = 256
	for i := range r.changes {
		r.bytes += int64(len(r.changes[i].body)+len(r.changes[i].text)) + 256
	}
	e.queueOps.Add(1)
	e.queueBytes.Add(r.bytes)
	e.awaitMemTables(ctx, r.bytes)
	var err error
	select {
	case e.lane(r) <- r:
		e.arrived()
		return &pending{e: e, req: r}, nil
	case <-e.failCh:
		err = e.failed.get()
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.queueOps.Add(-1)
	e.queueBytes.Add(-r.bytes)
	if r.applied != nil {
		r.applied()
	}
	return nil, err
}

// lockApp finds an app and keeps it from being deleted until unlock is
// called. With create it is made if it does not exist, else the error is
// ErrNotFound.
func (e *Engine) lockApp(ctx context.Context, name string, create bool) (a *appState, unlock func(), err error) {
	for {
		if a = e.appNamed(name); a == nil {
			if !create {
				return nil, nil, fmt.Errorf("app %q: %w", name, ErrNotFound)
			}
			p, err := e.submitCreateApp(ctx, &Op{Kind: OpCreateApp, App: name})
			if err == nil {
				err = p.wait(ctx)
			}
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		a.gate.RLock()
		if !a.dead {
			break
		}
		a.gate.RUnlock()
	}
	if !a.loaded.Load() {
		e.mu.Lock()
		err = e.loadDirectory(a)
		e.mu.Unlock()
	}
	if err != nil {
		a.gate.RUnlock()
		return nil, nil, err
	}
	return a, a.gate.RUnlock, nil
}

// appNamed returns an app, nil if there is none.
func (e *Engine) appNamed(name string) *appState {
	if a, ok := e.apps.Load(name); ok {
		return a.(*appState)
	}
	return nil
}

// submitCreateApp gives an app its number. An app that exists is left alone.
func (e *Engine) submitCreateApp(ctx context.Context, op *Op) (*pending, error) {
	if err := checkID("app", op.App); err != nil {
		return nil, err
	}
	return e.enqueue(ctx, &commitReq{op: op, effect: func(b *pebble.Batch) error {
		if e.appNamed(op.App) != nil {
			return nil
		}
		a := &appState{id: e.mu.nextApp, name: op.App}
		a.loaded.Store(true)
		e.mu.nextApp++
		e.mu.byID[a.id] = a
		e.apps.Store(a.name, a)
		return errors.Join(
			b.Set(appKey(nil, prefixApp, a.id), appendAppRow(nil, a.name), nil),
			b.Set(metaKey(metaNextApp), appendUint64(nil, uint64(e.mu.nextApp)), nil))
	}})
}

// checkID enforces contract §1: any UTF-8 text of 1–256 bytes.
func checkID(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%w: %s id is empty", ErrInvalid, what)
	case len(id) > maxIDBytes:
		return fmt.Errorf("%w: %s id has %d bytes; %d are allowed", ErrInvalid, what, len(id), maxIDBytes)
	case !utf8.ValidString(id):
		return fmt.Errorf("%w: %s id is not valid UTF-8", ErrInvalid, what)
	}
	return nil
}

// lockStripes locks the traces of an operation in one order for all callers.
func (e *Engine) lockStripes(app uint32, groups [][]trace.Run) (unlock func()) {
	var few [8]int
	idx := few[:0]
	for _, g := range groups {
		idx = append(idx, stripeOf(app, g[0].TraceID))
	}
	return e.lockIndexes(idx)
}

func (e *Engine) lockIndexes(idx []int) (unlock func()) {
	slices.Sort(idx)
	idx = slices.Clone(slices.Compact(idx))
	for _, i := range idx {
		e.stripes[i].Lock()
	}
	return func() {
		for _, i := range idx {
			e.stripes[i].Unlock()
		}
	}
}

func stripeOf(app uint32, id string) int {
	return int((xxhash.Sum64String(id) + uint64(app)*0x9e3779b97f4a7c15) % stripeCount)
}
