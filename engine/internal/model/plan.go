package model

import (
	"fmt"
	"strings"
	"time"
)

// plan is a trace that a generator sends bit by bit.
type plan struct {
	app     string
	traceID *string // nil: sent as null
	runs    []*planRun
	// withheld are runs that come late, by chance, or never: parents that
	// their children wait for.
	withheld map[string]bool
}

// planRun is one run and the states in which it may be sent, oldest first.
type planRun struct {
	id       string
	versions []members
	next     int
}

// members are the members of a run as JSON texts, in order.
type members [][2]string

func (m members) set(name, value string) members {
	out := append(members(nil), m...)
	for i := range out {
		if out[i][0] == name {
			out[i][1] = value
			return out
		}
	}
	return append(out, [2]string{name, value})
}

// json writes the run, at times with its members in another order or with
// white space, which mean nothing.
func (m members) json(g *generator) string {
	order := make([]int, len(m))
	for i := range order {
		order[i] = i
	}
	if g.chance(8) {
		order = g.rng.Perm(len(m))
	}
	space := ""
	if g.chance(8) {
		space = pickOne(g, []string{" ", "\n\t", "  "})
	}
	var b strings.Builder
	b.WriteString("{" + space)
	for i, k := range order {
		if i > 0 {
			b.WriteString("," + space)
		}
		b.WriteString(Quote(m[k][0]) + space + ":" + space + m[k][1])
	}
	b.WriteString(space + "}")
	return b.String()
}

// newPlan makes a forest of 1 to 9 runs.
func (g *generator) newPlan(app string) *plan {
	p := &plan{app: app, withheld: map[string]bool{}}
	if !g.chance(8) {
		id := g.id()
		if len(g.ids) > 0 && g.chance(10) {
			id = pickOne(g, g.ids).TraceID // several handlers share a trace
		}
		p.traceID = &id
	}
	shared := g.sharedMembers()
	starts := []int64{g.start()}
	n := 1 + g.rng.IntN(3)*g.rng.IntN(5)
	parents := make([]string, n)
	for i := range n {
		p.runs = append(p.runs, &planRun{id: g.id()})
		parents[i] = g.parent(p, i)
	}
	if n > 2 && g.chance(3) && p.traceID != nil {
		parents[0] = p.runs[n-1].id // perhaps a circle
	}
	for i, r := range p.runs {
		start := starts[g.rng.IntN(len(starts))] + g.small()
		if start < 0 {
			start = 0
		}
		starts = append(starts, start)
		r.versions = g.versions(p, r.id, parents[i], start, i, shared)
	}
	if n > 1 && g.chance(20) {
		p.withheld[pickOne(g, p.runs).id] = true
	}
	return p
}

// parent chooses the parent of run i as a JSON text.
func (g *generator) parent(p *plan, i int) string {
	switch n := g.rng.IntN(100); {
	case n < 3:
		return p.runs[i].id // itself
	case n < 6:
		return "never sent " + g.uuid()
	case i > 0 && n < 85:
		return p.runs[g.rng.IntN(i)].id
	}
	return ""
}

// start is an instant near one of the edges of this history.
func (g *generator) start() int64 {
	base := pickOne(g, g.bases)
	spread := pickOne(g, []time.Duration{0, time.Microsecond, time.Microsecond, time.Millisecond, time.Second,
		time.Minute, time.Hour, 3 * time.Hour, 24 * time.Hour, 24 * time.Hour, 20 * 24 * time.Hour})
	at := base + int64(spread)*int64(g.rng.IntN(5)-2)
	if g.chance(50) {
		at += g.small()
	}
	return max(at, 0)
}

// small is a few ns, µs, ms or s, sometimes backwards.
func (g *generator) small() int64 {
	unit := pickOne(g, []int64{0, 0, 1, 100, 1e3, 1e3, 1e6, 1e9, 60e9})
	return unit * int64(g.rng.IntN(40)-5)
}

// duration of a run in ns: from none to hours, at times negative.
func (g *generator) duration() int64 {
	unit := pickOne(g, []int64{0, 1, 1e3, 1e6, 1e6, 1e9, 1e9, 37e9, 3600e9})
	d := unit * int64(1+g.rng.IntN(300)) / 3
	if g.chance(3) {
		return -d
	}
	return d
}

// badRun is a run that must be refused.
func (g *generator) badRun() string {
	good := g.state(&plan{traceID: new(string)}, g.id(), "", g.start(), "succeeded", 0, nil).set("trace_id", `"bad"`)
	llm := func(usage string) string { return `{"node":{"group":"llms"},"usage":{` + usage + `}}` }
	bad := [][2]string{
		{"id", "null"}, {"id", `""`}, {"id", "7"}, {"id", `"` + strings.Repeat("y", 257) + `"`},
		{"type", `"span"`}, {"type", "null"}, {"status", `"done"`}, {"status", "1"}, {"name", "1"},
		{"start_time", "null"}, {"start_time", `"yesterday"`}, {"start_time", `"1969-12-31T23:59:59.999999Z"`},
		{"start_time", `"2026-02-30T00:00:00Z"`}, {"start_time", "12"}, {"end_time", `"soon"`},
		{"parent_run_id", "5"}, {"tags", `"x"`}, {"tags", "[1]"}, {"metadata", "[]"}, {"trace_id", "[]"},
		{"metadata", llm(`"prompt_tokens":-1`)}, {"metadata", llm(`"total_tokens":1.5`)},
		{"metadata", llm(`"total_tokens":1000000000001`)},
		{"metadata", llm(`"total_tokens_cost_usd":-0.1`)}, {"metadata", llm(`"prompt_tokens_cost_usd":1000000.1`)},
		{"metadata", llm(`"completion_tokens_cost_usd":1e7`)},
	}
	b := pickOne(g, append(bad, [2]string{}))
	if b[0] == "" {
		return pickOne(g, []string{"null", "1", `"run"`, "[]"})
	}
	return good.set(b[0], b[1]).json(g)
}

// Quote is the JSON text of a string.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
