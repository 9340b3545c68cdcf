package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// sdkTime is how the SDK prints a time: an offset, never Z, six digits.
const sdkTime = "2006-01-02T15:04:05.000000-07:00"

// The states of a run as the SDK sends them; "" is an open run (null).
const (
	succeeded = "succeeded"
	failed    = "failed"
	skipped   = "skipped"
	canceled  = "canceled"
)

// run is one run in the member order of the SDK.
type run struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	TraceID    string         `json:"trace_id"`
	SourceID   string         `json:"source_id"`
	SessionID  string         `json:"session_id"`
	StartTime  string         `json:"start_time"`
	EndTime    *string        `json:"end_time"`
	ParentID   *string        `json:"parent_run_id"`
	Status     *string        `json:"status"`
	Input      any            `json:"input"`
	Output     any            `json:"output"`
	Metadata   map[string]any `json:"metadata"`
	Error      any            `json:"error"`
	Executions []execution    `json:"executions"`
	Tags       []string       `json:"tags"`

	start, end time.Time
	state      string
	node       *node
}

// execution is one attempt of a node.
type execution struct {
	ID        string         `json:"id"`
	StartTime string         `json:"start_time"`
	EndTime   *string        `json:"end_time"`
	Status    *string        `json:"status"`
	Input     any            `json:"input"`
	Output    any            `json:"output"`
	Error     any            `json:"error"`
	Metadata  map[string]any `json:"metadata"`

	end time.Time
}

// tracer records one trace, as a tracing handler of the SDK does. Its clock
// is simulated: recording a run moves nothing but the run's own times.
type tracer struct {
	rng       *rand.Rand
	traceID   string
	sourceID  string
	sessionID string
	extra     map[string]any // merged into the metadata of every run
	tags      []string
	runs      []*run
}

// uuid makes a random (version 4) UUID from the generator's own source.
func uuid(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

// open records the start of a run under parent (nil for a root).
func (t *tracer) open(kind, name string, parent *run, at time.Time, input any) *run {
	r := &run{
		ID: uuid(t.rng), Name: name, Type: kind, TraceID: t.traceID, SourceID: t.sourceID,
		SessionID: t.sessionID, Input: input, Metadata: map[string]any{}, Executions: []execution{},
		Tags: t.tags, start: at,
	}
	if parent != nil {
		r.ParentID = &parent.ID
	}
	t.runs = append(t.runs, r)
	return r
}

// openNode records the start of a node; after is the run that it depends on.
func (t *tracer) openNode(n *node, parent *run, at time.Time, input any, after *run) *run {
	r := t.open("node", n.Name, parent, at, input)
	r.node = n
	r.Metadata["node"] = n.config()
	deps := []any{}
	if after != nil && after.node != nil {
		deps = append(deps, map[string]any{
			"node":   map[string]any{"id": after.node.ID, "name": after.node.Name, "type": after.node.Type},
			"option": nil, "condition": nil,
		})
	}
	r.Metadata["run_depends"] = deps
	return r
}

// attempt adds one attempt of a node's execution.
func (t *tracer) attempt(r *run, from, to time.Time, status, message string) {
	e := execution{ID: uuid(t.rng), StartTime: from.Format(sdkTime), Status: &status, Metadata: map[string]any{}, end: to}
	if status == failed {
		e.Error = failure(message)
	}
	r.Executions = append(r.Executions, e)
}

// succeed ends a run well; a node without attempts gets one.
func (t *tracer) succeed(r *run, at time.Time, output any) time.Time {
	r.end, r.state, r.Output = at, succeeded, output
	if r.node != nil {
		r.Metadata["is_output_from_cache"] = false
		t.attempt(r, lastAttempt(r), at.Add(-80*time.Microsecond), succeeded, "")
	}
	return at
}

// fromCache ends a node whose output was cached: no attempt, no usage.
func (t *tracer) fromCache(r *run, at time.Time, output any) time.Time {
	r.end, r.state, r.Output = at, succeeded, output
	r.Metadata["is_output_from_cache"] = true
	return at
}

// fail ends a run with an error.
func (t *tracer) fail(r *run, at time.Time, message string) time.Time {
	r.end, r.state, r.Error = at, failed, failure(message)
	if r.node != nil {
		t.attempt(r, lastAttempt(r), at.Add(-60*time.Microsecond), failed, message)
	}
	return at
}

// skip records a node that did not run, because of the node dep.
func (t *tracer) skip(n *node, parent *run, at time.Time, input any, dep *run, option string) {
	r := t.openNode(n, parent, at, input, dep)
	r.end, r.state = at, skipped
	because := map[string]any{"node": map[string]any{"id": dep.node.ID, "name": dep.node.Name, "type": dep.node.Type}, "option": nil, "condition": nil}
	if option != "" {
		because["option"] = option
	}
	r.Metadata["skip"] = map[string]any{"failed_dependency": because}
}

// lastAttempt is when the next attempt of r starts.
func lastAttempt(r *run) time.Time {
	if n := len(r.Executions); n > 0 {
		return r.Executions[n-1].end.Add(time.Second)
	}
	return r.start.Add(120 * time.Microsecond)
}

func failure(message string) map[string]any {
	return map[string]any{"message": message, "traceback": "Traceback (most recent call last):\n  File \"/app/worker.py\", line 118, in execute\n    result = self.execute(input_data, config=config)\n" + message + "\n"}
}

// cut stops the trace at an instant: runs that started later are dropped, runs
// that had not ended get the given state ("" leaves them open, as in a process
// that is still at work).
func (t *tracer) cut(at time.Time, state string) {
	kept := t.runs[:0]
	for _, r := range t.runs {
		if r.start.After(at) {
			continue
		}
		if r.end.After(at) {
			r.state, r.Output, r.Error = state, nil, nil
			for _, k := range []string{"usage", "failed_nodes", "is_output_from_cache"} {
				delete(r.Metadata, k)
			}
			r.end = at
			if state == canceled {
				r.Error = map[string]any{"message": "Execution was canceled"}
			}
			r.stopAttempts(at)
		}
		kept = append(kept, r)
	}
	t.runs = kept
}

// stopAttempts drops attempts after an instant and leaves the one under way open.
func (r *run) stopAttempts(at time.Time) {
	for i := range r.Executions {
		e := &r.Executions[i]
		if e.end.After(at) {
			e.end, e.Status, e.Error = time.Time{}, nil, nil
			r.Executions = r.Executions[:i+1]
			return
		}
	}
}

// appendRuns appends the recorded runs as comma-separated JSON objects.
func (t *tracer) appendRuns(dst []byte) ([]byte, error) {
	for i, r := range t.runs {
		r.finish(t.extra)
		b, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("demo run %q: %w", r.Name, err)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b...)
	}
	return dst, nil
}

// finish turns the simulated times and state into what the SDK prints.
func (r *run) finish(extra map[string]any) {
	r.StartTime = r.start.Format(sdkTime)
	if r.state != "" {
		end := r.end.Format(sdkTime)
		r.EndTime, r.Status = &end, &r.state
	}
	for k, v := range extra {
		r.Metadata[k] = v
	}
	for i := range r.Executions {
		if e := &r.Executions[i]; !e.end.IsZero() {
			s := e.end.Format(sdkTime)
			e.EndTime = &s
		}
	}
}
