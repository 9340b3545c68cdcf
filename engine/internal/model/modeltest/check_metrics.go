package modeltest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/internal/model"
	"github.com/tracebed/tracebed/rollup"
)

// zones are those of the acceptance test: whole hours, half hours, clock
// changes of an hour and of half an hour.
var zones = func() (out []*time.Location) {
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		out = append(out, loc)
	}
	return out
}()

// intervals with the longest window, in hours, that is asked for.
var intervals = []struct {
	text  string
	hours int64
}{
	{"15m", 30}, {"1h", 120}, {"hour", 80}, {"6h", 240}, {"24h", 1000}, {"day", 1500}, {"1d", 700},
	{"168h", 3000}, {"week", 3000}, {"1w", 2000}, {"month", 9000}, {"720h", 9000},
}

// question is a chart that was asked for.
type question struct {
	app        string
	start, end int64 // µs, both included
	interval   string
	loc        *time.Location
}

func (q question) String() string {
	at := func(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }
	return fmt.Sprintf("metrics of %q from %s to %s by %s in %s", q.app, at(q.start), at(q.end), q.interval, q.loc)
}

// checkMetrics compares one chart with ragged edges near the traces, or one
// that was asked for before: the engine may remember its answer.
func (p *player) checkMetrics(app string, rng *rand.Rand) error {
	q := p.question(app, rng)
	if len(p.asked) > 0 && rng.IntN(2) == 0 {
		q = p.asked[rng.IntN(len(p.asked))]
	} else {
		p.asked = append(p.asked, q)
	}
	return p.ask(q)
}

func (p *player) ask(q question) error {
	interval, err := rollup.ParseInterval(q.interval)
	if err != nil {
		return err
	}
	want, err := p.oracle.Metrics(q.app, q.start, q.end, q.interval, q.loc)
	if err != nil {
		return err
	}
	got, err := p.eng.Metrics(p.ctx, q.app, engine.MetricsQuery{Start: q.start, End: q.end, Interval: interval, Location: q.loc})
	if p.noApp(q.app, err) {
		return nil
	}
	if err == nil {
		err = compareMetrics(&got, want)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", q, err)
	}
	return nil
}

func (p *player) question(app string, rng *rand.Rand) question {
	const hour = int64(3_600_000_000)
	f := p.filter(app, rng)
	iv := intervals[rng.IntN(len(intervals))]
	q := question{app: app, start: f.From, end: f.To - 1, interval: iv.text, loc: zones[rng.IntN(len(zones))]}
	if q.start == 0 && rng.IntN(4) > 0 {
		q.start = max(0, q.end-rng.Int64N(iv.hours*hour))
	}
	if q.end < q.start || q.end-q.start > iv.hours*hour {
		q.end = q.start + rng.Int64N(iv.hours*hour)
	}
	return q
}

func compareMetrics(got *engine.Metrics, want *model.Metrics) error {
	if err := compareStats(&got.Summary, want.Summary); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	if len(got.Series) != len(want.Series) {
		return fmt.Errorf("%d buckets, want %d", len(got.Series), len(want.Series))
	}
	for i, w := range want.Series {
		g := &got.Series[i]
		if g.Start.UnixMicro() != w.Start {
			return fmt.Errorf("bucket %d starts %v, want %v", i, g.Start.UTC(), time.UnixMicro(w.Start).UTC())
		}
		if err := compareStats(g.Stats, w.Stats); err != nil {
			return fmt.Errorf("bucket %d (%v): %w", i, g.Start.UTC(), err)
		}
	}
	return nil
}

func compareStats(got *rollup.Stats, want *model.Stats) error {
	for _, c := range []struct {
		name string
		got  int64
		want int64
	}{
		{"invocations", int64(got.InvocationCount), int64(want.Invocations)},
		{"succeeded", int64(got.SuccessCount), int64(want.Count["succeeded"])},
		{"failed", int64(got.FailureCount), int64(want.Count["failed"])},
		{"canceled", int64(got.CanceledCount), int64(want.Count["canceled"])},
		{"running", int64(got.RunningCount), int64(want.Count["running"])},
		{"prompt tokens", got.PromptTokens, want.Prompt},
		{"completion tokens", got.CompletionTokens, want.Completion},
		{"total tokens", got.TotalTokens, want.Total},
		{"unpriced", int64(got.UnpricedCount), int64(want.Unpriced)},
		{"durations", int64(got.Duration.Count), int64(len(want.Durations))},
	} {
		if c.got != c.want {
			return fmt.Errorf("%s %d, want %d", c.name, c.got, c.want)
		}
	}
	for _, c := range []struct {
		name string
		got  rollup.Cost
		want *big.Int
	}{
		{"prompt cost", got.PromptCost, want.PromptCost},
		{"completion cost", got.CompletionCost, want.CompletionCost},
		{"total cost", got.TotalCost, want.TotalCost},
	} {
		text := string(c.got.USD.AppendUSD(nil))
		if c.got.Known != (c.want != nil) || c.want != nil && !model.SamePico(text, c.want) {
			return fmt.Errorf("%s %v %s, want %v", c.name, c.got.Known, text, c.want)
		}
	}
	return compareDurations(&got.Duration, want.Durations)
}

// compareDurations: extremes exact, the average to the last bits of a float,
// percentiles within 1 % of the value of nearest rank.
func compareDurations(got *rollup.DurationStats, us []int64) error {
	if len(us) == 0 {
		return nil
	}
	sum := new(big.Int)
	for _, d := range us {
		sum.Add(sum, big.NewInt(d))
	}
	avg, _ := new(big.Rat).SetFrac(sum, big.NewInt(int64(len(us))*1000)).Float64()
	ms := func(us int64) float64 { return float64(us) / 1000 }
	for _, c := range []struct {
		name             string
		got, want, error float64
	}{
		{"min", got.Min, ms(us[0]), 0},
		{"max", got.Max, ms(us[len(us)-1]), 0},
		{"avg", got.Avg, avg, 1e-12},
		{"p50", got.P50, ms(model.Percentile(us, 50)), 0.01},
		{"p90", got.P90, ms(model.Percentile(us, 90)), 0.01},
		{"p95", got.P95, ms(model.Percentile(us, 95)), 0.01},
		{"p99", got.P99, ms(model.Percentile(us, 99)), 0.01},
	} {
		if math.Abs(c.got-c.want) > c.want*c.error {
			return fmt.Errorf("%s %v ms, want %v (of %d)", c.name, c.got, c.want, len(us))
		}
	}
	return nil
}
