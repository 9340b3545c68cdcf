package trace

import (
	"bytes"
	"strconv"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// treeErrorBytes is how much of an error's message a node of the tree shows.
const treeErrorBytes = 256

// TreeScanner makes the nodes of the run tree: what a picture of a trace needs
// to know of each run, without its payloads. The zero TreeScanner is ready; it
// is not safe for concurrent use.
type TreeScanner struct {
	in   jsonscan.Scanner // of the run
	part jsonscan.Scanner // of one value in it
	sub  jsonscan.Scanner // of one value in that

	raw                 [numFields][]byte
	nodeID              []byte
	depends, runDepends []byte
}

// AppendNode appends the node of one canonical run, one compact object:
//
//	id, parent_run_id, name, type, group, status ("running" while open),
//	start_time, end_time, duration_ms, model, node_id, prompt_tokens,
//	completion_tokens, total_tokens, total_cost_usd, cost_estimated, attempts,
//	depends, run_depends (lists of node ids), error
//
// Members that are null or empty are left out. The error is the first 256 bytes
// of the run's message, "" where it says none. It reads the run once.
func (t *TreeScanner) AppendNode(dst, run []byte) ([]byte, error) {
	if err := t.scan(run); err != nil {
		return dst, err
	}
	dst = append(dst, `{"id":`...)
	dst = append(dst, t.raw[fieldID]...)
	dst = t.member(dst, `,"parent_run_id":`, fieldParent)
	dst = t.member(dst, `,"name":`, fieldName)
	dst = t.member(dst, `,"type":`, fieldType)
	dst = t.member(dst, `,"group":`, fieldGroup)
	if present(t.raw[fieldStatus]) {
		dst = t.member(dst, `,"status":`, fieldStatus)
	} else {
		dst = append(dst, `,"status":"running"`...)
	}
	dst = t.member(dst, `,"start_time":`, fieldStart)
	dst = t.member(dst, `,"end_time":`, fieldEnd)
	dst = t.member(dst, `,"duration_ms":`, fieldDuration)
	dst = t.member(dst, `,"model":`, fieldModel)
	if jsonscan.KindOf(t.nodeID) == jsonscan.String {
		dst = append(append(dst, `,"node_id":`...), t.nodeID...)
	}
	dst, err := t.appendUsage(dst)
	if err == nil {
		dst, err = t.appendAttempts(dst)
	}
	if err == nil {
		dst, err = t.appendEdges(dst, `,"depends":[`, t.depends)
	}
	if err == nil {
		dst, err = t.appendEdges(dst, `,"run_depends":[`, t.runDepends)
	}
	if err == nil {
		dst, err = t.appendError(dst)
	}
	return append(dst, '}'), err
}

func present(raw []byte) bool { return jsonscan.KindOf(raw) > jsonscan.Null }

func (t *TreeScanner) member(dst []byte, name string, f field) []byte {
	if !present(t.raw[f]) {
		return dst
	}
	return append(append(dst, name...), t.raw[f]...)
}

// scan notes the members; those of metadata are read where they stand, as the
// prompt in it is the largest part of many runs.
func (t *TreeScanner) scan(run []byte) error {
	clear(t.raw[:])
	t.nodeID, t.depends, t.runDepends = nil, nil, nil
	s := &t.in
	s.Reset(run)
	if err := s.BeginObject(); err != nil {
		return err
	}
	for {
		name, more, err := s.Member()
		if err != nil || !more {
			return err
		}
		f := fieldOf(name[1 : len(name)-1])
		if f == fieldMetadata && s.Peek() == jsonscan.Object {
			if err := t.scanMetadata(s); err != nil {
				return err
			}
			continue
		}
		raw, err := s.Skip()
		if err != nil {
			return err
		}
		if f != fieldUnknown {
			t.raw[f] = raw
		}
	}
}

func (t *TreeScanner) scanMetadata(s *jsonscan.Scanner) error {
	if err := s.BeginObject(); err != nil {
		return err
	}
	for {
		name, more, err := s.Member()
		if err != nil || !more {
			return err
		}
		if string(name) == `"node"` && s.Peek() == jsonscan.Object {
			err = t.scanNode(s)
		} else {
			var raw []byte
			if raw, err = s.Skip(); string(name) == `"run_depends"` {
				t.runDepends = raw
			}
		}
		if err != nil {
			return err
		}
	}
}

func (t *TreeScanner) scanNode(s *jsonscan.Scanner) error {
	if err := s.BeginObject(); err != nil {
		return err
	}
	for {
		name, more, err := s.Member()
		if err != nil || !more {
			return err
		}
		raw, err := s.Skip()
		if err != nil {
			return err
		}
		switch string(name) {
		case `"id"`:
			t.nodeID = raw
		case `"depends"`:
			t.depends = raw
		}
	}
}

// appendUsage appends tokens and cost of the uniform usage.
func (t *TreeScanner) appendUsage(dst []byte) ([]byte, error) {
	if jsonscan.KindOf(t.raw[fieldUsage]) != jsonscan.Object {
		return dst, nil
	}
	err := t.part.EachMember(t.raw[fieldUsage], func(name, value []byte) error {
		var text string
		switch string(name) {
		case "prompt_tokens":
			text = `,"prompt_tokens":`
		case "completion_tokens":
			text = `,"completion_tokens":`
		case "total_tokens":
			text = `,"total_tokens":`
		case "total_tokens_cost_usd":
			text = `,"total_cost_usd":`
		case "cost_estimated":
			text = `,"cost_estimated":`
		}
		if text != "" && present(value) {
			dst = append(append(dst, text...), value...)
		}
		return nil
	})
	return dst, err
}

// appendAttempts appends how many executions the run had.
func (t *TreeScanner) appendAttempts(dst []byte) ([]byte, error) {
	if jsonscan.KindOf(t.raw[fieldExecutions]) != jsonscan.Array || len(t.raw[fieldExecutions]) == len("[]") {
		return dst, nil
	}
	n := 0
	err := t.part.EachElement(t.raw[fieldExecutions], func([]byte) error { n++; return nil })
	return strconv.AppendInt(append(dst, `,"attempts":`...), int64(n), 10), err
}

// appendEdges appends the ids of the nodes in a list of dependencies
// ({"node":{"id":…},"option":…,"condition":…}); what has another shape is left
// out.
func (t *TreeScanner) appendEdges(dst []byte, name string, list []byte) ([]byte, error) {
	if jsonscan.KindOf(list) != jsonscan.Array || len(list) == len("[]") {
		return dst, nil
	}
	before := len(dst)
	dst = append(dst, name...)
	empty := len(dst)
	err := t.part.EachElement(list, func(raw []byte) error {
		node, err := memberOf(&t.sub, raw, `"node"`)
		if err != nil || node == nil {
			return err
		}
		id, err := memberOf(&t.sub, node, `"id"`)
		if err != nil || jsonscan.KindOf(id) != jsonscan.String {
			return err
		}
		if len(dst) > empty {
			dst = append(dst, ',')
		}
		dst = append(dst, id...)
		return nil
	})
	if len(dst) == empty {
		return dst[:before], err
	}
	return append(dst, ']'), err
}

// appendError appends the start of the message of {"message":…}; of an error
// of another shape the start of its JSON.
func (t *TreeScanner) appendError(dst []byte) ([]byte, error) {
	raw := t.raw[fieldError]
	if !present(raw) {
		return dst, nil
	}
	dst = append(dst, `,"error":`...)
	if jsonscan.KindOf(raw) == jsonscan.Object {
		message, err := memberOf(&t.sub, raw, `"message"`)
		if err != nil {
			return dst, err
		}
		if message != nil {
			raw = message
		}
	}
	if jsonscan.KindOf(raw) == jsonscan.Null {
		return append(dst, `""`...), nil
	}
	return appendCut(dst, raw, treeErrorBytes), nil
}

// memberOf is the first member of an object by its raw name; nil where there
// is none, or raw is no object.
func memberOf(s *jsonscan.Scanner, raw []byte, name string) ([]byte, error) {
	if jsonscan.KindOf(raw) != jsonscan.Object {
		return nil, nil
	}
	s.Reset(raw)
	if err := s.BeginObject(); err != nil {
		return nil, err
	}
	for {
		got, more, err := s.Member()
		if err != nil || !more {
			return nil, err
		}
		value, err := s.Skip()
		if err != nil || bytes.Equal(got, []byte(name)) {
			return value, err
		}
	}
}

// Member is the value of a member of a canonical run or of a trace object, by
// its plain name; nil where there is none.
func Member(object []byte, name string) ([]byte, error) {
	var s jsonscan.Scanner
	return memberOf(&s, object, `"`+name+`"`)
}

// PreviewRun cuts input, output, error and metadata of a canonical run as
// Preview cuts those of a trace: each that is longer becomes a string of its
// first bytes, and a member <name>_truncated follows it. A preview of 0 cuts
// nothing.
func PreviewRun(run []byte, preview int) ([]byte, error) {
	if preview <= 0 || len(run) <= preview {
		return run, nil
	}
	var s jsonscan.Scanner
	s.Reset(run)
	if err := s.BeginObject(); err != nil {
		return nil, err
	}
	out, from := []byte(nil), 0
	for {
		name, more, err := s.Member()
		if err != nil {
			return nil, err
		}
		if !more {
			return append(out, run[from:]...), s.End()
		}
		raw, err := s.Skip()
		if err != nil {
			return nil, err
		}
		switch fieldOf(name[1 : len(name)-1]) {
		case fieldInput, fieldOutput, fieldMetadata, fieldError:
		default:
			continue
		}
		if !tooLong(raw, preview) {
			continue
		}
		out = append(out, run[from:s.Offset()-len(raw)]...)
		out = appendCut(out, raw, preview)
		out = append(out, `,"`...)
		out = append(out, name[1:len(name)-1]...)
		out = append(out, `_truncated":true`...)
		from = s.Offset()
	}
}

// PreviewWithRuns is Preview for a trace object with a member "runs", which are
// cut as PreviewRun cuts them.
func PreviewWithRuns(traceObject []byte, preview int) ([]byte, error) {
	obj, err := Preview(traceObject, preview)
	if err != nil || preview <= 0 {
		return obj, err
	}
	runs, err := Member(obj, "runs")
	if err != nil || runs == nil {
		return obj, err
	}
	// The member is the last of the object.
	at := bytes.LastIndexByte(obj, ']') + 1 - len(runs)
	out := append(make([]byte, 0, len(obj)), obj[:at]...)
	out = append(out, '[')
	var s jsonscan.Scanner
	err = s.EachElement(runs, func(raw []byte) error {
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		cut, err := PreviewRun(raw, preview)
		out = append(out, cut...)
		return err
	})
	return append(out, "]}"...), err
}
