package peer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Check feeds a store some traces, each three times (stale, final, again; some
// stay stale), and compares everything it answers with a model in memory.
// reopen, when not nil, closes and opens the store between writing and reading.
func Check(d Driver, reopen func(Driver) (Driver, error), traces int) (err error) {
	src := NewSource(3, traces)
	c, err := src.Chunk(traces, 50, true)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	defer c.Free()
	m := model{}
	for i := range c.Batches {
		sent := [][]Rec{c.Stale[i], c.Batches[i], c.Batches[i], c.Stale[i]}
		if i%5 == 0 {
			sent = sent[:1]
		}
		for _, batch := range sent {
			work, err := d.Prepare(batch)
			if err == nil {
				err = work()
			}
			if err != nil {
				return errors.Join(fmt.Errorf("batch %d: %w", i, err), d.Close())
			}
		}
		kept := sent[min(1, len(sent)-1)]
		for k := range kept {
			m[kept[k].ID] = &kept[k]
		}
	}
	if reopen != nil {
		if d, err = reopen(d); err != nil {
			return err
		}
	}
	return errors.Join(m.compare(d), d.Close())
}

// model is the traces that a store must hold, by id.
type model map[string]*Rec

func (m model) compare(d Driver) error {
	rng := rand.New(rand.NewPCG(1, 1))
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	all := Window{Start.UnixMicro(), Start.AddDate(0, 0, Days).UnixMicro()}
	for range 60 {
		w := Window{all.From + rng.Int64N(all.To-all.From), 0}
		w.To = w.From + 1 + rng.Int64N(all.To-w.From)
		interval, in := []string{"hour", "day", "week"}[rng.IntN(3)], time.UTC
		if rng.IntN(2) == 0 {
			in = zone
		}
		app := int32(1 + rng.IntN(3))
		q := NewMetrics(fmt.Sprintf("app-%d", app), app, w, interval, in)
		if err := m.metrics(d, q); err != nil {
			return fmt.Errorf("metrics by %s in %s: %w", interval, in, err)
		}
		l := ListQuery{App: q.App, AppNo: app, Status: rng.IntN(5) - 1, Window: w, Limit: 7}
		l.Offset = 7 * rng.IntN(4)
		if err := m.list(d, &l); err != nil {
			return fmt.Errorf("list %+v: %w", l, err)
		}
	}
	if err := m.metrics(d, NewMetrics(App, AppNo, Window{all.From - 300*24*hourUS, all.To}, "week", zone)); err != nil {
		return fmt.Errorf("a year of metrics: %w", err)
	}
	return errors.Join(m.traces(d), m.export(d))
}

func (m model) metrics(d Driver, q *MetricsQuery) error {
	want := make([]Sums, len(q.Bounds)-1)
	for _, r := range m {
		if r.App == q.App && r.StartUS >= q.Window.From && r.StartUS < q.Window.To {
			s := r.Sums()
			want[q.Bar(r.StartUS)].Add(&s, 1)
		}
	}
	got, err := d.Metrics(q)
	if err != nil {
		return err
	}
	for i := range want {
		if got[i] != want[i] {
			return fmt.Errorf("bar %d of %d is %+v, want %+v", i, len(want), got[i], want[i])
		}
	}
	return nil
}

// sorted are the traces of a query, newest first; on equal starts any order.
func (m model) sorted(q *ListQuery) []*Rec {
	var v []*Rec
	for _, r := range m {
		if r.App == q.App && r.StartUS >= q.Window.From && r.StartUS < q.Window.To && (q.Status < 0 || q.Status == int(r.Status)) {
			v = append(v, r)
		}
	}
	slices.SortFunc(v, func(a, b *Rec) int { return cmp.Compare(b.StartUS, a.StartUS) })
	return v
}

func (m model) list(d Driver, q *ListQuery) error {
	want := m.sorted(q)
	got, err := d.List(q)
	if err != nil {
		return err
	}
	if got.Total != int64(len(want)) {
		return fmt.Errorf("total %d, want %d", got.Total, len(want))
	}
	want = want[min(q.Offset, len(want)):min(q.Offset+q.Limit, len(want))]
	if len(got.Rows) != len(want) {
		return fmt.Errorf("%d rows, want %d", len(got.Rows), len(want))
	}
	for i, r := range got.Rows {
		if have := m[r.ID]; r.StartUS != want[i].StartUS || have == nil || have.StartUS != r.StartUS {
			return fmt.Errorf("row %d is %s at %d, want a trace at %d", i, r.ID, r.StartUS, want[i].StartUS)
		}
	}
	return nil
}

// moving are members of a trace that depend on when it was stored or asked for.
var moving = regexp.MustCompile(`"(updated_at":"[^"]*"|stale":(true|false))`)

// fixed is a trace without its moving members.
func fixed(text []byte) []byte { return moving.ReplaceAll(text, nil) }

func (m model) traces(d Driver) error {
	for id, r := range m {
		got, err := d.Trace(r.App, r.AppNo, id)
		if err != nil {
			return err
		}
		if !bytes.Equal(fixed(got), fixed(r.Full)) {
			return fmt.Errorf("trace %s:\n%.600s\nwant\n%.600s", id, fixed(got), fixed(r.Full))
		}
	}
	return nil
}

func (m model) export(d Driver) error {
	want := m.sorted(&ListQuery{App: App, Status: -1, Window: Window{0, 1 << 62}})
	var buf bytes.Buffer
	res, err := d.Export(App, AppNo, len(want), &buf)
	if err != nil {
		return err
	}
	if res.Count != int64(len(want)) {
		return fmt.Errorf("export of %d traces, want %d", res.Count, len(want))
	}
	zr, err := zstd.NewReader(&buf)
	if err != nil {
		return err
	}
	defer zr.Close()
	text, err := io.ReadAll(zr)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	lines := map[string]bool{}
	for _, line := range list {
		lines[string(fixed(line))] = true
	}
	for _, r := range want {
		if !lines[string(fixed(r.Full))] {
			return fmt.Errorf("trace %s is not in the export", r.ID)
		}
	}
	if len(lines) != len(want) {
		return fmt.Errorf("export of %d lines, want %d", len(lines), len(want))
	}
	return nil
}
