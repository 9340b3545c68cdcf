package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/peer"
)

// value is one number that a child measured.
type value struct {
	Metric string  `json:"metric"`
	Unit   string  `json:"unit"`
	Value  float64 `json:"value"`
}

// answer is what a child prints: one store, one workload, one round.
type answer struct {
	Version string  `json:"version"`
	Values  []value `json:"values"`
}

// child measures one workload of one store, in a process of its own so that
// its memory and CPU time are that store's.
type child struct {
	driver, work, dir string
	n, writers, batch int
	round             int
	profile           string
	entry             drivers.Entry
	out               answer
}

func (c *child) add(metric, unit string, v float64) {
	c.out.Values = append(c.out.Values, value{metric, unit, v})
}

func runChild(args []string) error {
	c := &child{}
	f := flag.NewFlagSet("child", flag.ContinueOnError)
	f.StringVar(&c.driver, "driver", "tracebed", "the store")
	f.StringVar(&c.work, "work", "w1", "the workload")
	f.StringVar(&c.dir, "dir", "", "directory of the store")
	f.IntVar(&c.n, "n", 20_000, "traces to ingest, or in the store")
	f.IntVar(&c.writers, "writers", runtime.NumCPU(), "concurrent writers")
	f.IntVar(&c.batch, "batch", 100, "traces in a batch")
	f.IntVar(&c.round, "round", 0, "number of the round")
	f.StringVar(&c.profile, "profile", "", "write a CPU profile of what is timed to this file, and one of allocations beside it")
	if err := f.Parse(args); err != nil {
		return err
	}
	var ok bool
	if c.entry, ok = drivers.All[c.driver]; !ok && c.work != "limits" {
		return fmt.Errorf("no store %q", c.driver)
	}
	if c.entry.Writers > 0 {
		c.writers = min(c.writers, c.entry.Writers)
	}
	moreThreads()
	work, ok := map[string]func() error{
		"w1": c.ingestOnce, "w1b": c.ingestThrice, "w1c": c.ingestOnce, "fill": c.fill, "read": c.read, "w5": c.exportOnly, "limits": c.limits,
	}[c.work]
	if !ok {
		return fmt.Errorf("no workload %q", c.work)
	}
	if err := work(); err != nil {
		return fmt.Errorf("%s, %s: %w", c.driver, c.work, err)
	}
	return json.NewEncoder(os.Stdout).Encode(&c.out)
}

// moreThreads gives every store one thread more than there are processors (our
// server has two more): whoever waited for the disk need not wait for a goroutine
// that computes. W1 of Tracebed gained 9 % until its log was written before what
// else is ready (engine/syncs.go); now none gains from it (15,350 of 15,440
// traces/s), and it stays so that runs can be compared.
func moreThreads() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	}
}

func (c *child) open() (peer.Driver, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	d, err := c.entry.Open(c.dir)
	if err != nil {
		return nil, err
	}
	if v, ok := d.(peer.Versioned); ok {
		c.out.Version = v.Version()
	}
	return d, nil
}

// load runs all works on so many goroutines.
func load(works []peer.Work, writers int) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(works) {
					return
				}
				if err := works[i](); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// timeLoad loads traces and reports rate, CPU time and memory.
func (c *child) timeLoad(d peer.Driver, works []peer.Work, traces int) error {
	debug.FreeOSMemory() // what preparing left
	m := watch(d)
	stop, err := c.startProfile()
	if err != nil {
		return err
	}
	start := time.Now()
	err = load(works, c.writers)
	took := time.Since(start)
	stop()
	cpu, rss := m.stop()
	c.add("rate", "traces/s", float64(traces)/took.Seconds())
	c.add("cpu", "µs/trace", float64(cpu.Microseconds())/float64(traces))
	c.add("rss", "MiB", float64(rss)/(1<<20))
	return err
}

func (c *child) startProfile() (stop func(), err error) {
	if c.profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(c.profile)
	if err != nil {
		return nil, err
	}
	runtime.MemProfileRate = 64 << 10
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that cannot be read says so itself
		if h, err := os.Create(c.profile + ".allocs"); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(h, 0)
			_ = h.Close()
		}
	}, nil
}

// prepare makes the works of every batch, in the order given.
func prepare(d peer.Driver, batches [][]peer.Rec) ([]peer.Work, error) {
	var works []peer.Work
	for _, b := range batches {
		w, err := d.Prepare(b)
		if err != nil {
			return nil, err
		}
		works = append(works, w)
	}
	return works, nil
}

// ingestOnce is W1: durable batches into an empty store.
func (c *child) ingestOnce() error {
	return c.ingest(false, func(d peer.Driver, ch *peer.Chunk) ([]peer.Work, error) { return prepare(d, ch.Batches) })
}

// ingestThrice is W1b: every batch as a stale copy, final, and once more.
func (c *child) ingestThrice() error {
	return c.ingest(true, func(d peer.Driver, ch *peer.Chunk) ([]peer.Work, error) {
		stale, err := prepare(d, ch.Stale)
		if err != nil {
			return nil, err
		}
		final, err := prepare(d, ch.Batches)
		if err != nil {
			return nil, err
		}
		works := make([]peer.Work, len(final))
		for i := range final {
			works[i] = func() error { return cmp.Or(stale[i](), final[i](), final[i]()) }
		}
		return works, nil
	})
}

func (c *child) ingest(stale bool, works func(peer.Driver, *peer.Chunk) ([]peer.Work, error)) error {
	ch, err := peer.NewSource(uint64(1+c.round), c.n).Chunk(c.n, c.batch, stale)
	if err != nil {
		return err
	}
	defer ch.Free()
	d, err := c.open()
	if err != nil {
		return err
	}
	w, err := works(d, ch)
	if err == nil {
		err = c.timeLoad(d, w, ch.Traces)
	}
	if err := errors.Join(err, c.settle(d)); err != nil {
		return err
	}
	size, err := sizeOf(c.dir)
	c.add("disk", "B/trace", float64(size)/float64(c.n))
	c.add("json", "B/trace", float64(ch.JSON)/float64(c.n))
	return err
}

// settle brings a store to its lasting size and closes it: opening writes what
// a log still holds.
func (c *child) settle(d peer.Driver) error {
	if err := d.Close(); err != nil || c.entry.NoCheck {
		return err
	}
	d, err := c.entry.Open(c.dir)
	if err != nil {
		return err
	}
	if s, ok := d.(peer.Settler); ok {
		err = s.Settle()
	}
	return errors.Join(err, d.Close())
}
