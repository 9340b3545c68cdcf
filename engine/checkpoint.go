package engine

import (
	"errors"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// checkpoint writes the units that changed since the last one, cuts the
// journal, and moves the watermark. It does not sync: the log keeps batches in
// order, so either all of this is there after a crash or the journal still is.
// Runs on the committer.
func (e *Engine) checkpoint() error {
	c := &e.committer
	if err := e.writable(); err != nil {
		return err
	}
	e.rewriteHealed()
	if c.minUnsaved == 0 {
		return nil
	}
	seq := e.applied.Load()
	if err := e.saveUnits(seq); err != nil {
		// The journal still has everything; try again at the next one.
		e.opts.Logger.Error("checkpoint failed", "error", err)
		c.unsaved = 0
		return err
	}
	c.unsaved, c.minUnsaved, c.lastCheck = 0, 0, time.Time{}
	e.checkpoints.Add(1)
	e.evict()
	e.moveWatermark()
	return nil
}

// saveUnits writes every changed unit, then the journal's end, as batches of
// bounded size; each unit is whole in one batch and carries its own sequence.
func (e *Engine) saveUnits(seq uint64) error {
	b := e.db.NewBatch()
	var saved []*unit // clean once b is in
	cutoff := hourOf(e.cutoff.Load())
	for _, a := range e.appList() {
		for _, u := range e.unitsOf(a) {
			if u.dirty == 0 {
				continue
			}
			if err := e.saveUnit(b, a, u, cutoff); err != nil {
				return errors.Join(err, b.Close())
			}
			saved = append(saved, u)
			if b.Len() > batchMaxBytes {
				if err := e.flushUnits(b, saved); err != nil {
					return err
				}
				b, saved = e.db.NewBatch(), saved[:0]
			}
		}
	}
	err := errors.Join(
		b.DeleteRange([]byte{prefixJournal}, journalKey(seq+1), nil),
		b.Set(metaKey(metaSeq), appendUint64(nil, seq), nil))
	if err != nil {
		return errors.Join(err, b.Close())
	}
	return e.flushUnits(b, saved)
}

func (e *Engine) flushUnits(b *pebble.Batch, saved []*unit) error {
	if err := e.db.Apply(b, pebble.NoSync); err != nil {
		return errors.Join(err, b.Close())
	}
	for _, u := range saved {
		u.dirty = 0
	}
	return b.Close()
}

// saveUnit writes the rows of one unit; index and quarters only from the hour
// cutoff on, which retention has kept. The units belong to the committer, and
// readers of a captured one see the same bytes from memory.
func (e *Engine) saveUnit(b *pebble.Batch, a *appState, u *unit, cutoff uint32) error {
	p := u.parts.Load()
	s := p.scalars.Load()
	row, err := s.AppendBinary(nil)
	if err != nil {
		return err
	}
	copy(row, appendUint64(nil, u.lsn)) // rows begin with the sequence
	if err := b.Set(unitKey(nil, prefixBucket, a.id, u.day), seal(row), nil); err != nil {
		return err
	}
	row = p.hists.Load().AppendBinary(row[:0])
	copy(row, appendUint64(nil, u.lsn))
	if err := b.Set(unitKey(nil, prefixHist, a.id, u.day), seal(row), nil); err != nil {
		return err
	}
	for h := range hoursPerDay {
		if u.dirty>>h&1 == 0 || u.hour(h) < cutoff {
			continue
		}
		ikey, qkey := unitKey(nil, prefixIndex, a.id, u.hour(h)), unitKey(nil, prefixQuarter, a.id, u.hour(h))
		if s.Hours[h].IsEmpty() {
			if err := errors.Join(b.Delete(ikey, nil), b.Delete(qkey, nil)); err != nil {
				return err
			}
			continue
		}
		if row, err = p.hours[h].quarters.Load().AppendBinary(row[:0], e.writesMinutes()); err != nil {
			return err
		}
		if err := b.Set(qkey, seal(row), nil); err != nil {
			return err
		}
		row = p.hours[h].index.Load().AppendBinary(row[:0])
		if err := b.Set(ikey, seal(row), nil); err != nil {
			return err
		}
	}
	return nil
}

// appList returns the apps in the order of their numbers.
func (e *Engine) appList() []*appState {
	e.mu.Lock()
	defer e.mu.Unlock()
	apps := make([]*appState, 0, len(e.mu.byID))
	for _, a := range e.mu.byID {
		apps = append(apps, a)
	}
	slices.SortFunc(apps, func(x, y *appState) int { return int(int64(x.id) - int64(y.id)) })
	return apps
}

// unitsOf returns the units of an app; only the committer may use them after.
func (e *Engine) unitsOf(a *appState) []*unit {
	e.mu.Lock()
	defer e.mu.Unlock()
	return a.units
}

// moveWatermark notes outside Pebble which operation is known to be durable.
func (e *Engine) moveWatermark() {
	if err := e.updateMarker(func(m *marker) { m.seq, m.clean = e.durableSeq(), false }); err != nil {
		e.opts.Logger.Warn("watermark could not be written", "error", err)
	}
}
