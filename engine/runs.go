package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// Runs returns one page of the runs of a trace, newest first, as stored.
//
// Errors: ErrNotFound (app or trace), ErrInvalid (page, size), ErrCorrupt.
func (e *Engine) Runs(ctx context.Context, app, id string, q RunQuery) (RunPage, error) {
	if q.PageSize < 1 || q.PageSize > MaxPageSize {
		return RunPage{}, fmt.Errorf("%w: page_size %d: it must be 1–%d", ErrInvalid, q.PageSize, MaxPageSize)
	}
	if q.Page < 1 {
		return RunPage{}, fmt.Errorf("%w: page %d: it must be 1 or more", ErrInvalid, q.Page)
	}
	v, err := e.view(ctx, app)
	if err != nil {
		return RunPage{}, err
	}
	defer v.close()
	all, b, err := v.whole(id)
	if err != nil {
		return RunPage{}, err
	}
	runs, err := trace.SplitRuns(all[b.headRaw:])
	if err != nil {
		return RunPage{}, fmt.Errorf("%w: runs of trace %q: %w", ErrCorrupt, id, err)
	}
	if q.ParentRunID != "" || len(q.Statuses) > 0 || len(q.Types) > 0 {
		if runs, err = filterRuns(runs, &q); err != nil {
			return RunPage{}, fmt.Errorf("%w: runs of trace %q: %w", ErrCorrupt, id, err)
		}
	}
	page := RunPage{TotalCount: int64(len(runs))}
	if q.Page <= len(runs)/q.PageSize+1 {
		lo := min((q.Page-1)*q.PageSize, len(runs))
		page.Runs = runs[lo:min(lo+q.PageSize, len(runs))]
	}
	return page, nil
}

func filterRuns(runs [][]byte, q *RunQuery) ([][]byte, error) {
	kept := runs[:0]
	for _, r := range runs {
		ok, err := runMatches(r, q)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// runMatches looks at the members that filters name; in a canonical run they
// all stand before the large ones.
func runMatches(run []byte, q *RunQuery) (bool, error) {
	var s jsonscan.Scanner
	s.Reset(run)
	if err := s.BeginObject(); err != nil {
		return false, err
	}
	for {
		name, more, err := s.Member()
		if err != nil || !more {
			return err == nil, err
		}
		raw, err := s.Skip()
		if err != nil {
			return false, err
		}
		switch string(name) {
		case `"type"`:
			if len(q.Types) > 0 && !slices.Contains(q.Types, text(raw)) {
				return false, nil
			}
		case `"parent_run_id"`:
			if q.ParentRunID != "" && text(raw) != q.ParentRunID {
				return false, nil
			}
		case `"status"`: // stands last of the three
			if len(q.Statuses) == 0 {
				return true, nil
			}
			status := text(raw)
			if bytes.Equal(raw, []byte("null")) {
				status = "running"
			}
			return slices.Contains(q.Statuses, status), nil
		}
	}
}

// text is the content of a JSON string, "" for anything else.
func text(raw []byte) string {
	if jsonscan.KindOf(raw) != jsonscan.String {
		return ""
	}
	return string(jsonscan.AppendString(nil, raw))
}
