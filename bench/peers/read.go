package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/peer"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

// about is what is kept beside a store that was filled.
type about struct {
	// InApp is the number of traces of peer.App, IDs some of their ids.
	InApp int64    `json:"in_app"`
	IDs   []string `json:"ids"`
	JSON  int64    `json:"json"`
}

func (c *child) aboutPath() string { return filepath.Clean(c.dir) + ".json" }

// fill builds a store of n traces and reports how fast its first and its last
// chunks went in (W7).
func (c *child) fill() error {
	d, err := c.open()
	if err != nil {
		return err
	}
	var a about
	chunk := min(10_000, c.n)
	src := peer.NewSource(7, c.n)
	m := watch(d)
	var rates []float64
	for done := 0; done < c.n; done += chunk {
		ch, err := src.Chunk(min(chunk, c.n-done), c.batch, false)
		if err != nil {
			return errors.Join(err, d.Close())
		}
		for _, b := range ch.Batches {
			for i := range b {
				if b[i].App != peer.App {
					continue
				}
				if a.InApp++; a.InApp%20 == 0 {
					a.IDs = append(a.IDs, b[i].ID)
				}
			}
		}
		a.JSON += ch.JSON
		works, err := prepare(d, ch.Batches)
		if err != nil {
			return errors.Join(err, d.Close())
		}
		debug.FreeOSMemory()
		start := time.Now()
		if err := load(works, c.writers); err != nil {
			return errors.Join(err, d.Close())
		}
		rates = append(rates, float64(ch.Traces)/time.Since(start).Seconds())
		ch.Free()
		drivers.Release(d)
	}
	_, rss := m.stop()
	if err := c.settle(d); err != nil {
		return err
	}
	size, err := sizeOf(c.dir)
	if err != nil {
		return err
	}
	few := max(1, min(5, len(rates)/3))
	c.add("first", "traces/s", middle(rates[:few]))
	c.add("last", "traces/s", middle(rates[len(rates)-few:]))
	c.add("rss", "MiB", float64(rss)/(1<<20))
	c.add("disk", "B/trace", float64(size)/float64(c.n))
	c.add("json", "B/trace", float64(a.JSON)/float64(c.n))
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(c.aboutPath(), text, 0o644)
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// reader times the queries W2 to W5 on a filled store.
type reader struct {
	*child
	d     peer.Driver
	about about
	rng   *rand.Rand
	all   peer.Window
}

func (c *child) openFilled() (*reader, error) {
	text, err := os.ReadFile(c.aboutPath())
	if err != nil {
		return nil, fmt.Errorf("%w (fill the store first)", err)
	}
	r := &reader{child: c, rng: rand.New(rand.NewPCG(9, uint64(c.round)))}
	if err := json.Unmarshal(text, &r.about); err != nil {
		return nil, err
	}
	if err := warm(c.dir); err != nil {
		return nil, err
	}
	r.all = peer.Window{From: peer.Start.UnixMicro(), To: peer.Start.AddDate(0, 0, peer.Days).UnixMicro()}
	r.d, err = c.open()
	return r, err
}

// warm reads the files of a store once: reads are measured warm, and how much
// of a store the system's cache still holds from its filling is chance.
func warm(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, f)
		return errors.Join(err, f.Close())
	})
}

// read is W2, W3 and W4.
func (c *child) read() error {
	r, err := c.openFilled()
	if err != nil {
		return err
	}
	m := watch(r.d)
	err = errors.Join(r.metrics(), r.lists(), r.traces())
	_, rss := m.stop()
	c.add("read-rss", "MiB", float64(rss)/(1<<20))
	return errors.Join(err, r.d.Close())
}

// times calls do until it was called n times or the budget is used up, after
// some calls to warm up, and reports the latencies.
func (r *reader) times(name string, n int, do func() error) error {
	const budget, atLeast = 2 * time.Second, 20
	warm := max(3, n/20)
	var took []time.Duration
	begin := time.Now()
	for i := 0; len(took) < n && (len(took) < atLeast || time.Since(begin) < budget); i++ {
		start := time.Now()
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i >= warm {
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	at := func(percent int) float64 { return float64(took[(len(took)*percent+99)/100-1]) / 1e6 }
	r.add(name+" p50", "ms", at(50))
	r.add(name+" p99", "ms", at(99))
	return nil
}

// metrics is W2: every query has other ragged edges.
func (r *reader) metrics() error {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return err
	}
	const day = 24 * int64(time.Hour/time.Microsecond)
	const hour = day / 24
	ragged := func(days int64) peer.Window {
		from := r.all.From + r.rng.Int64N(r.all.To-r.all.From-days*day+1)
		return peer.Window{From: from, To: from + days*day - r.rng.Int64N(hour)}
	}
	queries := []struct {
		name, interval string
		zone           *time.Location
		window         func() peer.Window
	}{
		{"14 d by hour", "hour", time.UTC, func() peer.Window { return ragged(14) }},
		{"30 d by day", "day", time.UTC, func() peer.Window {
			return peer.Window{From: r.all.From + r.rng.Int64N(hour), To: r.all.To - r.rng.Int64N(hour)}
		}},
		{"year by week", "week", zone, func() peer.Window {
			return peer.Window{From: r.all.To - 365*day + r.rng.Int64N(day), To: r.all.To - r.rng.Int64N(hour)}
		}},
		{"random window", "hour", time.UTC, func() peer.Window { return ragged(1 + r.rng.Int64N(10)) }},
	}
	for _, q := range queries {
		if err := r.times(q.name, 400, func() error {
			mq := peer.NewMetrics(peer.App, peer.AppNo, q.window(), q.interval, q.zone)
			if t, ok := r.d.(*drivers.Tracebed); ok {
				m, err := t.RawMetrics(mq) // as a user gets them, not in the harness's columns
				if err == nil && m.Summary.InvocationCount == 0 {
					err = errors.New("the charts are empty")
				}
				return err
			}
			_, err := r.d.Metrics(mq)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// lists is W3.
func (r *reader) lists() error {
	const size = 20
	// The last page that is full: how many rows are left behind it is chance, and
	// pages of 3 and of 17 rows cost differently.
	last := max(int(r.about.InApp)/size-1, 0) * size
	queries := []struct {
		name string
		make func() peer.ListQuery
	}{
		{"newest 20", func() peer.ListQuery { return peer.ListQuery{Status: -1, Window: r.all} }},
		{"failed in a range", func() peer.ListQuery {
			from := r.all.From + r.rng.Int64N((r.all.To-r.all.From)/2)
			return peer.ListQuery{Status: int(rollup.Failed), Window: peer.Window{From: from, To: from + (r.all.To-r.all.From)/4}}
		}},
		{"page 500", func() peer.ListQuery {
			w := r.all
			w.To -= r.rng.Int64N(3600 * 1e6)
			return peer.ListQuery{Status: -1, Window: w, Offset: min(499*size, last)}
		}},
		{"last page", func() peer.ListQuery { return peer.ListQuery{Status: -1, Window: r.all, Offset: last} }},
	}
	// The data reaches a little beyond the window; the queries do not.
	for _, q := range queries {
		if err := r.times(q.name, 400, func() error {
			l := q.make()
			l.App, l.AppNo, l.Limit = peer.App, peer.AppNo, size
			page, err := r.d.List(&l)
			if err == nil && len(page.Rows) == 0 {
				err = errors.New("the page is empty")
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// traces is W4: one trace with its runs, at random.
func (r *reader) traces() error {
	return r.times("one trace", 2000, func() error {
		id := r.about.IDs[r.rng.IntN(len(r.about.IDs))]
		text, err := r.d.Trace(peer.App, peer.AppNo, id)
		if err == nil && len(text) < 100 {
			err = errors.New("the trace is empty")
		}
		return err
	})
}

// exportOnly is W5: 10,000 traces with their runs as zstd. The rate is that of
// the JSON inside.
func (c *child) exportOnly() error {
	r, err := c.openFilled()
	if err != nil {
		return err
	}
	n := int(min(10_000, r.about.InApp))
	raw, packed, err := r.rawExport(n)
	if err != nil {
		return errors.Join(err, r.d.Close())
	}
	debug.FreeOSMemory()
	// Quick stores take so little time that one pass would be noise.
	const atLeast = time.Second
	m := watch(r.d)
	stop, err := c.startProfile()
	if err != nil {
		return errors.Join(err, r.d.Close())
	}
	start, passes := time.Now(), 0
	for ; passes == 0 || time.Since(start) < atLeast; passes++ {
		res, err := r.d.Export(peer.App, peer.AppNo, n, io.Discard)
		if err == nil && res.Count != int64(n) {
			err = fmt.Errorf("%d traces instead of %d", res.Count, n)
		}
		if err != nil {
			return errors.Join(err, r.d.Close())
		}
	}
	took := time.Since(start)
	stop()
	cpu, rss := m.stop()
	c.add("rate", "MB/s", float64(raw)*float64(passes)/1e6/took.Seconds())
	c.add("cpu", "µs/trace", float64(cpu.Microseconds())/float64(n*passes))
	c.add("rss", "MiB", float64(rss)/(1<<20))
	c.add("packed", "B/trace", float64(packed)/float64(n))
	if t, ok := r.d.(*drivers.Tracebed); ok && c.driver == "tracebed" {
		if err := c.streamReady(t, n, raw); err != nil {
			return errors.Join(err, r.d.Close())
		}
	}
	return errors.Join(err, r.d.Close())
}

// rawExport exports once, through a decoder: the bytes of JSON, and how many
// the compressed form has.
func (r *reader) rawExport(n int) (raw, packed int64, err error) {
	pr, pw := io.Pipe()
	count := make(chan int64, 1)
	go func() {
		zr, err := zstd.NewReader(&counter{r: pr, n: &packed})
		if err != nil {
			_ = pr.CloseWithError(err)
			count <- 0
			return
		}
		defer zr.Close()
		n, err := io.Copy(io.Discard, zr)
		_ = pr.CloseWithError(err)
		count <- n
	}()
	_, err = r.d.Export(peer.App, peer.AppNo, n, pw)
	_ = pw.CloseWithError(err)
	return <-count, packed, err
}

type counter struct {
	r io.Reader
	n *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

var _ engine.API = (*readyStore)(nil)
