package model

import (
	"encoding/json"
	"slices"
	"time"
)

// Trace is a trace with every field of the contract §3.
type Trace struct {
	App, ID string
	Name    *string
	Status  string // succeeded, failed, canceled, running
	Start   Instant
	// StartDigits are the digits that Start may be printed with: those of
	// each root that starts then.
	StartDigits map[int]bool
	// End and DurationUS are nil while the trace runs.
	End        *Instant
	EndDigits  map[int]bool
	DurationUS *int64
	Input      string // compact JSON
	// Outputs holds the output of each root that ended last: the law does not
	// say which of two that end at the same time is taken.
	Outputs     map[string]bool
	Error       *string
	Usage       Usage
	Unpriced    int
	RunCount    int
	Session     *string
	User        *string
	Source      *string
	Tags        []string
	Metadata    map[string]string // compact JSON by name, without the SDK's own
	Version     *string
	Environment *string
	Models      []string
	Stale       bool
	Updated     time.Time
	Promoted    bool

	Roots, Orphans int
	OpenRoot       bool

	Evaluations []*Evaluation // by time, then id
}

// StartUS is the start in whole µs since the epoch: what windows and charts
// go by.
func (t *Trace) StartUS() int64 { return t.Start.NS / 1000 }

// sdkMetadata are the members of metadata that the SDK writes for itself.
var sdkMetadata = []string{"workflow", "flow", "node", "run_depends", "usage", "failed_nodes",
	"is_output_from_cache", "skip", "human_feedback", "tool_data"}

// derive makes the trace of the runs, wire facts §6 sentence by sentence.
func derive(app, id string, st *state) *Trace {
	t := &Trace{App: app, ID: id, RunCount: len(st.runs), Updated: st.updated, Promoted: st.promoted}
	all := inOrder(st.runs)
	parents := parentsOf(all, st.runs)
	var roots, orphans []*Run
	for _, r := range all {
		switch parents[r] {
		case isRoot:
			roots = append(roots, r)
		case isOrphan:
			orphans = append(orphans, r)
		}
	}
	t.Roots, t.Orphans = len(roots), len(orphans)
	waiting := len(orphans) > 0 && !st.promoted
	if st.promoted {
		roots = pick(all, func(r *Run) bool { return parents[r] == isRoot || parents[r] == isOrphan })
	}
	for _, r := range roots {
		t.OpenRoot = t.OpenRoot || !r.Finished()
	}
	if len(roots) == 0 {
		roots = orphans // they stand in until their parents come
	}
	t.Status = status(roots, waiting)
	times(t, roots)
	content(t, roots)
	labels(t, roots)
	t.Error = failure(roots, all, parents)
	usage(t, all, parents)
	for _, r := range all {
		if r.Model != nil && !slices.Contains(t.Models, *r.Model) {
			t.Models = append(t.Models, *r.Model)
		}
	}
	return t
}

// Marks in place of a parent.
var isRoot, isOrphan = &Run{}, &Run{}

// parentsOf gives every run its parent, isRoot or isOrphan. Runs whose parents
// go in a circle are reached from no root: the earliest of the circle is
// taken for an orphan, which opens it.
func parentsOf(all []*Run, byID map[string]*Run) map[*Run]*Run {
	up := map[*Run]*Run{}
	for _, r := range all {
		switch {
		case r.Parent == nil || *r.Parent == r.ID:
			up[r] = isRoot
		case byID[*r.Parent] == nil:
			up[r] = isOrphan
		default:
			up[r] = byID[*r.Parent]
		}
	}
	for _, r := range all { // the earliest first, so it is the one to be cut
		at := up[r]
		for steps := 0; steps < len(all) && at != isRoot && at != isOrphan && at != r; steps++ {
			at = up[at]
		}
		if at == r {
			up[r] = isOrphan
		}
	}
	return up
}

func status(roots []*Run, waiting bool) string {
	has := map[string]bool{}
	for _, r := range roots {
		has[r.Status] = true
	}
	switch {
	case waiting || has[""]:
		return "running"
	case has["failed"]:
		return "failed"
	case has["canceled"]:
		return "canceled"
	}
	return "succeeded"
}

// times sets start, end and the length of the union of the root intervals.
func times(t *Trace, roots []*Run) {
	t.Start = roots[0].Start
	t.StartDigits = map[int]bool{}
	for _, r := range roots {
		if r.Start.NS == t.Start.NS {
			t.StartDigits[r.Start.Digits] = true
		}
	}
	if t.Status == "running" {
		return
	}
	end, union, covered := roots[0].EffectiveEnd(), int64(0), roots[0].Start.NS
	for _, r := range roots { // in order of start
		e := r.EffectiveEnd()
		if e.NS > end.NS {
			end = e
		}
		if from := max(covered, r.Start.NS); e.NS > from {
			union += e.NS - from
			covered = e.NS
		}
	}
	t.EndDigits = map[int]bool{}
	for _, r := range roots {
		if e := r.EffectiveEnd(); e.NS == end.NS {
			t.EndDigits[e.Digits] = true
		}
	}
	us := union / 1000
	t.End, t.DurationUS = &end, &us
}

// content sets input (earliest root), output (root that ended last; while one
// is open, the last of those that ended) and name.
func content(t *Trace, roots []*Run) {
	t.Name = roots[0].Name
	t.Input = roots[0].Members["input"]
	t.Outputs = map[string]bool{"null": true}
	last := int64(-1)
	for _, r := range roots {
		if !r.Finished() {
			continue
		}
		if e := r.EffectiveEnd().NS; e > last {
			last, t.Outputs = e, map[string]bool{}
		}
		if r.EffectiveEnd().NS == last {
			t.Outputs[r.Members["output"]] = true
		}
	}
}

// labels sets session, source, user, version and environment from the first
// root that has one, tags from all roots, metadata from the earliest.
func labels(t *Trace, roots []*Run) {
	first := func(dst **string, of func(*Run) *string) {
		for _, r := range roots {
			if *dst == nil {
				*dst = of(r)
			}
		}
	}
	first(&t.Session, func(r *Run) *string { return r.Session })
	first(&t.Source, func(r *Run) *string { return r.Source })
	first(&t.User, func(r *Run) *string { return r.User })
	first(&t.Version, func(r *Run) *string { return r.Version })
	first(&t.Environment, func(r *Run) *string { return r.Environment })
	for _, r := range roots {
		for _, tag := range r.Tags {
			if !slices.Contains(t.Tags, tag) {
				t.Tags = append(t.Tags, tag)
			}
		}
	}
	t.Metadata = map[string]string{}
	if m, err := object(json.RawMessage(roots[0].Members["metadata"])); err == nil {
		for k, v := range m {
			if !slices.Contains(sdkMetadata, k) {
				t.Metadata[k] = compact(v)
			}
		}
	}
}

// failure is the error of the earliest failed root: what its first failed
// node said, else what it said itself, else its first failed descendant. An
// empty message (a timeout has one) says nothing, so the next is asked; the
// law does not say.
func failure(roots, all []*Run, parents map[*Run]*Run) *string {
	failed := pick(roots, func(r *Run) bool { return r.Status == "failed" })
	if len(failed) == 0 {
		return nil
	}
	root := failed[0]
	meta, _ := object(json.RawMessage(root.Members["metadata"]))
	var nodes []json.RawMessage
	if json.Unmarshal(meta["failed_nodes"], &nodes) == nil && len(nodes) > 0 {
		node, _ := object(nodes[0])
		if s, _ := text(node["error_message"]); s != nil && *s != "" {
			return s
		}
	}
	if s := message(root); s != nil {
		return s
	}
	for _, r := range all {
		if r.Status != "failed" {
			continue
		}
		for at := parents[r]; at != isRoot && at != isOrphan; at = parents[at] {
			if s := message(r); at == root && s != nil {
				return s
			}
		}
	}
	return nil
}

// message is error.message of a run, nil when there is none or it is "".
func message(r *Run) *string {
	e, err := object(json.RawMessage(r.Members["error"]))
	if err != nil {
		return nil
	}
	if s, _ := text(e["message"]); s != nil && *s != "" {
		return s
	}
	return nil
}

// usage sums the runs that report usage and have no descendant that does.
func usage(t *Trace, all []*Run, parents map[*Run]*Run) {
	below := map[*Run]bool{}
	for _, r := range all {
		if r.Usage == nil {
			continue
		}
		for at := parents[r]; at != isRoot && at != isOrphan; at = parents[at] {
			below[at] = true
		}
	}
	for _, r := range all {
		if r.Usage == nil || below[r] {
			continue
		}
		t.Usage.Prompt += r.Usage.Prompt
		t.Usage.Completion += r.Usage.Completion
		t.Usage.Total += r.Usage.Total
		t.Usage.PromptCost = addCost(t.Usage.PromptCost, r.Usage.PromptCost)
		t.Usage.CompletionCost = addCost(t.Usage.CompletionCost, r.Usage.CompletionCost)
		t.Usage.TotalCost = addCost(t.Usage.TotalCost, r.Usage.TotalCost)
		if r.Usage.TotalCost == nil {
			t.Unpriced++
		}
	}
}

func pick(runs []*Run, ok func(*Run) bool) (out []*Run) {
	for _, r := range runs {
		if ok(r) {
			out = append(out, r)
		}
	}
	return out
}
