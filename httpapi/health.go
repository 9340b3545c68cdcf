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

// storeMetrics are the engine's own.
func (s *Server) storeMetrics(p *promText) {
	ready := 0.0
	if s.store.Ready() == nil {
		ready = 1
	}
	st := s.store.Stats()
	p.single("tracebed_store_ready", "gauge", "1 while the store takes writes.", ready)
	for _, m := range []struct {
		name, kind, help string
		v                float64
	}{
		{"seq", "counter", "Last applied operation.", float64(st.Seq)},
		{"batches_total", "counter", "Committed batches.", float64(st.Batches)},
		{"ops_total", "counter", "Operations in committed batches.", float64(st.Ops)},
		{"queue_ops", "gauge", "Operations waiting to be committed.", float64(st.QueueOps)},
		{"queue_bytes", "gauge", "Bytes waiting to be committed.", float64(st.QueueBytes)},
		{"disk_bytes", "gauge", "Bytes on disk.", float64(st.DiskBytes)},
		{"memtable_bytes", "gauge", "Bytes in memtables.", float64(st.MemtableBytes)},
		{"block_cache_bytes", "gauge", "Bytes in the block cache.", float64(st.BlockCacheBytes)},
		{"compaction_debt_bytes", "gauge", "Bytes that wait to be compacted.", float64(st.CompactionDebtBytes)},
		{"l0_files", "gauge", "Files in level 0.", float64(st.L0Files)},
		{"l0_sublevels", "gauge", "Sublevels of level 0.", float64(st.L0Sublevels)},
		{"wal_bytes", "gauge", "Bytes in the write-ahead log.", float64(st.WALBytes)},
		{"state_bytes", "gauge", "Decoded indexes and buckets in memory.", float64(st.StateBytes)},
		{"corruptions_total", "counter", "Damaged blocks found.", float64(st.Corruptions)},
		{"checkpoints_total", "counter", "Checkpoints of indexes and buckets.", float64(st.Checkpoints)},
		{"rebuilt_units_total", "counter", "Index units rebuilt from rows.", float64(st.RebuiltUnits)},
		{"write_stalls_total", "counter", "Times that writes waited for the disk.", float64(st.WriteStalls)},
		{"noop_runs_total", "counter", "Runs that changed nothing.", float64(st.NoopRuns)},
	} {
		p.single("tracebed_store_"+m.name, m.kind, m.help, m.v)
	}
}
