package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

// walkRow is a trace as the test knows it.
type walkRow struct {
	id     string
	key    []byte
	us     int64
	status rollup.Status
}

// walkRows fills an app with clusters of equal microseconds and milliseconds,
// gaps, and statuses of which one is rare enough for jumps (walker.sparse) and
// one comes in streaks with gaps above jumpAfter. Newest first.
func walkRows(t *testing.T, e *Engine, rng *rand.Rand) []walkRow {
	var rows []walkRow
	var specs []testRun
	us := epoch.UnixMicro() + 40*60*1_000_000
	for i := range 2000 {
		switch rng.IntN(12) {
		case 0:
			us += rng.Int64N(120_000_000)
		case 1, 2, 3:
			us += rng.Int64N(3000)
		case 4, 5:
			us += rng.Int64N(300)
		}
		r := walkRow{id: fmt.Sprintf("t%d", rng.IntN(1000)*10000+i), us: us}
		spec := oneRun(r.id, time.UnixMicro(us))
		switch {
		case rng.IntN(80) == 0:
			spec.open, r.status = true, rollup.Running
		case i/100%4 == 0 && rng.IntN(2) == 0:
			spec.failed, r.status = true, rollup.Failed
		}
		r.key = appendID(nil, r.id)
		rows, specs = append(rows, r), append(specs, spec)
	}
	ingest(t, e, "app", specs...)
	slices.SortFunc(rows, func(a, b walkRow) int {
		return cmp.Or(cmp.Compare(b.us, a.us), bytes.Compare(a.key, b.key))
	})
	return rows
}

// TestWalkAgainstFilter: any page, by number and by cursor, of any filter is
// that of the rows filtered one by one.
func TestWalkAgainstFilter(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	e, _ := newEngine(t, nil)
	rows := walkRows(t, e, rng)
	masks := [][]rollup.Status{nil, {rollup.Running}, {rollup.Failed}, {rollup.Succeeded},
		{rollup.Failed, rollup.Running}, {rollup.Canceled}}
	near := func() int64 { return rows[rng.IntN(len(rows))].us + rng.Int64N(3) - 1 }
	for n := range 1500 {
		q := ListQuery{Page: 1 + rng.IntN(3), PageSize: 1 + rng.IntN(12), Ascending: rng.IntN(2) == 0}
		q.Statuses = masks[n%len(masks)]
		if n%3 > 0 {
			q.Window = Window{From: near(), To: near()}
			if q.Window.From > q.Window.To && n%2 == 0 {
				q.Window.From, q.Window.To = q.Window.To, q.Window.From
			}
		}
		want := filterRows(rows, q)
		total, skip := len(want), (q.Page-1)*q.PageSize
		if rng.IntN(2) == 0 { // a cursor of any trace, in the filter or not
			r := rows[rng.IntN(len(rows))]
			q.Cursor = (&cursor{q.Ascending, r.us + rng.Int64N(2), r.key}).String()
			c, _ := parseCursor(q.Cursor)
			skip = slices.IndexFunc(want, func(r walkRow) bool { return isBehind(&r, &c) })
			if skip < 0 {
				skip = total
			}
		}
		p, err := e.List(bg, "app", q)
		if err != nil {
			t.Fatal(err)
		}
		want = want[min(skip, total):]
		more := len(want) > q.PageSize
		want = want[:min(q.PageSize, len(want))]
		same := slices.EqualFunc(p.Rows, want, func(a TraceRow, b walkRow) bool { return a.ID == b.id })
		if !same || p.TotalCount != int64(total) || (p.NextCursor != "") != more {
			t.Fatalf("query %d %+v: %d rows of %d, cursor %q; want %d of %d, more %t",
				n, q, len(p.Rows), p.TotalCount, p.NextCursor, len(want), total, more)
		}
	}
}

// filterRows are all rows that match, in the order asked for.
func filterRows(rows []walkRow, q ListQuery) (out []walkRow) {
	for _, r := range rows {
		inside := q.Window == Window{} || r.us >= q.Window.From && r.us < q.Window.To
		if inside && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.status)) {
			out = append(out, r)
		}
	}
	if q.Ascending {
		slices.Reverse(out)
	}
	return out
}

// isBehind says that a row comes after a cursor in the order of its list.
func isBehind(r *walkRow, c *cursor) bool {
	order := cmp.Or(cmp.Compare(c.startUS, r.us), bytes.Compare(r.key, c.id))
	if c.ascending {
		return order < 0
	}
	return order > 0
}

// TestCursorInsideOneMicrosecond: a page that goes on from a trace loses none
// of those with the very same start, in a filter sparse enough that the walk
// asks the index how many are still to come.
func TestCursorInsideOneMicrosecond(t *testing.T) {
	e, _ := newEngine(t, nil)
	var rows []walkRow
	var specs []testRun
	us := epoch.UnixMicro() + 90*60*1_000_000
	for i := range 400 {
		r := walkRow{id: fmt.Sprintf("t%03d", i), us: us, status: rollup.Succeeded}
		if i >= 200 { // the rest lies before and behind
			r.us += int64(i%2*2-1) * int64(i) * 1_000_000
		}
		spec := oneRun(r.id, time.UnixMicro(r.us))
		if i < 200 && i%25 == 24 {
			spec.open, r.status = true, rollup.Running
		}
		r.key = appendID(nil, r.id)
		rows, specs = append(rows, r), append(specs, spec)
	}
	ingest(t, e, "app", specs...)
	slices.SortFunc(rows, func(a, b walkRow) int {
		return cmp.Or(cmp.Compare(b.us, a.us), bytes.Compare(a.key, b.key))
	})
	for _, asc := range []bool{false, true} {
		q := ListQuery{Page: 1, PageSize: 50, Ascending: asc}
		q.Statuses = []rollup.Status{rollup.Running}
		all := filterRows(rows, q)
		for _, r := range rows {
			c := &cursor{asc, r.us, r.key}
			q.Cursor = c.String()
			p, err := e.List(bg, "app", q)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.DeleteFunc(slices.Clone(all), func(r walkRow) bool { return !isBehind(&r, c) })
			if !slices.EqualFunc(p.Rows, want, func(a TraceRow, b walkRow) bool { return a.ID == b.id }) {
				t.Fatalf("ascending %t, behind %s: %d rows, want %d", asc, r.id, len(p.Rows), len(want))
			}
		}
	}
}
