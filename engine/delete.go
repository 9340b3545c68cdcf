package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// DeleteTrace removes a trace: its rows, its bits in the indexes, its share of
// every bucket. The error is ErrNotFound when there is none.
func (e *Engine) DeleteTrace(ctx context.Context, app, id string) error {
	_, err := e.Apply(ctx, &Op{Kind: OpDeleteTrace, TimeNS: e.opts.Now().UnixNano(), App: app, Key: id})
	return err
}

// DeleteApp removes an app with all its traces. The error is ErrNotFound when
// there is none.
func (e *Engine) DeleteApp(ctx context.Context, app string) error {
	_, err := e.Apply(ctx, &Op{Kind: OpDeleteApp, TimeNS: e.opts.Now().UnixNano(), App: app})
	return err
}

// submitOne queues an operation on one existing trace.
func (e *Engine) submitOne(ctx context.Context, op *Op) (*pending, error) {
	a, unlockApp, err := e.lockApp(ctx, op.App, false)
	if err != nil {
		return nil, err
	}
	unlockStripes := e.lockIndexes([]int{stripeOf(a.id, op.Key)})
	unlock := func() { unlockStripes(); unlockApp() }
	ch, err := e.prepareOne(a, op)
	if err != nil {
		unlock()
		return nil, err
	}
	if ch.old == nil { // nothing to do
		seq := e.applied.Load()
		unlock()
		return &pending{e: e, seq: seq}, nil
	}
	return e.enqueue(ctx, &commitReq{op: op, changes: []change{ch}, applied: unlock})
}

func (e *Engine) prepareOne(a *appState, op *Op) (change, error) {
	w, err := e.newPreparer(a, op.TimeNS)
	if err != nil {
		return change{}, err
	}
	defer w.close()
	ch := change{app: a, id: appendID(nil, op.Key)}
	old, err := w.stored(ch.id)
	if err != nil {
		return change{}, err
	}
	if old != nil && old.startUS < e.cutoff() {
		old = nil
	}
	if op.Kind == OpPromote {
		return w.promote(ch, old, op.Cutoff)
	}
	if old == nil {
		return change{}, fmt.Errorf("trace %q: %w", op.Key, ErrNotFound)
	}
	ch.old = old
	return ch, nil
}

// submitDeleteApp waits for the operations on the app that are under way,
// keeps new ones out, and removes everything under its number. A later write
// makes a new app with a new number.
func (e *Engine) submitDeleteApp(ctx context.Context, op *Op) (*pending, error) {
	a, unlock, err := e.lockApp(ctx, op.App, false)
	if err != nil {
		return nil, err
	}
	unlock()
	a.gate.Lock()
	if a.dead {
		a.gate.Unlock()
		return nil, fmt.Errorf("app %q: %w", op.App, ErrNotFound)
	}
	return e.enqueue(ctx, &commitReq{op: op, applied: a.gate.Unlock, effect: func(b *pebble.Batch) error {
		a.dead = true
		delete(e.mu.apps, a.name)
		delete(e.mu.byID, a.id)
		return e.dropApp(b, a)
	}})
}

// dropApp removes every key of an app. Bodies are hour-major, so there is one
// range for each hour that has some.
func (e *Engine) dropApp(b *pebble.Batch, a *appState) error {
	for _, u := range a.units {
		for h := range hoursPerDay {
			lo, hi := bodyHourSpan(a.id, u.hour(h))
			if err := b.DeleteRange(lo, hi, nil); err != nil {
				return err
			}
		}
	}
	var errs []error
	for _, prefix := range []byte{prefixBucket, prefixHist, prefixIndex, prefixLocator, prefixOrphan, prefixQuarter, prefixSummary} {
		lo, hi := appSpan(prefix, a.id)
		errs = append(errs, b.DeleteRange(lo, hi, nil))
	}
	return errors.Join(append(errs, b.Delete(appKey(nil, prefixApp, a.id), nil))...)
}

// cutoff is where retention has cut: traces that started before are gone.
func (e *Engine) cutoff() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.cutoff
}
