package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/otlp"
	"github.com/tracebed/tracebed/engine/trace"
)

var parsers = sync.Pool{New: func() any { return new(dynamiq.Parser) }}

// maxListed bounds how many rejected runs an error names one by one.
const maxListed = 100

// received is what somebody sends to be stored: the app it names, its encoding,
// and the body, inflated.
func (c *call) received() (app string, enc otlp.Encoding, body []byte, err error) {
	if enc, err = c.encoding(); err != nil {
		return "", 0, nil, err
	}
	if app, err = c.namedApp(); err != nil {
		return "", 0, nil, err
	}
	if body, err = c.readBody(); err != nil {
		return "", 0, nil, err
	}
	c.srv.stats.ingestBytes.Add(uint64(len(body)))
	return app, enc, body, nil
}

// ingest answers the POSTs of traces: 200 once all good runs are durable.
func (c *call) ingest() error {
	app, enc, body, err := c.received()
	if err != nil {
		return err
	}
	if enc == otlp.Protobuf {
		return c.answerOTLP(c.storeOTLP(app, body, enc, SignalTraces))
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return badField("body", `is empty; send {"runs":[…]} or {"resourceSpans":[…]}`)
	}
	switch kind, err := dynamiq.Sniff(body); {
	case err != nil:
		return badField("body", clean(err))
	case kind == dynamiq.Empty:
		c.form = formJSON
		return c.answerOTLP(rejection{}, nil)
	case kind == dynamiq.OTLP:
		c.form = formJSON
		return c.answerOTLP(c.storeOTLP(app, body, enc, SignalTraces))
	case kind == dynamiq.Both:
		return badField("body", "has both runs and resourceSpans; send one of them")
	case kind != dynamiq.Dynamiq:
		return badField("body", `must be a JSON object with a member runs or resourceSpans: {"runs":[…]}`)
	}
	c.form = formContract
	if app == "" {
		app = c.defaultApp()
	}
	if app == "" {
		return noAppNamed()
	}
	return c.store(app, body)
}

// store parses a Dynamiq body, gives its good runs to the engine and answers.
func (c *call) store(app string, body []byte) error {
	if err := c.share(c.srv.storing, &c.storing, storeFactor*int64(len(body))); err != nil {
		return err
	}
	var runs []trace.Run
	var bad []dynamiq.Rejection
	var err error
	parser := parsers.Get().(*dynamiq.Parser)
	if late := c.inTurn(app, body, func() {
		runs, bad, err = parser.Parse(body, dynamiq.Options{Price: c.srv.opt.Price})
	}); late != nil {
		return late
	}
	c.releaseBuffer() // Parse keeps nothing of the body
	if err != nil {
		return badField("body", clean(err))
	}
	var wait func(context.Context) (engine.IngestResult, error)
	if len(runs) > 0 {
		wait, err = c.srv.store.Submit(c.srv.base, app, runs)
	}
	parsers.Put(parser) // for the next body, while the disk writes
	if err != nil {
		return err
	}
	var res engine.IngestResult
	if wait != nil {
		if res, err = wait(c.srv.base); err != nil {
			return err
		}
	}
	rejected := make([]engine.Rejection, 0, len(bad)+len(res.Rejected))
	for _, r := range bad {
		rejected = append(rejected, engine.Rejection(r))
	}
	for _, r := range res.Rejected {
		r.Index = bodyIndex(r.Index, bad)
		rejected = append(rejected, r)
	}
	c.srv.stats.invalidRuns.Add(uint64(len(bad)))
	c.srv.stats.fullTraces.Add(uint64(len(res.Rejected)))
	c.srv.stats.ingested(res, len(rejected))
	if res.Created+res.Updated+res.Unchanged == 0 {
		return noGoodRun(rejected)
	}
	c.body().SetBodyRaw(appendIngest(nil, res, rejected))
	return nil
}

// bodyIndex turns a position among the good runs into one in the body, given
// the rejected positions in ascending order.
func bodyIndex(i int, bad []dynamiq.Rejection) int {
	for _, r := range bad {
		if r.Index > i {
			break
		}
		i++
	}
	return i
}

// noGoodRun is the 400 of a body of which nothing could be stored.
func noGoodRun(rejected []engine.Rejection) error {
	if len(rejected) == 0 {
		return badField("runs", "must hold at least one run")
	}
	e := badRequest(fmt.Sprintf("none of the %d runs can be stored", len(rejected)))
	e.details = make(map[string]string, min(len(rejected), maxListed))
	for i, r := range rejected {
		if i == maxListed {
			e.message += fmt.Sprintf("; the first %d are listed", maxListed)
			break
		}
		key := "runs[" + strconv.Itoa(r.Index) + "]"
		// Reasons read "start_time must be …": the field becomes part of the key.
		if field, text, ok := strings.Cut(r.Reason, " must "); ok && !strings.Contains(field, " ") {
			e.details[key+"."+field] = "must " + text
			continue
		}
		e.details[key] = r.Reason
	}
	return e
}

// appendIngest renders the answer of the contract §2.
func appendIngest(dst []byte, res engine.IngestResult, rejected []engine.Rejection) []byte {
	dst = append(dst, `{"message":"ok","data":{"created":`...)
	dst = strconv.AppendInt(dst, int64(res.Created), 10)
	dst = append(dst, `,"updated":`...)
	dst = strconv.AppendInt(dst, int64(res.Updated), 10)
	dst = append(dst, `,"unchanged":`...)
	dst = strconv.AppendInt(dst, int64(res.Unchanged), 10)
	dst = append(dst, `,"rejected":[`...)
	for i, r := range rejected {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(r.Index), 10)
		dst = append(dst, `,"id":`...)
		dst = appendQuoted(dst, r.ID)
		dst = append(dst, `,"reason":`...)
		dst = appendQuoted(dst, r.Reason)
		dst = append(dst, '}')
	}
	return append(dst, "]}}"...)
}

// namedApp is the app that a request names: by its path, else X-App-Id, else
// app_id, else as the only app of its token; "" where it names none.
func (c *call) namedApp() (string, error) {
	app := c.app()
	if app == "" {
		app = string(c.ctx.Request.Header.Peek("X-App-Id"))
	}
	if app == "" {
		app = c.query.str("app_id")
	}
	return c.checkApp(app)
}

// checkApp is the app that a request names, else the only app of its token,
// where the token may write to it.
func (in *intake) checkApp(app string) (string, error) {
	t := in.token
	if app == "" && t != nil && !t.Apps.All && len(t.Apps.Apps) == 1 {
		app = t.Apps.Apps[0]
	}
	switch {
	case app == "":
		return "", nil
	case !validID(app):
		return "", badField("app_id", "must be a UTF-8 text of 1 to 256 bytes")
	case t != nil && !t.Apps.Has(app):
		return "", noSuchApp(app)
	}
	return app, nil
}

// defaultApp is the app of what names none, "" where there is no such app or
// the token may not write to it.
func (in *intake) defaultApp() string {
	if app := in.srv.opt.DefaultApp; in.token == nil || in.token.Apps.Has(app) {
		return app
	}
	return ""
}

func noAppNamed() error {
	return badField("app_id", "name the app: by X-App-Id, by ?app_id= or by POST /v1/apps/{app_id}/traces")
}
