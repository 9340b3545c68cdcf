package httpapi

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// counters are what /metrics shows of the server; all are only added to.
type counters struct {
	routes []*routeStats
	other  *routeStats // requests that no route takes

	refused                  [len(errorCodes)]atomic.Uint64
	panics, overloads        atomic.Uint64
	invalidRuns, fullTraces  atomic.Uint64
	homelessRuns             atomic.Uint64
	ingestBytes              atomic.Uint64
	created, updated         atomic.Uint64
	unchanged, rejected      atomic.Uint64
	exports, exportsComplete atomic.Uint64
	exportTraces             atomic.Uint64
	exportBytes              atomic.Uint64
	backups                  atomic.Uint64
	lastBackup               atomic.Int64 // Unix seconds
}

// statusCodes are the codes that the server answers with.
var statusCodes = [...]int{200, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 429, 431, 500, 503}

// errorCodes are those of the contract §1, in the order of refused.
var errorCodes = [...]string{codeBadRequest, codeUnauth, codeForbidden, codeNotFound, codeConflict,
	codeTooLarge, codeMediaType, codeRateLimited, codeInternal, codeUnavailable}

// refuse counts an error answer.
func (s *counters) refuse(code string) {
	for i, c := range errorCodes {
		if c == code {
			s.refused[i].Add(1)
		}
	}
}

// latencyBounds are the upper ends of the latency histogram.
var latencyBounds = [...]time.Duration{
	250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, time.Second, 10 * time.Second,
}

// routeStats are the counters of one route.
type routeStats struct {
	method, pattern string
	codes           [len(statusCodes)]atomic.Uint64
	latency         [len(latencyBounds) + 1]atomic.Uint64
	nanos           atomic.Uint64
}

func (s *counters) init(lists ...[]*route) {
	s.other = &routeStats{method: "any", pattern: "other"}
	for _, rt := range slices.Concat(lists...) {
		rt.stats = &routeStats{method: rt.method, pattern: rt.pattern}
		s.routes = append(s.routes, rt.stats)
	}
	s.routes = append(s.routes, s.other)
}

// request counts an answered request; rt is nil where none took it.
func (s *counters) request(rt *route, status int, took time.Duration) {
	st := s.other
	if rt != nil {
		st = rt.stats
	}
	for i, code := range statusCodes {
		if code == status {
			st.codes[i].Add(1)
			break
		}
	}
	i := 0
	for i < len(latencyBounds) && took > latencyBounds[i] {
		i++
	}
	st.latency[i].Add(1)
	st.nanos.Add(uint64(max(took, 0)))
}

func (s *counters) ingested(res engine.IngestResult, rejected int) {
	s.created.Add(uint64(res.Created))
	s.updated.Add(uint64(res.Updated))
	s.unchanged.Add(uint64(res.Unchanged))
	s.rejected.Add(uint64(rejected))
}

func (s *counters) exported(traces, bytes int64, complete bool) {
	s.exports.Add(1)
	if complete {
		s.exportsComplete.Add(1)
	}
	s.exportTraces.Add(uint64(traces))
	s.exportBytes.Add(uint64(bytes))
}
