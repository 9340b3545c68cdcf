package gen

import (
	"math"
	"time"
)

// Varied traces: what a fleet of applications sends, not one agent.
//
//   - 1 to 12 runs, median 5: a bare LLM call, an agent alone, a workflow with
//     one call, and agents with up to nine tools and LLM calls in turn;
//   - texts log-normal with a tail: one trace in 25 has 3 to 10 times, one in
//     500 up to 40 times as much text (a document in the prompt);
//   - one trace in 500 begins a burst: it and the next 20 to 60 arrive within
//     one second;
//   - one in 1000 arrives up to a day late.

// burst is a group of traces that arrive together.
type burst struct {
	left int
	at   time.Time
}

// vary moves the arrival of a trace.
func (g *Gen) vary(arrival time.Time) time.Time {
	r := g.r
	switch {
	case g.burst.left > 0:
		g.burst.left--
		arrival = g.burst.at.Add(time.Duration(r.Int64N(int64(time.Second))))
	case r.IntN(500) == 0:
		g.burst = burst{left: 20 + r.IntN(41), at: arrival}
	}
	if r.IntN(1000) == 0 {
		arrival = arrival.Add(-time.Duration(r.Int64N(int64(24 * time.Hour))))
	}
	return arrival
}

// runCounts is how many runs the traces have; each entry is as likely.
var runCounts = [...]int{1, 1, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 6, 6, 7, 7, 7, 7, 9, 9, 11, 12, 2, 8, 10, 5}

// varied writes a trace and its stale copy.
func (g *Gen) varied(buf []byte, t *draw) Trace {
	runs := runCounts[g.r.IntN(len(runCounts))]
	scale := math.Exp(0.3 * g.r.NormFloat64())
	switch p := g.r.IntN(500); {
	case p == 0:
		scale *= 10 + 30*g.r.Float64()
	case p < 21:
		scale *= 3 + 7*g.r.Float64()
	}
	steps := max(1, runs-3)
	t.textBytes = int(float64(max(g.opts.MedianBytes-fixedBytes, 200)) * scale * math.Sqrt(float64(steps)/2))
	tags := g.r.IntN(len(tagSets))
	status := t.status
	// Both copies draw the same ids and texts.
	saved := *g.src
	t.status = ""
	stale := g.appendVaried(nil, t, runs, tags)
	*g.src = saved
	t.status = status
	buf = g.appendVaried(buf[:0], t, runs, tags)
	return Trace{
		App: t.app.name, ID: t.id.String(), Status: t.status,
		Start: t.start, End: t.end, Body: buf, Stale: stale,
	}
}

// appendVaried appends a trace of so many runs. With no status in t it is the
// stale copy: the first half of the steps have ended, the later ones are
// missing, and what is around them is open.
func (g *Gen) appendVaried(buf []byte, t *draw, runs, tags int) []byte {
	w := &body{b: buf, g: g, t: t, tags: []byte(tagSets[tags])}
	n := t.textBytes
	w.x = texts{question: g.text.cut(g.r, n/32), answer: g.text.cut(g.r, n/16)}
	w.id = ids{workflow: g.uuid(), flow: g.uuid(), agent: g.uuid()}
	w.agentParent, w.nodeParent = &w.id.flow, &w.id.agent
	steps := max(1, runs-3)
	// Each level begins and ends a little inside the one around it.
	const lag = 700 * time.Microsecond
	start, end := t.start, t.end
	inside := func() { start, end = start.Add(lag), end.Add(-lag) }
	w.str(`{"runs":[`)
	if runs > 2 {
		w.workflow(start, end)
		w.str(`,`)
		inside()
		w.flow(start, end)
		w.str(`,`)
		inside()
	} else {
		w.agentParent = nil
	}
	switch runs {
	case 1:
		w.nodeParent = nil
	case 3:
		w.nodeParent = &w.id.flow
	default:
		w.agent(start, end)
		w.str(`,`)
		inside()
	}
	w.steps(start, end, steps, n)
	w.str(`]}`)
	return w.b
}

// steps writes tools and LLM calls in turn, an LLM call at the end, which ends
// as the trace does. n is the trace's share of texts.
func (w *body) steps(start, end time.Time, steps, n int) {
	each := (end.Sub(start) / time.Duration(steps)).Truncate(time.Microsecond)
	for k := range steps {
		last := k == steps-1
		w.id.tool, w.id.llm = w.g.uuid(), w.g.uuid()
		w.x.facts = w.g.text.cut(w.g.r, n/4/(1+steps/2))
		from := start.Add(time.Duration(k) * each)
		to, status := from.Add(each), "succeeded"
		if last {
			to, status = end, w.t.status
		}
		if w.t.status == "" && !last && k >= (steps+1)/2 {
			return // not begun when the stale copy was sent
		}
		if k > 0 {
			w.str(`,`)
		}
		if (steps-1-k)%2 == 1 {
			w.tool(from, to)
		} else {
			w.llm(from, to, status)
		}
	}
}
