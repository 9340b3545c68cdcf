package model

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// OpKind says what one step of a history does.
type OpKind uint8

// The kinds of steps.
const (
	OpPost     OpKind = iota
	OpTogether        // several posts at once; their order makes no difference
	OpDeleteTrace
	OpDeleteApp
	OpRestart    // close the engine and open it again
	OpBackup     // go on with a backup made while the engine runs
	OpCrash      // the machine dies; open what was synced
	OpCheckpoint // write the state that is only in memory and the journal
	OpAdvance    // the clock goes on, then orphans are promoted
	OpCheck      // a few random questions
	OpEvaluate   // evaluations of a trace
)

var opNames = [...]string{"post", "posts at once", "delete trace", "delete app", "restart", "backup", "crash", "checkpoint", "advance", "check", "evaluate"}

func (k OpKind) String() string { return opNames[k] }

// Op is one step of a history. It holds all it needs, so that a history with
// some steps left out is a history still.
type Op struct {
	Kind    OpKind
	App     string
	TraceID string        // of OpDeleteTrace and OpEvaluate
	Body    []byte        // of OpPost and OpEvaluate
	Bodies  [][]byte      // of OpTogether
	Advance time.Duration // of OpAdvance
	Seed    uint64        // of OpCheck and OpCrash
}

func (op Op) String() string {
	s := op.Kind.String()
	switch op.Kind {
	case OpPost:
		return fmt.Sprintf("%s %q %s", s, op.App, op.Body)
	case OpTogether:
		return fmt.Sprintf("%s %q %s", s, op.App, bytes.Join(op.Bodies, []byte("\n    ")))
	case OpEvaluate:
		return fmt.Sprintf("%s %q %q %s", s, op.App, op.TraceID, op.Body)
	case OpDeleteTrace:
		return fmt.Sprintf("%s %q %q", s, op.App, op.TraceID)
	case OpDeleteApp:
		return fmt.Sprintf("%s %q", s, op.App)
	case OpAdvance:
		return fmt.Sprintf("%s %s", s, op.Advance)
	}
	return s
}

// History makes the steps of a seed: the same seed and count always give the
// same steps.
func History(seed uint64, steps int) []Op {
	g := newGenerator(seed)
	ops := make([]Op, 0, steps)
	for len(ops) < steps {
		ops = append(ops, g.step())
	}
	return ops
}

// generator holds what the posts so far have promised: runs still to come and
// bodies that may be sent again.
type generator struct {
	rng   *rand.Rand
	apps  []string
	bases []int64 // instants in ns around which traces start
	plans []*plan
	sent  []Op
	ids   []Op // app and trace id pairs, to be deleted
	next  int  // for ids
}

func newGenerator(seed uint64) *generator {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0x7261636562656431))}
	names := []string{"a", "demo app", "Ω/ü", "8c2f7d1e-6a3b-4c5d-9e0f-112233445566"}
	g.apps = names[:1+g.rng.IntN(len(names))]
	for range 1 + g.rng.IntN(3) {
		g.bases = append(g.bases, edges[g.rng.IntN(len(edges))])
	}
	return g
}

// edges are instants where a day, an hour, a year or a clock turns.
var edges = func() (ns []int64) {
	for _, s := range strings.Fields(`1970-01-01T00:00:00Z 1970-01-01T05:00:00Z 1999-12-31T23:59:59Z
		2016-02-29T12:00:00Z 2024-12-30T00:00:00Z 2030-01-01T00:00:00Z 2030-06-15T10:30:00Z
		2026-06-10T09:15:00Z 2026-06-10T09:59:59Z 2026-06-11T00:00:00Z 2026-06-10T18:30:00Z 2026-06-08T00:00:00Z
		2026-03-08T07:00:00Z 2026-03-08T05:00:00Z 2026-11-01T06:00:00Z 2026-11-01T05:30:00Z 2026-11-02T05:00:00Z
		2026-04-04T15:00:00Z 2026-04-04T14:30:00Z 2026-10-03T15:30:00Z 2026-10-04T13:00:00Z 2026-02-28T23:00:00Z`) {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			panic(err)
		}
		ns = append(ns, t.UnixNano())
	}
	return ns
}()

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pickOne[T any](g *generator, list []T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) step() Op {
	switch n := g.rng.IntN(100); {
	case n < 1:
		return g.burst()
	case n < 4:
		return g.together()
	case n < 68:
		return g.post()
	case n < 76 && len(g.sent) > 0: // an identical re-send
		return pickOne(g, g.sent)
	case n < 80 && len(g.ids) > 0:
		return pickOne(g, g.ids)
	case n < 81:
		return Op{Kind: OpDeleteApp, App: pickOne(g, g.apps)}
	case n < 83:
		return Op{Kind: pickOne(g, []OpKind{OpRestart, OpRestart, OpBackup})}
	case n < 85:
		return Op{Kind: OpCrash, Seed: g.rng.Uint64()}
	case n < 87:
		return Op{Kind: OpCheckpoint}
	case n < 90 && len(g.plans) > 0:
		return g.evaluate()
	case n < 92:
		minutes := pickOne(g, []int{1, 30, 59, 61, 200})
		return Op{Kind: OpAdvance, Advance: time.Duration(minutes) * time.Minute}
	}
	return Op{Kind: OpCheck, Seed: g.rng.Uint64()}
}

// post makes a body out of one or more plans, new or begun.
func (g *generator) post() Op {
	op := Op{Kind: OpPost, App: pickOne(g, g.apps)}
	var runs []string
	for range 1 + g.rng.IntN(8)/6 {
		runs = append(runs, g.delivery(g.plan(op.App))...)
	}
	if g.chance(10) {
		runs = append(runs, pickOne(g, runs)) // the same twice in one body
	}
	if g.chance(40) {
		g.rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	}
	if g.chance(10) {
		at := g.rng.IntN(len(runs) + 1)
		runs = append(runs[:at], append([]string{g.badRun()}, runs[at:]...)...)
	}
	space := ""
	if g.chance(20) {
		space = pickOne(g, []string{" ", "\n", "\t \r\n"})
	}
	op.Body = []byte(space + "{" + space + `"runs":` + space + "[" + strings.Join(runs, space+","+space) + space + "]" + space + "}")
	g.sent = append(g.sent, op)
	if len(g.sent) > 30 {
		g.sent = g.sent[1:]
	}
	return op
}

// together sends new traces in pieces at once, each run in one state only, so
// that the outcome is the same in whatever order they arrive.
func (g *generator) together() Op {
	op := Op{Kind: OpTogether, App: pickOne(g, g.apps)}
	plans := []*plan{g.newPlan(op.App), g.newPlan(op.App), g.newPlan(op.App)}
	for range 2 + g.rng.IntN(5) {
		var runs []string
		for _, p := range plans {
			for _, r := range p.runs {
				if p.traceID != nil && g.chance(50) {
					runs = append(runs, r.versions[len(r.versions)-1].json(g))
				}
			}
		}
		if len(runs) > 0 {
			op.Bodies = append(op.Bodies, []byte(`{"runs":[`+strings.Join(runs, ",")+"]}"))
		}
	}
	return op
}

// burst is a body of many small traces, within a millisecond or over hours:
// more than an index holds apart by time, or enough to make an hour busy.
func (g *generator) burst() Op {
	op := Op{Kind: OpPost, App: pickOne(g, g.apps)}
	n := pickOne(g, []int{20, 20, 40, 40, 40, 40, 200})
	spread := pickOne(g, []time.Duration{1, time.Microsecond, time.Millisecond, 5 * time.Minute, time.Hour, 3 * time.Hour})
	from := g.start()
	status := g.finalStatus()
	// Ids that begin with each other tell a cursor's place from its neighbour's.
	nested, prefix := g.chance(30), g.id()[:1]
	var runs []string
	for i := range n {
		id := g.id()
		if nested {
			id = prefix + strings.Repeat("a", i)
		}
		p := &plan{app: op.App, traceID: &id}
		if g.chance(30) {
			status = g.finalStatus()
		}
		start := from + g.rng.Int64N(int64(spread))
		run := g.state(p, g.id(), "", start, status, 0, nil).set("input", "1").set("output", "null")
		runs = append(runs, g.endAt(run, start+g.duration()).json(g))
		if g.chance(10) {
			g.ids = append(g.ids, Op{Kind: OpDeleteTrace, App: op.App, TraceID: id})
		}
	}
	op.Body = []byte(`{"runs":[` + strings.Join(runs, ",") + "]}")
	g.sent = append(g.sent, op)
	return op
}

// plan takes a trace of the app that was begun, or begins one.
func (g *generator) plan(app string) *plan {
	if len(g.plans) > 0 && g.chance(60) {
		if p := pickOne(g, g.plans); p.app == app {
			return p
		}
	}
	p := g.newPlan(app)
	g.plans = append(g.plans, p)
	if p.traceID != nil {
		g.ids = append(g.ids, Op{Kind: OpDeleteTrace, App: app, TraceID: *p.traceID})
	} else {
		g.ids = append(g.ids, Op{Kind: OpDeleteTrace, App: app, TraceID: p.runs[0].id})
	}
	return p
}

// delivery chooses which runs of a plan this body carries, and in which state.
func (g *generator) delivery(p *plan) []string {
	var out []string
	part := pickOne(g, []int{100, 100, 50, 25})
	for _, r := range p.runs {
		if p.withheld[r.id] && !g.chance(15) || !g.chance(part) {
			continue
		}
		v := r.next
		if g.chance(20) {
			v = g.rng.IntN(len(r.versions)) // stale, or ahead of its time
		} else if r.next+1 < len(r.versions) {
			r.next++
		}
		out = append(out, r.versions[v].json(g))
		if g.chance(4) {
			out = append(out, r.versions[g.rng.IntN(len(r.versions))].json(g))
		}
	}
	if len(out) == 0 {
		r := pickOne(g, p.runs)
		out = append(out, r.versions[r.next].json(g))
	}
	return out
}

// id makes an id that was not used before: mostly a UUID, sometimes any text.
func (g *generator) id() string {
	g.next++
	switch g.rng.IntN(12) {
	case 0:
		return fmt.Sprintf("r%d", g.next)
	case 1:
		return fmt.Sprintf("choice %d / ÄΩ🙂 \"q\" %%2F\\", g.next)
	case 2:
		return fmt.Sprintf("%d", g.next) + strings.Repeat("x", 250)
	case 3: // a UUID in capitals is text of its own
		return strings.ToUpper(g.uuid())
	case 4:
		return "\x01" + fmt.Sprint(g.next) + "\x00\xc2\xa0"
	}
	return g.uuid()
}

func (g *generator) uuid() string {
	a, b := g.rng.Uint64(), g.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a>>32), uint16(a), uint16(a>>16)&0xfff, uint16(b)&0xfff, b>>16)
}
