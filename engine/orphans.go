package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// promoteBatch bounds how many traces one sweep takes from an app at a time.
const promoteBatch = 1000

// PromoteOrphans makes roots of the orphans of every trace that has had no
// update for Options.OrphanTimeout (wire facts §6), and returns how many
// traces that changed. The engine does it by itself every minute.
func (e *Engine) PromoteOrphans(ctx context.Context) (int, error) {
	if e.opts.OrphanTimeout < 0 {
		return 0, nil
	}
	cutoff := e.opts.Now().Add(-e.opts.OrphanTimeout).UnixMicro()
	done := 0
	var damaged error // must not keep other traces from their promotion
	for _, name := range e.appNames() {
		var after []byte
		for {
			ids, last, err := e.idleOrphans(ctx, name, cutoff, after)
			if err != nil {
				return done, errors.Join(damaged, err)
			}
			for _, id := range ids {
				op := &Op{Kind: OpPromote, TimeNS: e.opts.Now().UnixNano(), App: name, Key: id, Cutoff: cutoff}
				res, err := e.Apply(ctx, op)
				switch {
				case errors.Is(err, ErrCorrupt):
					damaged = errors.Join(damaged, fmt.Errorf("trace %q: %w", id, err))
				case err != nil && !errors.Is(err, ErrNotFound):
					return done, errors.Join(damaged, err)
				}
				done += res.Updated
			}
			if len(ids) < promoteBatch {
				break
			}
			after = last
		}
	}
	return done, damaged
}

func (e *Engine) appNames() []string {
	var names []string
	e.apps.Range(func(name, _ any) bool {
		names = append(names, name.(string))
		return true
	})
	slices.Sort(names)
	return names
}

// idleOrphans lists traces with orphans whose last update is at or before
// cutoff, the longest idle first, from behind the key after on; last is the
// key of the last one.
func (e *Engine) idleOrphans(ctx context.Context, name string, cutoff int64, after []byte) (ids []string, last []byte, err error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	a := e.appNamed(name)
	if a == nil {
		return nil, nil, nil
	}
	lo, _ := appSpan(prefixOrphan, a.id)
	if after != nil {
		lo = append(after, 0)
	}
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: orphanKey(nil, a.id, cutoff+1, nil)})
	if err != nil {
		return nil, nil, storeError(err)
	}
	for ok := it.First(); ok && len(ids) < promoteBatch; ok = it.Next() {
		if len(it.Key()) <= summaryKeyHead {
			return nil, nil, errors.Join(fmt.Errorf("%w: orphan key", ErrCorrupt), it.Close())
		}
		id, err := decodeID(it.Key()[summaryKeyHead:])
		if err != nil {
			return nil, nil, errors.Join(err, it.Close())
		}
		ids, last = append(ids, id), append(last[:0], it.Key()...)
	}
	return ids, last, storeError(errors.Join(it.Error(), it.Close()))
}

// promote prepares a trace whose orphans become roots. It changes nothing when
// the trace was updated meanwhile: that depends on the state alone, so a
// replay decides the same. updated_at stays: nothing was received.
func (w *preparer) promote(ch change, old *summary, cutoff int64) (change, error) {
	if old == nil || old.flags&flagOrphans == 0 || old.updatedUS > cutoff {
		return change{}, nil
	}
	b, err := w.loadBody(old, ch.id)
	if err != nil {
		return change{}, err
	}
	all, err := b.appendAll(nil)
	if err != nil {
		return change{}, err
	}
	runs, err := b.splitRuns(all)
	if err != nil {
		return change{}, err
	}
	if w.evals, err = b.evaluationsIn(all); err != nil {
		return change{}, err
	}
	w.timeNS = old.updatedUS * 1000
	err = w.finish(&ch, old, runs, true)
	return ch, err
}

func appendUint64(dst []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(dst, v) }
