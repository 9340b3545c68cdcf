package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/internal/turns"
	"github.com/tracebed/tracebed/rollup"
)

// view is one moment of an app: a snapshot of the rows and the derived state
// that belongs to it. Nothing else may be used to answer a read.
type view struct {
	e       *Engine
	ctx     context.Context
	app     uint32
	name    string
	units   []*unit       // captured: never changed
	snap    pebble.Reader // a snapshot; the store itself in a loose view
	cutoff  int64
	format2 bool
	leave   func()
	users   atomic.Int32 // beside the one it was made for; the last one out closes it
	steps   int
}

// view captures the app as it is now; close must be called. The error is
// ErrNotFound when there is no such app.
func (e *Engine) view(ctx context.Context, app string) (*view, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	turns.Shared().Small()
	return e.viewOf(ctx, app, leave)
}

// viewOf is view for a caller that has entered; leave is called by close, or
// when there is an error.
func (e *Engine) viewOf(ctx context.Context, app string, leave func()) (*view, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.appNamed(app)
	if a == nil {
		leave()
		return nil, fmt.Errorf("app %q: %w", app, ErrNotFound)
	}
	if err := e.loadDirectory(a); err != nil {
		leave()
		return nil, err
	}
	return &view{e: e, ctx: ctx, app: a.id, name: a.name, units: a.capture(),
		snap: e.db.NewSnapshot(), cutoff: e.cutoff.Load(), format2: e.format2.Load(), leave: leave}, nil
}

func (v *view) close() {
	if v.users.Add(-1) >= 0 {
		return
	}
	if !v.loose() {
		_ = v.snap.Close()
	}
	v.leave()
}

// step is called for every row of a long walk; the context ends it.
func (v *view) step() error {
	if v.steps++; v.steps&255 == 0 {
		return v.ctx.Err()
	}
	return nil
}

// clamp cuts a window to what can exist: from the retention cutoff to the last
// possible start.
func (v *view) clamp(w Window) Window {
	if w.To <= 0 || w.To > maxStartUS+1 {
		if w.To != 0 && w.To < 0 {
			return Window{}
		}
		w.To = maxStartUS + 1
	}
	w.From = max(w.From, v.cutoff, 0)
	if w.From > w.To {
		w.From = w.To
	}
	return w
}

func countOf(c *[rollup.NumStatus]uint64, m index.Mask) (n int) {
	for st := range c {
		if m>>st&1 == 1 {
			n += int(c[st])
		}
	}
	return n
}

// countBelow is the number of traces of the mask that start before us: whole
// days from the directory, whole hours from the day's row, whole milliseconds
// from the index of one hour, and the rows of one millisecond.
func (v *view) countBelow(m index.Mask, us int64) (int, error) {
	n := 0
	i := 0
	for ; i < len(v.units) && v.units[i].day < dayOf(us); i++ {
		n += countOf(&v.units[i].counts, m)
	}
	if i == len(v.units) || v.units[i].day != dayOf(us) || us%usPerDay == 0 {
		return n, nil
	}
	u := v.units[i]
	u.touch()
	s, err := v.e.dayScalars(v.snap, v.app, u)
	if err != nil {
		return 0, err
	}
	h := int(hourOf(us) % hoursPerDay)
	for k := range h {
		n += countOf(&s.Hours[k].Count, m)
	}
	if us%usPerHour == 0 || s.Hours[h].IsEmpty() {
		return n, nil
	}
	x, err := v.e.hourIndex(v.snap, v.app, u, h)
	if err != nil {
		return 0, err
	}
	n += x.RankMS(m, msInHour(us))
	if us%1000 == 0 || x.CountMS(m, msInHour(us)) == 0 {
		return n, nil
	}
	from := us - us%1000
	err = scanRows(v.snap, v.app, from, us, func(s *summary) error {
		if m>>s.sample.Status&1 == 1 {
			n++
		}
		return v.step()
	})
	return n, err
}

// place is where a trace of some rank is found: the millisecond it starts in,
// and how many traces of the mask in that millisecond stand before it, oldest
// first.
type place struct {
	ms    int64 // since the epoch
	ahead int
	same  int // traces of the mask in that millisecond
}

// selectRank finds the trace of the mask with the given rank, 0 being the
// oldest of all.
func (v *view) selectRank(m index.Mask, rank int) (place, error) {
	for _, u := range v.units {
		if c := countOf(&u.counts, m); rank >= c {
			rank -= c
			continue
		}
		u.touch()
		s, err := v.e.dayScalars(v.snap, v.app, u)
		if err != nil {
			return place{}, err
		}
		for h := range s.Hours {
			if c := countOf(&s.Hours[h].Count, m); rank >= c {
				rank -= c
				continue
			}
			x, err := v.e.hourIndex(v.snap, v.app, u, h)
			if err != nil {
				return place{}, err
			}
			ms, ahead, ok := x.Select(m, rank)
			if !ok {
				return place{}, fmt.Errorf("%w: index of hour %d has no rank %d", ErrCorrupt, u.hour(h), rank)
			}
			return place{ms: int64(u.hour(h))*(usPerHour/1000) + int64(ms), ahead: ahead, same: x.CountMS(m, ms)}, nil
		}
		return place{}, fmt.Errorf("%w: hours of day %d have too few traces", ErrCorrupt, u.day)
	}
	return place{}, fmt.Errorf("%w: rank beyond the last trace", ErrCorrupt)
}
