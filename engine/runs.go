package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// Runs returns one page of the runs of a trace, newest first, as stored.
//
// Errors: ErrNotFound (app or trace), ErrInvalid (page, size), ErrCorrupt.
func (e *Engine) Runs(ctx context.Context, app, id string, q RunQuery) (page RunPage, err error) {
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
	startUS, idKey, err := v.locate(id)
	if err != nil {
		return RunPage{}, err
	}
	bs := &bodies{v: v}
	b, err := bs.get(startUS, idKey)
	if err == nil {
		page, err = b.runPage(v, &q)
	}
	if err = errors.Join(err, bs.close()); errors.Is(err, ErrCorrupt) {
		err = fmt.Errorf("trace %q: %w", id, err)
	}
	return page, err
}

// runPage goes over all runs, of which it keeps those of the page.
func (b *body) runPage(v *view, q *RunQuery) (page RunPage, err error) {
	from := int64(min(q.Page-1, b.runs)) * int64(q.PageSize)
	all := q.ParentRunID == "" && len(q.Statuses) == 0 && len(q.Types) == 0
	err = b.eachRun(func(run []byte) (bool, error) {
		if !all {
			if ok, err := runMatches(run, q); err != nil || !ok {
				return true, err
			}
		}
		if page.TotalCount >= from && page.TotalCount < from+int64(q.PageSize) {
			page.Runs = append(page.Runs, bytes.Clone(run))
		}
		page.TotalCount++
		if all && page.TotalCount == from+int64(q.PageSize) {
			page.TotalCount = int64(b.runs)
			return false, nil
		}
		return true, v.step()
	})
	if all {
		page.TotalCount = int64(b.runs)
	}
	return page, err
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
