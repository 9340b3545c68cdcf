package trace

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
)

// The bounds of evaluations. They are part of what an operation means, so they
// are no options.
const (
	// MaxEvaluations is how many evaluations a trace may have.
	MaxEvaluations = 1000
	// MaxEvaluationsBytes bounds the JSON of all evaluations of a trace.
	MaxEvaluationsBytes = 4 << 20
	// MaxEvaluationText bounds a text value, and a comment, in bytes of UTF-8.
	MaxEvaluationText = 64 << 10
	// MaxEvaluationNumber bounds the digits of a number.
	MaxEvaluationNumber = 64
)

// Evaluation is a score that somebody gave a trace, or one of its runs, from
// outside (contract §4): a judge model, a user, a test.
type Evaluation struct {
	ID, Name string
	// RunID is the run that was scored; "" = the trace as a whole.
	RunID string
	// CreatedAt is not valid where nobody said it yet.
	CreatedAt Time
	// JSON is the canonical form: one object of all members in the order id,
	// name, value, comment, source, run_id, created_at; null for a missing one.
	JSON []byte

	value, comment []byte // raw JSON, slices of JSON
	source         string
}

// FieldError says which member of an object cannot be, and what to send.
type FieldError struct{ Field, Text string }

// Error is the field and the text with a colon between.
func (e *FieldError) Error() string { return e.Field + ": " + e.Text }

// ErrSyntax is matched by the error of a text that is not JSON.
var ErrSyntax = jsonscan.ErrSyntax

var evaluationMembers = [...]string{"id", "name", "value", "comment", "source", "run_id", "created_at"}

const (
	evalID = iota
	evalName
	evalValue
	evalComment
	evalSource
	evalRunID
	evalCreatedAt
	numEval
)

// ParseEvaluation reads one evaluation as a client sends it, or in canonical
// form. Missing members and null are the same. The error is a *FieldError, or
// ErrSyntax where raw is no JSON. Nothing of raw is kept.
func ParseEvaluation(raw []byte) (Evaluation, error) {
	members, err := evaluationRaws(raw)
	if err != nil {
		return Evaluation{}, err
	}
	var e Evaluation
	if e.ID, err = shortText(members[:], evalID, MaxIDBytes); err != nil {
		return e, err
	}
	if e.Name, err = shortText(members[:], evalName, MaxIDBytes); err != nil {
		return e, err
	}
	if e.Name == "" {
		return e, &FieldError{"name", "must be a text of 1 to 256 bytes"}
	}
	if e.source, err = shortText(members[:], evalSource, MaxIDBytes); err != nil {
		return e, err
	}
	if e.RunID, err = shortText(members[:], evalRunID, MaxIDBytes); err != nil {
		return e, err
	}
	if t := members[evalCreatedAt]; t != nil {
		if jsonscan.KindOf(t) == jsonscan.String {
			e.CreatedAt, err = ParseTime(jsonscan.Unquote(nil, t))
		}
		if err != nil || !e.CreatedAt.Valid {
			return e, &FieldError{"created_at", "must be an RFC 3339 time, or null"}
		}
	}
	if e.value, err = evaluationValue(members[evalValue]); err != nil {
		return e, err
	}
	e.comment = members[evalComment]
	if c := e.comment; c != nil && (jsonscan.KindOf(c) != jsonscan.String || textLen(c) > MaxEvaluationText) {
		return e, &FieldError{"comment", fmt.Sprintf("must be a text of at most %d bytes, or null", MaxEvaluationText)}
	}
	e.render()
	return e, nil
}

// evaluationRaws gives the members by place; nil for a missing one or null.
func evaluationRaws(raw []byte) (out [numEval][]byte, err error) {
	var s jsonscan.Scanner
	s.Reset(raw)
	if s.Peek() != jsonscan.Object {
		if err := jsonscan.Valid(raw); err != nil {
			return out, err
		}
		return out, &FieldError{"evaluation", "must be an object with name and value"}
	}
	if err := s.BeginObject(); err != nil {
		return out, err
	}
	for {
		name, more, err := s.Member()
		if err != nil {
			return out, err
		}
		if !more {
			return out, s.End()
		}
		value, err := s.Skip()
		if err != nil {
			return out, err
		}
		text := string(jsonscan.Unquote(nil, name))
		at := slices.Index(evaluationMembers[:], text)
		if at < 0 {
			return out, &FieldError{cutName(text), "is not a member of an evaluation; send id, name, value, comment, source, run_id, created_at"}
		}
		if out[at] = value; jsonscan.KindOf(value) == jsonscan.Null {
			out[at] = nil
		}
	}
}

// cutName bounds the name of a member that an error repeats.
func cutName(s string) string {
	return s[:runeBoundary([]byte(s), 64)]
}

// shortText is a text that goes into an index or a table; "" where missing.
func shortText(members [][]byte, at, limit int) (string, error) {
	raw := members[at]
	if raw == nil {
		return "", nil
	}
	if jsonscan.KindOf(raw) == jsonscan.String {
		if text := jsonscan.Unquote(nil, raw); len(text) > 0 && len(text) <= limit {
			return string(text), nil
		}
	}
	text := fmt.Sprintf("must be a text of 1 to %d bytes", limit)
	if at != evalName {
		text += ", or null"
	}
	return "", &FieldError{evaluationMembers[at], text}
}

// evaluationValue checks the score itself.
func evaluationValue(raw []byte) ([]byte, error) {
	switch kind := jsonscan.KindOf(raw); {
	case kind == jsonscan.Bool:
		return raw, nil
	case kind == jsonscan.Number && len(raw) <= MaxEvaluationNumber:
		return raw, nil
	case kind == jsonscan.Number:
		return nil, &FieldError{"value", fmt.Sprintf("a number must have at most %d digits", MaxEvaluationNumber)}
	case kind == jsonscan.String && textLen(raw) <= MaxEvaluationText:
		return raw, nil
	case kind == jsonscan.String:
		return nil, &FieldError{"value", fmt.Sprintf("a text must have at most %d bytes; put longer ones into the comment or a link", MaxEvaluationText)}
	}
	return nil, &FieldError{"value", "must be a number, true, false, or a text"}
}

func textLen(raw []byte) int { return len(jsonscan.Unquote(nil, raw)) }

// render makes the canonical form.
func (e *Evaluation) render() {
	dst := append(make([]byte, 0, 192+len(e.value)+len(e.comment)), `{"id":`...)
	dst = appendTextOrNull(dst, e.ID)
	dst = append(dst, `,"name":`...)
	dst = jsonscan.AppendQuoted(dst, e.Name)
	dst = append(dst, `,"value":`...)
	from := len(dst)
	dst = append(dst, e.value...)
	value := dst[from:len(dst):len(dst)]
	dst = append(dst, `,"comment":`...)
	from = len(dst)
	dst = appendRaw(dst, e.comment)
	comment := dst[from:len(dst):len(dst)]
	dst = append(dst, `,"source":`...)
	dst = appendTextOrNull(dst, e.source)
	dst = append(dst, `,"run_id":`...)
	dst = appendTextOrNull(dst, e.RunID)
	dst = append(dst, `,"created_at":`...)
	dst = appendQuotedTime(dst, e.CreatedAt)
	e.JSON = append(dst, '}')
	e.value, e.comment = value, comment
}

// Complete gives an evaluation what its sender left out.
func (e *Evaluation) Complete(id string, created Time) {
	if e.ID == "" {
		e.ID = id
	}
	if !e.CreatedAt.Valid {
		e.CreatedAt = created
	}
	e.render()
}

// ParseEvaluations reads a JSON array of evaluations. The field of a
// *FieldError begins with evaluations[i].
func ParseEvaluations(list []byte) ([]Evaluation, error) {
	var s jsonscan.Scanner
	s.Reset(list)
	if s.Peek() != jsonscan.Array {
		return nil, &FieldError{"evaluations", "must be a list of evaluations"}
	}
	if err := s.BeginArray(); err != nil {
		return nil, err
	}
	var out []Evaluation
	for {
		more, err := s.Element()
		if err == nil && !more {
			return out, s.End()
		}
		var raw []byte
		if err == nil {
			raw, err = s.Skip()
		}
		if err != nil {
			return nil, err
		}
		if len(out) == MaxEvaluations {
			return nil, &FieldError{"evaluations", fmt.Sprintf("at most %d at once", MaxEvaluations)}
		}
		e, err := ParseEvaluation(raw)
		if fe, ok := err.(*FieldError); ok { //nolint:errorlint // made just above
			if fe.Field == "evaluation" {
				return nil, &FieldError{fmt.Sprintf("evaluations[%d]", len(out)), fe.Text}
			}
			return nil, &FieldError{fmt.Sprintf("evaluations[%d].%s", len(out), fe.Field), fe.Text}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
}

// AppendEvaluations appends the JSON array of evaluations in canonical form.
func AppendEvaluations(dst []byte, list []Evaluation) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, list[i].JSON...)
	}
	return append(dst, ']')
}

// MergeEvaluations puts received evaluations over stored ones by id, and gives
// all of them in the order of created_at, then id. A received one without
// created_at takes that of the one it replaces, else created; received is
// changed to what is stored then.
func MergeEvaluations(stored, received []Evaluation, created Time) []Evaluation {
	all := slices.Clone(stored)
	byID := make(map[string]int, len(all)+len(received))
	for i := range all {
		byID[all[i].ID] = i
	}
	for i := range received {
		r := &received[i]
		at, known := byID[r.ID]
		if !known {
			r.Complete("", created)
			byID[r.ID] = len(all)
			all = append(all, *r)
			continue
		}
		r.Complete("", all[at].CreatedAt)
		all[at] = *r
	}
	slices.SortFunc(all, func(a, b Evaluation) int {
		if c := cmp.Compare(a.CreatedAt.NS, b.CreatedAt.NS); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return all
}

const evaluationsMember = `,"evaluations":`

// InsertEvaluations puts a JSON array into a trace object without its closing
// brace, in front of the members that end it, and says where the member is:
// traceObject[at:at+length] is the member with its leading comma.
func InsertEvaluations(traceObject, list []byte) (out []byte, at, length int) {
	at = staleAt(traceObject)
	if at < 0 {
		panic("trace: not a trace object") // made by AppendTrace
	}
	length = len(evaluationsMember) + len(list)
	traceObject = slices.Grow(traceObject, length)
	out = traceObject[:len(traceObject)+length]
	copy(out[at+length:], traceObject[at:])
	copy(out[at:], evaluationsMember)
	copy(out[at+len(evaluationsMember):], list)
	return out, at, length
}

// EvaluationsOf is the JSON array in a member that InsertEvaluations made; ok
// is false for other bytes.
func EvaluationsOf(member []byte) (list []byte, ok bool) {
	n := len(evaluationsMember)
	if len(member) < n+2 || string(member[:n]) != evaluationsMember {
		return nil, false
	}
	return member[n:], true
}

// ParseEvaluationBody reads what a client posts: one evaluation, which single
// says, or {"evaluations":[…]} with at least one. Errors are those of
// ParseEvaluation and ParseEvaluations.
func ParseEvaluationBody(body []byte) (list []Evaluation, single bool, err error) {
	raw, err := Member(body, "evaluations")
	if err != nil {
		return nil, false, err
	}
	if raw == nil {
		e, err := ParseEvaluation(body)
		return []Evaluation{e}, true, err
	}
	var s jsonscan.Scanner
	s.Reset(body)
	if err := s.BeginObject(); err != nil {
		return nil, false, err
	}
	for {
		name, more, err := s.Member()
		if err != nil {
			return nil, false, err
		}
		if !more {
			break
		}
		if text := string(jsonscan.Unquote(nil, name)); text != "evaluations" {
			return nil, false, &FieldError{cutName(text), "cannot stand beside evaluations"}
		}
		if raw, err = s.Skip(); err != nil {
			return nil, false, err
		}
	}
	if err := s.End(); err != nil {
		return nil, false, err
	}
	if list, err = ParseEvaluations(raw); err == nil && len(list) == 0 {
		err = &FieldError{"evaluations", "must hold at least one evaluation"}
	}
	return list, false, err
}
