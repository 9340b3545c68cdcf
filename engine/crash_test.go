package engine

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine/trace"
)

// fact is what a writer knows for certain of something that only it writes.
type fact struct {
	runs map[string]bool // acknowledged run ids of a trace
	// evals counts the acknowledged evaluations; each has an id of its own.
	evals int
	// maybe holds run ids that were sent and not yet acknowledged.
	maybe map[string]bool
	// unsure: a delete is under way, or came without an answer.
	unsure bool
	// born tells a trace from one of the same id that was deleted before.
	born int
}

// ledger records what was acknowledged, under one lock.
type ledger struct {
	mu       sync.Mutex
	traces   map[string]*fact // app/trace
	settings map[string]string
	pending  map[string]string // setting under way
	births   int
}

func newLedger() *ledger {
	return &ledger{traces: map[string]*fact{}, settings: map[string]string{}, pending: map[string]string{}}
}

func (l *ledger) fact(key string) *fact {
	f := l.traces[key]
	if f == nil {
		l.births++
		f = &fact{runs: map[string]bool{}, maybe: map[string]bool{}, born: l.births}
		l.traces[key] = f
	}
	return f
}

// copy is the state at one moment.
func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := newLedger()
	for k, f := range l.traces {
		c.traces[k] = &fact{runs: maps.Clone(f.runs), maybe: maps.Clone(f.maybe), unsure: f.unsure, born: f.born, evals: f.evals}
	}
	c.settings, c.pending = maps.Clone(l.settings), maps.Clone(l.pending)
	return c
}

// crashWriter posts, deletes and sets; the ids of its traces are its own, so
// that it knows what must be there. Each also owns an app that it deletes.
type crashWriter struct {
	e    *Engine
	l    *ledger
	w    *workload
	n    int
	name string
}

func (c *crashWriter) step() error {
	switch k := c.w.rng.IntN(40); {
	case k == 0:
		return c.deleteApp()
	case k < 4:
		return c.deleteTrace()
	case k < 6:
		return c.setting()
	case k >= 36:
		return c.evaluate()
	case k == 6:
		_, err := c.e.PromoteOrphans(bg)
		return err
	case k == 7:
		return halfCheckpoint(c.e)
	}
	app := c.w.app()
	if c.w.rng.IntN(8) == 0 {
		app = "own-" + c.name
	}
	return c.post(app)
}

func (c *crashWriter) post(app string) error {
	specs := c.w.runs()
	c.l.mu.Lock()
	for _, r := range specs {
		c.l.fact(app + "/" + r.trace).maybe[r.id] = true
	}
	c.l.mu.Unlock()
	runs := make([]testRun, 0, len(specs))
	runs = append(runs, specs...)
	parsed := parseRuns(panicker{}, runs...)
	if _, err := c.e.Ingest(bg, app, parsed); err != nil {
		return err
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for _, r := range specs {
		c.l.fact(app + "/" + r.trace).runs[r.id] = true
	}
	return nil
}

func (c *crashWriter) deleteTrace() error {
	app, id := c.w.app(), c.w.trace()
	key := app + "/" + id
	c.l.mu.Lock()
	c.l.fact(key).unsure = true
	c.l.mu.Unlock()
	if err := c.e.DeleteTrace(bg, app, id); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	delete(c.l.traces, key)
	return nil
}

// evaluate gives a trace one evaluation more than are known of it, by number.
func (c *crashWriter) evaluate() error {
	app, id := c.w.app(), c.w.trace()
	key := app + "/" + id
	c.l.mu.Lock()
	n := c.l.fact(key).evals
	c.l.mu.Unlock()
	list := parseEvaluations(panicker{}, fmt.Sprintf(`{"id":"e%d","name":"n","value":%d}`, n, n))
	_, err := c.e.PutEvaluations(bg, app, id, list)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		c.l.mu.Lock()
		c.l.fact(key).evals++
		c.l.mu.Unlock()
	}
	return err
}

func (c *crashWriter) deleteApp() error {
	app := "own-" + c.name
	c.l.mu.Lock()
	for key, f := range c.l.traces {
		if len(key) > len(app) && key[:len(app)+1] == app+"/" {
			f.unsure = true
		}
	}
	c.l.mu.Unlock()
	if err := c.e.DeleteApp(bg, app); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for key := range c.l.traces {
		if len(key) > len(app) && key[:len(app)+1] == app+"/" {
			delete(c.l.traces, key)
		}
	}
	return nil
}

func (c *crashWriter) setting() error {
	c.n++
	key, value := "key-"+c.name, strconv.Itoa(c.n)
	c.l.mu.Lock()
	c.l.pending[key] = value
	c.l.mu.Unlock()
	if err := c.e.PutSetting(bg, key, []byte(value)); err != nil {
		return err
	}
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.settings[key] = value
	return nil
}

// halfCheckpoint does what a large checkpoint has done when the machine dies
// between two of its batches: some units are written, the journal is not cut.
func halfCheckpoint(e *Engine) error {
	var saveErr error
	p, err := e.enqueue(bg, &commitReq{noOp: true, applied: func() {
		b := e.db.NewBatch()
		for _, a := range e.appList() {
			for i, u := range e.unitsOf(a) {
				if u.dirty != 0 && i%2 == 0 {
					saveErr = errors.Join(saveErr, e.saveUnit(b, a, u, 0))
				}
			}
		}
		saveErr = errors.Join(saveErr, e.db.Apply(b, pebble.NoSync), b.Close())
	}})
	if err != nil {
		return err
	}
	return errors.Join(p.wait(bg), saveErr)
}

// panicker lets helpers run on goroutines that may not fail a test.
type panicker struct{ testing.TB }

func (panicker) Helper()                      {}
func (panicker) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

// checkLedger compares a reopened store with what was acknowledged.
func checkLedger(t *testing.T, e *Engine, before, after *ledger) {
	t.Helper()
	lost := 0
	for key, f := range before.traces {
		now := after.traces[key]
		if f.unsure || now == nil || now.unsure || now.born != f.born || len(f.runs) == 0 {
			continue // deleted, or perhaps
		}
		app, id := splitKey(key)
		have, err := runIDs(e, app, id)
		if err != nil {
			t.Errorf("trace %s with %d acknowledged runs: %v", key, len(f.runs), err)
			lost++
		}
		for r := range f.runs {
			if err == nil && !have[r] {
				t.Errorf("run %s of %s was acknowledged and is lost", r, key)
				lost++
			}
		}
		if lost > 5 {
			t.FailNow()
		}
	}
	for key, f := range before.traces {
		if now := after.traces[key]; f.unsure || now == nil || now.unsure || now.born != f.born || f.evals == 0 {
			continue
		}
		app, id := splitKey(key)
		n, err := countEvaluations(e, app, id)
		if err != nil || n < f.evals {
			t.Errorf("trace %s has %d of %d acknowledged evaluations: %v", key, n, f.evals, err)
		}
	}
	for key, want := range before.settings {
		got, err := e.Setting(bg, key)
		n, _ := strconv.Atoi(string(got))
		least, _ := strconv.Atoi(want)
		most, _ := strconv.Atoi(after.pending[key])
		if err != nil || n < least || n > most {
			t.Errorf("setting %s is %q (%v), acknowledged %s, last sent %d", key, got, err, want, most)
		}
	}
}

func splitKey(key string) (app, id string) {
	for i := range key {
		if key[i] == '/' {
			return key[:i], key[i+1:]
		}
	}
	return key, ""
}

func countEvaluations(e *Engine, app, id string) (int, error) {
	raw, err := e.Evaluations(bg, app, id)
	if err != nil {
		return 0, err
	}
	list, err := trace.ParseEvaluations(raw)
	return len(list), err
}

func runIDs(e *Engine, app, id string) (map[string]bool, error) {
	p, err := e.Runs(bg, app, id, RunQuery{Page: 1, PageSize: 1000})
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, r := range p.Runs {
		ids[runID(r)] = true
	}
	return ids, nil
}

// checkNothingForeign fails for a run that nobody has sent.
func checkNothingForeign(t *testing.T, e *Engine, sent *ledger) {
	t.Helper()
	apps, err := e.Apps(bg)
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range apps {
		for _, id := range listIDs(t, e, app.ID, ListQuery{}) {
			have, err := runIDs(e, app.ID, id)
			if err != nil {
				t.Fatal(err)
			}
			f := sent.traces[app.ID+"/"+id]
			for r := range have {
				// A delete forgets what was sent before it; after a crash that
				// undid it the runs may be back only if it was not answered.
				if f == nil || !f.maybe[r] {
					t.Errorf("app %s: run %s of %s was deleted before, or never sent", app.ID, r, id)
				}
			}
		}
	}
}

// TestCrash kills a store in the middle of everything, over and over.
func TestCrash(t *testing.T) {
	seeds, rounds := 3, 3
	if s, err := strconv.Atoi(os.Getenv("TRACEBED_CRASH_SEEDS")); err == nil {
		seeds = s
	}
	total := 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			rng := rand.New(rand.NewPCG(seed, 77))
			l := newLedger()
			for round := range rounds {
				fs, l = crashRound(t, fs, l, rng, seed*100+uint64(round))
				if t.Failed() {
					return
				}
			}
			for _, f := range l.traces {
				total += len(f.runs)
			}
		})
	}
	t.Logf("%d seeds of %d rounds, %d acknowledged runs at their ends", seeds, rounds, total)
}

func crashRound(t *testing.T, fs *vfs.MemFS, l *ledger, rng *rand.Rand, seed uint64) (*vfs.MemFS, *ledger) {
	clock := newClock()
	clock.advance(time.Duration(seed) * time.Hour)
	var clones sync.RWMutex
	o := smallOptions(cloneFS{fs, &clones}, clock)
	o.CheckpointDeltas = []int{1, 20, 50, 400}[rng.IntN(4)]
	o.StateBytes = []int64{1, 64 << 20}[rng.IntN(2)]
	o.OrphanTimeout = []time.Duration{1, time.Hour}[rng.IntN(2)]
	o.Experimental.ValueSeparation = rng.IntN(4) == 0
	e := openTest(t, "data", o)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 6 {
		name := fmt.Sprintf("w%d", n)
		w := &crashWriter{e: e, l: l, w: newWorkload(seed, uint64(n), name+"-"), name: name, n: int(seed) * 100_000}
		w.w.next = int(seed%100) * 10_000
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.step(); err != nil {
					t.Errorf("writer: %v", err)
					return
				}
			}
		})
	}
	time.Sleep(time.Duration(30+rng.IntN(150)) * time.Millisecond)
	before := l.copy()
	clones.Lock()
	clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 20, 50, 100}[rng.IntN(4)],
		RNG: rand.New(rand.NewPCG(seed, 5))})
	clones.Unlock()
	after := l.copy()
	close(stop)
	wg.Wait()
	verifyClean(t, e)
	noRepairs(t, e)
	mustClose(t, e)

	o.FS = clone
	e = openTest(t, "data", o)
	defer mustClose(t, e)
	verifyClean(t, e)
	noRepairs(t, e)
	checkLedger(t, e, before, after)
	checkNothingForeign(t, e, after.sentSince(before))
	return clone, settled(t, e, after)
}

// noRepairs fails where a unit did not fit its rows and was made again: the
// engine hides such a mistake, at a cost.
func noRepairs(t *testing.T, e *Engine) {
	t.Helper()
	if n := e.Stats().RebuiltUnits; n > 0 {
		t.Errorf("%d units had to be made again from their rows", n)
	}
}

// sentSince adds what was sent before, for traces that were deleted meanwhile.
func (l *ledger) sentSince(before *ledger) *ledger {
	for key, f := range before.traces {
		now := l.fact(key)
		maps.Copy(now.maybe, f.maybe)
	}
	return l
}

// settled is the ledger to go on with: what the reopened store has.
func settled(t *testing.T, e *Engine, sent *ledger) *ledger {
	t.Helper()
	l := newLedger()
	for key := range sent.traces {
		app, id := splitKey(key)
		have, err := runIDs(e, app, id)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		f := l.fact(key)
		f.runs, f.maybe = have, maps.Clone(have)
		if f.evals, err = countEvaluations(e, app, id); err != nil {
			t.Fatal(err)
		}
	}
	return l
}
