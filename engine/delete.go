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
	p, err := e.enqueue(ctx, &commitReq{op: op, changes: []change{ch}, applied: unlock})
	if err == nil {
		p.result.updated = 1
	}
	return p, err
}

func (e *Engine) prepareOne(a *appState, op *Op) (change, error) {
	w, err := e.newPreparer(a, op)
	if err != nil {
		return change{}, err
	}
	defer w.close()
	ch := change{app: a, id: appendID(nil, op.Key)}
	old, err := w.stored(ch.id)
	if err != nil {
		return change{}, err
	}
	if old != nil && old.startUS < e.cutoff.Load() {
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
	hours, err := e.bodyHours(a)
	if err != nil {
		a.gate.Unlock()
		return nil, err
	}
	return e.enqueue(ctx, &commitReq{op: op, applied: a.gate.Unlock, effect: func(b *pebble.Batch) error {
		a.dead = true
		e.apps.Delete(a.name)
		delete(e.mu.byID, a.id)
		return dropApp(b, a.id, hours)
	}})
}

// bodyHours lists the hours in which an app has bodies. Its gate is locked, so
// nothing changes.
func (e *Engine) bodyHours(a *appState) (hours []uint32, err error) {
	e.mu.Lock()
	units := a.capture()
	e.mu.Unlock()
	for _, u := range units {
		s, err := e.dayScalars(e.db, a.id, u)
		if err != nil {
			return nil, err
		}
		for h := range s.Hours {
			if !s.Hours[h].IsEmpty() {
				hours = append(hours, u.hour(h))
			}
		}
	}
	return hours, nil
}

// dropApp removes every key of an app. Bodies are hour-major, so there is one
// range for each hour that has some.
func dropApp(b *pebble.Batch, app uint32, hours []uint32) error {
	var errs []error
	for _, hour := range hours {
		lo, hi := bodyHourSpan(app, hour)
		errs = append(errs, b.DeleteRange(lo, hi, nil))
		lo, hi = pieceHourSpan(app, hour)
		errs = append(errs, b.DeleteRange(lo, hi, nil))
	}
	for _, prefix := range []byte{prefixBucket, prefixHist, prefixIndex, prefixLocator, prefixOrphan, prefixQuarter, prefixRare, prefixSummary} {
		lo, hi := appSpan(prefix, app)
		errs = append(errs, b.DeleteRange(lo, hi, nil))
	}
	return errors.Join(append(errs, b.Delete(appKey(nil, prefixApp, app), nil))...)
}
