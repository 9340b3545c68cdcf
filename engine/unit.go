package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

const hoursPerDay = 24

// unit is the derived state of one app in one UTC day: the piece that is
// written, versioned (lsn) and dropped from memory as a whole. The few words
// here are in memory for every day of every app in use; parts come from disk
// when somebody needs them.
//
// A unit that a reader may hold is never changed: the committer clones it
// first (appState.mutable). Only loading a part, which adds what the disk says
// anyway, happens in place.
type unit struct {
	day    uint32
	lsn    uint64 // last operation in it
	gen    uint64 // generation of its app that may change it in place
	counts [rollup.NumStatus]uint64
	dirty  uint32 // bit per hour that differs from disk; committer only
	broken bool   // a delta did not fit: rebuild from rows; committer only
	parts  atomic.Pointer[dayParts]
}

// dayParts are the decoded rows of a unit; nil pointers are not loaded.
type dayParts struct {
	scalars atomic.Pointer[rollup.DayScalars]
	hists   atomic.Pointer[rollup.DayHists]
	hours   [hoursPerDay]hourParts
	used    atomic.Int64 // tick of the last use, for eviction

	// What the committer made itself and no reader can hold (committer only).
	ownScalars, ownHists bool
	ownIndex, ownQuarter uint32
	// Quarters whose minutes could not be counted: bit per quarter (committer only).
	uncounted [hoursPerDay]uint8
}

type hourParts struct {
	index    atomic.Pointer[index.Hour]
	quarters atomic.Pointer[rollup.QuarterHours]
}

// loaded returns the parts, making an empty set where there is none.
func (u *unit) loaded() *dayParts {
	if p := u.parts.Load(); p != nil {
		return p
	}
	u.parts.CompareAndSwap(nil, new(dayParts))
	return u.parts.Load()
}

// clone copies a unit for generation gen. The decoded rows are shared until
// they are changed.
func (u *unit) clone(gen uint64) *unit {
	n := &unit{day: u.day, lsn: u.lsn, gen: gen, counts: u.counts, dirty: u.dirty, broken: u.broken}
	if p := u.parts.Load(); p != nil {
		np := new(dayParts)
		np.scalars.Store(p.scalars.Load())
		np.hists.Store(p.hists.Load())
		for h := range p.hours {
			np.hours[h].index.Store(p.hours[h].index.Load())
			np.hours[h].quarters.Store(p.hours[h].quarters.Load())
		}
		np.used.Store(p.used.Load())
		np.uncounted = p.uncounted
		n.parts.Store(np)
	}
	return n
}

// The mutable forms of the parts: cloned unless the committer made them since
// the last capture. The parts must be loaded.

func (p *dayParts) mutableScalars() *rollup.DayScalars {
	s := p.scalars.Load()
	if !p.ownScalars {
		c := *s
		s, p.ownScalars = &c, true
		p.scalars.Store(s)
	}
	return s
}

func (p *dayParts) mutableHists() *rollup.DayHists {
	d := p.hists.Load()
	if !p.ownHists {
		c := &rollup.DayHists{LSN: d.LSN, Total: d.Total.Clone()}
		for h := range d.Hours {
			c.Hours[h] = d.Hours[h].Clone()
		}
		d, p.ownHists = c, true
		p.hists.Store(d)
	}
	return d
}

func (p *dayParts) mutableIndex(h int) *index.Hour {
	x := p.hours[h].index.Load()
	if p.ownIndex>>h&1 == 0 {
		x = x.Clone()
		p.ownIndex |= 1 << h
		p.hours[h].index.Store(x)
	}
	return x
}

func (p *dayParts) mutableQuarters(h int) *rollup.QuarterHours {
	q := p.hours[h].quarters.Load()
	if p.ownQuarter>>h&1 == 0 {
		q = q.Clone()
		p.ownQuarter |= 1 << h
		p.hours[h].quarters.Store(q)
	}
	return q
}

// readRow gives the value of a derived row to decode; decode gets nil where
// there is no row. Damage comes back as ErrCorrupt.
func readRow(r pebble.Reader, key []byte, decode func(b []byte) error) error {
	b, closer, err := r.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return nil
	case err != nil:
		return storeError(err)
	}
	if b, err = unseal(b); err == nil {
		err = decode(b)
	}
	if err != nil {
		err = fmt.Errorf("%w: row %c: %w", ErrCorrupt, key[0], err)
		return errors.Join(err, closer.Close())
	}
	return closer.Close()
}

const sealBytes = 4

// seal ends a derived row with a checksum: what reads only its front must not
// take garbage for numbers.
func seal(row []byte) []byte {
	return binary.BigEndian.AppendUint32(row, crc32.Checksum(row, crcTable))
}

// unseal returns a derived row without its checksum.
func unseal(row []byte) ([]byte, error) {
	n := len(row) - sealBytes
	if n < 0 || binary.BigEndian.Uint32(row[n:]) != crc32.Checksum(row[:n], crcTable) {
		return nil, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	return row[:n:n], nil
}

// storeError classes an error of Pebble: damage is ErrCorrupt.
func storeError(err error) error {
	if err != nil && pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// dayScalars returns the day's scalars, from disk if need be.
func (e *Engine) dayScalars(r pebble.Reader, app uint32, u *unit) (*rollup.DayScalars, error) {
	p := u.loaded()
	if s := p.scalars.Load(); s != nil {
		return s, nil
	}
	s := new(rollup.DayScalars)
	if err := readRow(r, unitKey(nil, prefixBucket, app, u.day), s.Decode); err != nil {
		err = e.heal(r, app, u, err)
		return p.scalars.Load(), err
	}
	p.scalars.CompareAndSwap(nil, s)
	e.grew(scalarsBytes)
	return p.scalars.Load(), nil
}

// dayHists returns the day's histograms, from disk if need be.
func (e *Engine) dayHists(r pebble.Reader, app uint32, u *unit) (*rollup.DayHists, error) {
	p := u.loaded()
	if d := p.hists.Load(); d != nil {
		return d, nil
	}
	d := new(rollup.DayHists)
	if err := readRow(r, unitKey(nil, prefixHist, app, u.day), d.Decode); err != nil {
		err = e.heal(r, app, u, err)
		return p.hists.Load(), err
	}
	p.hists.CompareAndSwap(nil, d)
	e.grew(histsBytes(d))
	return p.hists.Load(), nil
}

// hourIndex returns the index of one hour (0–23), from disk if need be.
func (e *Engine) hourIndex(r pebble.Reader, app uint32, u *unit, h int) (*index.Hour, error) {
	p := &u.loaded().hours[h]
	if x := p.index.Load(); x != nil {
		return x, nil
	}
	x := new(index.Hour)
	err := readRow(r, unitKey(nil, prefixIndex, app, u.hour(h)), func(b []byte) (err error) {
		x, err = index.DecodeHour(b)
		return err
	})
	if err == nil {
		err = e.fits(r, app, u, h, func(st rollup.Status) uint64 { return uint64(x.Count(index.MaskOf(st))) })
	}
	if err != nil {
		err = e.heal(r, app, u, err)
		return p.index.Load(), err
	}
	p.index.CompareAndSwap(nil, x)
	e.grew(int64(x.MemoryBytes()))
	return p.index.Load(), nil
}

// quarterHours returns the quarters of one hour (0–23), from disk if need be.
func (e *Engine) quarterHours(r pebble.Reader, app uint32, u *unit, h int) (*rollup.QuarterHours, error) {
	p := &u.loaded().hours[h]
	if q := p.quarters.Load(); q != nil {
		return q, nil
	}
	q := new(rollup.QuarterHours)
	err := readRow(r, unitKey(nil, prefixQuarter, app, u.hour(h)), q.Decode)
	if err == nil {
		err = e.fits(r, app, u, h, func(st rollup.Status) (n uint64) {
			for i := range q.Quarters {
				n += q.Quarters[i].Count[st]
			}
			return n
		})
	}
	if err != nil {
		err = e.heal(r, app, u, err)
		return p.quarters.Load(), err
	}
	p.quarters.CompareAndSwap(nil, q)
	e.grew(quartersBytes(q))
	return p.quarters.Load(), nil
}

// fits compares the counts of a row that was just read with those of its hour,
// so that a row that is missing or stale does not pass for an empty one.
func (e *Engine) fits(r pebble.Reader, app uint32, u *unit, h int, count func(rollup.Status) uint64) error {
	s, err := e.dayScalars(r, app, u)
	if err != nil {
		return err
	}
	for st := range rollup.Status(rollup.NumStatus) {
		if got, want := count(st), s.Hours[h].Count[st]; got != want {
			return fmt.Errorf("%w: hour %d has %d traces of a status, its bucket %d", ErrCorrupt, u.hour(h), got, want)
		}
	}
	return nil
}

// hour is the number of an hour (0–23) of the day since the epoch.
func (u *unit) hour(h int) uint32 { return u.day*hoursPerDay + uint32(h) }

// hourUS is where an hour (0–23) of the day begins.
func (u *unit) hourUS(h int) int64 { return int64(u.hour(h)) * usPerHour }

// Approximate sizes in memory, for the budget of decoded state.
const scalarsBytes = 25 * 240

func histsBytes(d *rollup.DayHists) int64 {
	n := int64(25 * 40)
	n += int64(len(d.Total.Cells())) * 16
	for h := range d.Hours {
		n += int64(len(d.Hours[h].Cells())) * 16
	}
	return n
}

func quartersBytes(q *rollup.QuarterHours) int64 {
	n := int64(4 * 280)
	for i := range q.Quarters {
		n += int64(len(q.Quarters[i].Hist.Cells())) * 16
		if m := q.Minutes[i]; m != nil {
			n += m.MemoryBytes()
		}
	}
	return n
}

// bytes is the approximate size of a unit's decoded parts.
func (u *unit) bytes() (n int64) {
	p := u.parts.Load()
	if p == nil {
		return 0
	}
	n = 1024
	if p.scalars.Load() != nil {
		n += scalarsBytes
	}
	if d := p.hists.Load(); d != nil {
		n += histsBytes(d)
	}
	for h := range p.hours {
		if x := p.hours[h].index.Load(); x != nil {
			n += int64(x.MemoryBytes())
		}
		if q := p.hours[h].quarters.Load(); q != nil {
			n += quartersBytes(q)
		}
	}
	return n
}
