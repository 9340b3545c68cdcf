package httpapi

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

// listApps answers GET /v1/apps with the apps in the token's scope, by id.
func (c *call) listApps() error {
	p := c.query.page(100, 1000)
	if err := c.query.err(); err != nil {
		return err
	}
	all, err := c.srv.store.Apps(c.srv.base)
	if err != nil {
		return err
	}
	if t := c.token; t != nil && !t.Apps.All {
		all = slices.DeleteFunc(slices.Clone(all), func(a engine.AppInfo) bool { return !t.Apps.Has(a.ID) })
	}
	slices.SortFunc(all, func(a, b engine.AppInfo) int { return strings.Compare(a.ID, b.ID) })
	p.total = int64(len(all))
	lo := min((p.page-1)*p.size, len(all))
	out := []byte(`{"data":[`)
	for i, a := range all[lo:min(lo+p.size, len(all))] {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendApp(out, a)
	}
	c.body().SetBodyRaw(p.appendEnd(out, ""))
	return nil
}

// getApp answers GET /v1/apps/{app_id}.
func (c *call) getApp() error {
	a, err := c.srv.store.App(c.srv.base, c.app())
	if err != nil {
		return err
	}
	c.data(appendApp(nil, a))
	return nil
}

// deleteApp answers DELETE /v1/apps/{app_id}.
func (c *call) deleteApp() error {
	if err := c.srv.store.DeleteApp(c.srv.base, c.app()); err != nil {
		return err
	}
	c.audit("app deleted", "app", c.app())
	c.deleted(c.app())
	return nil
}

func appendApp(dst []byte, a engine.AppInfo) []byte {
	dst = appendQuoted(append(dst, `{"id":`...), a.ID)
	dst = strconv.AppendInt(append(dst, `,"trace_count":`...), a.TraceCount, 10)
	dst = appendInstant(append(dst, `,"first_started_at":`...), a.FirstStart)
	dst = appendInstant(append(dst, `,"last_started_at":`...), a.LastStart)
	return append(dst, '}')
}

// appendInstant appends t in quotes, or null for the zero time.
func appendInstant(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	dst = trace.AppendTime(append(dst, '"'), trace.Time{NS: t.UnixNano(), Valid: true})
	return append(dst, '"')
}
