package httpapi

import "github.com/tracebed/tracebed/engine"

// defaultPreview is how many bytes of input and output a list shows.
const defaultPreview = 2048

// listTraces answers GET /v1/apps/{app_id}/traces.
func (c *call) listTraces() error {
	q := &c.query
	p := q.page(20, 1000)
	lq := engine.ListQuery{
		Filter:    q.filter(),
		Ascending: q.oneOf("sort", "-started_at", "started_at") == "started_at",
		Page:      p.page, PageSize: p.size,
		Cursor:  q.str("cursor"),
		Preview: c.preview(defaultPreview),
	}
	if lq.Cursor != "" && q.has("page") {
		q.fail("page", "cannot be given together with cursor")
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.srv.store.List(c.reads(), c.app(), lq)
	if err != nil {
		return err
	}
	rows := make([][]byte, len(page.Rows))
	for i := range page.Rows {
		rows[i] = page.Rows[i].JSON
	}
	p.total = page.TotalCount
	return c.parts(`{"data":[`, rows, p.appendEnd(nil, page.NextCursor))
}
