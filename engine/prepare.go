package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
)

// preparer works out what runs change, on the caller's goroutine: everything
// that can be done before the order of operations is known. The stripes of its
// traces are locked.
type preparer struct {
	e      *Engine
	app    *appState
	op     *Op
	timeNS int64            // what updated_at becomes
	it     *pebble.Iterator // over locators; see lookups
	gen    uint64           // of it
	result applyResult
	evals  []byte // JSON array that the trace at hand has, nil for none
	hold   *longHold
	*scratch
}

// scratch is memory that is used again.
type scratch struct {
	deriver   trace.Deriver
	key       []byte
	head, row []byte // head: the object, then the runs
	old       []byte
	marks     []runMark
	runs      []trace.Run
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (e *Engine) newPreparer(a *appState, op *Op) (*preparer, error) {
	it, gen, err := e.lookups.take(e.db)
	if err != nil {
		return nil, err
	}
	return &preparer{e: e, app: a, op: op, timeNS: op.TimeNS, it: it, gen: gen, scratch: scratches.Get().(*scratch)}, nil
}

func (w *preparer) close() {
	w.e.lookups.put(w.it, w.gen)
	w.deriver.Release()
	clear(w.runs[:cap(w.runs)])
	const keep = 1 << 20 // one large trace must not stay in the pool
	if cap(w.head)+cap(w.row)+cap(w.old) < 4*keep {
		scratches.Put(w.scratch)
	}
}

// stored returns the summary of a trace, nil if it does not exist.
func (w *preparer) stored(idKey []byte) (*summary, error) {
	w.key = locatorKey(w.key[:0], w.app.id, idKey)
	if !w.it.SeekPrefixGE(w.key) {
		return nil, storeError(w.it.Error())
	}
	if string(w.it.Key()) != string(w.key) {
		return nil, nil
	}
	v, err := w.it.ValueAndErr()
	if err != nil {
		return nil, storeError(err)
	}
	r := reader{b: v}
	startUS := int64(r.uint64())
	if err := r.done("locator"); err != nil {
		return nil, err
	}
	w.key = summaryKey(w.key[:0], w.app.id, startUS, idKey)
	var s summary
	err = getRow(w.e.db, w.key, func(b []byte) (err error) {
		s, err = decodeSummary(b, startUS)
		return err
	})
	return &s, err
}

// getRow reads a row that must exist.
func getRow(r pebble.Reader, key []byte, decode func([]byte) error) error {
	v, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return fmt.Errorf("%w: row %c is missing", ErrCorrupt, key[0])
	}
	if err != nil {
		return storeError(err)
	}
	return errors.Join(decode(v), closer.Close())
}

// loadBody copies the body of a stored trace into w.old and takes it apart.
func (w *preparer) loadBody(s *summary, idKey []byte) (body, error) {
	w.key = bodyKey(w.key[:0], w.app.id, s.startUS, idKey)
	v, closer, err := w.e.db.Get(w.key)
	if err != nil {
		if errors.Is(err, pebble.ErrNotFound) {
			err = fmt.Errorf("%w: row z is missing", ErrCorrupt)
		}
		return body{}, storeError(err)
	}
	w.old = append(w.old[:0], v...)
	out, err := decodeStored(w.e.db, w.key, w.old, s.startUS)
	return out, errors.Join(err, closer.Close())
}

const refusedExpired = "start_time: it lies before what the retention keeps; send newer runs or keep more"

// upsert prepares the runs of one trace. A change without new means that
// nothing has to be written.
func (w *preparer) upsert(incoming []trace.Run) (change, error) {
	id := incoming[0].TraceID
	w.evals = nil
	ch := change{app: w.app, id: appendID(nil, id)}
	old, err := w.stored(ch.id)
	if err != nil {
		return change{}, err
	}
	cutoff := w.e.cutoff.Load()
	if old != nil && old.startUS < cutoff { // gone, though its rows may be left
		w.result.refuse(id, refusedExpired)
		return change{}, nil
	}
	// Copies of one run in one call are reduced to the one that wins; the
	// others count as unchanged.
	received := len(incoming)
	merged, created, updated := w.unique(incoming)
	if old != nil {
		if merged, created, updated, err = w.mergeStored(old, ch.id, merged); err != nil {
			return change{}, err
		}
		if merged == nil {
			w.result.unchanged += received
			return change{}, nil
		}
	}
	if reason := w.op.tooLarge(merged); reason != "" {
		w.result.refuse(id, reason)
		return change{}, nil
	}
	if err := w.finish(&ch, old, merged, false); err != nil {
		return change{}, err
	}
	if ch.new.startUS < w.e.cutoff.Load() {
		w.result.refuse(id, "start_time: it lies before what the retention keeps; send newer runs or keep more")
		return change{}, nil
	}
	w.result.created += created
	w.result.updated += updated
	w.result.unchanged += received - created - updated
	return ch, nil
}

// unique sorts runs newest first without copies of the same, in memory of the
// preparer, which is good until the next trace.
func (w *preparer) unique(incoming []trace.Run) (runs []trace.Run, created, updated int) {
	if !trace.Unique(incoming) {
		runs, created, _, _ = trace.Merge(nil, incoming)
		return runs, created, 0
	}
	w.runs = append(w.runs[:0], incoming...)
	slices.SortFunc(w.runs, func(a, b trace.Run) int { return trace.CompareNewestFirst(&a, &b) })
	return w.runs, len(w.runs), 0
}

// mergeStored puts incoming runs, of which no two are copies of the same, over
// those of a stored trace. A nil result means that nothing changes. Stored runs
// are decompressed only if some of them stay.
func (w *preparer) mergeStored(old *summary, idKey []byte, incoming []trace.Run) (merged []trace.Run, created, updated int, err error) {
	if int(old.sample.Runs) == len(incoming) && old.setHash == setHash(incoming) {
		return nil, 0, 0, nil
	}
	b, err := w.loadBody(old, idKey)
	if err != nil {
		return nil, 0, 0, err
	}
	w.marks = b.marks(w.marks[:0])
	v := judge(w.marks, incoming)
	if v.created+v.updated == 0 {
		return nil, 0, 0, nil
	}
	if v.replaces {
		if w.evals, err = b.evaluations(); err != nil {
			return nil, 0, 0, err
		}
		return incoming, v.created, v.updated, nil
	}
	w.hold.take(b.rawSize)
	all, err := b.appendAll(nil)
	if err != nil {
		return nil, 0, 0, err
	}
	stored, err := b.splitRuns(all)
	if err != nil {
		return nil, 0, 0, err
	}
	if w.evals, err = b.evaluationsIn(all); err != nil {
		return nil, 0, 0, err
	}
	merged, created, updated, _ = trace.Merge(stored, incoming)
	return merged, created, updated, nil
}

// verdict is what the run table tells of incoming runs.
type verdict struct {
	created, updated int
	replaces         bool // no stored run stays as it is stored
}

// judge compares incoming runs with the marks of the stored ones by the rule
// of trace.Prefer, without looking at stored content.
func judge(marks []runMark, incoming []trace.Run) (v verdict) {
	var byHash map[uint64]int
	if len(marks) > 32 {
		byHash = make(map[uint64]int, len(marks))
		for i := range marks {
			byHash[marks[i].idHash] = i
		}
	}
	find := func(h uint64) int {
		if byHash != nil {
			if i, ok := byHash[h]; ok {
				return i
			}
			return -1
		}
		for i := range marks {
			if marks[i].idHash == h {
				return i
			}
		}
		return -1
	}
	stays := len(marks)
	for i := range incoming {
		m := markOf(&incoming[i])
		at := find(m.idHash)
		switch {
		case at < 0:
			v.created++
			continue
		case m.hash == marks[at].hash:
			stays-- // the same either way
		case m.end == openEnd && marks[at].end != openEnd, m.end < marks[at].end:
			// stale: the stored one stays
		default:
			v.updated++
			stays--
		}
	}
	v.replaces = stays == 0
	return v
}

// tooLarge says why a trace cannot be stored as a whole, "" when it can.
func (op *Op) tooLarge(runs []trace.Run) string {
	if op.MaxRuns > 0 && len(runs) > op.MaxRuns {
		return fmt.Sprintf("trace_id: the trace would have %d runs; %d are allowed: use a new trace_id",
			len(runs), op.MaxRuns)
	}
	var size int64
	for i := range runs {
		size += int64(len(runs[i].JSON))
	}
	if op.MaxBytes > 0 && size > op.MaxBytes {
		return fmt.Sprintf("trace_id: the trace would have %d MiB of JSON; %d are allowed: use a new trace_id",
			size>>20, op.MaxBytes>>20)
	}
	return ""
}

// finish derives the trace and encodes its rows, with the evaluations in
// w.evals.
func (w *preparer) finish(ch *change, old *summary, runs []trace.Run, promoted bool) error {
	w.hold.take(jsonBytes(runs))
	t := w.deriver.Derive(runs, trace.Options{Promoted: promoted})
	s := &summary{startUS: t.Start.MicrosFloor(), updatedUS: floorUS(w.timeNS), sample: t.Sample, setHash: setHash(runs)}
	if s.startUS < 0 || s.startUS > maxStartUS {
		return fmt.Errorf("%w: start of a trace at %d µs", ErrInvalid, s.startUS)
	}
	if t.Orphans {
		s.flags |= flagOrphans
	}
	if t.OpenRoot {
		s.flags |= flagOpenRoot
	}
	if promoted {
		s.flags |= flagPromoted
	}
	if w.evals != nil {
		s.flags |= flagEvaluated
	}
	updated := trace.Time{NS: w.timeNS / 1000 * 1000, Digits: 6, Valid: true}
	if n := longestValue(runs); n > pieceBytes {
		w.head = make([]byte, 0, n) // growing in steps would take more
	}
	w.head, _ = w.deriver.AppendPreviewTrace(w.head[:0], w.app.name, &t, updated, 0)
	var evals span
	if w.evals != nil {
		w.head, evals.at, evals.n = trace.InsertEvaluations(w.head, w.evals)
	}
	row := w.row[:0]
	if len(w.head) > rowBytes {
		var cut bool
		// A list row has no evaluations, so it differs where there are some.
		if row, cut = w.deriver.AppendPreviewTrace(row, w.app.name, &t, updated, previewBytes); cut || w.evals != nil {
			row = append(row, '}')
		} else {
			row = row[:0]
		}
	}
	w.row = row
	ch.text = w.rareText(&t, updated, row)
	n := len(w.head)
	var tail []byte
	if jsonBytes(runs) <= pieceBytes {
		w.head = trace.AppendRuns(w.head, runs) // in one piece: the encoder need not copy it
		tail = w.head[n:]
	}
	ch.old, ch.new = old, s
	ch.body = appendBody(getBody(), s, runs, w.head[:n], row, tail, evals, w.e.format2.Load())
	if len(ch.body) > pieceBytes {
		s.flags |= flagPieced
		ch.body[bodyFlagsAt] = s.flags
	}
	return nil
}

// Encoded bodies wait for the committer, which gives their memory back.
var bodyPool = sync.Pool{New: func() any { return new([]byte) }}

func getBody() []byte { return (*bodyPool.Get().(*[]byte))[:0] }

func putBody(b []byte) {
	if cap(b) <= 64<<10 {
		bodyPool.Put(&b)
	}
}

func floorUS(ns int64) int64 {
	us := ns / 1000
	if us*1000 > ns {
		us--
	}
	return us
}

// longestValue is about the length of the object of a trace of which some run
// has a long input or output, else 0.
func longestValue(runs []trace.Run) int {
	in, out := 0, 0
	for i := range runs {
		in, out = max(in, len(runs[i].Input)), max(out, len(runs[i].Output))
	}
	if in+out < pieceBytes {
		return 0
	}
	return in + out + 64<<10
}
