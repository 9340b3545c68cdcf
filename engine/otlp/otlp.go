package otlp

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// Encoding is how a body is written.
type Encoding uint8

// The encodings of OTLP/HTTP.
const (
	Protobuf Encoding = iota // application/x-protobuf, and OTLP/gRPC
	JSON                     // application/json
)

// The default bounds of one body.
const (
	// DefaultMaxSpans is that of Dynamiq bodies; SDKs send 512 at a time.
	DefaultMaxSpans = 200_000
	// DefaultMaxAttributes bounds the attributes of one span with its events
	// and links. SDKs send at most 128 a span unless told otherwise.
	DefaultMaxAttributes = 1 << 16
	// DefaultMaxOutput bounds the JSON of all runs of a body: each repeats its
	// resource, which could make gigabytes of a few kilobytes.
	DefaultMaxOutput = 512 << 20
)

// maxValueDepth is how deep arrays and lists of an attribute may nest; JSON in
// strings is taken as structured up to the same depth.
const maxValueDepth = 64

// maxMessages is how many reasons of rejections a Batch tells.
const maxMessages = 10

// Options of Parse; the zero value takes the defaults.
type Options struct {
	MaxSpans      int // spans per body; beyond them the body is an error
	MaxAttributes int // attributes per span; beyond them the span is rejected
	MaxOutput     int // bytes of JSON per body; what comes after is rejected

	// Price estimates the cost of calls that came without one; nil leaves it
	// unknown.
	Price trace.Pricer
}

// Batch is what a body holds: runs by app, and what could not be taken.
type Batch struct {
	Groups []Group // by first appearance

	// Rejected counts spans (log events) that were not taken, Messages says
	// why for the first of them: OTLP's partial success.
	Rejected int
	Messages []string

	// Ignored counts log records that are no events Tracebed keeps.
	Ignored int

	memory *memory // that of the runs, until Release
}

// Group are the runs of one app in order of receipt.
type Group struct {
	// App is what the resource calls itself (openinference.project.name, else
	// service.namespace/service.name), "" where it does not.
	App  string
	Runs []trace.Run
}

// Errors about a whole body, which was then not taken at all. A body that is
// no JSON wraps a *jsonscan.SyntaxError with the offset.
var (
	ErrShape     = errors.New(`the body must be an object with a list "resourceSpans"`)
	ErrLogsShape = errors.New(`the body must be an object with a list "resourceLogs"`)
	ErrManySpans = errors.New("the body has too many spans; split it")
)

const (
	errDeep           = fault("attribute values nest too deep")
	errManyAttributes = fault("too many attributes")
	errOutput         = fault("the body makes too much JSON; split it")
)

// Parse reads an ExportTraceServiceRequest: all spans that can be taken become
// runs. The error concerns the body as a whole; then there are no runs. Runs
// keep no slice of body.
func Parse(body []byte, enc Encoding, o Options) (Batch, error) {
	return parse(body, enc, o, false)
}

// ParseLogs reads an ExportLogsServiceRequest and takes the events that tell
// of a span (package doc, Log events); all other records are counted as
// Ignored. The error concerns the body as a whole.
func ParseLogs(body []byte, enc Encoding, o Options) (Batch, error) {
	return parse(body, enc, o, true)
}

func parse(body []byte, enc Encoding, o Options, logs bool) (Batch, error) {
	for _, b := range []struct {
		bound *int
		zero  int
	}{{&o.MaxSpans, DefaultMaxSpans}, {&o.MaxAttributes, DefaultMaxAttributes}, {&o.MaxOutput, DefaultMaxOutput}} {
		if *b.bound <= 0 {
			*b.bound = b.zero
		}
	}
	d := decoders.Get().(*decoder)
	defer d.release()
	d.runs = memories.Get().(*memory)
	d.opt, d.logs, d.size = o, logs, len(body)
	d.m.d = d
	var err error
	if enc == JSON {
		err = d.json(body)
	} else {
		err = d.protobuf(body)
	}
	if err != nil {
		var syntax *jsonscan.SyntaxError
		if errors.As(err, &syntax) {
			err = fmt.Errorf("the body is not valid JSON: %w", err)
		}
		return Batch{}, err
	}
	d.batch.memory = d.runs
	d.runs = nil
	return d.batch, nil
}

// decoder holds what one Parse works with. A reader (protobuf or JSON) fills
// resource, scope and span in turn and calls begin… and end…; what it must
// keep of an item it puts into arena.
type decoder struct {
	opt  Options
	logs bool
	size int // of the body

	resource resource
	scope    scope
	span     span
	arena    []byte
	base     [2]int // of arena: end of the resource, of the scope

	items  int
	output int // bytes of JSON so far
	batch  Batch
	group  int // of the resource, −1 until its first run
	app    string
	m      mapper
	runs   *memory
}

// decoders keep their memory for the next body: half of what Parse would
// otherwise allocate.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// keptBytes and keptItems are the largest pieces of memory worth keeping.
const (
	keptBytes = 1 << 20
	keptItems = 1 << 10
)

// release puts d back without any reference to the body or the runs.
func (d *decoder) release() {
	keep := decoder{arena: d.arena[:0], resource: resource{attrList: attrList{attrs: d.resource.attrs[:0]}},
		scope: scope{attrList: attrList{attrs: d.scope.attrs[:0]}},
		span:  span{attrs: d.span.attrs[:0], events: d.span.events[:0], links: d.span.links[:0]}}
	m, k := &d.m, &keep.m
	k.found, k.ofResource = m.found, m.ofResource
	most := max(cap(d.arena), cap(m.input), cap(m.output), cap(m.fault), cap(m.work), cap(m.work2), cap(m.work3),
		cap(m.list), cap(m.resourceJSON), cap(m.scopeJSON))
	items := max(cap(d.resource.attrs), cap(d.scope.attrs), cap(d.span.attrs), cap(d.span.events), cap(d.span.links), cap(m.flat.nodes))
	if most > keptBytes || items > keptItems {
		return
	}
	for _, list := range [][]attr{d.resource.attrs, d.scope.attrs, d.span.attrs} {
		clear(list[:cap(list)])
	}
	clear(d.span.events[:cap(d.span.events)])
	clear(d.span.links[:cap(d.span.links)])
	clear(m.flat.nodes[:cap(m.flat.nodes)])
	k.flat.nodes = m.flat.nodes[:0]
	k.input, k.output, k.fault = m.input[:0], m.output[:0], m.fault[:0]
	k.work, k.work2, k.work3, k.list = m.work[:0], m.work2[:0], m.work3[:0], m.list[:0]
	k.resourceJSON, k.scopeJSON = m.resourceJSON[:0], m.scopeJSON[:0]
	*d = keep
	decoders.Put(d)
}

// beginResource is called with the resource read.
func (d *decoder) beginResource() {
	d.base[0] = len(d.arena)
	d.app = appOf(d.resource.attrs)
	d.group = -1
	d.m.setResource(&d.resource)
}

// beginScope is called with the scope read.
func (d *decoder) beginScope() {
	d.base[1] = len(d.arena)
	d.m.setScope(&d.scope)
}

// countItem counts one more span or log record.
func (d *decoder) countItem() error {
	if d.items++; d.items > d.opt.MaxSpans {
		return ErrManySpans
	}
	return nil
}

// countNested bounds the events and links of a span.
func (d *decoder) countNested() error {
	if len(d.span.events)+len(d.span.links) >= d.opt.MaxAttributes {
		return fault("too many events and links")
	}
	return nil
}

// beginItem makes d.span ready for the next span or log record.
func (d *decoder) beginItem() {
	d.arena = d.arena[:d.base[1]]
	d.span.reset()
}

// endItem takes the span that was read, or rejects it for err.
func (d *decoder) endItem(err error) {
	if err == nil && d.logs && !isWanted(&d.span) {
		d.batch.Ignored++
		return
	}
	if err == nil && d.output > d.opt.MaxOutput {
		err = errOutput
	}
	if err == nil {
		err = d.take()
	}
	if err != nil {
		d.reject(err)
	}
}

// take makes a run of the span.
func (d *decoder) take() error {
	if d.group < 0 {
		d.group = d.findGroup()
	}
	g := &d.batch.Groups[d.group]
	n := len(g.Runs)
	if n == cap(g.Runs) {
		g.Runs = d.grow(g.Runs)
	}
	g.Runs = g.Runs[:n+1]
	var err error
	if d.logs {
		err = d.m.log(&d.span, &g.Runs[n])
	} else {
		err = d.m.span(&d.span, &g.Runs[n])
	}
	if err != nil {
		g.Runs = g.Runs[:n]
		return err
	}
	d.output += len(g.Runs[n].JSON)
	return nil
}

// grow makes room for more runs: a Run has 600 bytes, so that growing in small
// steps copies a lot. The first group begins in kept memory.
func (d *decoder) grow(runs []trace.Run) []trace.Run {
	if d.group == 0 && cap(runs) == 0 && d.runs.runs != nil {
		return d.runs.runs
	}
	grown := make([]trace.Run, len(runs), 2*len(runs)+8)
	copy(grown, runs)
	if d.group == 0 {
		d.runs.runs = grown[:0]
	}
	return grown
}

func (d *decoder) findGroup() int {
	for i := range d.batch.Groups {
		if d.batch.Groups[i].App == d.app {
			return i
		}
	}
	d.batch.Groups = append(d.batch.Groups, Group{App: d.app})
	return len(d.batch.Groups) - 1
}

// rejectAll rejects the spans of a resource or scope that cannot be read, and
// counts them as one. What is no fault of theirs stays an error.
func (d *decoder) rejectAll(err error) error {
	var f fault
	if !errors.As(err, &f) {
		return err
	}
	d.span.reset()
	d.reject(err)
	return nil
}

func (d *decoder) reject(err error) {
	d.batch.Rejected++
	if len(d.batch.Messages) < maxMessages {
		what := "span "
		if d.logs {
			what = "log record "
		}
		d.batch.Messages = append(d.batch.Messages, what+nameOf(&d.span)+": "+err.Error())
	}
}
