package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
)

// RepairReport says what Repair found and did.
type RepairReport struct {
	Before, After VerifyReport
	// What was written again: rows of traces made from their bodies, places in
	// the lookup by id, in the list of orphans and in those of rare statuses (made
	// or removed), and days of indexes and buckets.
	Summaries, Locators, OrphanEntries, ListRows, Days int64
	// Left are things that cannot be made again, with the reason.
	Left []string
}

// Repair makes everything that is derived from the stored traces again where
// it differs: summaries, locators, the lists of orphans and of rare statuses,
// indexes, buckets. It removes no trace and changes no body; what nothing can
// be made from is listed in Left and stays as it is. A directory of an older
// format becomes one of FormatVersion. Writes wait meanwhile.
func (e *Engine) Repair(ctx context.Context) (RepairReport, error) {
	var rep RepairReport
	if err := e.writable(); err != nil {
		return rep, err
	}
	var err error
	if rep.Before, err = e.Verify(ctx); err != nil {
		return rep, err
	}
	if err := e.repairAll(ctx, &rep); err != nil {
		return rep, err
	}
	rep.After, err = e.Verify(ctx)
	return rep, err
}

func (e *Engine) repairAll(ctx context.Context, rep *RepairReport) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	apps, unlock := e.lockAll()
	defer unlock()
	// The end of ctx ends the passes, not the wait for them: the locks are theirs.
	return e.onCommitter(context.WithoutCancel(ctx), func() error {
		defer e.lookups.renew()
		e.committer.upgrading = e.format() != FormatVersion
		defer func() { e.committer.upgrading = false }()
		for _, a := range apps {
			if err := e.repairApp(ctx, a, rep); err != nil {
				return fmt.Errorf("app %q: %w", a.name, err)
			}
		}
		return errors.Join(e.db.LogData(nil, pebble.Sync), e.upgrade())
	})
}

// upgrade makes a directory one of the present format, all of whose rows the
// passes have written. The store comes first, see loadFormat. Until the first of
// the two is durable nothing reads or keeps the rows that are new, and the next
// Repair compares them all.
func (e *Engine) upgrade() error {
	if e.format() == FormatVersion {
		return nil
	}
	if err := e.setFormat(FormatVersion); err != nil {
		return err
	}
	e.mu.Lock()
	e.format2.Store(true)
	e.mu.Unlock()
	return e.updateMarker(func(m *marker) { m.version = FormatVersion })
}

// repairer mends one app. It runs on the committer with everything locked.
type repairer struct {
	e   *Engine
	v   *view
	a   *appState
	b   *pebble.Batch // rows to be written; the view sees them after flush
	rep *RepairReport
	d   trace.Deriver
}

// repairApp mends summaries first: everything else comes from them.
func (e *Engine) repairApp(ctx context.Context, a *appState, rep *RepairReport) error {
	r := &repairer{e: e, a: a, rep: rep}
	for _, pass := range []func() error{r.summaries, r.places, r.strays, r.rares, r.days} {
		v, err := e.viewOf(ctx, a.name, func() {})
		if err != nil {
			return err
		}
		r.v, r.b = v, e.db.NewBatch()
		err = pass()
		v.close()
		if err == nil {
			err = e.db.Apply(r.b, pebble.NoSync)
		}
		if err = errors.Join(err, r.b.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (r *repairer) left(format string, args ...any) {
	if len(r.rep.Left) < maxDifferences {
		r.rep.Left = append(r.rep.Left, fmt.Sprintf("app %q: ", r.a.name)+fmt.Sprintf(format, args...))
	}
}

// set and del write a row; a long batch is put in before.
func (r *repairer) set(key, value []byte) error {
	return errors.Join(r.b.Set(key, value, nil), r.spill())
}

func (r *repairer) del(key []byte) error { return errors.Join(r.b.Delete(key, nil), r.spill()) }

func (r *repairer) spill() error {
	if r.b.Len() < batchMaxBytes {
		return nil
	}
	err := errors.Join(r.e.db.Apply(r.b, pebble.NoSync), r.b.Close())
	r.b = r.e.db.NewBatch()
	return err
}

// summaries derives each trace from its body and compares.
func (r *repairer) summaries() error {
	bs, err := r.v.bodies(false)
	if err != nil {
		return err
	}
	it := bs.it
	for ok := it.First(); ok && err == nil; {
		key := reader{b: it.Key()[1:]}
		hour, app, off := ^key.uint32(), key.uint32(), ^key.uint32()
		switch start := int64(hour)*usPerHour + int64(off); {
		case key.bad:
			ok = it.Next()
		case app < r.a.id:
			lo, _ := bodyHourSpan(r.a.id, hour)
			ok = it.SeekGE(lo)
		case app > r.a.id:
			_, hi := bodyHourSpan(^uint32(0), hour)
			ok = it.SeekGE(hi)
		default:
			if start >= r.v.cutoff {
				err = r.summary(bs, start, bytes.Clone(key.b))
			}
			ok = it.Next()
		}
	}
	return storeError(errors.Join(err, it.Error(), bs.close()))
}

func (r *repairer) summary(bs *bodies, start int64, idKey []byte) error {
	b, err := bs.get(start, idKey)
	if err == nil {
		err = r.fromBody(&b, start, idKey)
	}
	if errors.Is(err, ErrCorrupt) {
		r.left("the body of a trace of %d µs: %v", start, err)
		return nil
	}
	return err
}

// fromBody writes the summary that a body asks for, unless it is there.
func (r *repairer) fromBody(b *body, start int64, idKey []byte) error {
	all, err := b.appendAll(nil)
	if err != nil {
		return err
	}
	runs, err := b.splitRuns(all)
	if err != nil {
		return err
	}
	t := r.d.Derive(runs, trace.Options{Promoted: b.flags&flagPromoted != 0})
	defer r.d.Release()
	if t.Start.MicrosFloor() != start || !bytes.Equal(appendID(nil, t.ID), idKey) {
		return fmt.Errorf("%w: it belongs to another trace", ErrCorrupt)
	}
	want := summary{startUS: start, updatedUS: b.updatedUS, flags: b.flags, sample: t.Sample, setHash: setHash(runs)}
	want.slot.MS = msInHour(start)
	key := summaryKey(nil, r.a.id, start, idKey)
	var have summary
	err = getRow(r.v.snap, key, func(v []byte) (err error) { have, err = decodeSummary(v, start); return err })
	if err == nil {
		want.slot.N = have.slot.N
	} else if !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err == nil && want == have {
		return nil
	}
	r.rep.Summaries++
	return r.set(key, appendSummary(nil, &want, r.v.format2))
}

// places gives every summary its locator, its entry in the list of orphans
// and a slot of its own.
func (r *repairer) places() error {
	used, ms := map[uint32]bool{}, int64(-1)
	w, err := r.v.walker(index.AllStatuses, r.v.clamp(Window{}), false)
	if err != nil {
		return err
	}
	w.first()
	for {
		ok, err := w.next()
		if err != nil || !ok {
			return errors.Join(err, w.close())
		}
		s := w.row
		if s.startUS/1000 != ms {
			ms = s.startUS / 1000
			clear(used)
		}
		if err := errors.Join(r.slot(&s, w.id, used), r.locator(&s, w.id), r.orphan(&s, w.id)); err != nil {
			return errors.Join(err, w.close())
		}
	}
}

func (r *repairer) slot(s *summary, id []byte, used map[uint32]bool) error {
	taken := used[s.slot.N]
	for used[s.slot.N] {
		s.slot.N++
	}
	used[s.slot.N] = true
	if !taken {
		return nil
	}
	r.rep.Summaries++
	return r.set(summaryKey(nil, r.a.id, s.startUS, id), appendSummary(nil, s, r.v.format2))
}

func (r *repairer) locator(s *summary, id []byte) error {
	key, want := locatorKey(nil, r.a.id, id), binary.BigEndian.AppendUint64(nil, uint64(s.startUS))
	err := getRow(r.v.snap, key, func(v []byte) error {
		if !bytes.Equal(v, want) {
			return ErrCorrupt
		}
		return nil
	})
	if !errors.Is(err, ErrCorrupt) {
		return err
	}
	r.rep.Locators++
	return r.set(key, want)
}

func (r *repairer) orphan(s *summary, id []byte) error {
	if s.flags&flagOrphans == 0 {
		return nil
	}
	key := orphanKey(nil, r.a.id, s.updatedUS, id)
	err := getRow(r.v.snap, key, func([]byte) error { return nil })
	if !errors.Is(err, ErrCorrupt) {
		return err
	}
	r.rep.OrphanEntries++
	return r.set(key, nil)
}

// strays removes locators and orphan entries that no summary asks for. A
// trace that is expired has its summary until the expiry takes both.
func (r *repairer) strays() error {
	lo, hi := appSpan(prefixLocator, r.a.id)
	err := r.each(lo, hi, func(key, value []byte) error {
		v := reader{b: value}
		start := int64(v.uint64())
		if _, err := r.find(start, key[5:]); !errors.Is(err, ErrCorrupt) {
			return err
		}
		r.rep.Locators++
		return r.del(key)
	})
	if err != nil {
		return err
	}
	lo, hi = appSpan(prefixOrphan, r.a.id)
	return r.each(lo, hi, func(key, _ []byte) error {
		if len(key) > summaryKeyHead {
			updated, id := int64(binary.BigEndian.Uint64(key[5:])), key[summaryKeyHead:]
			var start int64 = -1
			err := getRow(r.v.snap, locatorKey(nil, r.a.id, id), func(b []byte) error {
				v := reader{b: b}
				start = int64(v.uint64())
				return v.done("locator")
			})
			var s summary
			if err == nil {
				s, err = r.find(start, id)
			}
			if err == nil && s.flags&flagOrphans != 0 && s.updatedUS == updated || err != nil && !errors.Is(err, ErrCorrupt) {
				return err
			}
		}
		r.rep.OrphanEntries++
		return r.del(key)
	})
}

// find reads a summary; ErrCorrupt where there is none.
func (r *repairer) find(start int64, id []byte) (s summary, err error) {
	err = getRow(r.v.snap, summaryKey(nil, r.a.id, start, id), func(v []byte) (err error) {
		s, err = decodeSummary(v, start)
		return err
	})
	return s, err
}

func (r *repairer) each(lo, hi []byte, fn func(key, value []byte) error) error {
	it, err := r.v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return storeError(err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if err = r.v.step(); err == nil {
			err = fn(bytes.Clone(it.Key()), it.Value())
		}
	}
	return storeError(errors.Join(err, it.Error(), it.Close()))
}

// days makes indexes and buckets again, where they differ from the rows.
func (r *repairer) days() error {
	days, err := daysWithRows(r.v.snap, r.a.id)
	if err != nil {
		return err
	}
	for _, u := range r.v.units {
		days[u.day] = true
	}
	for _, day := range slices.Sorted(maps.Keys(days)) {
		if err := r.day(day); err != nil {
			return err
		}
	}
	c := &r.e.committer
	if c.minUnsaved == 0 {
		c.minUnsaved = max(r.e.applied.Load(), 1)
	}
	return r.e.checkpoint()
}

func (r *repairer) day(day uint32) error {
	if int64(day)*usPerDay < r.v.cutoff {
		return nil // some of its rows have expired: the buckets are all there is
	}
	want, err := rebuildDay(r.v.snap, r.a.id, day)
	if errors.Is(err, ErrCorrupt) {
		r.left("indexes and buckets of day %d: %v", day, err)
		return nil
	}
	if err != nil {
		return err
	}
	if i, ok := findUnit(r.v.units, day); ok {
		c := &verifier{v: r.v, rep: new(VerifyReport)}
		err := c.checkUnit(r.v.units[i], want)
		damaged := r.e.healed.take(dayOfApp{r.a.id, day})
		if err == nil && len(c.rep.Differences) == 0 && !damaged && !(r.e.committer.upgrading && want.hasMinutes()) {
			return nil
		}
	}
	r.rep.Days++
	r.e.opts.Logger.Warn("indexes and buckets made again", slog.String("app", r.a.name), slog.Uint64("day", uint64(day)))
	r.e.mu.Lock()
	defer r.e.mu.Unlock()
	u := r.a.mutable(day)
	u.replace(want, r.e.applied.Load())
	return nil
}
