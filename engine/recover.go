package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Names of `m` rows.
const (
	metaFormat  = "format"  // u64: version of the format
	metaSeq     = "seq"     // u64: last operation whose deltas are in b, h, i, q
	metaNextApp = "nextapp" // u64: number of the next app; never used twice
	metaCutoff  = "cutoff"  // u64 µs: retention has removed what started before
)

const appRowVersion = 1

func appendAppRow(dst []byte, name string) []byte {
	return appendBytes(append(dst, appRowVersion), []byte(name))
}

// readMeta reads a number from an `m` row, 0 where there is none.
func readMeta(r pebble.Reader, name string) (v uint64, err error) {
	b, closer, err := r.Get(metaKey(name))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, storeError(err)
	}
	if len(b) != 8 {
		err = fmt.Errorf("%w: row m %s", ErrCorrupt, name)
	} else {
		v = binary.BigEndian.Uint64(b)
	}
	return v, errors.Join(err, closer.Close())
}

// lastSeq is the sequence of the last operation that a store knows of: the
// key of its last journal record, or what the last checkpoint noted.
func lastSeq(db pebble.Reader) (uint64, error) {
	seq, err := readMeta(db, metaSeq)
	if err != nil {
		return 0, err
	}
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixJournal}, UpperBound: []byte{prefixJournal + 1}})
	if err != nil {
		return 0, storeError(err)
	}
	if it.Last() && len(it.Key()) == 9 {
		seq = max(seq, binary.BigEndian.Uint64(it.Key()[1:]))
	}
	return seq, storeError(errors.Join(it.Error(), it.Close()))
}

// load reads what the engine keeps in memory and replays the journal.
func (e *Engine) load(m marker, fresh bool) error {
	format, err := e.loadFormat(m)
	if err != nil {
		return err
	}
	if fresh && !e.opts.ReadOnly {
		// The first WAL of a store has no detection of damage; a flush starts
		// one that has (style.md 3c.7).
		if err := e.setFormat(format); err != nil {
			return err
		}
		if err := e.flush(context.Background()); err != nil {
			return err
		}
	}
	seq, err := lastSeq(e.db)
	if err != nil {
		return err
	}
	if seq < m.seq {
		return fmt.Errorf("%w: the store ends at operation %d, but %d was durable; nothing was changed", ErrCorrupt, seq, m.seq)
	}
	e.applied.Store(seq)
	e.durable.seq = seq
	cutoff, err := readMeta(e.db, metaCutoff)
	if err != nil {
		return err
	}
	next, err := readMeta(e.db, metaNextApp)
	if err != nil {
		return err
	}
	e.cutoff.Store(int64(cutoff))
	e.mu.nextApp = uint32(max(next, 1))
	if err := e.loadApps(); err != nil {
		return err
	}
	return e.replay()
}

// loadFormat finds the version of the store. It may be ahead of the marker's: a
// store is upgraded before its marker.
func (e *Engine) loadFormat(m marker) (int, error) {
	v, err := readMeta(e.db, metaFormat)
	if err != nil {
		return 0, err
	}
	format := int(min(v, math.MaxInt32))
	switch {
	case format == 0 && m.seq == 0:
		format = m.version // the first open has not come that far
	case format < 1 || format > FormatVersion:
		return 0, fmt.Errorf("in the store: %w", versionError(format))
	case format < m.version:
		return 0, fmt.Errorf("%w: the store is of format %d, its marker file of %d", ErrCorrupt, format, m.version)
	}
	e.setMarkVersion(format)
	e.format2.Store(format >= 2)
	return format, nil
}

func (e *Engine) setFormat(format int) error {
	return e.db.Set(metaKey(metaFormat), appendUint64(nil, uint64(format)), pebble.Sync)
}

func (e *Engine) loadApps() error {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixApp}, UpperBound: []byte{prefixApp + 1}})
	if err != nil {
		return storeError(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(storeError(err), it.Close())
		}
		key := reader{b: it.Key()[1:]}
		id := key.uint32()
		r := reader{b: v}
		version, name := r.byte(), string(r.bytes())
		if err := errors.Join(key.done("app key"), r.done("app row")); err != nil || version != appRowVersion {
			return errors.Join(fmt.Errorf("%w: app row", ErrCorrupt), err, it.Close())
		}
		a := &appState{id: id, name: name}
		e.mu.byID[id] = a
		e.apps.Store(name, a)
	}
	return storeError(errors.Join(it.Error(), it.Close()))
}

// replay applies the deltas of the journal to the units that do not have them
// yet: each unit knows the last operation that it contains.
func (e *Engine) replay() error {
	it, err := e.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixJournal}, UpperBound: []byte{prefixJournal + 1}})
	if err != nil {
		return storeError(err)
	}
	c := &e.committer
	onDisk := map[*unit]uint64{} // sequence that a unit had before the replay
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var v []byte
		if v, err = it.ValueAndErr(); err != nil {
			break
		}
		_, err = decodeJournal(v, func(seq uint64, d *delta) error {
			c.unsaved++
			if c.minUnsaved == 0 {
				c.minUnsaved = seq
			}
			return e.replayDelta(seq, d, onDisk)
		})
	}
	if err := errors.Join(err, it.Error(), it.Close()); err != nil {
		return storeError(err)
	}
	for u, a := range c.units {
		if err := e.settle(a, u); err != nil {
			e.opts.Logger.Error("index or bucket could not be settled", "app", a.name, "day", u.day, "error", err)
		}
	}
	clear(c.units)
	return nil
}

func (e *Engine) replayDelta(seq uint64, d *delta, onDisk map[*unit]uint64) error {
	a := e.mu.byID[d.app]
	if a == nil {
		return nil // deleted since
	}
	if err := e.loadDirectory(a); err != nil {
		return err
	}
	if i, ok := findUnit(a.units, dayOf(d.startUS)); ok {
		u := a.units[i]
		if _, seen := onDisk[u]; !seen {
			onDisk[u] = u.lsn
		}
		if seq <= onDisk[u] {
			return nil
		}
	}
	healed := e.rebuilt.Load()
	if err := e.preload(a, d.startUS); err != nil {
		return err
	}
	u := a.applyDelta(seq, d)
	if e.rebuilt.Load() != healed {
		u.broken = true // what was made from the rows has all deltas already
	}
	if _, seen := onDisk[u]; !seen {
		onDisk[u] = 0
	}
	e.committer.units[u] = a
	return nil
}

// start begins the background work of an open engine.
func (e *Engine) start() {
	if e.opts.ReadOnly {
		e.syncs.close()
		e.loops.Add(1)
		go e.evictLoop()
		return
	}
	e.checkSpace()
	e.loops.Add(2)
	go e.commitLoop()
	go e.syncLoop()
	if !e.opts.DisableBackground {
		e.loops.Add(2)
		go e.housekeep()
		go e.watchSpace()
	}
}

// evictLoop keeps the decoded state of a store that was opened for reading in
// its budget: there is no committer to do it.
func (e *Engine) evictLoop() {
	defer e.loops.Done()
	for {
		select {
		case <-e.closing:
			return
		case <-e.committer.nudge:
			e.evict()
		}
	}
}

// housekeep promotes orphans and expires old traces, until Close begins.
func (e *Engine) housekeep() {
	defer e.loops.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-e.closing
		cancel()
	}()
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for tick := 0; ; tick++ {
		if _, err := e.PromoteOrphans(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
			e.opts.Logger.Warn("orphans could not be promoted", "error", err)
		}
		if tick%10 == 0 {
			if _, err := e.Expire(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrClosed) {
				e.opts.Logger.Warn("old traces could not be removed", "error", err)
			}
		}
		select {
		case <-e.closing:
			return
		case <-every.C:
		}
	}
}
