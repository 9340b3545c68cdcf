package modeltest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/internal/model"
)

// checkList walks the list with cursors and with pages, and looks beyond its
// end; every page must be the same cut out of the same order.
func (p *player) checkList(app string, f model.Filter, rng *rand.Rand) error {
	want := p.oracle.Select(app, f)
	byID := map[string]*model.Trace{}
	for _, t := range want {
		byID[t.ID] = t
	}
	q := engine.ListQuery{Filter: engineFilter(f), Ascending: rng.IntN(2) == 0, PageSize: 1 + rng.IntN(6),
		Page: 1, Preview: []int{0, 0, 1, 10, 100, 2048, 5000}[rng.IntN(7)]}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("list %+v: "+format, append([]any{q}, args...)...)
	}
	var walk []string
	for {
		page, err := p.eng.List(p.ctx, app, q)
		if p.noApp(app, err) {
			return nil
		}
		if err != nil {
			return fail("%w", err)
		}
		if page.TotalCount != int64(len(want)) {
			return fail("total %d, want %d", page.TotalCount, len(want))
		}
		for _, row := range page.Rows {
			if byID[row.ID] == nil {
				return fail("row %q is not wanted (or came twice)", row.ID)
			}
			if err := p.compareRow(app, row, q.Preview); err != nil {
				return fail("%w", err)
			}
			delete(byID, row.ID)
			walk = append(walk, row.ID)
		}
		if (page.NextCursor == "") != (len(walk) == len(want)) {
			return fail("cursor %q after %d of %d", page.NextCursor, len(walk), len(want))
		}
		if page.NextCursor == "" {
			break
		}
		q.Cursor, q.Page = page.NextCursor, 0
	}
	if err := sameOrder(walk, want, !q.Ascending); err != nil {
		return fail("%w", err)
	}
	q.Cursor = ""
	pages := (len(want) + q.PageSize - 1) / q.PageSize
	for _, n := range []int{1, pages, pages + 1, pages + 1000, 1 + rng.IntN(pages+1)} {
		q.Page = max(n, 1)
		page, err := p.eng.List(p.ctx, app, q)
		if err != nil {
			return fail("%w", err)
		}
		var ids []string
		for _, row := range page.Rows {
			ids = append(ids, row.ID)
		}
		from := min((q.Page-1)*q.PageSize, len(walk))
		if cut := walk[from:min(from+q.PageSize, len(walk))]; !slices.Equal(ids, cut) || page.TotalCount != int64(len(want)) {
			return fail("page holds %q of %d, the walk says %q of %d", ids, page.TotalCount, cut, len(want))
		}
	}
	return nil
}

// compareRow compares a row of a list with the oracle's trace. The engine keeps
// the start of a row in whole µs; the JSON has all digits.
func (p *player) compareRow(app string, row engine.TraceRow, preview int) error {
	want, err := p.oracle.Trace(app, row.ID, p.now)
	if err != nil {
		return err
	}
	us := int64(-1)
	if want.DurationUS != nil {
		us = *want.DurationUS
	}
	if row.Status != statusOf[want.Status] || row.StartUS != want.StartUS() || row.Sample.DurationUS != us ||
		int(row.Sample.Runs) != want.RunCount || row.Stale != want.Stale || row.Orphans != (want.Orphans > 0 && !want.Promoted) {
		return fmt.Errorf("trace %q: row %+v does not fit %+v", row.ID, row, want)
	}
	if err := p.compareTrace(app, row.ID, row.JSON, preview, false); err != nil {
		return fmt.Errorf("trace %q: %w\n%s", row.ID, err, row.JSON)
	}
	return nil
}

// compareTrace compares a trace object with the oracle's. The same bytes for
// the same trace are looked at once, until the next change.
func (p *player) compareTrace(app, id string, b []byte, preview int, runs bool) error {
	known := fmt.Sprintf("%q %q %d %t %s", app, id, preview, runs, b)
	if p.known[known] {
		return nil
	}
	want, err := p.oracle.Trace(app, id, p.now)
	if err != nil {
		return err
	}
	if runs {
		err = compareWithRuns(b, want, p.oracle.Runs(app, id))
	} else {
		err = compareTrace(b, want, preview)
	}
	if err == nil {
		p.known[known] = true
	}
	return err
}

// checkTraces compares up to n traces of an app with their runs, and some of
// them alone and by pages of runs.
func (p *player) checkTraces(app string, n int, rng *rand.Rand) error {
	all := p.oracle.Select(app, model.Filter{})
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, t := range all[:min(n, len(all))] {
		err := p.checkWithRuns(app, t.ID)
		if err == nil && i < 10 {
			err = p.checkRow(app, t.ID)
		}
		if err == nil && i < 10 {
			err = p.checkRuns(app, t.ID, rng)
		}
		if err != nil {
			return fmt.Errorf("trace %q: %w", t.ID, err)
		}
	}
	for _, id := range []string{"no such trace", "00000000-0000-4000-8000-000000000000"} {
		_, err1 := p.eng.Trace(p.ctx, app, id)
		_, err2 := p.eng.TraceWithRuns(p.ctx, app, id)
		_, err3 := p.eng.Runs(p.ctx, app, id, engine.RunQuery{Page: 1, PageSize: 10})
		for _, err := range []error{err1, err2, err3} {
			if err := sameNotFound(err, model.ErrNotFound); err != nil {
				return fmt.Errorf("trace %q, which does not exist: %w", id, err)
			}
		}
	}
	return nil
}

func (p *player) checkRow(app, id string) error {
	row, err := p.eng.Trace(p.ctx, app, id)
	if err != nil {
		return err
	}
	return p.compareRow(app, row, alone)
}

func (p *player) checkWithRuns(app, id string) error {
	b, err := p.eng.TraceWithRuns(p.ctx, app, id)
	if err != nil {
		return err
	}
	return p.compareTrace(app, id, b, alone, true)
}

// checkRuns asks for the runs of a trace, all and by a filter, in pages.
func (p *player) checkRuns(app, id string, rng *rand.Rand) error {
	all := p.oracle.Runs(app, id)
	q := engine.RunQuery{PageSize: 1 + rng.IntN(4)}
	one := all[rng.IntN(len(all))]
	switch rng.IntN(5) {
	case 0:
		q.Statuses = []string{statusText(one)}
	case 1:
		q.Types = []string{one.Type}
	case 2:
		if one.Parent != nil {
			q.ParentRunID = *one.Parent
		}
	}
	var want []*model.Run
	for _, r := range all {
		if (q.Statuses == nil || q.Statuses[0] == statusText(r)) && (q.Types == nil || q.Types[0] == r.Type) &&
			(q.ParentRunID == "" || r.Parent != nil && *r.Parent == q.ParentRunID) {
			want = append(want, r)
		}
	}
	var got [][]byte
	for q.Page = 1; q.Page == 1 || len(got) < len(want); q.Page++ {
		page, err := p.eng.Runs(p.ctx, app, id, q)
		if err != nil {
			return err
		}
		if page.TotalCount != int64(len(want)) || len(page.Runs) == 0 && len(got) < len(want) {
			return fmt.Errorf("runs %+v: %d of %d, want %d", q, len(page.Runs), page.TotalCount, len(want))
		}
		got = append(got, page.Runs...)
	}
	return compareRuns(got, want)
}

func statusText(r *model.Run) string {
	if r.Status == "" {
		return "running"
	}
	return r.Status
}
