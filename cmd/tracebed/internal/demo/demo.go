// Package demo makes the data of `tracebed serve --demo`: fourteen days of
// believable runs of one company's LLM apps, as bodies that a Dynamiq SDK
// would post, so that they take the same way into the store as real ones.
//
// The data is a function of (seed, now): the same arguments give the same
// bytes. Nothing in it was recorded from anybody.
package demo

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	// App is the name of the app that the demo fills.
	App = "demo"
	// Days is how far back the demo reaches.
	Days = 14
	// traces is how many traces a demo of Days days has, about.
	traces = 2800
	// bodyBytes is when a body is full enough to be handed out.
	bodyBytes = 1 << 20
)

// Generate hands bodies of the form {"runs":[…]} to emit, oldest first, and
// returns how many traces they hold. The body is reused after emit returns.
// No run starts after now; traces under way at now are open.
func Generate(seed uint64, now time.Time, emit func(body []byte) error) (int, error) {
	return generate(seed, now, traces, emit)
}

func generate(seed uint64, now time.Time, about int, emit func(body []byte) error) (int, error) {
	now = now.UTC().Truncate(time.Microsecond)
	g := newGenerator(seed)
	total := 0
	body := append(make([]byte, 0, bodyBytes*5/4), `{"runs":[`...)
	empty := len(body)
	flush := func() error {
		if len(body) == empty {
			return nil
		}
		err := emit(append(body, "]}"...))
		body = body[:empty]
		return err
	}
	for _, at := range g.schedule(now, about) {
		t := g.trace(at, now)
		if len(t.runs) == 0 {
			continue
		}
		if len(body) > empty {
			body = append(body, ',')
		}
		var err error
		if body, err = t.appendRuns(body); err != nil {
			return total, err
		}
		total++
		if len(body) >= bodyBytes {
			if err := flush(); err != nil {
				return total, err
			}
		}
	}
	return total, flush()
}

// generator holds the apps' configurations and the users' conversations.
type generator struct {
	rng      *rand.Rand
	apps     []scenario
	sourceID string
	chats    []chat
	outage   time.Time // two hours in which a provider refused most calls
}

// scenario is one kind of trace and how often it comes.
type scenario struct {
	weight int
	tags   []string
	record func(g *generator, t *tracer, at time.Time)
}

// chat is a user's conversation: traces close in time share its session.
type chat struct {
	user, session string
	last          time.Time
}

func newGenerator(seed uint64) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0x7472616365626564))}
	g.sourceID = uuid(g.rng)
	for i := range 48 {
		g.chats = append(g.chats, chat{user: users[i%len(users)] + "-" + string(rune('a'+i/len(users)))})
	}
	support, agent := newSupport(g.rng), newTravel(g.rng)
	extract, triage, digest := newExtract(g.rng), newTriage(g.rng), newDigest(g.rng)
	g.apps = []scenario{
		{44, []string{"support-bot", "rag"}, support.record},
		{18, []string{"travel-agent"}, agent.record},
		{20, []string{"invoices"}, extract.record},
		{14, []string{"triage"}, triage.record},
		{4, []string{"digest", "nightly"}, digest.record},
	}
	return g
}

// schedule spreads the starts over the days: few at night and at weekends,
// most in working hours, and always some in the last minutes.
func (g *generator) schedule(now time.Time, about int) []time.Time {
	first := now.Add(-Days * 24 * time.Hour)
	g.outage = now.Add(-5*24*time.Hour - 3*time.Hour)
	weights := make([]float64, Days*24)
	var sum float64
	for i := range weights {
		weights[i] = busy(first.Add(time.Duration(i) * time.Hour))
		sum += weights[i]
	}
	var starts []time.Time
	for i, w := range weights {
		mean := w / sum * float64(about)
		n := int(mean*(0.75+g.rng.Float64()/2) + g.rng.Float64())
		if i == len(weights)-1 {
			n = max(n, 8)
		}
		step := time.Hour / time.Duration(n+1)
		for j := range n {
			jitter := time.Duration(g.rng.Int64N(int64(step))).Truncate(time.Microsecond)
			starts = append(starts, first.Add(time.Duration(i)*time.Hour+time.Duration(j)*step.Truncate(time.Microsecond)+jitter))
		}
	}
	// An agent may be done after three seconds, never within two.
	for _, ms := range []int{9000, 4000, 2000, 1600, 1200, 900} {
		starts = append(starts, now.Add(-time.Duration(ms)*time.Millisecond))
	}
	return starts
}

// busy is the load of an hour relative to others.
func busy(t time.Time) float64 {
	day := 0.25 + math.Pow(math.Max(0, math.Sin(float64(t.Hour()-5)/16*math.Pi)), 1.6)
	switch t.Weekday() {
	case time.Saturday, time.Sunday:
		return day * 0.4
	case time.Monday:
		return day * 1.15
	}
	return day
}

// trace records one trace that starts at at, as far as it has come by now.
func (g *generator) trace(at, now time.Time) *tracer {
	t := &tracer{rng: g.rng, traceID: uuid(g.rng), sourceID: g.sourceID, extra: map[string]any{"environment": "production"}}
	if g.rng.IntN(12) == 0 {
		t.extra["environment"] = "staging"
	}
	young := now.Sub(at) < 10*time.Second
	pick := g.rng.IntN(100)
	if young {
		pick = g.apps[0].weight // the agent: it takes long enough to be seen at work
	}
	for _, s := range g.apps {
		if pick -= s.weight; pick < 0 {
			t.tags = s.tags
			s.record(g, t, at)
			break
		}
	}
	if !young && g.rng.IntN(45) == 0 && len(t.runs) > 2 { // the user gave up
		span := t.runs[0].end.Sub(at)
		t.cut(at.Add(time.Duration(float64(span)*(0.2+0.6*g.rng.Float64())).Truncate(time.Microsecond)), canceled)
	}
	t.cut(now, "")
	return t
}

// user picks who starts the trace and the session that it belongs to.
func (g *generator) user(t *tracer, at time.Time) string {
	c := &g.chats[g.rng.IntN(len(g.chats))]
	if g.rng.IntN(2) == 0 { // somebody whose conversation is under way
		for i := range g.chats {
			if at.Sub(g.chats[i].last) < 10*time.Minute && g.rng.IntN(3) == 0 {
				c = &g.chats[i]
				break
			}
		}
	}
	if c.session == "" || at.Sub(c.last) > 20*time.Minute {
		c.session = uuid(g.rng)
	}
	c.last, t.sessionID = at, c.session
	return c.user
}

// refused says whether a provider refuses a call at this time.
func (g *generator) refused(at time.Time) bool {
	if at.After(g.outage) && at.Before(g.outage.Add(2*time.Hour)) {
		return g.rng.IntN(10) < 6
	}
	return g.rng.IntN(60) == 0
}
