package httpapi

import (
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

// Values that the filters of runs take.
var (
	runStatuses = []string{"succeeded", "failed", "skipped", "canceled", "running"}
	runTypes    = []string{"workflow", "flow", "node"}
)

// getTrace answers GET /v1/apps/{app_id}/traces/{trace_id}.
func (c *call) getTrace() error {
	withRuns := c.query.boolean("include_runs")
	preview := c.preview(0)
	if err := c.query.err(); err != nil {
		return err
	}
	if withRuns {
		j, err := c.srv.store.TraceWithRuns(c.reads(), c.app(), c.value("trace_id"))
		if err == nil {
			j, err = trace.PreviewWithRuns(j, preview)
		}
		if err != nil {
			return err
		}
		return c.answer(j)
	}
	row, err := c.srv.store.Trace(c.reads(), c.app(), c.value("trace_id"))
	if err == nil {
		row.JSON, err = trace.Preview(row.JSON, preview)
	}
	if err != nil {
		return err
	}
	return c.answer(row.JSON)
}

// preview is the parameter of that name: bytes of a value to show, 0 = all.
func (c *call) preview(def int64) int {
	return int(c.query.integer("preview", def, 0, 1<<31-1))
}

// listRuns answers GET /v1/apps/{app_id}/traces/{trace_id}/runs.
func (c *call) listRuns() error {
	q := &c.query
	p := q.page(20, 1000)
	rq := engine.RunQuery{
		Page: p.page, PageSize: p.size,
		ParentRunID: q.str("parent_run_id"),
		Statuses:    q.list("status", runStatuses),
		Types:       q.list("type", runTypes),
	}
	preview := c.preview(0)
	if q.has("parent_run_id") && !validID(rq.ParentRunID) {
		q.fail("parent_run_id", "must be a text of 1 to 256 bytes")
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.srv.store.Runs(c.reads(), c.app(), c.value("trace_id"), rq)
	if err != nil {
		return err
	}
	for i, run := range page.Runs {
		if page.Runs[i], err = trace.PreviewRun(run, preview); err != nil {
			return err
		}
	}
	p.total = page.TotalCount
	return c.parts(`{"data":[`, page.Runs, p.appendEnd(nil, ""))
}

// deleteTrace answers DELETE /v1/apps/{app_id}/traces/{trace_id}.
func (c *call) deleteTrace() error {
	if err := c.srv.store.DeleteTrace(c.srv.base, c.app(), c.value("trace_id")); err != nil {
		return err
	}
	c.audit("trace deleted", "app", c.app(), "trace", c.value("trace_id"))
	c.deleted(c.value("trace_id"))
	return nil
}

// deleted answers what was deleted.
func (c *call) deleted(id string) {
	c.data(append(appendQuoted([]byte(`{"id":`), id), `,"deleted":true}`...))
}
