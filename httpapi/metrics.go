package httpapi

import (
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

// getMetrics answers GET /v1/apps/{app_id}/metrics.
func (c *call) getMetrics() error {
	q := &c.query
	mq := engine.MetricsQuery{Location: time.UTC}
	mq.Start, _ = q.instant("start_time")
	mq.End, _ = q.instant("end_time")
	mq.Start = max(mq.Start, 0)
	if mq.End < mq.Start {
		q.fail("end_time", "must not lie before start_time (nor before 1970)")
	}
	iv, err := rollup.ParseInterval(q.str("interval"))
	if err != nil {
		q.fail("interval", "must be a duration of at least 1s such as 15m, 1h, 24h, 168h or 720h, or one of 1d, 1w, hour, day, week, month")
	}
	mq.Interval = iv
	if name := q.str("timezone"); q.has("timezone") {
		// Local is the zone of this machine, which is no answer to a client.
		loc, err := time.LoadLocation(name)
		if err != nil || name == "" || name == "Local" {
			q.fail("timezone", "must be a zone of the IANA database such as Europe/Berlin")
		}
		mq.Location = loc
	}
	if err := q.err(); err != nil {
		return err
	}
	m, err := c.srv.store.Metrics(c.srv.base, c.app(), mq)
	if err != nil {
		return err
	}
	out := make([]byte, 0, 512+len(m.Series)*512)
	out = m.Summary.AppendJSON(append(out, `{"data":{"summary":`...))
	out = append(out, `,"series":[`...)
	for i := range m.Series {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendInstant(append(out, `{"timestamp":`...), m.Series[i].Start)
		out = m.Series[i].Stats.AppendJSON(append(out, `,"metrics":`...))
		out = append(out, '}')
	}
	c.body().SetBodyRaw(append(out, "]}}"...))
	return nil
}
