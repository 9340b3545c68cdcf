package peer

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tracebed/tracebed/bench/gen"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/rollup"
)

// Start is when the data begins, and Days how long it lasts.
var Start = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// Days is how many days the traces of a store are spread over.
const Days = 30

// Apps is the number of apps; App, the first, has 80 % of the traces.
const (
	Apps  = 10
	App   = "app-1"
	AppNo = int32(1)
)

// PreviewBytes bounds input and output in a row of a list.
const PreviewBytes = 2048

// Source makes the traces of a store of n, seeded. Not for concurrent use.
type Source struct {
	g *gen.Gen
}

// NewSource makes traces spread over Days days; equal seeds and sizes give
// equal traces.
func NewSource(seed uint64, traces int) *Source {
	return &Source{gen.New(seed, gen.Options{
		Start: Start, Window: Days * 24 * time.Hour, Traces: traces, Apps: Apps, Varied: true,
	})}
}

// Chunk is traces in batches of one app each, in order of arrival. The bytes
// lie outside of Go's heap, which would else be so large that the collector
// hardly ran, unlike in a real process.
type Chunk struct {
	Batches [][]Rec
	// Stale are the batches' stale copies; nil unless asked for.
	Stale [][]Rec
	// JSON is the bytes of all Full, Traces how many traces there are.
	JSON   int64
	Traces int
	arena  Arena
}

// Free gives the memory back; the records must not be used any more.
func (c *Chunk) Free() { c.arena.Free() }

// Chunk makes the next n traces, size to a batch.
func (s *Source) Chunk(n, size int, stale bool) (*Chunk, error) {
	raw := make([]gen.Trace, n)
	for i := range raw {
		raw[i] = s.g.Next()
	}
	type pair struct{ final, stale Rec }
	recs, errs := make([]pair, n), make([]error, n)
	var wg sync.WaitGroup
	const workers = 2
	for w := range workers {
		wg.Go(func() {
			var d Deriver
			for i := w; i < n; i += workers {
				recs[i].final, errs[i] = d.Rec(raw[i].App, raw[i].Body)
				if stale && errs[i] == nil {
					recs[i].stale, errs[i] = d.Rec(raw[i].App, raw[i].Stale)
				}
			}
		})
	}
	wg.Wait()
	c := &Chunk{Traces: n}
	for i := range recs {
		if errs[i] != nil {
			return nil, fmt.Errorf("trace %d: %w", i, errs[i])
		}
		c.JSON += int64(len(recs[i].final.Full))
	}
	open := map[string]int{} // app → its batch that is not full
	for i := range recs {
		app := raw[i].App
		at, ok := open[app]
		if !ok || len(c.Batches[at]) == size {
			at = len(c.Batches)
			open[app] = at
			c.Batches, c.Stale = append(c.Batches, nil), append(c.Stale, nil)
		}
		recs[i].final.move(&c.arena)
		c.Batches[at] = append(c.Batches[at], recs[i].final)
		if stale {
			recs[i].stale.move(&c.arena)
			c.Stale[at] = append(c.Stale[at], recs[i].stale)
		}
	}
	return c, nil
}

// move copies the bytes of r out of the heap.
func (r *Rec) move(a *Arena) {
	r.Head, r.Full, r.Raw = a.Keep(r.Head), a.Keep(r.Full), a.Keep(r.Raw)
}

// Deriver turns request bodies into records, with the engine's own derivation,
// so that all stores are given the same facts. Not for concurrent use.
type Deriver struct {
	parser  dynamiq.Parser
	deriver trace.Deriver
}

// Rec makes the record of a body that holds one trace.
func (d *Deriver) Rec(app string, body []byte) (Rec, error) {
	runs, rejected, err := d.parser.Parse(body, dynamiq.Options{})
	if err != nil {
		return Rec{}, err
	}
	if len(rejected) > 0 {
		return Rec{}, fmt.Errorf("%s", rejected[0].Reason)
	}
	runs = trace.SortNewestFirst(runs)
	s := d.deriver.Derive(runs, trace.Options{})
	head, _ := d.deriver.AppendPreviewTrace(nil, app, &s, s.Start, PreviewBytes)
	full, _ := d.deriver.AppendPreviewTrace(make([]byte, 0, len(body)*5/4), app, &s, s.Start, 0)
	number, err := strconv.Atoi(strings.TrimPrefix(app, "app-"))
	if err != nil {
		return Rec{}, err
	}
	v := &s.Sample
	return Rec{
		App: app, AppNo: int32(number), ID: s.ID, StartUS: s.Start.MicrosFloor(), DurUS: v.DurationUS, Status: uint8(v.Status),
		Tokens: [3]int64{v.PromptTokens, v.CompletionTokens, v.TotalTokens},
		Cost:   [3]int64{pico(v.PromptCost), pico(v.CompletionCost), pico(v.TotalCost)}, Unpriced: int64(v.Unpriced),
		Head: append(head, '}'), Full: append(trace.AppendRuns(full, runs), '}'), Raw: body, Hash: int64(xxhash.Sum64(body)),
	}, nil
}

func pico(m rollup.Money) int64 { return int64(m.Lo) }
