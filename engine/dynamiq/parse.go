// Package dynamiq decodes the body that the Dynamiq SDK posts to
// /v1/traces, {"runs":[…]}, into runs (wire facts §2–§4).
//
// A body is one of two things: not JSON of that shape, which is an error for
// all of it, or a list of runs of which each is taken or rejected on its own.
// A run that is taken keeps every value byte for byte. The package reads no
// clock.
package dynamiq

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// DefaultMaxRuns bounds the runs of one body: a handler re-sends all it ever
// held (a chat of days, at 9 runs a turn, stays below), while tiny runs of some
// 80 bytes would otherwise turn 64 MiB into a gigabyte of facts.
const DefaultMaxRuns = 200_000

// Options of Parse; the zero value takes the defaults.
type Options struct {
	MaxRuns int // runs per body, 0 = DefaultMaxRuns

	// Price estimates the cost of LLM calls that came without one; nil leaves
	// it unknown.
	Price trace.Pricer
}

// Rejection says why one run of a body was not taken.
type Rejection struct {
	Index  int    // position in runs
	ID     string // "" where it is missing or not fit to be an id
	Reason string // names the field and what to send instead
}

// Errors about a whole body; the text says what to do. A body that is no JSON
// gives a *jsonscan.SyntaxError with the offset instead.
var (
	ErrShape    = errors.New(`the body must be an object with a list "runs"`)
	ErrBoth     = errors.New(`the body has "runs" and "resourceSpans"; send one of them`)
	ErrTwice    = errors.New(`the body has more than one "runs"; send one list`)
	ErrManyRuns = errors.New("the body has too many runs; split it")
)

// The room that one run needs on top of its own bytes: members that were left
// out and the uniform ones.
const runOverhead = 1024

// parser holds what a Parse works with.
type parser struct {
	s        jsonscan.Scanner
	f        trace.Fields
	body     []byte
	maxRuns  int
	price    trace.Pricer
	list     int // offset of the list of runs
	runs     []trace.Run
	rejected []Rejection
	buf      []byte            // canonical JSON of the runs
	roots    map[string]string // trace ids of runs with a null trace_id
}

// Parse reads a body. Runs keep their order, which is the order of receipt;
// they share one buffer for their JSON. A run whose trace_id is null gets the
// id of its root as the body knows it (wire facts §4, case 17). The error
// concerns the body as a whole; then there are no runs.
func Parse(body []byte, opts Options) (runs []trace.Run, rejected []Rejection, err error) {
	var p Parser
	return p.Parse(body, opts)
}

// Parser is Parse with memory that is used again: about 30 KB less garbage for
// a body of 17 KB. The runs of one call are valid until the next. The zero
// Parser is ready; it is not safe for concurrent use.
type Parser struct{ p parser }

// What a Parser keeps for its next body.
const (
	keepBytes = 1 << 20
	keepRuns  = 1 << 10
)

// Parse is the function Parse.
func (ps *Parser) Parse(body []byte, opts Options) (runs []trace.Run, rejected []Rejection, err error) {
	ps.p.reset(body, opts)
	// Room for the usual number of runs, in a power of two: bodies differ in
	// size, and the next one should fit as well.
	if want := len(body) + len(body)/8 + 16*runOverhead; cap(ps.p.buf) < want && want <= keepBytes {
		ps.p.buf = make([]byte, 0, 1<<bits.Len(uint(want-1)))
	}
	return ps.p.parse(body)
}

// reset makes p ready for a body. Memory of an unusually large one is let go.
func (p *parser) reset(body []byte, opts Options) {
	p.body, p.maxRuns, p.price, p.list = body, opts.MaxRuns, opts.Price, -1
	p.rejected, p.roots = nil, nil
	if p.maxRuns <= 0 {
		p.maxRuns = DefaultMaxRuns
	}
	if p.buf = p.buf[:0]; cap(p.buf) > keepBytes {
		p.buf = nil
	}
	if p.runs = p.runs[:0]; cap(p.runs) > keepRuns {
		p.runs = nil
	}
}

func (p *parser) parse(body []byte) (runs []trace.Run, rejected []Rejection, err error) {
	p.s.Reset(body)
	if p.s.Peek() != jsonscan.Object {
		if err := jsonscan.Valid(body); err != nil {
			return nil, nil, bodyError(err)
		}
		return nil, nil, ErrShape
	}
	if err := p.object(); err != nil {
		return nil, nil, bodyError(err)
	}
	if p.list < 0 {
		return nil, nil, ErrShape
	}
	return p.runs, p.rejected, nil
}

func bodyError(err error) error {
	var syntax *jsonscan.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("the body is not valid JSON: %w", err)
	}
	return err
}

// object reads the top level. Members that nobody knows are passed over.
func (p *parser) object() error {
	if err := p.s.BeginObject(); err != nil {
		return err
	}
	var scratch [32]byte
	var shape error
	for {
		key, ok, err := p.s.Member()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		switch string(jsonscan.Unquote(scratch[:0], key)) {
		case "runs":
			switch {
			case p.list >= 0:
				shape = ErrTwice
			case p.s.Peek() == jsonscan.Array:
				p.list = p.s.Offset()
				if err := p.readRuns(); err != nil {
					return err
				}
				continue
			default:
				shape = ErrShape
			}
		case "resourceSpans", "resource_spans":
			shape = ErrBoth
		}
		if _, err := p.s.Skip(); err != nil {
			return err
		}
	}
	if errors.Is(shape, ErrBoth) && p.list < 0 {
		shape = ErrShape
	}
	if err := p.s.End(); err != nil {
		return err
	}
	return shape
}

func (p *parser) readRuns() error {
	if err := p.s.BeginArray(); err != nil {
		return err
	}
	for index := 0; ; index++ {
		more, err := p.s.Element()
		if !more {
			return err
		}
		if index == p.maxRuns {
			return ErrManyRuns
		}
		if err := p.readRun(index); err != nil {
			return err
		}
	}
}

// readRun takes or rejects the run at the scanner's position.
func (p *parser) readRun(index int) error {
	kind := p.s.Peek()
	from := p.s.Offset()
	if kind != jsonscan.Object {
		p.rejected = append(p.rejected, Rejection{Index: index, Reason: "a run must be an object"})
		_, err := p.s.Skip()
		return err
	}
	if len(p.runs) == cap(p.runs) {
		p.growRuns()
	}
	p.runs = p.runs[:len(p.runs)+1]
	r := &p.runs[len(p.runs)-1]
	*r = trace.Run{} // it may be that of an earlier body
	reason, err := scanRun(&p.s, &p.f, r)
	if err != nil {
		return err
	}
	if reason != "" {
		p.rejected = append(p.rejected, Rejection{Index: index, ID: r.ID, Reason: reason})
		p.runs = p.runs[:len(p.runs)-1]
		return nil
	}
	if r.TraceID == "" {
		if p.roots == nil {
			if p.roots, err = rootIDs(p.body, p.list, p.maxRuns); err != nil {
				return err
			}
		}
		r.TraceID = p.roots[r.ID]
	}
	if r.FromSpan {
		p.reserve(p.s.Offset() - from)
		p.buf = p.f.AppendSpanAgain(p.buf, r)
		return nil
	}
	p.f.Estimate(r, p.price)
	p.reserve(p.s.Offset() - from)
	p.buf = p.f.AppendCanonical(p.buf, r)
	return nil
}

// scanRun reads one run and puts its facts into r.
func scanRun(s *jsonscan.Scanner, f *trace.Fields, r *trace.Run) (reason string, err error) {
	if err := f.Scan(s); err != nil {
		return "", err
	}
	if f.TakeSpan() { // an export of OTLP runs that comes back
		return f.Facts(r), nil
	}
	spots := &f.Spots
	f.Group, f.Model, f.Usage = spots.Group, nil, nil
	group := ""
	if jsonscan.KindOf(f.Group) == jsonscan.String {
		var scratch [32]byte
		group = groupOf(jsonscan.Unquote(scratch[:0], f.Group))
	}
	// Usage stands on LLM calls only, but metadata given to the handler is
	// merged into every run and may plant one anywhere (wire facts §6).
	switch group {
	case "llms":
		f.Model, f.Usage = spots.Model, spots.Usage
	case "embedders":
		f.Model = spots.Model
	}
	return f.Facts(r), nil
}

// groupOf is the group where it is one that calls a model and has its own
// rules, else "".
func groupOf(text []byte) string {
	switch string(text) {
	case "llms":
		return "llms"
	case "embedders":
		return "embedders"
	}
	return ""
}

// growRuns makes room in runs by what the rest of the body may still hold, as
// the runs so far tell; a Run is 500 bytes, so that growing in steps copies a
// lot.
func (p *parser) growRuns() {
	n := len(p.runs)
	room := 8
	if n > 0 {
		read := p.s.Offset() - p.list
		room = min(max(n, (len(p.body)-p.s.Offset())/(read/n+1)+1), 2*n+8)
	}
	runs := make([]trace.Run, n, n+room)
	copy(runs, p.runs)
	p.runs = runs
}

// reserve makes room for the canonical JSON of a run of size bytes. What does
// not fit begins a new buffer; the runs before keep the old one.
func (p *parser) reserve(size int) {
	need := size + size/8 + runOverhead
	if cap(p.buf)-len(p.buf) >= need {
		return
	}
	rest := len(p.body) - p.s.Offset() + size
	p.buf = make([]byte, 0, max(need, min(rest+rest/8+2*runOverhead, 1<<20)))
}
