package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// sim is one simulated life of a store: rounds of concurrent work that end in
// a crash, a failing disk or an orderly restart. Everything is chosen by the
// seed; only the interleaving of the goroutines is not.
type sim struct {
	t      *testing.T
	seed   uint64
	rng    *rand.Rand
	fs     *vfs.MemFS
	clock  *testClock
	l      *ledger
	copies int
	old    map[string]int64 // trace of the app "old" → its start, acknowledged
	cutoff int64            // the highest that an expiry can have used
	oldMu  sync.Mutex
	clones sync.RWMutex // see cloneFS
}

// cloneFS is a MemFS of which clones may be taken at any time. Its Lock, Link
// and ReuseForWrite take the mutex of clones for reading twice, and wait for ever
// where a clone comes between; so these and clones exclude each other out here.
type cloneFS struct {
	vfs.FS
	clones *sync.RWMutex
}

func (f cloneFS) Lock(name string) (io.Closer, error) {
	f.clones.RLock()
	defer f.clones.RUnlock()
	return f.FS.Lock(name)
}

func (f cloneFS) Link(old, name string) error {
	f.clones.RLock()
	defer f.clones.RUnlock()
	return f.FS.Link(old, name)
}

func (f cloneFS) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f.clones.RLock()
	defer f.clones.RUnlock()
	return f.FS.ReuseForWrite(old, name, c)
}

const (
	simRetention = 60 * 24 * time.Hour
	simSteps     = 25 // of each goroutine in a round
)

// simRound is one round.
type simRound struct {
	*sim
	e     *Engine
	in    *injector // armed in rounds in which the disk fails
	armed bool
	crash int64 // after so many steps of all writers the machine dies
	steps atomic.Int64
	stop  atomic.Bool

	once          sync.Once
	clone         *vfs.MemFS
	before, after *ledger
	percent       int
	cloneRNG      *rand.Rand
	whole         bool // clone has all that was acknowledged in the round
}

func (s *sim) options(fs vfs.FS) Options {
	o := smallOptions(fs, s.clock)
	o.Now = s.clock.Now
	o.CheckpointDeltas = []int{1, 20, 50, 400}[s.rng.IntN(4)]
	o.StateBytes = []int64{1, 1 << 20}[s.rng.IntN(2)]
	o.OrphanTimeout = []time.Duration{1, time.Hour}[s.rng.IntN(2)]
	o.Retention = simRetention
	o.Experimental.ValueSeparation = s.rng.IntN(4) == 0
	return o
}

// round lives once and leaves s with the store to go on with.
func (s *sim) round(n int) {
	t := s.t
	r := &simRound{sim: s, in: &injector{n: -1}, crash: int64(10 + s.rng.IntN(60)), percent: []int{0, 20, 50, 100}[s.rng.IntN(4)]}
	r.cloneRNG = rand.New(rand.NewPCG(s.seed, uint64(n)))
	r.armed = s.rng.IntN(3) == 0
	class, at := opClasses[s.rng.IntN(len(opClasses))], int64(s.rng.IntN(150))
	if r.armed {
		r.in.class, r.in.n = class, at
	}
	r.in.off.Store(true)
	o := s.options(faultyFS(cloneFS{s.fs, &s.clones}, r.in))
	r.e = openTest(t, "data", o)
	r.in.off.Store(false)
	within(t, fmt.Sprintf("round %d of seed %d", n, s.seed), func() { r.work(n) })
	r.in.off.Store(true) // what was damaged in memory is not; reads work again
	r.cut()
	if !r.armed || r.in.class.name != "read" {
		verifyClean(t, r.e)
	}
	if r.e.failed.get() == nil && !r.armed {
		noRepairs(t, r.e)
		r.balance(r.e)
	}
	err := r.e.Close()
	if err != nil && !r.armed {
		t.Errorf("close: %v", err)
	}
	if s.rng.IntN(4) == 0 { // an orderly end instead, or the disk that failed
		r.clone, r.before, r.whole = r.base(), r.l.copy(), true
		r.after = r.before
	}
	s.fs = r.clone
	s.reopen(r)
}

// base is the disk below the injection.
func (r *simRound) base() *vfs.MemFS {
	return r.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r.cloneRNG})
}

// cut takes what the disk would hold if the machine died now.
func (r *simRound) cut() {
	r.once.Do(func() {
		r.clones.Lock()
		defer r.clones.Unlock()
		r.before = r.l.copy()
		r.clone = r.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.percent, RNG: r.cloneRNG})
		r.after = r.l.copy()
	})
}

// work runs writers, a reader and an operator side by side.
func (r *simRound) work(n int) {
	var writers, others sync.WaitGroup
	for k := range 3 {
		name := fmt.Sprintf("w%d", k)
		w := &crashWriter{e: r.e, l: r.l, w: newWorkload(r.seed*10+uint64(n), uint64(k), name+"-"), name: name, n: n * 100_000}
		w.w.next = n * 10_000
		writers.Go(func() { r.write(w) })
	}
	others.Go(func() { r.read(n) })
	others.Go(func() { r.operate(n) })
	writers.Wait()
	r.stop.Store(true)
	others.Wait()
}

// fine says whether an error may be: in rounds with a failing disk only.
func (r *simRound) fine(what string, err error) bool {
	if err != nil && !r.armed {
		r.t.Errorf("%s: %v", what, err)
	}
	return err == nil
}

func (r *simRound) write(w *crashWriter) {
	for range simSteps {
		if !r.fine("writer", w.step()) && r.e.failed.get() != nil {
			return
		}
		if r.steps.Add(1) == r.crash {
			r.cut()
		}
	}
}

func (r *simRound) read(n int) {
	reads := &reads{e: r.e, rng: rand.New(rand.NewPCG(r.seed, 1000+uint64(n)))}
	for i := 0; i < 2*simSteps && !r.stop.Load(); i++ {
		if err := reads.one(); !errors.Is(err, ErrNotFound) {
			r.fine("reader", err)
		}
	}
}

// operate moves the clock both ways, expires, copies and verifies.
func (r *simRound) operate(n int) {
	rng := rand.New(rand.NewPCG(r.seed, 2000+uint64(n)))
	for i := 0; i < simSteps && !r.stop.Load(); i++ {
		switch rng.IntN(8) {
		case 0:
			r.clock.advance(time.Duration(rng.IntN(48*60)-20*60) * time.Minute)
		case 1:
			r.cutoff = max(r.cutoff, r.clock.Now().Add(-simRetention).UnixMicro())
			_, err := r.e.Expire(bg)
			r.fine("expire", err)
		case 2:
			r.fine("checkpoint", r.e.Checkpoint(bg))
		case 3:
			r.copy()
		case 4:
			rep, err := r.e.Verify(bg)
			if r.fine("verify", err) && len(rep.Differences) > 0 && !r.armed {
				r.t.Errorf("verify while writing: %q", rep.Differences)
			}
		default:
			id := fmt.Sprintf("o%d-%d", n, i)
			start := epoch.Add(-61*24*time.Hour + time.Duration(rng.IntN(45*24))*time.Hour)
			_, err := r.e.Ingest(bg, "old", parseRuns(panicker{}, oneRun(id, start)))
			if r.fine("old", err) {
				r.oldMu.Lock()
				r.old[id] = start.UnixMicro()
				r.oldMu.Unlock()
			}
		}
	}
}

// copy makes a backup under full load; it must be a store of its own.
func (r *simRound) copy() {
	r.copies++
	dir := fmt.Sprintf("copy%d", r.copies)
	if !r.fine("backup", r.e.Backup(bg, dir)) || r.copies%4 != 0 {
		return
	}
	e, err := Open(dir, smallOptions(cloneFS{r.fs, &r.clones}, r.clock))
	if !r.fine("open the backup", err) {
		return
	}
	rep, err := e.Verify(bg)
	if err != nil || len(rep.Differences) > 0 {
		r.t.Errorf("verify of a backup: %v %q", err, rep.Differences)
	}
	r.fine("close the backup", e.Close())
}

// reopen checks the store that is left, and goes on with it.
func (s *sim) reopen(r *simRound) {
	t := s.t
	o := s.options(s.fs)
	e := openTest(t, "data", o)
	defer mustClose(t, e)
	verifyClean(t, e)
	noRepairs(t, e)
	checkLedger(t, e, r.before, r.after)
	s.checkOld(e, r)
	s.balance(e)
	if !r.armed {
		old := e.appNamed("old")
		if old != nil {
			if err := e.DeleteApp(bg, "old"); err != nil { // checkNothingForeign knows nothing of it
				t.Errorf("delete: %v", err)
			}
		}
		clear(s.old)
		checkNothingForeign(t, e, r.after.sentSince(r.before))
	}
	s.l = settled(t, e, r.after.sentSince(r.before))
	for _, d := range s.copyDirs() {
		if err := s.fs.RemoveAll(d); err != nil {
			t.Errorf("remove a copy: %v", err)
		}
	}
}

func (s *sim) copyDirs() (dirs []string) {
	names, _ := s.fs.List("")
	for _, n := range names {
		if len(n) > 4 && n[:4] == "copy" {
			dirs = append(dirs, n)
		}
	}
	return dirs
}

// checkOld: what retention cannot have removed is there. The clone may be of
// an earlier moment: only orderly ends promise all of them.
func (s *sim) checkOld(e *Engine, r *simRound) {
	for id, start := range s.old {
		_, err := e.Trace(bg, "old", id)
		if err != nil {
			delete(s.old, id)
		}
		if err != nil && r.whole && start >= s.cutoff {
			s.t.Errorf("old trace %s of %d (cutoff %d, disk fails: %v %s): %v", id, start, s.cutoff, r.armed, r.in.class.name, err)
		}
	}
}

// balance compares the books: list, chart and export of an app have the same
// traces.
func (s *sim) balance(e *Engine) {
	for i := range 3 {
		app := fmt.Sprint("app", i)
		if e.appNamed(app) == nil {
			continue
		}
		ids := listIDs(s.t, e, app, ListQuery{})
		m, err := e.Metrics(bg, app, MetricsQuery{Start: epoch.UnixMicro(), End: epoch.Add(72 * time.Hour).UnixMicro(), Interval: mustInterval(s.t, "1h")})
		if err != nil || int(m.Summary.InvocationCount) != len(ids) {
			s.t.Errorf("app %s: list %d, chart %d (%v)", app, len(ids), m.Summary.InvocationCount, err)
		}
		var out []struct{ ID string }
		var b bytes.Buffer
		if _, err := e.Export(bg, app, ExportQuery{}, &b); err != nil {
			s.t.Errorf("export: %v", err)
		}
		if err := json.Unmarshal(b.Bytes(), &out); err != nil || len(out) != len(ids) {
			s.t.Errorf("app %s: list %d, export %d (%v)", app, len(ids), len(out), err)
		}
	}
}

// TestSim simulates lives of a store. TRACEBED_SIM sets how many seeds,
// TRACEBED_SEED where they begin.
func TestSim(t *testing.T) {
	seeds, first := envInt(t, "TRACEBED_SIM", 6), envInt(t, "TRACEBED_SEED", 1)
	if raceDetector && seeds == 6 {
		seeds = 2
	}
	begun := time.Now()
	runs, failed := 0, 0
	for i := range seeds {
		seed := uint64(first + i)
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &sim{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 55)), fs: vfs.NewCrashableMem(), clock: newClock(),
				l: newLedger(), old: map[string]int64{}}
			for n := range 3 {
				if s.round(n); t.Failed() {
					break
				}
			}
			for _, f := range s.l.traces {
				runs += len(f.runs)
			}
		})
		if !ok {
			t.Logf("again: TRACEBED_SIM=1 TRACEBED_SEED=%d go test -run TestSim ./engine", seed)
			if failed++; failed >= 5 {
				break
			}
		}
	}
	t.Logf("%d seeds of 3 rounds in %v, %d failed; %d acknowledged runs at their ends", seeds, time.Since(begun).Round(time.Second), failed, runs)
}
