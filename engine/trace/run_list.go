package trace

import (
	"bytes"
	"fmt"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

const runsMember = `,"runs":`

// SplitRuns returns the runs of a member made by AppendRuns, as slices of it.
// Bytes that are no such list are an error.
func SplitRuns(member []byte) ([][]byte, error) {
	list, ok := bytes.CutPrefix(member, []byte(runsMember))
	if !ok {
		return nil, fmt.Errorf("stored runs: no member runs")
	}
	var s jsonscan.Scanner
	s.Reset(list)
	if err := s.BeginArray(); err != nil {
		return nil, fmt.Errorf("stored runs: %w", err)
	}
	var runs [][]byte
	for {
		more, err := s.Element()
		if err == nil && more {
			var raw []byte
			if raw, err = s.Skip(); err == nil {
				runs = append(runs, raw)
			}
		}
		if err == nil && !more {
			err = s.End()
		}
		if err != nil {
			return nil, fmt.Errorf("stored runs: %w", err)
		}
		if !more {
			return runs, nil
		}
	}
}

// ParseRuns reads a member made by AppendRuns back into runs, which keep slices
// of it.
func ParseRuns(member []byte) ([]Run, error) {
	raws, err := SplitRuns(member)
	if err != nil {
		return nil, err
	}
	var p Parser
	runs := make([]Run, len(raws))
	for i, raw := range raws {
		if runs[i], err = p.Run(raw); err != nil {
			return nil, err
		}
	}
	return runs, nil
}
