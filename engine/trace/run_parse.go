package trace

import (
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// Parser reads stored runs. One Parser for all runs of a trace lets them share
// strings; the zero Parser is ready. It is not safe for concurrent use.
type Parser struct {
	scanner jsonscan.Scanner
	fields  Fields
}

// ParseRun reads the canonical JSON of one run; see Parser.Run.
func ParseRun(canonical []byte) (Run, error) {
	var p Parser
	return p.Run(canonical)
}

// Run reads the canonical JSON of one run, as AppendCanonical makes it, back
// into facts. Group, model and usage come from the uniform members. The run
// keeps canonical as its JSON. Bytes that are no run are an error.
func (p *Parser) Run(canonical []byte) (Run, error) {
	s, f := &p.scanner, &p.fields
	s.Reset(canonical)
	f.stored = true
	err := f.Scan(s)
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return Run{}, fmt.Errorf("stored run: %w", err)
	}
	if s.Spaces() > 0 {
		return Run{}, errors.New("stored run: not compact")
	}
	var r Run
	if reason := f.Facts(&r); reason != "" {
		return Run{}, errors.New("stored run: " + reason)
	}
	if r.TraceID == "" {
		return Run{}, errors.New("stored run: trace_id is missing")
	}
	r.Input, r.Output = f.raw[fieldInput], f.raw[fieldOutput]
	r.Metadata, r.Error = f.raw[fieldMetadata], f.raw[fieldError]
	r.JSON = canonical
	r.IDHash, r.Hash = xxhash.Sum64String(r.ID), xxhash.Sum64(canonical)
	return r, nil
}
