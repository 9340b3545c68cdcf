package engine

import (
	"context"
	"fmt"

	"github.com/tracebed/tracebed/engine/trace"
)

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
	changes, result, err := e.prepareUpsert(a, groups, op, hold)
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

// prepareUpsert prepares the traces of an operation.
func (e *Engine) prepareUpsert(a *appState, groups [][]trace.Run, op *Op, hold *longHold) (changes []change, result applyResult, err error) {
	w, err := e.newPreparer(a, op)
	if err != nil {
		return nil, applyResult{}, err
	}
	defer w.close()
	w.hold = hold
	changes = make([]change, 0, len(groups))
	for _, g := range groups {
		ch, err := w.upsert(g)
		if err != nil {
			return nil, applyResult{}, fmt.Errorf("trace %q: %w", g[0].TraceID, err)
		}
		if ch.new != nil {
			changes = append(changes, ch)
		}
	}
	return changes, w.result, nil
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
