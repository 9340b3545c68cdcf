package engine

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/engine/trace"
)

// Tree writes what a picture of a trace needs, as one JSON object: "trace", its
// list row, and "runs", a small object for each run (trace.TreeScanner) in the
// order of start, those of one start by descending id. Memory is that of the
// small objects, about 250 bytes each, and of the longest run.
//
// Errors: ErrNotFound (app or trace), ErrCorrupt, or the error of w.
func (e *Engine) Tree(ctx context.Context, app, id string, w io.Writer) error {
	row, nodes, err := e.tree(ctx, app, id)
	if err != nil {
		return err
	}
	for _, b := range [][]byte{[]byte(`{"trace":`), row, []byte(`,"runs":[`)} {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	for i := len(nodes.ends) - 1; i >= 0; i-- {
		if _, err := w.Write(nodes.at(i)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}")
	return err
}

// nodeList holds the nodes of a tree, newest first, each behind a comma.
type nodeList struct {
	buf  []byte
	ends []int
}

func (n *nodeList) at(i int) []byte {
	from := 0
	if i > 0 {
		from = n.ends[i-1]
	}
	if i == len(n.ends)-1 {
		from++ // the first that is written
	}
	return n.buf[from:n.ends[i]]
}

// tree reads the trace; the moment of the store that it looks at ends with it,
// however slow the client is.
func (e *Engine) tree(ctx context.Context, app, id string) (row []byte, nodes *nodeList, err error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return nil, nil, err
	}
	defer v.close()
	s, idKey, err := v.find(id)
	if err != nil {
		return nil, nil, err
	}
	bs := &bodies{v: v}
	defer func() { err = errors.Join(err, bs.close()) }()
	r, err := v.traceRow(bs, &s, idKey, nil, previewBytes)
	if err != nil {
		return nil, nil, err
	}
	b, err := bs.get(s.startUS, idKey)
	if err != nil {
		return nil, nil, err
	}
	nodes = &nodeList{}
	var t trace.TreeScanner
	err = b.eachRun(func(run []byte) (bool, error) {
		nodes.buf = append(nodes.buf, ',')
		if nodes.buf, err = t.AppendNode(nodes.buf, run); err != nil {
			return false, fmt.Errorf("%w: a run of trace %q: %w", ErrCorrupt, id, err)
		}
		nodes.ends = append(nodes.ends, len(nodes.buf))
		return true, v.step()
	})
	return r.JSON, nodes, err
}

// Run returns one run of a trace as it is stored.
//
// Errors: ErrNotFound (app, trace or run), ErrCorrupt.
func (e *Engine) Run(ctx context.Context, app, id, runID string) (run []byte, err error) {
	v, err := e.view(ctx, app)
	if err != nil {
		return nil, err
	}
	defer v.close()
	startUS, idKey, err := v.locate(id)
	if err != nil {
		return nil, err
	}
	bs := &bodies{v: v}
	defer func() { err = errors.Join(err, bs.close()) }()
	b, err := bs.get(startUS, idKey)
	if err != nil {
		return nil, err
	}
	at := b.indexOf(runID)
	if at < 0 {
		return nil, fmt.Errorf("run %q of trace %q: %w", runID, id, ErrNotFound)
	}
	err = b.eachRun(func(raw []byte) (bool, error) {
		if at--; at < 0 {
			run = append([]byte(nil), raw...)
		}
		return at >= 0, v.step()
	})
	if err != nil {
		return nil, err
	}
	if got, err := trace.Member(run, "id"); err != nil || text(got) != runID {
		return nil, fmt.Errorf("%w: the table of runs of trace %q has another run in place of %q", ErrCorrupt, id, runID)
	}
	return run, nil
}

// indexOf is the place of a run in the table, -1 where there is none of its id.
func (b *body) indexOf(runID string) int {
	h := xxhash.Sum64String(runID)
	for i, m := range b.marks(nil) {
		if m.idHash == h {
			return i
		}
	}
	return -1
}
