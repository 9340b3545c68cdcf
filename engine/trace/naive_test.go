package trace

import (
	"encoding/json"
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

// naive derives a trace in the slow and obvious way: recursion, maps, decoded
// JSON and big numbers. It shares nothing with Derive but the types.
type naive struct {
	byID     map[string]*Run
	children map[string][]*Run
	roots    []*Run
	orphans  []*Run
}

func earlier(a, b *Run) bool {
	return a.Start.NS < b.Start.NS || a.Start.NS == b.Start.NS && a.ID < b.ID
}

func newNaive(runs []Run, promoted bool) *naive {
	n := &naive{byID: map[string]*Run{}, children: map[string][]*Run{}}
	for i := range runs {
		n.byID[runs[i].ID] = &runs[i]
	}
	parent := map[string]*Run{}
	for _, r := range n.byID {
		if r.ParentID != r.ID {
			parent[r.ID] = n.byID[r.ParentID] // nil where missing
		}
	}
	cut := map[string]bool{}
	for id := range n.byID {
		if cycle := naiveCycle(id, parent); cycle != nil {
			sort.Slice(cycle, func(i, j int) bool {
				if cycle[i].ParentRemote != cycle[j].ParentRemote {
					return cycle[i].ParentRemote
				}
				return earlier(cycle[i], cycle[j])
			})
			cut[cycle[0].ID] = true
		}
	}
	for id := range cut {
		parent[id] = nil
	}
	for id, r := range n.byID {
		if p := parent[id]; p != nil {
			n.children[p.ID] = append(n.children[p.ID], r)
		}
		switch {
		case r.ParentID == "" || r.ParentID == id || r.ParentRemote:
			n.roots = append(n.roots, r)
		case parent[id] == nil:
			n.orphans = append(n.orphans, r)
		}
	}
	if promoted || len(n.roots) == 0 {
		n.roots = append(n.roots, n.orphans...)
	}
	sort.Slice(n.roots, func(i, j int) bool { return earlier(n.roots[i], n.roots[j]) })
	return n
}

// naiveCycle lists the cycle that id stands on, nil if none.
func naiveCycle(id string, parent map[string]*Run) (cycle []*Run) {
	seen := map[string]bool{}
	for p := parent[id]; p != nil && !seen[p.ID]; p = parent[p.ID] {
		seen[p.ID] = true
		cycle = append(cycle, p)
		if p.ID == id {
			return cycle
		}
	}
	return nil
}

func (n *naive) descendants(r *Run) (all []*Run) {
	for _, c := range n.children[r.ID] {
		all = append(append(all, c), n.descendants(c)...)
	}
	sort.Slice(all, func(i, j int) bool { return earlier(all[i], all[j]) })
	return all
}

func naiveEnd(r *Run) (int64, Time) {
	if r.End.Valid && r.End.NS >= r.Start.NS {
		return r.End.NS, r.End
	}
	return r.Start.NS, r.Start
}

func naiveTime(t Time) any {
	if !t.Valid {
		return nil
	}
	s := time.Unix(t.NS/1e9, t.NS%1e9).UTC().Format("2006-01-02T15:04:05.000000000")
	for n := 9; n > int(t.Digits) && strings.HasSuffix(s, "0"); n-- {
		s = s[:len(s)-1]
	}
	return strings.TrimSuffix(s, ".") + "Z"
}

// naiveStatus is one of the four words.
func (n *naive) status(orphansCount bool) string {
	has := map[RunStatus]bool{}
	for _, r := range n.roots {
		has[r.Status] = true
	}
	switch {
	case has[RunOpen] || orphansCount && len(n.orphans) > 0:
		return "running"
	case has[RunFailed]:
		return "failed"
	case has[RunCanceled]:
		return "canceled"
	}
	return "succeeded"
}

// busy counts the nanoseconds that some root covers, between all edges.
func (n *naive) busy() (ns int64) {
	var edges []int64
	for _, r := range n.roots {
		end, _ := naiveEnd(r)
		edges = append(edges, r.Start.NS, end)
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		for _, r := range n.roots {
			if end, _ := naiveEnd(r); r.Start.NS <= edges[i-1] && end >= edges[i] {
				ns += edges[i] - edges[i-1]
				break
			}
		}
	}
	return ns
}

func (n *naive) usage() map[string]any {
	sum := map[string]*big.Int{}
	add := func(k string, v *big.Int) {
		if sum[k] == nil {
			sum[k] = new(big.Int)
		}
		sum[k].Add(sum[k], v)
	}
	pico := func(m *rollup.Money) *big.Int {
		v := new(big.Int).Lsh(new(big.Int).SetUint64(m.Hi), 64)
		return v.Add(v, new(big.Int).SetUint64(m.Lo))
	}
	tokens, unpriced := [3]int64{}, 0
	for _, r := range n.byID {
		below := slices.ContainsFunc(n.descendants(r), func(c *Run) bool { return c.Usage != nil })
		u := r.Usage
		if u == nil || below {
			continue
		}
		tokens[0] += u.PromptTokens
		tokens[1] += u.CompletionTokens
		tokens[2] += u.TotalTokens
		if u.PromptCost != nil {
			add("p", pico(u.PromptCost))
		}
		if u.CompletionCost != nil {
			add("c", pico(u.CompletionCost))
		}
		if u.TotalCost != nil {
			add("t", pico(u.TotalCost))
		} else if u.PromptCost != nil && u.CompletionCost != nil {
			add("t", new(big.Int).Add(pico(u.PromptCost), pico(u.CompletionCost)))
		} else {
			unpriced++
		}
	}
	cost := func(k string) any {
		if sum[k] == nil {
			return nil
		}
		return ratText(new(big.Rat).SetFrac(sum[k], big.NewInt(1e12)))
	}
	whole := func(v int64) any { return ratText(new(big.Rat).SetInt64(v)) }
	return map[string]any{
		"prompt_tokens": whole(tokens[0]), "completion_tokens": whole(tokens[1]), "total_tokens": whole(tokens[2]),
		"prompt_tokens_cost_usd": cost("p"), "completion_tokens_cost_usd": cost("c"), "total_tokens_cost_usd": cost("t"),
		"unpriced_count": whole(int64(unpriced)),
	}
}

func ratText(r *big.Rat) any { return json.Number(r.RatString()) }

// decodeJSON turns JSON into Go values with numbers as exact fractions.
func decodeJSON(raw []byte) any {
	if raw == nil {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err.Error() + ": " + string(raw))
	}
	return exactNumbers(v)
}

func exactNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, _ := new(big.Rat).SetString(v.String())
		return ratText(r)
	case []any:
		for i := range v {
			v[i] = exactNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = exactNumbers(v[k])
		}
	}
	return v
}

func naiveMessage(v any, key string) any {
	if m, ok := v.(map[string]any); ok {
		if s, ok := m[key].(string); ok && s != "" {
			return s
		}
	}
	return nil
}

func (n *naive) error() any {
	for _, r := range n.roots {
		if r.Status != RunFailed {
			continue
		}
		if m, ok := decodeJSON(r.Metadata).(map[string]any); ok {
			if l, ok := m["failed_nodes"].([]any); ok && len(l) > 0 {
				if s := naiveMessage(l[0], "error_message"); s != nil {
					return s
				}
			}
		}
		if s := naiveMessage(decodeJSON(r.Error), "message"); s != nil {
			return s
		}
		for _, c := range n.descendants(r) {
			if s := naiveMessage(decodeJSON(c.Error), "message"); s != nil && c.Status == RunFailed {
				return s
			}
		}
		return nil
	}
	return nil
}

// trace is the whole trace object as decoded JSON.
func (n *naive) trace(app string, promoted bool, updated Time) map[string]any {
	var id string
	var all []*Run
	for _, r := range n.byID {
		id, all = r.TraceID, append(all, r)
	}
	sort.Slice(all, func(i, j int) bool { return earlier(all[i], all[j]) })
	first := n.roots[0]
	t := map[string]any{
		"id": id, "app_id": app, "name": nil, "status": n.status(!promoted), "started_at": naiveTime(first.Start),
		"ended_at": nil, "duration_ms": nil, "error": n.error(), "usage": n.usage(),
		"run_count": ratText(big.NewRat(int64(len(all)), 1)), "stale": false, "updated_at": naiveTime(updated),
		"input": nil, "output": nil,
	}
	if first.Name != nil {
		t["name"] = *first.Name
	}
	var last *Run
	for _, r := range n.roots {
		if r.Status == RunOpen {
			continue
		}
		end, at := naiveEnd(r)
		if last != nil {
			if old, _ := naiveEnd(last); end < old {
				continue
			}
		}
		last = r
		if t["status"] != "running" {
			t["ended_at"] = naiveTime(at)
			t["duration_ms"] = ratText(big.NewRat(n.busy()/1000, 1000))
		}
	}
	for _, r := range append([]*Run{first}, n.descendants(first)...) {
		if r.Input != nil {
			t["input"] = decodeJSON(r.Input)
			break
		}
	}
	if last != nil {
		for _, r := range append([]*Run{last}, n.descendants(last)...) {
			if r.Output != nil {
				t["output"] = decodeJSON(r.Output)
				break
			}
		}
	}
	tags, models := []any{}, []any{}
	for _, r := range n.roots {
		for _, v := range r.Tags {
			if !slices.Contains(tags, any(v)) {
				tags = append(tags, v)
			}
		}
	}
	for _, r := range all {
		if (r.Group == "llms" || r.Group == "embedders") && r.Model != "" && !slices.Contains(models, any(r.Model)) {
			models = append(models, r.Model)
		}
	}
	t["tags"], t["models"] = tags, models
	meta, _ := decodeJSON(first.Metadata).(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	for _, k := range strings.Fields("workflow flow node run_depends usage failed_nodes is_output_from_cache skip human_feedback tool_data") {
		delete(meta, k)
	}
	t["metadata"] = meta
	text := func(get func(*Run) string) any {
		for _, r := range n.roots {
			if v := get(r); v != "" {
				return v
			}
		}
		return nil
	}
	t["session_id"] = text(func(r *Run) string { return r.SessionID })
	t["source_id"] = text(func(r *Run) string { return r.SourceID })
	t["user_id"] = text(func(r *Run) string { return r.UserID })
	t["version"] = text(func(r *Run) string { return r.Version })
	t["environment"] = text(func(r *Run) string { return r.Environment })
	return t
}
