package httpapi

import (
	"slices"
	"strings"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

// maxMicros is past the last instant that a run may have (year 9999).
const maxMicros = 253402300800 * 1e6

// emptyWindow holds no instant. (To = 0 would mean "no upper end".)
var emptyWindow = engine.Window{From: 1, To: 1}

// instant reads an RFC 3339 time as whole µs since the epoch (rounded down)
// and says whether a part of a µs was cut off. Times before 1970 are the epoch
// less one µs: no run is older than the epoch, so the meaning is the same.
func (q *query) instant(name string) (us int64, rest bool) {
	s := strings.ToUpper(q.str(name))
	// A plus sign that was not percent-encoded arrives as a space.
	if n := len(s) - len(" 00:00"); n > 0 && s[n] == ' ' {
		s = s[:n] + "+" + s[n+1:]
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || strings.Contains(s, ",") {
		q.fail(name, "must be an RFC 3339 time like 2026-01-31T08:30:00Z")
		return 0, false
	}
	us = t.Unix()*1e6 + int64(t.Nanosecond()/1000)
	if us < 0 {
		return -1, false
	}
	return us, t.Nanosecond()%1000 != 0
}

// window is the intersection of the operators on field, as a half-open range
// of µs: gte 10.5 µs begins at 11, lte 10.5 µs ends before 11.
func (q *query) window(field string) engine.Window {
	from, to := int64(0), int64(maxMicros)
	bounded := false
	for _, op := range []string{":gte", ":gt", ":lte", ":lt"} {
		if !q.has(field + op) {
			continue
		}
		us, rest := q.instant(field + op)
		switch {
		case op == ":gte" && rest, op == ":gt":
			from = max(from, us+1)
		case op == ":gte":
			from = max(from, us)
		case op == ":lte", op == ":lt" && rest:
			to, bounded = min(to, us+1), true
		default: // :lt
			to, bounded = min(to, us), true
		}
	}
	switch {
	case from >= to:
		return emptyWindow
	case !bounded:
		to = 0
	}
	return engine.Window{From: from, To: to}
}

// traceStatuses are the states of a trace, at the index of their rollup.Status.
var traceStatuses = []string{"succeeded", "failed", "canceled", "running"}

// filter reads the filter parameters that list, download and others share.
func (q *query) filter() engine.Filter {
	return engine.Filter{Window: q.window("started_at"), Statuses: q.filterStatuses()}
}

func (q *query) filterStatuses() []rollup.Status {
	var out []rollup.Status
	for _, s := range q.list("status", traceStatuses) {
		out = append(out, rollup.Status(slices.Index(traceStatuses, s)))
	}
	return out
}

// page reads page and page_size.
func (q *query) page(size, maxSize int64) pageOf {
	return pageOf{
		page: int(q.integer("page", 1, 1, 1<<31-1)),
		size: int(q.integer("page_size", size, 1, maxSize)),
	}
}
