package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// retainBatch bounds the traces that one operation expires, so that ingest
// goes on between two of them.
const retainBatch = 2_000

// Expire removes what started before now − Options.Retention, cut at a whole
// hour, and returns how many traces that were. The buckets stay, so charts
// keep the past. The engine does it by itself every ten minutes.
func (e *Engine) Expire(ctx context.Context) (int, error) {
	if e.opts.Retention <= 0 {
		return 0, nil
	}
	cutoff := e.opts.Now().Add(-e.opts.Retention).UnixMicro()
	cutoff -= cutoff % usPerHour
	if cutoff <= e.cutoff.Load() {
		return 0, nil
	}
	total := 0
	for {
		res, err := e.Apply(ctx, &Op{Kind: OpRetain, TimeNS: e.opts.Now().UnixNano(), Cutoff: cutoff})
		total += res.Updated
		if err != nil || res.Updated < retainBatch {
			return total, err
		}
	}
}

// submitRetain queues one step of an expiry. The cutoff is in force, and
// durable, with the first step: readers see nothing older from then on, and
// writers refuse it, so the deletions that follow are invisible. Locators lie
// at random places and are deleted one by one; all else goes by ranges with
// the last step.
//
// What goes is chosen here, with every trace locked: an operation that was
// prepared under the old cutoff must not be applied under the new one, or the
// result would depend on more than the order of operations.
func (e *Engine) submitRetain(ctx context.Context, op *Op) (*pending, error) {
	if op.Cutoff <= 0 || op.Cutoff > maxStartUS || op.Cutoff%usPerHour != 0 {
		return nil, fmt.Errorf("%w: cutoff %d: it must be a whole hour since the epoch", ErrInvalid, op.Cutoff)
	}
	apps, unlock := e.lockAll()
	cutoff := max(e.cutoff.Load(), op.Cutoff)
	gone := e.db.NewBatch()
	release := func() { _ = gone.Close(); unlock() }
	n, err := e.expire(gone, apps, cutoff)
	if err != nil {
		release()
		return nil, err
	}
	r := &commitReq{op: op, applied: release, effect: func(b *pebble.Batch) error {
		e.cutoff.Store(cutoff)
		return errors.Join(b.Apply(gone, nil), b.Set(metaKey(metaCutoff), appendUint64(nil, uint64(cutoff)), nil))
	}}
	r.before = func() error { return e.beforeRetain(gone, apps, cutoff, n < retainBatch) }
	p, err := e.enqueue(ctx, r)
	if err == nil {
		p.result.updated = n
	}
	return p, err
}

// beforeRetain saves what a replay must not meet once its rows are gone, and
// with the last step takes the indexes and quarters of the expired hours: only
// then, as the checkpoint may have written the first of them.
func (e *Engine) beforeRetain(gone *pebble.Batch, apps []*appState, cutoff int64, last bool) error {
	if cutoff > e.cutoff.Load() {
		if err := e.checkpoint(); err != nil {
			return err
		}
	}
	if !last {
		return nil
	}
	for _, a := range apps {
		if err := e.expireUnits(gone, a.id, cutoff); err != nil {
			return err
		}
	}
	return nil
}

// lockAll waits for the operations on traces and apps that are under way,
// keeps new ones out, and returns the apps there are.
func (e *Engine) lockAll() (apps []*appState, unlock func()) {
	for {
		apps = e.appList()
		for _, a := range apps {
			a.gate.RLock()
		}
		for i := range e.stripes {
			e.stripes[i].Lock()
		}
		unlock = func() {
			for i := range e.stripes {
				e.stripes[i].Unlock()
			}
			for _, a := range apps {
				a.gate.RUnlock()
			}
		}
		if slices.Equal(apps, e.appList()) {
			return apps, unlock
		}
		unlock() // one was made or deleted meanwhile
	}
}

// expire deletes up to retainBatch expired traces, app by app in the order of
// their numbers. Everything is locked.
func (e *Engine) expire(b *pebble.Batch, apps []*appState, cutoff int64) (int, error) {
	n := 0
	for _, a := range apps {
		got, err := e.expireApp(b, a.id, cutoff, retainBatch-n)
		if n += got; err != nil || n >= retainBatch {
			return n, err
		}
	}
	// Every locator is gone: the bodies of all apps are one range.
	lo := bodyKey(nil, 0, cutoff-1, nil)[:5]
	pieces := append([]byte{prefixPiece}, lo[1:]...)
	return n, errors.Join(b.DeleteRange(lo, []byte{prefixBody + 1}, nil), b.DeleteRange(pieces, []byte{prefixPiece + 1}, nil))
}

// expireApp deletes locators, orphan entries and summaries, oldest first.
func (e *Engine) expireApp(b *pebble.Batch, app uint32, cutoff int64, limit int) (int, error) {
	_, hi := appSpan(prefixSummary, app)
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: summaryAt(nil, app, cutoff-1), UpperBound: hi})
	if err != nil {
		return 0, storeError(err)
	}
	n := 0
	var last []byte
	for ok := it.Last(); ok && n < limit; ok = it.Prev() {
		if err := e.expireRow(b, app, it); err != nil {
			return n, errors.Join(err, it.Close())
		}
		last = append(last[:0], it.Key()...)
		n++
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return n, storeError(err)
	}
	if n > 0 {
		err := b.DeleteRange(bytes.Clone(last), hi, nil)
		if e.format2.Load() {
			err = errors.Join(err, expireRare(b, app, last[5:]))
		}
		return n, err
	}
	return n, nil
}

// expireUnits deletes the indexes and quarters of an app's expired hours, where
// there are any: a range deletion in every app every hour would only be more to
// carry. Committer only.
func (e *Engine) expireUnits(b *pebble.Batch, app uint32, cutoff int64) error {
	for _, prefix := range []byte{prefixIndex, prefixQuarter} {
		lo, _ := appSpan(prefix, app)
		hi := unitKey(nil, prefix, app, hourOf(cutoff))
		it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
		if err != nil {
			return storeError(err)
		}
		some := it.First()
		if err := errors.Join(it.Error(), it.Close()); err != nil {
			return storeError(err)
		}
		if some {
			if err := b.DeleteRange(lo, hi, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) expireRow(b *pebble.Batch, app uint32, it *pebble.Iterator) error {
	startUS, id, err := splitSummaryKey(it.Key())
	if err != nil {
		return err
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return storeError(err)
	}
	s, err := decodeSummary(v, startUS)
	if err != nil {
		return err
	}
	if s.flags&flagOrphans != 0 {
		if err := b.Delete(orphanKey(nil, app, s.updatedUS, id), nil); err != nil {
			return err
		}
	}
	return b.Delete(locatorKey(nil, app, id), nil)
}
