package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/otlp"
)

// Signal is what an OTLP request holds.
type Signal uint8

// The signals that have a service in OTLP.
const (
	signalNone Signal = iota
	SignalTraces
	SignalLogs
	SignalMetrics
)

const (
	// otlpFactor is what an OTLP body needs to be stored, in bodies: its runs
	// are about three times as long, and storing takes storeFactor of that.
	otlpFactor = 3 * storeFactor
	// maxBodyApps bounds the apps of one body: each is a commit of its own.
	maxBodyApps = 256
	// maxReasons is how many reasons an errorMessage tells.
	maxReasons = 10
)

// otlpLogs answers OTLP log records: those that tell of a span are stored,
// all others are passed over.
func (c *call) otlpLogs() error {
	app, enc, body, err := c.received()
	if err != nil {
		return err
	}
	return c.answerOTLP(c.storeOTLP(app, body, enc, SignalLogs))
}

// otlpMetrics reads OTLP metrics and drops them: many SDKs send them whether or
// not somebody wants them, and would log an error with every batch.
func (c *call) otlpMetrics() error {
	if _, err := c.encoding(); err != nil {
		return err
	}
	if _, err := c.namedApp(); err != nil {
		return err
	}
	if int64(c.ctx.Request.Header.ContentLength()) > c.srv.opt.MaxBody {
		return c.srv.tooLarge()
	}
	if _, err := io.Copy(io.Discard, c); err != nil {
		return c.bodyError(err)
	}
	return c.answerOTLP(rejection{}, nil)
}

// rejection is OTLP's partial success: how many items were not taken, and why
// the first of them.
type rejection struct {
	count   int
	reasons []string
}

func (r *rejection) add(n int, reason string) {
	r.count += n
	if len(r.reasons) < maxReasons {
		r.reasons = append(r.reasons, reason)
	}
}

// storeOTLP parses spans or log records and gives the runs to the engine, app
// by app. app is "" where the request names none: the resources then do.
func (in *intake) storeOTLP(app string, body []byte, enc otlp.Encoding, sig Signal) (rejection, error) {
	if err := in.share(in.srv.storing, &in.storing, otlpFactor*int64(len(body))); err != nil {
		return rejection{}, err
	}
	parse := otlp.Parse
	if sig == SignalLogs {
		parse = otlp.ParseLogs
	}
	var batch otlp.Batch
	var err error
	if late := in.inTurn(app, body, func() {
		batch, err = parse(body, enc, otlp.Options{Price: in.srv.opt.Price})
	}); late != nil {
		return rejection{}, late
	}
	in.releaseBuffer() // Parse keeps nothing of the body
	switch {
	case errors.Is(err, otlp.ErrManySpans):
		return rejection{}, &apiError{status: 413, code: codeTooLarge, message: clean(err)}
	case err != nil:
		return rejection{}, badField("body", clean(err))
	}
	if err := in.needs(batch.Groups); err != nil {
		return rejection{}, err
	}
	in.srv.stats.invalidRuns.Add(uint64(batch.Rejected))
	bad := rejection{batch.Rejected, batch.Messages}
	apps, homeless := in.byApp(app, batch.Groups, &bad)
	if len(apps) == 0 && homeless > 0 {
		return rejection{}, noAppNamed()
	}
	waits, err := in.submit(apps)
	batch.Release() // for the next body, while the disk writes
	if err != nil {
		return rejection{}, err // what is stored already is stored once however often it comes
	}
	var total engine.IngestResult
	for _, wait := range waits {
		res, err := wait(in.srv.base)
		if err != nil {
			return rejection{}, err
		}
		total.Created += res.Created
		total.Updated += res.Updated
		total.Unchanged += res.Unchanged
		in.srv.stats.fullTraces.Add(uint64(len(res.Rejected)))
		for _, r := range res.Rejected {
			bad.add(1, "span "+r.ID+": "+r.Reason)
		}
	}
	in.srv.stats.ingested(total, bad.count)
	return bad, nil
}

// submit gives the runs of all apps to the engine; they wait for the disk together.
func (in *intake) submit(apps []otlp.Group) (waits []func(context.Context) (engine.IngestResult, error), err error) {
	for _, g := range apps {
		wait, err := in.srv.store.Submit(in.srv.base, g.App, g.Runs)
		if err != nil {
			return nil, err
		}
		waits = append(waits, wait)
	}
	return waits, nil
}

// needs takes more of the storing budget where the runs are longer than the
// body let expect: each span repeats its resource.
func (in *intake) needs(groups []otlp.Group) error {
	var n int64
	for _, g := range groups {
		for i := range g.Runs {
			n += int64(len(g.Runs[i].JSON))
		}
	}
	if !in.storing.grow(in.srv.storing, storeFactor*n) {
		return in.srv.overloaded()
	}
	return nil
}

// byApp gives the runs by the app that they go to, in the order of their first
// appearance. Spans that nobody names an app for count as homeless, and both
// they and those of too many apps are rejected.
func (in *intake) byApp(named string, groups []otlp.Group, bad *rejection) (apps []otlp.Group, homeless int) {
	at := make(map[string]int, len(groups))
	for _, g := range groups {
		app := named
		if app == "" {
			app = in.resourceApp(g.App)
		}
		i, known := at[app]
		switch {
		case app == "":
			homeless += len(g.Runs)
			in.srv.stats.homelessRuns.Add(uint64(len(g.Runs)))
			bad.add(len(g.Runs), fmt.Sprintf("the resource's app %q is not one that the token may write to; name one", cut(g.App, 64)))
		case known:
			apps[i].Runs = append(apps[i].Runs, g.Runs...)
		case len(apps) == maxBodyApps:
			bad.add(len(g.Runs), fmt.Sprintf("the request has spans of more than %d apps; split it", maxBodyApps))
		default:
			at[app] = len(apps)
			apps = append(apps, otlp.Group{App: app, Runs: g.Runs})
		}
	}
	return apps, homeless
}

// resourceApp is the app of a resource: its own name where the token may write
// to an app of that name, else the default app, "" where that may not be.
func (in *intake) resourceApp(app string) string {
	if app != "" && validID(app) && (in.token == nil || in.token.Apps.Has(app)) {
		return app
	}
	return in.defaultApp()
}
