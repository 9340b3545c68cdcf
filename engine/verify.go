package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// maxDifferences bounds the report of a store that is damaged all over.
const maxDifferences = 1000

// Verify derives everything that is kept beside the runs again (trace objects,
// summaries, locators, indexes, buckets, histograms, counts) and compares it
// with what is stored and in memory. It works on one moment of the store while
// writes go on. Differences are reported, not mended; the error says only that
// the check itself could not be done.
func (e *Engine) Verify(ctx context.Context) (VerifyReport, error) {
	var rep VerifyReport
	for _, name := range e.appNames() {
		v, err := e.view(ctx, name)
		if errors.Is(err, ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return rep, err
		}
		rep.Apps++
		err = (&verifier{v: v, rep: &rep}).app()
		v.close()
		if err != nil {
			return rep, err
		}
	}
	return rep, ctx.Err()
}

type verifier struct {
	v      *view
	rep    *VerifyReport
	d      trace.Deriver
	rows   int64 // traces of this app
	waits  int64 // of these, traces with orphans
	pieces int64 // rows of long bodies beside their first
	rares  int64 // traces that have a row in the list of their status
}

func (c *verifier) differ(format string, args ...any) {
	if len(c.rep.Differences) < maxDifferences {
		c.rep.Differences = append(c.rep.Differences, fmt.Sprintf("app %q: ", c.v.name)+fmt.Sprintf(format, args...))
	}
}

func (c *verifier) app() error {
	for _, check := range []func() error{c.checkRows, c.checkUnits, c.checkLocators, c.checkStrays, c.checkRares} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkRows looks at every trace by itself.
func (c *verifier) checkRows() error {
	w, err := c.v.walker(index.AllStatuses, c.v.clamp(Window{}), false)
	if err != nil {
		return err
	}
	bs, err := c.v.bodies(true)
	if err != nil {
		return errors.Join(err, w.close())
	}
	w.first()
	for {
		ok, werr := w.next()
		if werr != nil || !ok {
			err = werr
			break
		}
		c.rep.Traces++
		c.rows++
		if err = c.checkTrace(bs, &w.row, w.id); err != nil {
			break
		}
	}
	if errors.Is(err, ErrCorrupt) {
		c.differ("rows cannot be read: %v", err)
		err = nil
	}
	return errors.Join(err, bs.close(), w.close())
}

func (c *verifier) checkTrace(bs *bodies, s *summary, idKey []byte) error {
	id, err := decodeID(idKey)
	if err != nil {
		return err
	}
	var start int64 = -1
	err = getRow(c.v.snap, locatorKey(nil, c.v.app, idKey), func(b []byte) error {
		r := reader{b: b}
		start = int64(r.uint64())
		return r.done("locator")
	})
	if err != nil || start != s.startUS {
		c.differ("trace %q: its locator says %d, its row %d (%v)", id, start, s.startUS, err)
	}
	b, err := bs.get(s.startUS, idKey)
	if err == nil {
		err = c.checkBody(&b, s, id)
	}
	if errors.Is(err, ErrCorrupt) {
		c.differ("trace %q: %v", id, err)
		return nil
	}
	return err
}

// checkBody derives the trace from its runs.
func (c *verifier) checkBody(b *body, s *summary, id string) error {
	all, err := b.appendAll(nil)
	if err != nil {
		return err
	}
	runs, err := b.splitRuns(all)
	if err != nil {
		return err
	}
	c.rep.Runs += int64(len(runs))
	c.checkTable(b, runs, id)
	t := c.d.Derive(runs, trace.Options{Promoted: s.flags&flagPromoted != 0})
	defer c.d.Release()
	want := *s
	want.sample, want.setHash, want.startUS = t.Sample, setHash(runs), t.Start.MicrosFloor()
	want.flags = s.flags & (flagPromoted | flagEvaluated)
	if b.valueLen > pieceBytes {
		want.flags |= flagPieced
	}
	c.pieces += b.pieceRows()
	if t.Orphans {
		want.flags |= flagOrphans
	}
	if t.OpenRoot {
		want.flags |= flagOpenRoot
	}
	if want != *s || t.ID != id {
		c.differ("trace %q: its row says %+v, its runs %+v", id, *s, want)
		return nil
	}
	if b.status != s.sample.Status || b.flags != s.flags || b.updatedUS != s.updatedUS {
		c.differ("trace %q: status, flags or time of update differ between row and body", id)
	}
	updated := trace.Time{NS: s.updatedUS * 1000, Digits: 6, Valid: true}
	head, _ := c.d.AppendPreviewTrace(nil, c.v.name, &t, updated, 0)
	if head, err = c.withEvaluations(b, all, head, runs, id); err != nil {
		return err
	}
	if !bytes.Equal(head, all[:b.headRaw]) {
		c.differ("trace %q: the stored object is not that of its runs", id)
	}
	if err := c.checkRare(b, s, id); err != nil {
		return err
	}
	if s.flags&flagOrphans != 0 {
		c.waits++
		if _, closer, err := c.v.snap.Get(orphanKey(nil, c.v.app, s.updatedUS, appendID(nil, id))); err != nil {
			c.differ("trace %q: it has orphans and is not in their list (%v)", id, err)
		} else {
			return closer.Close()
		}
	}
	return nil
}

// withEvaluations puts the stored evaluations into an object made of the runs,
// after a look at them.
func (c *verifier) withEvaluations(b *body, all, head []byte, runs []trace.Run, id string) ([]byte, error) {
	raw, err := b.evaluationsIn(all)
	if err != nil || raw == nil {
		return head, err
	}
	list, err := trace.ParseEvaluations(raw)
	if err == nil {
		err = checkRunIDs(runs, list)
	}
	again := trace.AppendEvaluations(nil, trace.MergeEvaluations(nil, list, trace.Time{}))
	if err != nil || len(list) == 0 || !bytes.Equal(again, raw) {
		c.differ("trace %q: its evaluations are not what is stored of evaluations (%v)", id, err)
	}
	head, _, _ = trace.InsertEvaluations(head, raw)
	return head, nil
}

func (c *verifier) checkTable(b *body, runs []trace.Run, id string) {
	marks := b.marks(nil)
	for i := range runs {
		if marks[i] != markOf(&runs[i]) {
			c.differ("trace %q: run %q differs from the table of runs", id, runs[i].ID)
			return
		}
	}
}

// checkUnits compares indexes and buckets, as readers see them and as the disk
// has them, with those made from the rows.
func (c *verifier) checkUnits() error {
	var counted int64
	for _, u := range c.v.units {
		if err := c.v.ctx.Err(); err != nil {
			return err
		}
		if int64(u.day+1)*usPerDay <= c.v.cutoff {
			continue
		}
		want, err := rebuildDay(c.v.snap, c.v.app, u.day)
		if err != nil {
			c.differ("day %d cannot be derived: %v", u.day, err)
			continue
		}
		for h := range hoursPerDay {
			if int64(u.hour(h))*usPerHour >= c.v.cutoff {
				counted += int64(want.scalars.Hours[h].Traces())
			}
		}
		if err := c.checkUnit(u, want); err != nil {
			c.differ("day %d: %v", u.day, err)
		}
	}
	if counted != c.rows {
		c.differ("the indexes know %d traces, there are %d", counted, c.rows)
	}
	return nil
}

func (c *verifier) checkUnit(u *unit, want *rebuilt) error {
	e, snap, app := c.v.e, c.v.snap, c.v.app
	s, err := e.dayScalars(snap, app, u)
	if err != nil {
		return err
	}
	d, err := e.dayHists(snap, app, u)
	if err != nil {
		return err
	}
	whole := int64(u.day)*usPerDay >= c.v.cutoff // no row of the day has expired
	if whole && s.Total != want.scalars.Total {
		c.differ("day %d: bucket of the day: %+v, from rows %+v", u.day, s.Total, want.scalars.Total)
	}
	if whole && !d.Total.Equal(&want.hists.Total) {
		c.differ("day %d: histogram of the day", u.day)
	}
	if u.counts != s.Total.Count {
		c.differ("day %d: directory counts %v, bucket %v", u.day, u.counts, s.Total.Count)
	}
	for h := range hoursPerDay {
		if int64(u.hour(h))*usPerHour < c.v.cutoff {
			continue
		}
		if s.Hours[h] != want.scalars.Hours[h] {
			c.differ("hour %d: bucket: %+v, from rows %+v", u.hour(h), s.Hours[h], want.scalars.Hours[h])
		}
		if !d.Hours[h].Equal(&want.hists.Hours[h]) {
			c.differ("hour %d: histogram", u.hour(h))
		}
		if err := c.checkHour(u, h, want); err != nil {
			return err
		}
	}
	return nil
}

func (c *verifier) checkHour(u *unit, h int, want *rebuilt) error {
	e, snap, app := c.v.e, c.v.snap, c.v.app
	x, err := e.hourIndex(snap, app, u, h)
	if err != nil {
		return err
	}
	if !x.Equal(&want.hours[h].index) {
		c.differ("hour %d: status index", u.hour(h))
	}
	q, err := e.quarterHours(snap, app, u, h)
	if err != nil {
		return err
	}
	for i := range q.Quarters {
		if q.Quarters[i].Bucket != want.hours[h].quarters.Quarters[i].Bucket ||
			!q.Quarters[i].Hist.Equal(&want.hours[h].quarters.Quarters[i].Hist) {
			c.differ("hour %d: quarter %d: %+v, from rows %+v", u.hour(h), i,
				q.Quarters[i].Bucket, want.hours[h].quarters.Quarters[i].Bucket)
		}
		if err := c.checkMinutes(u.hour(h), i, q.Minutes[i], want.hours[h].quarters.Minutes[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkMinutes compares the minutes of a quarter. Those that are missing are
// nothing wrong: rows of format 1 have none, and charts count rows instead.
func (c *verifier) checkMinutes(hour uint32, quarter int, have, want *rollup.Minutes) error {
	if have == nil {
		return nil
	}
	same := false
	if want != nil {
		var err error
		if same, err = have.Equal(want); err != nil {
			return fmt.Errorf("%w: hour %d: quarter %d: %w", ErrCorrupt, hour, quarter, err)
		}
	}
	if !same {
		c.differ("hour %d: quarter %d: its minutes", hour, quarter)
	}
	return nil
}

// checkLocators counts them: each row has its own (checkRows), so a different
// number means that some lead nowhere.
func (c *verifier) checkLocators() error {
	lo, hi := appSpan(prefixLocator, c.v.app)
	n, err := c.count(lo, hi, func(it *pebble.Iterator) bool {
		r := reader{b: it.Value()}
		return int64(r.uint64()) >= c.v.cutoff
	})
	if err == nil && n != c.rows {
		c.differ("%d locators for %d traces", n, c.rows)
	}
	return err
}

// checkStrays counts bodies and entries of the orphan list that no row has.
func (c *verifier) checkStrays() error {
	var bodies, pieces int64
	for _, u := range c.v.units {
		if u.counts == [rollup.NumStatus]uint64{} && int64(u.day)*usPerDay < c.v.cutoff {
			continue
		}
		for h := range hoursPerDay {
			if int64(u.hour(h))*usPerHour < c.v.cutoff {
				continue
			}
			lo, hi := bodyHourSpan(c.v.app, u.hour(h))
			n, err := c.count(lo, hi, nil)
			if err != nil {
				return err
			}
			bodies += n
			lo, hi = pieceHourSpan(c.v.app, u.hour(h))
			if n, err = c.count(lo, hi, nil); err != nil {
				return err
			}
			pieces += n
		}
	}
	if bodies != c.rows {
		c.differ("%d bodies for %d traces", bodies, c.rows)
	}
	if pieces != c.pieces {
		c.differ("%d pieces of bodies instead of %d", pieces, c.pieces)
	}
	lo, hi := appSpan(prefixOrphan, c.v.app)
	n, err := c.count(lo, hi, func(it *pebble.Iterator) bool { return !c.expired(it.Key()) })
	if err == nil && n != c.waits {
		c.differ("%d entries in the orphan list for %d traces with orphans", n, c.waits)
	}
	return err
}

// expired says that an entry of the orphan list belongs to a trace that an
// expiry is about to remove.
func (c *verifier) expired(key []byte) bool {
	if c.v.cutoff == 0 || len(key) <= summaryKeyHead {
		return false
	}
	var start int64
	err := getRow(c.v.snap, locatorKey(nil, c.v.app, key[summaryKeyHead:]), func(b []byte) error {
		r := reader{b: b}
		start = int64(r.uint64())
		return r.done("locator")
	})
	return err == nil && start < c.v.cutoff
}

func (c *verifier) count(lo, hi []byte, keep func(*pebble.Iterator) bool) (n int64, err error) {
	it, err := c.v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return 0, storeError(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := c.v.step(); err != nil {
			return n, errors.Join(err, it.Close())
		}
		if keep == nil || keep(it) {
			n++
		}
	}
	return n, storeError(errors.Join(it.Error(), it.Close()))
}
