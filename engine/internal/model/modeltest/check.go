package modeltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/internal/model"
	"github.com/tracebed/tracebed/rollup"
)

var statusOf = map[string]rollup.Status{
	"succeeded": rollup.Succeeded, "failed": rollup.Failed, "canceled": rollup.Canceled, "running": rollup.Running,
}

// unknownApp is one that no history writes to.
const unknownApp = "nobody's app"

// checkSome asks a few random questions.
func (p *player) checkSome(rng *rand.Rand) error {
	apps := p.oracle.Apps()
	if len(apps) == 0 || rng.IntN(10) == 0 {
		apps = []string{unknownApp}
	}
	app := apps[rng.IntN(len(apps))]
	if err := p.checkMetrics(app, rng); err != nil {
		return err
	}
	switch rng.IntN(4) {
	case 0:
		return p.checkTraces(app, 3, rng)
	case 1:
		return p.checkExport(app, rng)
	}
	return p.checkList(app, p.filter(app, rng), rng)
}

// checkAll compares everything there is.
func (p *player) checkAll(rng *rand.Rand) error {
	if err := p.checkApps(); err != nil {
		return err
	}
	for _, app := range append(p.oracle.Apps(), unknownApp) {
		steps := []func() error{
			func() error { return p.checkTraces(app, 1<<30, rng) },
			func() error { return p.checkList(app, model.Filter{}, rng) },
			func() error { return p.checkExport(app, rng) },
		}
		for range 3 {
			steps = append(steps, func() error { return p.checkList(app, p.filter(app, rng), rng) },
				func() error { return p.checkMetrics(app, rng) })
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("app %q: %w", app, err)
			}
		}
	}
	for _, q := range p.asked {
		if err := p.ask(q); err != nil {
			return err
		}
	}
	report, err := p.eng.Verify(p.ctx)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	if len(report.Differences) > 0 {
		return fmt.Errorf("verify: %q", report.Differences)
	}
	return nil
}

// checkApps: every app with traces is listed with its count and extremes; an
// app whose traces were all deleted may be listed, with none.
func (p *player) checkApps() error {
	infos, err := p.eng.Apps(p.ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, info := range infos {
		if seen[info.ID] {
			return fmt.Errorf("app %q is listed twice", info.ID)
		}
		seen[info.ID] = true
		traces := p.oracle.Select(info.ID, model.Filter{})
		if info.TraceCount != int64(len(traces)) {
			return fmt.Errorf("app %q has %d traces, want %d", info.ID, info.TraceCount, len(traces))
		}
		one, err := p.eng.App(p.ctx, info.ID)
		if err != nil {
			return fmt.Errorf("app %q: %w", info.ID, err)
		}
		if one != info {
			return fmt.Errorf("app %q alone is %+v, in the list %+v", info.ID, one, info)
		}
		if len(traces) == 0 {
			continue
		}
		first, last := traces[len(traces)-1].StartUS(), traces[0].StartUS()
		if info.FirstStart.UnixMicro() != first || info.LastStart.UnixMicro() != last {
			return fmt.Errorf("app %q starts %v to %v, want %d to %d", info.ID, info.FirstStart, info.LastStart, first, last)
		}
	}
	for _, app := range p.oracle.Apps() {
		if !seen[app] && len(p.oracle.Select(app, model.Filter{})) > 0 {
			return fmt.Errorf("app %q is not listed", app)
		}
	}
	return nil
}

// filter makes a random filter whose edges often hit a trace to the µs.
func (p *player) filter(app string, rng *rand.Rand) model.Filter {
	var f model.Filter
	for _, s := range []string{"succeeded", "failed", "canceled", "running"} {
		if rng.IntN(3) == 0 {
			f.Statuses = append(f.Statuses, s)
		}
	}
	rng.Shuffle(len(f.Statuses), func(i, j int) { f.Statuses[i], f.Statuses[j] = f.Statuses[j], f.Statuses[i] })
	traces := p.oracle.Select(app, model.Filter{})
	if len(traces) == 0 {
		return f
	}
	edge := func() int64 {
		us := traces[rng.IntN(len(traces))].StartUS() + int64(rng.IntN(3)-1)
		if rng.IntN(3) == 0 {
			us += rng.Int64N(7_200_000_000) - 3_600_000_000
		}
		return max(us, 0)
	}
	if rng.IntN(3) > 0 {
		f.From = edge()
	}
	if rng.IntN(3) > 0 {
		f.To = max(edge(), 1)
	}
	return f
}

func engineFilter(f model.Filter) engine.Filter {
	return engine.Filter{Window: engine.Window{From: f.From, To: f.To}, Statuses: engineStatuses(f.Statuses)}
}

func engineStatuses(names []string) (out []rollup.Status) {
	for _, s := range names {
		out = append(out, statusOf[s])
	}
	return out
}

// noApp reports whether err is the engine's way to say that an app is
// unknown, and the oracle agrees that there is nothing in it.
func (p *player) noApp(app string, err error) bool {
	return errors.Is(err, engine.ErrNotFound) && len(p.oracle.Select(app, model.Filter{})) == 0
}

// sameOrder compares ids in the order of an answer with the traces wanted:
// the starts fall (or rise) alike, and every trace comes once. Traces of the
// same microsecond may come in any order, which the law leaves open.
func sameOrder(got []string, want []*model.Trace, newestFirst bool) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d traces %q, want %d", len(got), got, len(want))
	}
	want = slices.Clone(want)
	if !newestFirst {
		slices.Reverse(want)
	}
	for at := 0; at < len(want); {
		end := at
		var ids []string
		for end < len(want) && want[end].StartUS() == want[at].StartUS() {
			ids = append(ids, want[end].ID)
			end++
		}
		tied := slices.Clone(got[at:end])
		slices.Sort(tied)
		slices.Sort(ids)
		if !slices.Equal(tied, ids) {
			return fmt.Errorf("places %d to %d hold %q, want %q", at, end, got[at:end], ids)
		}
		at = end
	}
	return nil
}
