package httpapi

import (
	"runtime"
	"strconv"
	"time"
)

// healthz answers while the process is up.
func (c *call) healthz() error {
	c.data([]byte(`{"status":"ok"}`))
	return nil
}

// readyz answers 200 while the store takes writes.
func (c *call) readyz() error {
	if err := c.srv.Ready(); err != nil {
		return err
	}
	c.data([]byte(`{"status":"ok"}`))
	return nil
}

// promMetrics answers GET /metrics.
func (c *call) promMetrics() error {
	p := &promText{}
	p.head("tracebed_build_info", "gauge", "Version of the server.")
	p.value("tracebed_build_info", 1, "version", c.srv.opt.Version, "go", runtime.Version())
	c.srv.requestMetrics(p)
	c.srv.trafficMetrics(p)
	c.srv.storeMetrics(p)
	c.srv.upkeepMetrics(p)
	runtimeText(p)
	c.ctx.Response.Header.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	c.ctx.Response.SetBodyRaw(p.b)
	return nil
}

// requestMetrics are counts and latencies of requests by route.
func (s *Server) requestMetrics(p *promText) {
	const total, took = "tracebed_http_requests_total", "tracebed_http_request_duration_seconds"
	p.head(total, "counter", "Answered requests.")
	for _, st := range s.stats.routes {
		for i := range statusCodes {
			if n := st.codes[i].Load(); n > 0 {
				p.value(total, float64(n), "method", st.method, "route", st.pattern, "code", strconv.Itoa(statusCodes[i]))
			}
		}
	}
	p.head(took, "histogram", "Time to answer, the body's arrival included.")
	for _, st := range s.stats.routes {
		var sum uint64
		var counts [len(latencyBounds) + 1]uint64
		for i := range counts {
			sum += st.latency[i].Load()
			counts[i] = sum
		}
		if sum == 0 {
			continue
		}
		for i, n := range counts {
			le := "+Inf"
			if i < len(latencyBounds) {
				le = strconv.FormatFloat(latencyBounds[i].Seconds(), 'g', -1, 64)
			}
			p.value(took+"_bucket", float64(n), "method", st.method, "route", st.pattern, "le", le)
		}
		p.value(took+"_sum", float64(st.nanos.Load())/float64(time.Second), "method", st.method, "route", st.pattern)
		p.value(took+"_count", float64(sum), "method", st.method, "route", st.pattern)
	}
	p.single("tracebed_http_inflight_requests", "gauge", "Requests being answered.", float64(s.inflight.Load()))
	s.mu.Lock()
	l := s.ln
	s.mu.Unlock()
	if l != nil {
		p.single("tracebed_http_connections", "gauge", "Open connections.", float64(l.open()))
		p.single("tracebed_http_rejected_connections_total", "counter", "Connections refused because too many were open.", float64(l.rejected.Load()))
	}
}

// trafficMetrics are what went in and out.
func (s *Server) trafficMetrics(p *promText) {
	t := &s.stats
	const runs = "tracebed_ingest_runs_total"
	p.head(runs, "counter", "Runs received, by what became of them.")
	p.value(runs, float64(t.created.Load()), "result", "created")
	p.value(runs, float64(t.updated.Load()), "result", "updated")
	p.value(runs, float64(t.unchanged.Load()), "result", "unchanged")
	p.value(runs, float64(t.rejected.Load()), "result", "rejected")
	const rejected = "tracebed_ingest_rejected_runs_total"
	p.head(rejected, "counter", "Runs that were not stored, by the reason.")
	p.value(rejected, float64(t.invalidRuns.Load()), "reason", "invalid")
	p.value(rejected, float64(t.fullTraces.Load()), "reason", "trace_limit")
	p.value(rejected, float64(t.homelessRuns.Load()), "reason", "no_app")
	const refused = "tracebed_http_errors_total"
	p.head(refused, "counter", "Requests answered with an error, by its code.")
	for i, code := range errorCodes {
		p.value(refused, float64(t.refused[i].Load()), "code", code)
	}
	p.single("tracebed_ingest_bytes_total", "counter", "Bytes of ingested bodies, inflated.", float64(t.ingestBytes.Load()))
	p.single("tracebed_ingest_overloads_total", "counter", "Bodies refused for want of memory.", float64(t.overloads.Load()))
	p.single("tracebed_body_memory_bytes", "gauge", "Memory taken by bodies in flight.", float64(s.reading.used()+s.storing.used()))
	p.single("tracebed_exports_total", "counter", "Downloads begun and ended.", float64(t.exports.Load()))
	p.single("tracebed_exports_complete_total", "counter", "Downloads that held all that was asked for.", float64(t.exportsComplete.Load()))
	p.single("tracebed_exports_running", "gauge", "Downloads that are running.", float64(len(s.exports)))
	p.single("tracebed_export_traces_total", "counter", "Traces in downloads.", float64(t.exportTraces.Load()))
	p.single("tracebed_export_bytes_total", "counter", "Bytes of downloads as sent.", float64(t.exportBytes.Load()))
	p.single("tracebed_panics_total", "counter", "Handlers that panicked.", float64(t.panics.Load()))
}
