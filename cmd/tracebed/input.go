package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// piece is a few runs of the input that belong together: those of one body or
// trace, or one line.
type piece struct {
	runs  []byte // JSON objects with commas between them; valid during the call only
	count int
	otlp  bool // not runs, but elements of resourceSpans with so many spans
	file  string
	line  int // where the piece begins
	// scores of the trace that the runs are, nil where there are none; valid
	// during the call only.
	scores *scores
}

// maxPiece is when a body is handed on in parts. It is well below the server's
// limit for one request, and far above any body that one flush of an SDK is.
const maxPiece = 24 << 20

// source is one input to read: a file, or the standard input as "-".
type source struct {
	name string
	r    io.Reader
	done func() error
}

// openSource opens an input and finds out by its first bytes whether it is
// compressed. Read bytes, as they stand in the file, are told to count.
func openSource(name string, stdin io.Reader, count func(int64)) (*source, error) {
	s := &source{name: name, done: func() error { return nil }}
	raw := stdin
	if name == "-" {
		s.name = "standard input"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, fail(err, "check the name of the input file")
		}
		raw, s.done = f, f.Close
	}
	buffered := bufio.NewReaderSize(&countingReader{raw, count}, 64<<10)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, s.done())
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		s.r, err = gzip.NewReader(buffered)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		d, err = zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
		if err == nil {
			s.r = d.IOReadCloser()
			closeFile := s.done
			s.done = func() error { d.Close(); return closeFile() }
		}
	default:
		return &source{s.name, buffered, s.done}, nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", s.name, err), s.done())
	}
	return s, nil
}

type countingReader struct {
	r     io.Reader
	count func(int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.count(int64(n))
	return n, err
}

// pieces reads a whole input: JSON values after each other (JSON lines are
// that), or one array of them. Each is a body {"runs":[…]}, a trace with its
// runs as an export has it, a run, or OTLP JSON {"resourceSpans":[…]}.
func (s *source) pieces(emit func(piece) error) error {
	p := &parser{v: newValueReader(s.r), file: s.name, emit: emit}
	err := p.all()
	if err == nil {
		return nil
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fail(fmt.Errorf("%s: %w", s.name, err), "mend the input there and send it again: what is stored is not stored twice")
}

// parser turns values into pieces.
type parser struct {
	v    *valueReader
	file string
	emit func(piece) error
	runs []byte
}

func (p *parser) all() error {
	for {
		c, err := p.v.peek()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if c == '[' {
			err = p.array()
		} else {
			err = p.one(c)
		}
		if err != nil {
			return err
		}
	}
}

// array takes a top-level array apart.
func (p *parser) array() error {
	if _, err := p.v.expect('['); err != nil {
		return err
	}
	if end, err := p.v.expect(']'); end || err != nil {
		return p.v.inside(err)
	}
	for {
		c, err := p.v.peek()
		if err != nil {
			return p.v.inside(err)
		}
		if err := p.one(c); err != nil {
			return err
		}
		if more, err := p.v.expect(','); more {
			continue
		} else if err != nil {
			return p.v.inside(err)
		}
		end, err := p.v.expect(']')
		if err != nil {
			return p.v.inside(err)
		}
		if !end {
			return fmt.Errorf("line %d: the array goes on without a comma", p.v.line)
		}
		return nil
	}
}

// inside turns an end of the stream into an error.
func (v *valueReader) inside(err error) error {
	if errors.Is(err, io.EOF) {
		return v.cut(err)
	}
	return err
}

// one takes a value that begins with c.
func (p *parser) one(c byte) error {
	if c != '{' {
		return fmt.Errorf("line %d: a JSON object must stand here, not %q", p.v.line, c)
	}
	if p.bodyAhead() {
		return p.body()
	}
	line := p.v.line
	b, err := p.v.value()
	if err != nil {
		return err
	}
	return p.object(b, line)
}

// bodyAhead says whether {"runs":[ comes next, which is read run by run.
func (p *parser) bodyAhead() bool {
	b, _ := p.v.r.Peek(64)
	for _, want := range []string{"{", `"runs"`, ":", "["} {
		b = b[space(b):]
		if !bytes.HasPrefix(b, []byte(want)) {
			return false
		}
		b = b[len(want):]
	}
	return true
}

// body reads {"runs":[…],…} with memory for one part of it.
func (p *parser) body() error {
	line := p.v.line
	for _, c := range []byte{'{'} {
		if _, err := p.v.expect(c); err != nil {
			return p.v.inside(err)
		}
	}
	if _, err := p.v.value(); err != nil { // the key
		return err
	}
	for _, c := range []byte{':', '['} {
		if _, err := p.v.expect(c); err != nil {
			return p.v.inside(err)
		}
	}
	p.runs = p.runs[:0]
	count := 0
	flush := func() error {
		if count == 0 {
			return nil
		}
		err := p.emit(piece{runs: p.runs, count: count, file: p.file, line: line})
		p.runs, count, line = p.runs[:0], 0, p.v.line
		return err
	}
	for first := true; ; first = false {
		end, err := p.v.expect(']')
		if err != nil {
			return p.v.inside(err)
		}
		if end {
			break
		}
		if !first {
			if comma, err := p.v.expect(','); !comma || err != nil {
				return fmt.Errorf("line %d: the runs go on without a comma", p.v.line)
			}
		}
		b, err := p.v.value()
		if err != nil {
			return p.v.inside(err)
		}
		if count > 0 {
			p.runs = append(p.runs, ',')
		}
		p.runs = append(p.runs, b...)
		count++
		if len(p.runs) >= maxPiece {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := p.rest(); err != nil {
		return err
	}
	return flush()
}

// rest skips what stands in a body behind the runs.
func (p *parser) rest() error {
	for {
		if end, err := p.v.expect('}'); end || err != nil {
			return p.v.inside(err)
		}
		if comma, err := p.v.expect(','); !comma || err != nil {
			return fmt.Errorf("line %d: a body must end after its runs", p.v.line)
		}
		key, err := p.v.value()
		if err != nil {
			return p.v.inside(err)
		}
		if string(key) == `"resourceSpans"` || string(key) == `"resource_spans"` {
			return bothFailure(p.file, p.v.line)
		}
		if colon, err := p.v.expect(':'); !colon || err != nil {
			return fmt.Errorf("line %d: a colon is missing", p.v.line)
		}
		if _, err := p.v.value(); err != nil {
			return p.v.inside(err)
		}
	}
}

// object takes a value held in memory: a trace with runs, or a run.
func (p *parser) object(b []byte, line int) error {
	var runs, spans, id, evaluations []byte
	var summary, isRun bool
	err := members(b, func(key, value []byte) error {
		switch string(key) {
		case "runs":
			runs = value
		case "resourceSpans", "resource_spans":
			spans = value
		case "id":
			id = value
		case "evaluations":
			evaluations = value
		case "run_count":
			summary = true
		case "start_time":
			isRun = true
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("line %d: %w", line, err)
	case runs != nil && spans != nil:
		return bothFailure(p.file, line)
	case spans != nil:
		return p.spans(spans, line)
	case runs != nil:
		var sc *scores
		if id != nil && evaluations != nil {
			sc = &scores{trace: id, list: evaluations, file: p.file, line: line}
		}
		return p.embedded(runs, sc, line)
	case isRun:
		return p.emit(piece{runs: b, count: 1, file: p.file, line: line})
	case summary:
		return fail(fmt.Errorf("%s: line %d: a trace without its runs, from which it cannot be rebuilt", p.file, line),
			"export again with --include-runs")
	}
	return fail(fmt.Errorf("%s: line %d: this is neither a run, nor {\"runs\":[…]}, nor an exported trace, nor {\"resourceSpans\":[…]}", p.file, line),
		"the input must be Dynamiq JSON, OTLP JSON, JSON lines of runs or bodies, or an export with runs")
}

// embedded hands on the runs of a trace. An export has the newest run first;
// the order of the input is kept, as it does not matter.
func (p *parser) embedded(runs []byte, sc *scores, line int) error {
	count := 0
	if err := elements(runs, func([]byte) error { count++; return nil }); err != nil {
		return fmt.Errorf("line %d: runs: %w", line, err)
	}
	if count == 0 {
		return nil
	}
	inner := bytes.TrimSpace(runs)
	return p.emit(piece{runs: inner[1 : len(inner)-1], count: count, file: p.file, line: line, scores: sc})
}

// spans hands on the elements of resourceSpans, in parts where they are large.
func (p *parser) spans(resources []byte, line int) error {
	part := piece{otlp: true, file: p.file, line: line}
	flush := func() error {
		if len(part.runs) == 0 {
			return nil
		}
		err := p.emit(part)
		part.runs, part.count = part.runs[:0], 0
		return err
	}
	err := elements(resources, func(resource []byte) error {
		if len(part.runs) > 0 && len(part.runs)+len(resource) > maxPiece {
			if err := flush(); err != nil {
				return err
			}
		}
		if len(part.runs) > 0 {
			part.runs = append(part.runs, ',')
		}
		part.runs = append(part.runs, resource...)
		part.count += spanCount(resource)
		return nil
	})
	if errors.Is(err, errShape) {
		return fmt.Errorf("line %d: resourceSpans: %w", line, err)
	}
	if err != nil {
		return err
	}
	return flush()
}

// spanCount is how many spans an element of resourceSpans has. What is no such
// element has none: the server says what is wrong with it.
func spanCount(resource []byte) (n int) {
	_ = members(resource, func(key, scopes []byte) error {
		if string(key) != "scopeSpans" {
			return nil
		}
		return elements(scopes, func(scope []byte) error {
			return members(scope, func(key, spans []byte) error {
				if string(key) != "spans" {
					return nil
				}
				return elements(spans, func([]byte) error { n++; return nil })
			})
		})
	})
	return n
}

func bothFailure(file string, line int) error {
	return fail(fmt.Errorf("%s: line %d: this has both runs and resourceSpans", file, line),
		"make two bodies of it, one of Dynamiq JSON and one of OTLP JSON")
}
