package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
)

// PutEvaluations stores evaluations of a trace, all or none. One whose id the
// trace has takes its place; one without an id gets a new one. It returns what
// is stored, in the order given, when that is durable and visible. A list may
// not name one id twice.
//
// Errors: ErrNotFound (app or trace), ErrInvalid (a limit, an unknown run),
// ErrOverloaded, ErrUnavailable, ErrReadOnly, ErrClosed, or the error of ctx.
func (e *Engine) PutEvaluations(ctx context.Context, app, id string, list []trace.Evaluation) ([]trace.Evaluation, error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	list = append([]trace.Evaluation(nil), list...)
	seen := map[string]int{}
	for i := range list {
		list[i].Complete(newID(), trace.Time{})
		if first, twice := seen[list[i].ID]; twice {
			return nil, fmt.Errorf("%w: evaluations[%d].id: the same as that of evaluations[%d]; send one of them", ErrInvalid, i, first)
		}
		seen[list[i].ID] = i
	}
	op := &Op{Kind: OpEvaluate, TimeNS: e.opts.Now().UnixNano(), App: app, Key: id, Value: trace.AppendEvaluations(nil, list)}
	p, err := e.submit(ctx, op)
	if err != nil {
		return nil, err
	}
	if err := p.wait(ctx); err != nil {
		return nil, err
	}
	return p.result.evaluations, nil
}

// newID is a random UUID (version 4).
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Evaluations is the JSON array of the evaluations of a trace, in the order
// of created_at, then id; [] where there is none.
//
// Errors: ErrNotFound (app or trace), ErrCorrupt.
func (e *Engine) Evaluations(ctx context.Context, app, id string) ([]byte, error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return nil, err
	}
	defer v.close()
	s, idKey, err := v.find(id)
	if err != nil {
		return nil, err
	}
	if s.flags&flagEvaluated == 0 {
		return []byte("[]"), nil
	}
	bs := &bodies{v: v}
	b, err := bs.get(s.startUS, idKey)
	var list []byte
	if err == nil {
		list, err = b.evaluations()
	}
	return list, errors.Join(err, bs.close())
}

// submitEvaluate queues the evaluations of one existing trace.
func (e *Engine) submitEvaluate(ctx context.Context, op *Op) (*pending, error) {
	received, err := trace.ParseEvaluations(op.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for i := range received {
		if received[i].ID == "" {
			return nil, fmt.Errorf("%w: evaluations[%d].id: it is missing; whoever makes an operation gives one", ErrInvalid, i)
		}
	}
	a, unlockApp, err := e.lockApp(ctx, op.App, false)
	if err != nil {
		return nil, err
	}
	unlockStripes := e.lockIndexes([]int{stripeOf(a.id, op.Key)})
	unlock := func() { unlockStripes(); unlockApp() }
	ch, err := e.prepareEvaluate(a, op, received)
	if err != nil {
		unlock()
		return nil, err
	}
	result := applyResult{updated: len(received), evaluations: received}
	if ch.new == nil { // all of them are there as they are
		seq := e.applied.Load()
		unlock()
		return &pending{e: e, seq: seq, result: result}, nil
	}
	p, err := e.enqueue(ctx, &commitReq{op: op, changes: []change{ch}, applied: unlock})
	if err == nil {
		p.result = result
	}
	return p, err
}

func (e *Engine) prepareEvaluate(a *appState, op *Op, received []trace.Evaluation) (change, error) {
	w, err := e.newPreparer(a, op)
	if err != nil {
		return change{}, err
	}
	defer w.close()
	ch := change{app: a, id: appendID(nil, op.Key)}
	old, err := w.stored(ch.id)
	if err != nil {
		return change{}, err
	}
	if old == nil || old.startUS < e.cutoff.Load() {
		return change{}, fmt.Errorf("trace %q: %w", op.Key, ErrNotFound)
	}
	return w.evaluate(ch, old, received)
}

// evaluate prepares a trace with more evaluations. updated_at stays: no run
// came, so orphans and open roots are as idle as before.
func (w *preparer) evaluate(ch change, old *summary, received []trace.Evaluation) (change, error) {
	b, err := w.loadBody(old, ch.id)
	if err != nil {
		return change{}, err
	}
	all, err := b.appendAll(nil)
	if err != nil {
		return change{}, err
	}
	runs, err := b.splitRuns(all)
	if err != nil {
		return change{}, err
	}
	if err := checkRunIDs(runs, received); err != nil {
		return change{}, err
	}
	if w.evals, err = b.evaluationsIn(all); err != nil {
		return change{}, err
	}
	var stored []trace.Evaluation
	if w.evals != nil {
		if stored, err = trace.ParseEvaluations(w.evals); err != nil {
			return change{}, fmt.Errorf("%w: evaluations of a trace: %w", ErrCorrupt, err)
		}
	}
	now := trace.Time{NS: w.op.TimeNS / 1000 * 1000, Digits: 6, Valid: true}
	merged := trace.MergeEvaluations(stored, received, now)
	list := trace.AppendEvaluations(nil, merged)
	switch {
	case len(merged) > trace.MaxEvaluations:
		return change{}, fmt.Errorf("%w: evaluations: the trace would have %d; %d are allowed", ErrInvalid, len(merged), trace.MaxEvaluations)
	case len(list) > trace.MaxEvaluationsBytes:
		return change{}, fmt.Errorf("%w: evaluations: those of the trace would have %d KiB of JSON; %d are allowed: send shorter comments",
			ErrInvalid, len(list)>>10, trace.MaxEvaluationsBytes>>10)
	case bytes.Equal(list, w.evals) || len(merged) == 0:
		return change{}, nil
	}
	w.evals = list
	w.timeNS = old.updatedUS * 1000
	err = w.finish(&ch, old, runs, old.flags&flagPromoted != 0)
	return ch, err
}

// checkRunIDs refuses an evaluation of a run that the trace does not have.
func checkRunIDs(runs []trace.Run, list []trace.Evaluation) error {
	ids := make(map[string]bool, len(runs))
	for i := range runs {
		ids[runs[i].ID] = true
	}
	for i := range list {
		if id := list[i].RunID; id != "" && !ids[id] {
			return fmt.Errorf("%w: evaluations[%d].run_id: the trace has no run %q; send the id of one of its runs, or null for the trace", ErrInvalid, i, id)
		}
	}
	return nil
}

// evaluationsIn gives the evaluations in the decoded object of a body, nil
// where there are none.
func (b *body) evaluationsIn(object []byte) ([]byte, error) {
	if b.flags&flagEvaluated == 0 {
		return nil, nil
	}
	list, ok := trace.EvaluationsOf(object[b.evals.at : b.evals.at+b.evals.n])
	if !ok {
		return nil, fmt.Errorf("%w: evaluations of a trace", ErrCorrupt)
	}
	return list, nil
}

// evaluations decodes the evaluations of a body, nil where there are none.
func (b *body) evaluations() ([]byte, error) {
	if b.flags&flagEvaluated == 0 {
		return nil, nil
	}
	head, err := b.appendHead(nil)
	if err != nil {
		return nil, err
	}
	return b.evaluationsIn(head)
}

// span is a place in the trace object.
type span struct{ at, n int }

// cutOut takes a span out of b, in place.
func (s span) cutOut(b []byte) []byte {
	return append(b[:s.at], b[s.at+s.n:]...)
}

// TraceVersion changes whenever anything of a trace does that a reader can
// see: its runs, its evaluations, or whether it is stale. It is a short text
// of hex digits.
//
// Errors: ErrNotFound (app or trace), ErrCorrupt.
func (e *Engine) TraceVersion(ctx context.Context, app, id string) (string, error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return "", err
	}
	defer v.close()
	s, idKey, err := v.find(id)
	if err != nil {
		return "", err
	}
	key := bodyKey(nil, v.app, s.startUS, idKey)
	val, closer, err := v.snap.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return "", fmt.Errorf("%w: row z of trace %q is missing", ErrCorrupt, id)
	}
	if err != nil {
		return "", storeError(err)
	}
	h := xxhash.Sum64(val)
	if s.flags&flagPieced != 0 && s.flags&flagEvaluated != 0 {
		h, err = v.hashHead(key, val, s.startUS)
	}
	if err = errors.Join(err, closer.Close()); err != nil {
		return "", err
	}
	if v.stale(s.flags, s.updatedUS) {
		h++
	}
	return fmt.Sprintf("%016x", h), nil
}

// hashHead hashes a long body up to the end of its object, of which evaluations
// are the last. Of its runs the table in its first piece tells.
func (v *view) hashHead(key, val []byte, startUS int64) (uint64, error) {
	b, err := v.decode(key, val, startUS)
	if err != nil {
		return 0, err
	}
	h := xxhash.New()
	_, _ = h.Write(val)
	if b.pieces == nil { // all of it was read for its table
		_, _ = h.Write(b.blocks)
		return h.Sum64(), nil
	}
	last := (b.blocksAt + b.headEnd - 1) / pieceBytes
	err = b.pieces.each(1, last+1, func(p []byte) error {
		_, err := h.Write(p)
		return err
	})
	return h.Sum64(), err
}
