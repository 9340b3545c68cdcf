package dynamiq

import (
	"errors"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// rootIDs gives for every run of the list at offset list in body the id that
// names its trace where trace_id is null: that of the topmost ancestor in the
// body, or of the parent this one misses, or the smallest id of a circle of
// parents. Handlers send one trace_id or none, so the second pass over the
// body that this takes is rare. Of copies of a run the last one counts.
func rootIDs(body []byte, list, maxRuns int) (map[string]string, error) {
	parents, err := readParents(body, list, maxRuns)
	if err != nil {
		return nil, err
	}
	roots := make(map[string]string, len(parents))
	var path []string
	onPath := map[string]int{} // of earlier paths too, but those are in roots
	for id := range parents {
		path = path[:0]
		root := ""
		for at := id; ; {
			if known, ok := roots[at]; ok {
				root = known
				break
			}
			parent, ok := parents[at]
			if !ok || parent == "" || parent == at {
				root = at
				if ok {
					path = append(path, at)
				}
				break
			}
			if from, ok := onPath[at]; ok {
				root = smallest(path[from:])
				break
			}
			onPath[at] = len(path)
			path = append(path, at)
			at = parent
		}
		for _, at := range path {
			roots[at] = root
		}
	}
	return roots, nil
}

// readParents maps the id of every run that is taken to its parent.
func readParents(body []byte, list, maxRuns int) (map[string]string, error) {
	var s jsonscan.Scanner
	s.Reset(body[list:])
	if err := s.BeginArray(); err != nil {
		return nil, err
	}
	parents := map[string]string{}
	var f trace.Fields
	var r trace.Run
	for n := 0; ; n++ {
		more, err := s.Element()
		if err != nil {
			return nil, shift(err, list)
		}
		if !more {
			return parents, nil
		}
		if n == maxRuns {
			return nil, ErrManyRuns
		}
		if s.Peek() != jsonscan.Object {
			if _, err := s.Skip(); err != nil {
				return nil, shift(err, list)
			}
			continue
		}
		reason, err := scanRun(&s, &f, &r)
		if err != nil {
			return nil, shift(err, list)
		}
		if reason == "" {
			parents[r.ID] = r.ParentID
		}
	}
}

// shift moves the offset of a syntax error found in body[list:].
func shift(err error, list int) error {
	if syntax := (*jsonscan.SyntaxError)(nil); errors.As(err, &syntax) {
		return &jsonscan.SyntaxError{Offset: syntax.Offset + list, Msg: syntax.Msg}
	}
	return err
}

func smallest(ids []string) string {
	least := ids[0]
	for _, id := range ids[1:] {
		least = min(least, id)
	}
	return least
}
