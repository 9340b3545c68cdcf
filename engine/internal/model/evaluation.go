package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// ErrRefused: the trace has no run that an evaluation names.
var ErrRefused = errors.New("refused")

// Evaluation is a score of a trace as it was sent.
type Evaluation struct {
	ID      string
	Created Instant
	// Members is compact JSON by name; null for what was not sent. created_at
	// is not among them.
	Members map[string]string
}

// Evaluate stores the evaluations of a body {"evaluations":[…]}, all with an
// id, at the time now: all, or none with ErrNotFound or ErrRefused.
func (s *Store) Evaluate(app, id string, body []byte, now time.Time) error {
	t := s.apps[app][id]
	if t == nil {
		return ErrNotFound
	}
	var sent struct{ Evaluations []map[string]json.RawMessage }
	if err := json.Unmarshal(body, &sent); err != nil {
		return err
	}
	next := map[string]*Evaluation{}
	for k, e := range t.evaluations {
		next[k] = e
	}
	for _, m := range sent.Evaluations {
		e := &Evaluation{Members: map[string]string{}}
		for _, name := range []string{"id", "name", "value", "comment", "source", "run_id"} {
			if e.Members[name] = "null"; m[name] != nil {
				e.Members[name] = compact(m[name])
			}
		}
		if err := json.Unmarshal(m["id"], &e.ID); err != nil {
			return err
		}
		var run, created *string
		if json.Unmarshal([]byte(e.Members["run_id"]), &run) == nil && run != nil && t.runs[*run] == nil {
			return ErrRefused
		}
		_ = json.Unmarshal(m["created_at"], &created)
		switch old := next[e.ID]; {
		case created != nil:
			at, err := ParseInstant(*created)
			if err != nil {
				return err
			}
			e.Created = *at
		case old != nil: // the time of the one that it replaces stays
			e.Created = old.Created
		default:
			e.Created = Instant{NS: now.UnixMicro() * 1000, Digits: 6}
		}
		next[e.ID] = e
	}
	t.evaluations, t.derived = next, nil
	return nil
}

// listEvaluations puts them in the order of their time, then id.
func listEvaluations(byID map[string]*Evaluation) []*Evaluation {
	var out []*Evaluation
	for _, e := range byID {
		out = append(out, e)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Created.NS != out[j].Created.NS {
			return out[i].Created.NS < out[j].Created.NS
		}
		return out[i].ID < out[j].ID
	})
	return out
}

// evaluate makes a step that evaluates a trace that was begun.
func (g *generator) evaluate() Op {
	p := pickOne(g, g.plans)
	op := Op{Kind: OpEvaluate, App: p.app, TraceID: p.runs[0].id}
	if p.traceID != nil {
		op.TraceID = *p.traceID
	}
	var list []string
	for i := range 1 + g.rng.IntN(3) {
		// The ids of one body differ; those of several meet.
		e := fmt.Sprintf(`{"id":"e%d-%d","name":%s,"value":%s`, i, g.rng.IntN(3), Quote(pickOne(g, []string{"relevance", "ü \"q\"", "passed"})),
			pickOne(g, []string{"0.90", "-1e-7", "true", "false", `"good"`, `"\u00e9\n"`, "123456789012345678901234567890"}))
		if g.chance(50) {
			e += `,"comment":` + pickOne(g, []string{"null", `""`, `"because"`, `"` + strings.Repeat("long ü ", g.rng.IntN(2000)) + `"`})
		}
		if g.chance(30) {
			e += ` , "source" : "judge"`
		}
		if g.chance(40) {
			e += `,"run_id":` + Quote(pickOne(g, p.runs).id) // sent or not
		}
		if g.chance(40) {
			e += `,"created_at":` + g.time(g.start())
		}
		list = append(list, e+"}")
	}
	op.Body = []byte(`{"evaluations":[` + strings.Join(list, ",") + `]}`)
	return op
}
