package modeltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/internal/model"
	"github.com/tracebed/tracebed/engine/trace"
)

const orphanTimeout = time.Hour

// player holds one engine and one oracle that were told the same things.
type player struct {
	ctx    context.Context
	fs     *vfs.MemFS
	dir    string
	opts   engine.Options
	eng    *engine.Engine
	oracle *model.Store
	now    time.Time
	// known are answers that were compared since the last change.
	known  map[string]bool
	asked  []question // charts so far
	unzstd *zstd.Decoder
}

// PlayError is a difference, at a step of a history.
type PlayError struct {
	Step int // index into the ops; len(ops) is the comparison at the end
	Err  error
}

func (f *PlayError) Error() string { return fmt.Sprintf("step %d: %v", f.Step, f.Err) }

// Unwrap returns the difference without its place.
func (f *PlayError) Unwrap() error { return f.Err }

// Play runs the steps and compares everything at the end. The seed chooses
// the engine's options.
func Play(ops []model.Op, seed uint64) (fail *PlayError) {
	p := newPlayer(seed)
	defer func() {
		if p.eng != nil {
			if err := p.eng.Close(); err != nil && fail == nil {
				fail = &PlayError{len(ops), fmt.Errorf("close: %w", err)}
			}
		}
	}()
	if err := p.open(); err != nil {
		return &PlayError{0, err}
	}
	for i, op := range ops {
		if err := p.do(op); err != nil {
			return &PlayError{i, fmt.Errorf("%s: %w", op.Kind, err)}
		}
	}
	if err := p.checkAll(rand.New(rand.NewPCG(seed, 1))); err != nil {
		return &PlayError{len(ops), err}
	}
	return nil
}

// unzstd is shared by the players, which run one after the other.
var unzstd = func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return d
}()

// newPlayer varies the options that decide what is in memory, what is
// journalled and what is on disk.
func newPlayer(seed uint64) *player {
	rng := rand.New(rand.NewPCG(seed, 2))
	p := &player{ctx: context.Background(), fs: vfs.NewCrashableMem(), dir: "data", oracle: model.NewStore(orphanTimeout),
		now: time.Unix(1_900_000_000, 0), known: map[string]bool{}, unzstd: unzstd}
	p.opts = engine.Options{
		Now:               func() time.Time { return p.now },
		OrphanTimeout:     orphanTimeout,
		CacheBytes:        1 << 20,
		MemTableBytes:     256 << 10,
		StateBytes:        []int64{1, 1 << 20, 64 << 20}[rng.IntN(3)],
		CheckpointDeltas:  []int{1, 5, 100, 1 << 16}[rng.IntN(4)],
		DisableBackground: true,
	}
	p.opts.Experimental.ValueSeparation = rng.IntN(8) == 0
	return p
}

func (p *player) open() error {
	p.opts.FS = p.fs
	eng, err := engine.Open(p.dir, p.opts)
	if err != nil {
		p.eng = nil
		return fmt.Errorf("open: %w", err)
	}
	p.eng = eng
	return nil
}

func (p *player) do(op model.Op) error {
	if op.Kind != model.OpCheck {
		clear(p.known)
	}
	switch op.Kind {
	case model.OpPost:
		return p.post(op.App, op.Body)
	case model.OpTogether:
		return p.together(op.App, op.Bodies)
	case model.OpEvaluate:
		return p.evaluate(op.App, op.TraceID, op.Body)
	case model.OpDeleteTrace:
		return sameNotFound(p.eng.DeleteTrace(p.ctx, op.App, op.TraceID), p.oracle.DeleteTrace(op.App, op.TraceID))
	case model.OpDeleteApp:
		return sameNotFound(p.eng.DeleteApp(p.ctx, op.App), p.oracle.DeleteApp(op.App))
	case model.OpRestart:
		if err := p.eng.Close(); err != nil {
			return err
		}
		return p.open()
	case model.OpBackup:
		return p.backup()
	case model.OpCrash:
		return p.crash(op.Seed)
	case model.OpCheckpoint:
		return p.eng.Checkpoint(p.ctx)
	case model.OpAdvance:
		return p.advance(op.Advance)
	case model.OpCheck:
		return p.checkSome(rand.New(rand.NewPCG(op.Seed, 3)))
	}
	return fmt.Errorf("unknown step %d", op.Kind)
}

// post sends a body to both and compares what became of its runs.
func (p *player) post(app string, body []byte) error {
	want, wantErr := p.oracle.Post(app, body, p.now)
	runs, rejected, err := dynamiq.Parse(body, dynamiq.Options{})
	if err != nil {
		return err
	}
	refused := map[int]string{}
	for _, r := range rejected {
		refused[r.Index] = r.Reason
	}
	for i, reason := range want.Rejected {
		if refused[i] == "" {
			return fmt.Errorf("run %d was taken, the model refuses its %s", i, reason)
		}
	}
	if len(refused) != len(want.Rejected) {
		return fmt.Errorf("refused %v, the model refuses %v", refused, want.Rejected)
	}
	if len(runs) == 0 {
		if wantErr == nil {
			return errors.New("no run was parsed")
		}
		return nil
	}
	got, err := p.eng.Ingest(p.ctx, app, runs)
	if err != nil {
		return err
	}
	if got.Created != want.Created || got.Updated != want.Updated || got.Unchanged != want.Unchanged || len(got.Rejected) != 0 {
		return fmt.Errorf("got %+v, want created %d updated %d unchanged %d", got, want.Created, want.Updated, want.Unchanged)
	}
	return nil
}

// together sends bodies at once. Which of them makes a run and which finds it
// made is a matter of luck, so only the sums are compared.
func (p *player) together(app string, bodies [][]byte) error {
	var sum model.Result
	var got [3]atomic.Int64
	errs := make([]error, len(bodies))
	var wg sync.WaitGroup
	for i, body := range bodies {
		want, err := p.oracle.Post(app, body, p.now)
		if err != nil {
			return err
		}
		sum.Created += want.Created
		sum.Updated += want.Updated
		sum.Unchanged += want.Unchanged
		wg.Go(func() {
			runs, _, err := dynamiq.Parse(body, dynamiq.Options{})
			if err == nil {
				var res engine.IngestResult
				res, err = p.eng.Ingest(p.ctx, app, runs)
				got[0].Add(int64(res.Created))
				got[1].Add(int64(res.Updated))
				got[2].Add(int64(res.Unchanged))
			}
			errs[i] = err
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if c, u, n := got[0].Load(), got[1].Load(), got[2].Load(); c != int64(sum.Created) || u != int64(sum.Updated) || n != int64(sum.Unchanged) {
		return fmt.Errorf("created %d updated %d unchanged %d, want %+v", c, u, n, sum)
	}
	return nil
}

// evaluate sends evaluations to both.
func (p *player) evaluate(app, id string, body []byte) error {
	list, _, err := trace.ParseEvaluationBody(body)
	if err != nil {
		return err
	}
	want := p.oracle.Evaluate(app, id, body, p.now)
	stored, got := p.eng.PutEvaluations(p.ctx, app, id, list)
	if err := sameNotFound(got, want); err != nil {
		return err
	}
	if errors.Is(got, engine.ErrInvalid) != errors.Is(want, model.ErrRefused) {
		return fmt.Errorf("got %w, want %w", got, want)
	}
	for i := range stored { // none where it was refused
		if stored[i].ID != list[i].ID {
			return fmt.Errorf("evaluation %d is answered as %s", i, stored[i].JSON)
		}
	}
	if len(stored) == 0 {
		return nil
	}
	return p.checkRow(app, id)
}

// advance moves the clock and lets both promote the orphans that waited long
// enough.
func (p *player) advance(d time.Duration) error {
	p.now = p.now.Add(d)
	want := p.oracle.Promote(p.now)
	got, err := p.eng.PromoteOrphans(p.ctx)
	if err == nil && got != want {
		err = fmt.Errorf("promoted the orphans of %d traces, want %d", got, want)
	}
	return err
}

// crash goes on with what would be on the disk had the machine died now: all
// that was synced and, by chance, some of what was not.
func (p *player) crash(seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 4))
	clone := p.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 30, 100}[rng.IntN(3)], RNG: rng})
	if err := p.eng.Close(); err != nil {
		return err
	}
	p.fs = clone
	return p.open()
}

// backup goes on with a copy of the store.
func (p *player) backup() error {
	dir := p.dir + "+"
	if err := p.eng.Backup(p.ctx, dir); err != nil {
		return err
	}
	if err := p.eng.Close(); err != nil {
		return err
	}
	p.dir = dir
	return p.open()
}

// sameNotFound compares the errors of a delete.
func sameNotFound(got, want error) error {
	if errors.Is(got, engine.ErrNotFound) != errors.Is(want, model.ErrNotFound) || got != nil && want == nil {
		return errors.New(fmt.Sprint("got ", got, ", want ", want))
	}
	return nil
}
