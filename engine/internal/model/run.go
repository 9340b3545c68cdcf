package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"
)

// Instant is a time in ns since the epoch and the number of digits of its
// fraction as it was sent.
type Instant struct {
	NS     int64
	Digits int
}

// Usage is what one run consumed, costs in pico-USD, nil = unknown.
type Usage struct {
	Prompt, Completion, Total             int64
	PromptCost, CompletionCost, TotalCost *big.Int
}

// Run is one run as sent, with what the wire facts read out of it.
type Run struct {
	ID, TraceID string
	Parent      *string
	Name        *string
	Type        string
	Status      string // "" = open
	Start       Instant
	End         *Instant
	Group       string
	Model       *string
	Usage       *Usage
	Session     *string
	Source      *string
	User        *string
	Version     *string
	Environment *string
	Tags        []string
	// Members is the run as it came: compact JSON text by top-level name;
	// times as text of their instant, trace_id the effective one.
	Members map[string]string
}

// Finished reports whether the run has one of the four end states.
func (r *Run) Finished() bool { return r.Status != "" }

// EffectiveEnd is the end a trace is derived with: no end, or one before the
// start (a clock that jumped), counts as the start.
func (r *Run) EffectiveEnd() Instant {
	if r.End == nil || r.End.NS < r.Start.NS {
		return r.Start
	}
	return *r.End
}

// DurationUS is the whole microseconds of a finished run; nil while open.
func (r *Run) DurationUS() *int64 {
	if !r.Finished() {
		return nil
	}
	us := (r.EffectiveEnd().NS - r.Start.NS) / 1000
	return &us
}

// mergeEnd is the end that decides between two finished copies: as sent,
// the start where a finished run carries none.
func (r *Run) mergeEnd() int64 {
	if r.End == nil {
		return r.Start.NS
	}
	return r.End.NS
}

// Wins reports whether the copy r, received after old, takes its place:
// finished beats open, then the later end, then the later received.
func (r *Run) Wins(old *Run) bool {
	if r.Finished() != old.Finished() {
		return r.Finished()
	}
	if !r.Finished() {
		return true
	}
	return r.mergeEnd() >= old.mergeEnd()
}

// Same reports whether two copies say the same.
func (r *Run) Same(old *Run) bool {
	if len(r.Members) != len(old.Members) {
		return false
	}
	for k, v := range r.Members {
		if w, ok := old.Members[k]; !ok || w != v {
			return false
		}
	}
	return true
}

// runMembers are the members a run always has, with what stands for a
// missing one.
var runMembers = map[string]string{
	"id": "null", "name": "null", "type": "null", "trace_id": "null", "source_id": "null",
	"session_id": "null", "start_time": "null", "end_time": "null", "parent_run_id": "null",
	"status": "null", "input": "null", "output": "null", "metadata": "{}", "error": "null",
	"executions": "[]", "tags": "[]",
}

// uniform are the members that the store sets itself on every run.
var uniform = []string{"group", "model", "usage", "duration_ms"}

// parseRun reads one run of a body; the error is why it is rejected.
func parseRun(raw json.RawMessage) (*Run, error) {
	m, err := object(raw)
	if err != nil {
		return nil, errors.New("a run must be an object")
	}
	r := &Run{Members: map[string]string{}}
	for k, v := range m {
		r.Members[k] = compact(v)
	}
	for _, k := range uniform {
		delete(r.Members, k)
	}
	for k, v := range runMembers {
		if _, ok := r.Members[k]; !ok {
			r.Members[k] = v
		}
	}
	steps := []func(*Run, map[string]json.RawMessage) error{parseIdentity, parseState, parseMetadata}
	for _, step := range steps {
		if err := step(r, m); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func parseIdentity(r *Run, m map[string]json.RawMessage) error {
	id, err := text(m["id"])
	if err != nil || id == nil || !goodID(*id) {
		return errors.New("id")
	}
	r.ID = *id
	traceID, err := text(m["trace_id"])
	if err != nil || traceID != nil && !goodID(*traceID) {
		return errors.New("trace_id")
	}
	if traceID != nil {
		r.TraceID = *traceID
	}
	for name, dst := range map[string]**string{
		"parent_run_id": &r.Parent, "name": &r.Name, "source_id": &r.Source, "session_id": &r.Session,
	} {
		if *dst, err = text(m[name]); err != nil {
			return errors.New(name)
		}
	}
	typ, err := text(m["type"])
	if err != nil || typ == nil || !strings.Contains(" workflow flow node ", " "+*typ+" ") {
		return errors.New("type")
	}
	r.Type = *typ
	if !isNull(m["tags"]) {
		if err := json.Unmarshal(m["tags"], &r.Tags); err != nil {
			return errors.New("tags")
		}
	}
	return nil
}

func parseState(r *Run, m map[string]json.RawMessage) error {
	status, err := text(m["status"])
	if err != nil {
		return errors.New("status")
	}
	if status != nil && *status != "running" {
		r.Status = *status
		if !strings.Contains(" succeeded failed skipped canceled ", " "+*status+" ") {
			return errors.New("status")
		}
	}
	start, err := instant(m["start_time"])
	if err != nil || start == nil {
		return errors.New("start_time")
	}
	r.Start = *start
	r.Members["start_time"] = start.key()
	if r.End, err = instant(m["end_time"]); err != nil {
		return errors.New("end_time")
	}
	if r.End != nil {
		r.Members["end_time"] = r.End.key()
	}
	if in, err := object(m["input"]); err == nil {
		r.User, _ = text(in["user_id"])
	}
	return nil
}

func parseMetadata(r *Run, m map[string]json.RawMessage) error {
	if isNull(m["metadata"]) {
		return nil
	}
	meta, err := object(m["metadata"])
	if err != nil {
		return errors.New("metadata")
	}
	r.Environment, _ = text(meta["environment"])
	if wf, err := object(meta["workflow"]); err == nil {
		if r.Version, err = text(wf["version"]); err != nil {
			var n json.Number
			if json.Unmarshal(wf["version"], &n) == nil {
				s := n.String()
				r.Version = &s
			}
		}
	}
	node, _ := object(meta["node"]) // anything else is as good as none
	if g, err := text(node["group"]); err == nil && g != nil {
		r.Group = *g
	}
	if r.Group == "llms" || r.Group == "embedders" {
		r.Model, _ = text(node["model"])
	}
	if r.Group != "llms" {
		return nil // metadata of a handler can plant a usage on any run
	}
	if usage, err := object(meta["usage"]); err == nil {
		r.Usage, err = parseUsage(usage)
		return err
	}
	return nil
}

func parseUsage(m map[string]json.RawMessage) (*Usage, error) {
	u := &Usage{}
	var err error
	total := false
	for name, dst := range map[string]*int64{
		"prompt_tokens": &u.Prompt, "completion_tokens": &u.Completion, "total_tokens": &u.Total,
	} {
		if isNull(m[name]) {
			continue
		}
		total = total || name == "total_tokens"
		if *dst, err = tokens(compact(m[name])); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !total {
		u.Total = u.Prompt + u.Completion
	}
	for name, dst := range map[string]**big.Int{
		"prompt_tokens_cost_usd":     &u.PromptCost,
		"completion_tokens_cost_usd": &u.CompletionCost,
		"total_tokens_cost_usd":      &u.TotalCost,
	} {
		if isNull(m[name]) {
			continue
		}
		if *dst, err = Pico(compact(m[name])); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if u.TotalCost == nil && u.PromptCost != nil && u.CompletionCost != nil {
		u.TotalCost = addCost(u.PromptCost, u.CompletionCost)
	}
	return u, nil
}

func goodID(s string) bool { return len(s) >= 1 && len(s) <= 256 && utf8.ValidString(s) }

// key names the instant with its digits, for comparing copies.
func (t Instant) key() string { return fmt.Sprintf("%d/%d", t.NS, t.Digits) }

// instant reads an RFC 3339 time from 1970 to 9999; nil for null.
func instant(raw json.RawMessage) (*Instant, error) {
	s, err := text(raw)
	if err != nil || s == nil {
		return nil, err
	}
	return ParseInstant(*s)
}

// ParseInstant reads an RFC 3339 time from 1970 on.
func ParseInstant(s string) (*Instant, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, err
	}
	if t.Year() > 2261 || t.Unix() < 0 {
		return nil, fmt.Errorf("%s is outside the range of this model", s)
	}
	digits := 0
	if _, frac, ok := strings.Cut(s, "."); ok {
		digits = min(9, len(frac)-len(strings.TrimLeft(frac, "0123456789")))
	}
	return &Instant{NS: t.UnixNano(), Digits: digits}, nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// object splits a JSON object into its members; anything else is an error.
func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	if t := bytes.TrimSpace(raw); len(t) == 0 || t[0] != '{' {
		return nil, errors.New("not an object")
	}
	var m map[string]json.RawMessage
	err := json.Unmarshal(raw, &m)
	return m, err
}

// text reads a JSON string; nil for null or absent.
func text(raw json.RawMessage) (*string, error) {
	if isNull(raw) {
		return nil, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	return &s, nil
}

// compact is the JSON text without insignificant white space.
func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return string(raw)
	}
	return b.String()
}

// Costs are the prompt, completion and total cost in pico-USD.
func (u *Usage) Costs() [3]*big.Int {
	return [3]*big.Int{u.PromptCost, u.CompletionCost, u.TotalCost}
}
