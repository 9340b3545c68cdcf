package model

import (
	"fmt"
	"strings"
	"time"
)

// versions makes the states of a run: open, ended, and changed after its end.
func (g *generator) versions(p *plan, id, parent string, start int64, i int, shared members) []members {
	var out []members
	if g.chance(30) {
		out = append(out, g.state(p, id, parent, start, pickOne(g, []string{"", "", "", "running"}), i, shared))
		if g.chance(15) {
			return out // never ends
		}
		if g.chance(20) { // seen twice while open
			out = append(out, g.state(p, id, parent, start+g.small()*int64(g.rng.IntN(2)), "", i, shared))
		}
	}
	end := start + g.duration()
	final := g.state(p, id, parent, start, g.finalStatus(), i, shared)
	out = append(out, g.endAt(final, end))
	if g.chance(25) { // a thread that was given up changes it afterwards
		again := g.state(p, id, parent, start, g.finalStatus(), i, shared)
		switch g.rng.IntN(4) {
		case 0: // the same end, other content
		case 1:
			end -= 1 + g.rng.Int64N(1e9) // must lose
		case 2:
			end++ // by a nanosecond
		default:
			end += g.rng.Int64N(1e9)
		}
		out = append(out, g.endAt(again, end))
	}
	return out
}

func (g *generator) finalStatus() string {
	return pickOne(g, []string{"succeeded", "succeeded", "succeeded", "succeeded", "failed", "failed", "canceled", "skipped"})
}

func (g *generator) endAt(m members, end int64) members {
	if end < 0 {
		end = 0
	}
	if g.chance(2) {
		return m // ended, but says not when
	}
	return m.set("end_time", g.time(end))
}

// state is one state of a run with its end_time still null; status "" is an
// open run, whose status is sent as null.
func (g *generator) state(p *plan, id, parent string, start int64, status string, i int, shared members) members {
	typ := "node"
	if parent == "" || i == 0 {
		typ = pickOne(g, []string{"workflow", "flow", "node"})
	}
	group := pickOne(g, []string{"llms", "llms", "llms", "agents", "tools", "embedders", "operators"})
	failed := status == "failed" || status == "canceled"
	output := "null"
	if status == "succeeded" {
		output = g.value()
	}
	m := members{{"id", Quote(id)}, {"name", g.nameOf(typ)}, {"type", Quote(typ)}, {"trace_id", "null"},
		{"source_id", "null"}, {"session_id", "null"}, {"start_time", g.time(start)}, {"end_time", "null"},
		{"parent_run_id", "null"}, {"status", "null"}, {"input", g.value()}, {"output", output},
		{"metadata", g.metadata(typ, group, status)}, {"error", "null"}, {"executions", "[]"}, {"tags", "[]"}}
	if p.traceID != nil {
		m = m.set("trace_id", Quote(*p.traceID))
	}
	if parent != "" {
		m = m.set("parent_run_id", Quote(parent))
	}
	if status != "" {
		m = m.set("status", Quote(status))
	}
	if failed && g.chance(90) {
		m = m.set("error", `{"message":`+pickOne(g, []string{`""`, `"boom"`, `"quota \"429\" reached"`, `"ü🙂"`})+`,"traceback":"NoneType: None\n"}`)
	}
	for _, s := range shared {
		m = m.set(s[0], s[1])
	}
	if g.chance(3) {
		m = m.set("x_unknown", g.value())
	}
	return m
}

// sharedMembers are the same on all runs of a handler.
func (g *generator) sharedMembers() members {
	var m members
	if g.chance(70) {
		m = m.set("session_id", Quote(pickOne(g, []string{"s1", "s2", g.uuid()})))
	}
	if g.chance(70) {
		m = m.set("source_id", Quote(pickOne(g, []string{"src", g.uuid()})))
	}
	if g.chance(60) {
		var tags []string
		for range g.rng.IntN(4) {
			tags = append(tags, Quote(pickOne(g, []string{"prod", "a", "b", "night ly", "ü", ""})))
		}
		m = m.set("tags", "["+strings.Join(tags, ",")+"]")
	}
	return m
}

func (g *generator) nameOf(typ string) string {
	switch typ {
	case "workflow":
		return `"Workflow"`
	case "flow":
		return `"Flow"`
	}
	return pickOne(g, []string{"null", `"Order LLM"`, `"weather"`, `"Planner \u00e9\n"`})
}

func (g *generator) metadata(typ, group, status string) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch typ {
	case "workflow":
		add(`"workflow":{"id":"w","version":%s}`, pickOne(g, []string{"null", `"7"`, "7", `"v2"`}))
	case "flow":
		add(`"flow":{"id":"f"}`)
	default:
		add(`"node":{"id":"n","group":%q,"model":%s}`, group, pickOne(g, []string{`"openai/gpt-4o"`, `"anthropic/claude"`, `"m"`, "null"}))
		add(`"run_depends":[]`)
	}
	if status == "failed" && typ != "node" && g.chance(50) {
		add(`"failed_nodes":[{"id":"n","name":"x","error_message":%s}]`, pickOne(g, []string{`"node broke"`, `""`, `"429"`}))
	}
	usual := typ == "node" && group == "llms" && status == "succeeded" && g.chance(80)
	if usual || g.chance(4) { // sometimes where it must not count
		add(`"usage":%s`, g.usage())
	}
	if g.chance(20) {
		add(`"environment":%s`, pickOne(g, []string{`"prod"`, `"dev"`, "1", "null"}))
	}
	if g.chance(20) {
		add(`"tenant":%s`, g.value())
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (g *generator) usage() string {
	var parts []string
	for _, k := range []string{"prompt_tokens", "completion_tokens", "total_tokens"} {
		if g.chance(90) {
			parts = append(parts, fmt.Sprintf("%q:%s", k, pickOne(g, []string{"0", "1", "412", "38", "2048", "12.0", "1e3", "null", "1000000000000"})))
		}
	}
	for _, k := range []string{"prompt_tokens_cost_usd", "completion_tokens_cost_usd", "total_tokens_cost_usd"} {
		if g.chance(85) {
			parts = append(parts, fmt.Sprintf("%q:%s", k, pickOne(g, []string{"null", "0", "0.0", "6.18e-05", "7.500000000000001e-05",
				"0.0000000000005", "0.0000000000015", "1e-13", "0.1", "1e6", "0.30000000000000004", "12.5"})))
		}
	}
	if g.chance(30) {
		parts = append(parts, `"cache_read_input_tokens":256`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// value is any JSON that a user might send.
func (g *generator) value() string {
	return pickOne(g, []string{"null", "{}", "[]", "0", `""`, "true", "1.50", "1e400", "-0.0", "123456789012345678901234567890",
		`{"user_id":"u1","q":"hi"}`, `{"user_id":"u2"}`, `{"user_id":5,"z":1,"a":[1,{"b":null}]}`, `"line\nbreak \u00e9 \ud83d\ude42"`,
		`"plain üñí 🙂"`, `{"b":1,"a":2,"stale":true}`, `[ 1 , 2.0,  {"k" : "v w"} ]`, `"</script>&"`,
		`"` + strings.Repeat("long ü ", 10+g.rng.IntN(500)) + `"`, `{"text":"` + strings.Repeat("0123456789", g.rng.IntN(400)) + `"}`})
}

// time writes an instant with as few or more digits than it needs, in one of
// several offsets.
func (g *generator) time(ns int64) string {
	digits := 9
	for digits > 0 && ns%pow10(10-digits) == 0 {
		digits--
	}
	if digits < 6 && g.chance(80) {
		digits = 6
	} else if digits < 9 && g.chance(10) {
		digits++
	}
	layout := "2006-01-02T15:04:05"
	if digits > 0 {
		layout += "." + strings.Repeat("0", digits)
	}
	t := time.Unix(0, ns).UTC()
	switch g.rng.IntN(10) {
	case 0:
		return `"` + t.Format(layout) + `Z"`
	case 1:
		return `"` + t.In(time.FixedZone("", 19800)).Format(layout+"-07:00") + `"`
	case 2:
		return `"` + t.In(time.FixedZone("", -4*3600)).Format(layout+"-07:00") + `"`
	}
	return `"` + t.Format(layout) + `+00:00"`
}

func pow10(n int) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
