// Package gen makes traces for benchmarks and load tests: bodies such as the
// Dynamiq SDK posts, byte for byte in its key set and order, from a seed.
//
// A trace has five runs (workflow, flow, agent, tool, LLM) and repeats its
// texts where the SDK does: the question stands in the workflow, flow, agent
// and prompt, the answer in the outputs of the LLM, agent, flow and workflow,
// the tool's result in the prompt. With default options a body is 17.0 KB on
// average and zstd at its fastest level packs it 4.5×, like recorded traffic.
//
// Options.Varied makes traces that differ more, for the comparison with other
// stores: 1 to 12 runs, a long tail of sizes, bursts, arrivals up to a day late,
// and a stale copy of each trace as the SDK sends it while the trace is open.
//
// The package imitates size, repetition, and spread over time, apps, models
// and states. It does not make odder arrivals (orphans, merged handlers);
// fixtures and the model test of the engine have those.
package gen

import (
	"math"
	"math/rand/v2"
	"time"
)

// Options says what to generate. The zero value of a field means its default.
type Options struct {
	// Start is the window's start; default 2026-06-01 00:00 UTC.
	Start time.Time
	// Window is the time over which Traces traces are spread, along a daily
	// cycle; default 30 days.
	Window time.Duration
	// Traces is the number of traces in the window, which sets the rate;
	// default 100,000. Further traces continue behind the window.
	Traces int
	// MedianBytes is the median size of a body; default 16,000, which makes
	// 17.0 KB on average. About 8,300 bytes are keys and settings.
	MedianBytes int
	// Apps is the number of apps, "app-1" to "app-<n>"; default 10. The first
	// one gets 80 % of the traces.
	Apps int
	// Varied makes traces of 1 to 12 runs with a long tail of sizes, bursts and
	// late arrivals (see varied.go), and fills Trace.Stale.
	Varied bool
}

// Trace is one generated trace.
type Trace struct {
	// App is the app to post it to.
	App string
	// ID is the trace_id, a UUID.
	ID string
	// Status is succeeded, failed or canceled.
	Status string
	// Start and End are the root run's, in whole microseconds, UTC.
	Start, End time.Time
	// Body is the request body, {"runs":[…]}.
	Body []byte
	// Stale is an earlier body of the same trace: its outer runs are open, and
	// the later ones are missing. Only with Options.Varied.
	Stale []byte
}

// Shares of the end states; the rest succeeded.
const (
	failedShare   = 0.05
	canceledShare = 0.01
)

// Gen generates traces one after another. Equal seeds and options give equal
// traces. Not for concurrent use.
type Gen struct {
	r     *rand.Rand
	src   *rand.PCG // what r draws from
	burst burst
	opts  Options
	day   cycle
	apps  []app
	text  *pool
	// sessions are open conversations, shared by several traces.
	sessions [64]uuid
	n        int
}

// New returns a generator. Texts come from a vocabulary that is built once for
// the process (about 0.1 s) and does not depend on the seed.
func New(seed uint64, opts Options) *Gen {
	if opts.Start.IsZero() {
		opts.Start = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	}
	if opts.Window <= 0 {
		opts.Window = 30 * 24 * time.Hour
	}
	if opts.Traces <= 0 {
		opts.Traces = 100_000
	}
	if opts.MedianBytes <= 0 {
		opts.MedianBytes = 16_000
	}
	if opts.Apps <= 0 {
		opts.Apps = 10
	}
	opts.Start = opts.Start.UTC().Truncate(time.Microsecond)
	src := rand.NewPCG(seed, 0x7472616365626564)
	g := &Gen{
		r:    rand.New(src),
		src:  src,
		opts: opts,
		day:  newCycle(opts.Start, opts.Window, opts.Traces),
		text: sharedPool(),
	}
	for i := range opts.Apps {
		g.apps = append(g.apps, g.newApp(i))
	}
	for i := range g.sessions {
		g.sessions[i] = g.uuid()
	}
	return g
}

// Next returns the next trace in the order of arrival: traces arrive when they
// end, and one in a hundred up to ten minutes later, so starts are slightly out
// of order. The body is the caller's.
func (g *Gen) Next() Trace {
	return g.NextInto(make([]byte, 0, g.opts.MedianBytes*5/4))
}

// NextInto is Next with the body in buf[:0], to save the allocation.
func (g *Gen) NextInto(buf []byte) Trace {
	t := g.draw()
	if g.opts.Varied {
		return g.varied(buf, &t)
	}
	buf = g.appendBody(buf[:0], &t)
	return Trace{
		App: t.app.name, ID: t.id.String(), Status: t.status,
		Start: t.start, End: t.end, Body: buf,
	}
}

// draw decides everything about the next trace but its texts.
func (g *Gen) draw() draw {
	r := g.r
	t := draw{app: &g.apps[0], id: g.uuid(), status: "succeeded", model: pickModel(r)}
	if len(g.apps) > 1 && r.Float64() >= 0.8 {
		t.app = &g.apps[1+r.IntN(len(g.apps)-1)]
	}
	switch p := r.Float64(); {
	case p < failedShare:
		t.status = "failed"
	case p < failedShare+canceledShare:
		t.status = "canceled"
	}
	session := &g.sessions[r.IntN(len(g.sessions))]
	if r.IntN(4) == 0 {
		*session = g.uuid()
	}
	t.session = *session
	t.user = r.IntN(1 + r.IntN(2000)) // few users ask often

	arrival := g.day.at(g.opts.Start, float64(g.n)+r.Float64())
	g.n++
	if r.IntN(100) == 0 {
		arrival = arrival.Add(-time.Duration(r.Int64N(int64(10 * time.Minute))))
	}
	if g.opts.Varied {
		arrival = g.vary(arrival)
	}
	// Log-normal, median 3 s.
	took := time.Duration(3e9 * math.Exp(0.8*r.NormFloat64()))
	took = min(max(took, 50*time.Millisecond), 10*time.Minute).Truncate(time.Microsecond)
	t.start = arrival.Add(-took).Truncate(time.Microsecond)
	if t.start.Before(g.opts.Start) {
		t.start = g.opts.Start
	}
	t.end = t.start.Add(took)
	// Log-normal texts around the median.
	t.textBytes = int(float64(max(g.opts.MedianBytes-fixedBytes, 200)) * math.Exp(0.5*r.NormFloat64()))
	return t
}

func pickModel(r *rand.Rand) int {
	return min(r.IntN(len(models)), r.IntN(len(models)))
}
