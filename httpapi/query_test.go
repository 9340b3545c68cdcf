package httpapi

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

func TestWindow(t *testing.T) {
	at := func(s string) int64 {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UnixMicro()
	}
	const a, b = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
	us, next := at(a), at(b)
	for _, c := range []struct {
		query string
		want  engine.Window
	}{
		{"", engine.Window{}},
		{"started_at:gte=" + a, engine.Window{From: us}},
		{"started_at%3Agte=" + a, engine.Window{From: us}},
		{"started_at:gt=" + a, engine.Window{From: us + 1}},
		{"started_at:lte=" + a, engine.Window{To: us + 1}},
		{"started_at:lt=" + a, engine.Window{To: us}},
		{"started_at:gte=" + a + "&started_at:lt=" + b, engine.Window{From: us, To: next}},
		{"started_at:gte=" + a + "&started_at:gt=" + b, engine.Window{From: next + 1}},
		{"started_at:lte=" + a + "&started_at:lt=" + a, engine.Window{To: us}},
		// Parts of a µs round to the side that keeps the meaning.
		{"started_at:gte=2026-01-01T00:00:00.0000005Z", engine.Window{From: us + 1}},
		{"started_at:gt=2026-01-01T00:00:00.0000005Z", engine.Window{From: us + 1}},
		{"started_at:lte=2026-01-01T00:00:00.0000005Z", engine.Window{To: us + 1}},
		{"started_at:lt=2026-01-01T00:00:00.0000005Z", engine.Window{To: us + 1}},
		{"started_at:gte=2026-01-01T01:00:00%2B01:00", engine.Window{From: us}},
		{"started_at:gte=2026-01-01T01:00:00+01:00", engine.Window{From: us}},
		{"started_at:gte=2025-12-31t23:00:00-01:00", engine.Window{From: us}},
		// Nothing lies before the epoch; that is not "no upper end".
		{"started_at:gte=0001-01-01T00:00:00Z", engine.Window{}},
		{"started_at:gt=1969-12-31T23:59:59Z", engine.Window{}},
		{"started_at:lt=1970-01-01T00:00:00Z", emptyWindow},
		{"started_at:lte=1969-12-31T00:00:00Z", emptyWindow},
		{"started_at:lt=1960-12-31T00:00:00.5Z", emptyWindow},
		{"started_at:gte=" + b + "&started_at:lte=" + a, emptyWindow},
		{"started_at:gt=" + a + "&started_at:lte=" + a, emptyWindow},
		{"started_at:lte=9999-12-31T23:59:59.999999Z", engine.Window{To: maxMicros}},
	} {
		var q query
		q.parse(c.query, &route{params: filterParams})
		got := q.window("started_at")
		if err := q.err(); err != nil || got != c.want {
			t.Errorf("%s: %v %v, want %v", c.query, got, err, c.want)
		}
	}
}

func TestListParameters(t *testing.T) {
	store := newFake()
	store.put("demo", 45)
	e := start(t, store, Options{})
	const path = "/v1/apps/demo/traces"
	a := e.get(path)
	if want := `"pagination":{"page":1,"page_size":20,"page_count":3,"total_count":45},"next_cursor":"after-`; !strings.Contains(string(a.body), want) {
		t.Errorf("%s", a.body)
	}
	if q := store.list; q.Ascending || q.Page != 1 || q.PageSize != 20 || q.Preview != 2048 || q.Statuses != nil || q.Cursor != "" {
		t.Errorf("defaults: %+v", q)
	}
	a = e.get(path + "?page=3&sort=started_at&preview=0&status=failed,running&status=failed&status=canceled")
	if !strings.HasSuffix(string(a.body), `"next_cursor":null}`) {
		t.Errorf("last page: %s", a.body)
	}
	q := store.list
	if !q.Ascending || q.Page != 3 || q.Preview != 0 || len(q.Statuses) != 3 || q.Statuses[0] != rollup.Failed || q.Statuses[1] != rollup.Running {
		t.Errorf("%+v", q)
	}
	if a = e.get(path + "?page=99"); !strings.HasPrefix(string(a.body), `{"data":[],"pagination":{"page":99,`) {
		t.Errorf("beyond the end: %s", a.body)
	}
	e.get(path + "?cursor=abc&page_size=1000&cursor=")
	e.get(path + "?&&page_size=1&")
	if store.list.PageSize != 1 {
		t.Error("empty pairs")
	}
	for bad, field := range map[string]string{
		"page=0": "page", "page=x": "page", "page=": "page", "page=99999999999": "page", "page=1&page=1": "page",
		"page_size=0": "page_size", "page_size=1001": "page_size", "preview=-1": "preview",
		"cursor=x&page=1": "page", "sort=name": "sort", "sort=": "sort", "status=ok": "status", "status=": "status",
		"status=failed,": "status", "status=FAILED": "status", "unknown=1": "unknown", "Page=1": "Page",
		"started_at=2026-01-01T00:00:00Z": "started_at", "started_at:eq=2026-01-01T00:00:00Z": "started_at:eq",
		"started_at:gte=yesterday": "started_at:gte", "started_at:gte=2026-01-01": "started_at:gte",
		"started_at:gte=2026-01-01T00:00:00": "started_at:gte", "started_at:gte=": "started_at:gte",
		"started_at:gte=2026-01-01T00:00:00Z&started_at:gte=2026-01-01T00:00:00Z": "started_at:gte",
		"a%zz=1": "a%zz", "page=%ff": "page",
	} {
		e.get(path+"?"+bad).wants(t, 400, "bad_request", field)
	}
	e.get(path+"?a=1&page=0&sort=x").wants(t, 400, "bad_request", "a")
	e.get(path+"?page=0&sort=x").wants(t, 400, "bad_request", "page", "sort")
	if _, msg, _ := e.get(path + "?started_at:is=1").errorOf(t); !strings.Contains(msg, "started_at:is") {
		t.Errorf("message %q", msg)
	}
	e.get("/v1/apps/nobody/traces").wants(t, 404, "not_found")
}

func TestTraceAndRuns(t *testing.T) {
	store := newFake()
	store.put("demo", 2)
	e := start(t, store, Options{})
	const path = "/v1/apps/demo/traces/t1"
	if a := e.get(path); string(a.body) != `{"data":{"id":"t1","big":123456789012345678901234567890}}` {
		t.Errorf("%s", a.body)
	}
	if a := e.get(path + "?include_runs=true"); !strings.HasSuffix(string(a.body), `,"runs":[]}}`) {
		t.Errorf("%s", a.body)
	}
	e.get(path+"?include_runs=maybe").wants(t, 400, "bad_request", "include_runs")
	e.get("/v1/apps/demo/traces/t9").wants(t, 404, "not_found")

	a := e.get(path + "/runs?parent_run_id=p%2F1&status=running,skipped&type=node&type=flow&page=2&page_size=5")
	if want := `{"data":[{"id":"r","big":123456789012345678901234567890}],"pagination":{"page":2,"page_size":5,"page_count":1,"total_count":1},"next_cursor":null}`; string(a.body) != want {
		t.Errorf("%s", a.body)
	}
	if q := store.runs; q.ParentRunID != "p/1" || strings.Join(q.Statuses, "") != "runningskipped" || strings.Join(q.Types, "") != "nodeflow" || q.Page != 2 || q.PageSize != 5 {
		t.Errorf("%+v", q)
	}
	for bad, field := range map[string]string{"status=open": "status", "type=span": "type", "parent_run_id=": "parent_run_id", "sort=x": "sort"} {
		e.get(path+"/runs?"+bad).wants(t, 400, "bad_request", field)
	}
	if a := e.do("DELETE", path, adminToken, ""); string(a.body) != `{"data":{"id":"t1","deleted":true}}` {
		t.Errorf("%s", a.body)
	}
	e.do("DELETE", path, adminToken, "").wants(t, 404, "not_found")
	e.do("DELETE", "/v1/apps/demo", adminToken, "")
	e.get("/v1/apps/demo").wants(t, 404, "not_found")
}

func TestMetricsParameters(t *testing.T) {
	store := newFake()
	store.put("demo", 2)
	e := start(t, store, Options{})
	const path = "/v1/apps/demo/metrics?"
	a := e.get(path + "start_time=2026-01-01T00:00:00Z&end_time=2026-01-02T00:00:00.0000019Z&interval=1h&timezone=America/New_York")
	if want := `"series":[{"timestamp":"2026-01-01T00:00:00Z","metrics":{"invocation_count":0,"success_count":7,`; !strings.Contains(string(a.body), want) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if !strings.HasPrefix(string(a.body), `{"data":{"summary":{"invocation_count":7,`) {
		t.Errorf("%s", a.body)
	}
	q := store.metrics
	if q.Start != 1767225600e6 || q.End != 1767312000e6+1 || q.Location.String() != "America/New_York" || q.Interval != rollup.Hour {
		t.Errorf("%+v", q)
	}
	e.get(path).wants(t, 400, "bad_request", "start_time", "end_time", "interval")
	const window = "start_time=2026-01-01T00:00:00Z&end_time=2026-01-02T00:00:00Z"
	for bad, field := range map[string]string{
		window + "&interval=0s":                                                     "interval",
		window + "&interval=-1h":                                                    "interval",
		window + "&interval=year":                                                   "interval",
		window + "&interval=1h&timezone=Mars":                                       "timezone",
		window + "&interval=1h&timezone=Local":                                      "timezone",
		window + "&interval=1h&timezone=":                                           "timezone",
		window + "&interval=1h&timezone=../../etc/passwd":                           "timezone",
		window + "&interval=1h&group_by=model":                                      "group_by",
		"start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z&interval=1h": "end_time",
		"start_time=0&end_time=2026-01-01T00:00:00Z&interval=1h":                    "start_time",
	} {
		e.get(path+bad).wants(t, 400, "bad_request", field)
	}
	store.err = rollup.ErrTooManyBuckets
	e.get(path+window+"&interval=1s").wants(t, 400, "bad_request", "interval")
}

func TestNegotiate(t *testing.T) {
	for header, want := range map[string]string{
		"": "", " ": "", "identity": "", "gzip": "gzip", "zstd": "zstd", "x-gzip": "gzip", "GZIP": "gzip",
		"gzip, zstd": "zstd", "gzip, deflate, br, zstd": "zstd", "gzip, deflate": "gzip", "deflate, br": "",
		"zstd;q=0.5, gzip": "gzip", "zstd;q=0.5, gzip;q=0.5": "zstd", "zstd;q=0, gzip;q=0": "",
		"*": "zstd", "*;q=0.1, identity": "", "identity;q=0, *": "zstd", "identity;q=0, gzip;q=0.1": "gzip",
		"gzip;q=0.5, identity;q=0.8": "", "gzip;q=abc": "", "gzip;q=2": "", "zstd;q=0,*": "gzip",
		"identity;q=0": "none", "*;q=0": "none", "br, *;q=0": "none", "identity;q=0, gzip;q=0, zstd;q=0": "none",
	} {
		got, ok := negotiate(header)
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/v1/apps/a%2Fb?x=1", "//a//", "http://h/p?q", "/%zz", "/a?b=%ff&c&=d&status=a,b", "*", ""} {
		f.Add(s)
	}
	rt := &route{params: params(filterParams, pageParams, []param{cursorParam})}
	f.Fuzz(func(t *testing.T, target string) {
		segs, rawQuery, bad := splitTarget([]byte(target), nil)
		if bad != nil {
			return
		}
		for _, s := range segs {
			if s == "" || len(segs) > maxSegs+1 {
				t.Fatalf("segments %q", segs)
			}
		}
		var q query
		q.parse(rawQuery, rt)
		fl, p := q.filter(), q.page(20, 1000)
		if q.err() != nil {
			return
		}
		if w := fl.Window; w.From < 0 || w.To != 0 && w.From > w.To || p.size < 1 || p.size > 1000 || p.page < 1 {
			t.Fatalf("%+v %+v", fl, p)
		}
		// What is accepted must survive being written again.
		if v, err := url.ParseQuery(rawQuery); err == nil && len(v["page"]) > 1 {
			t.Fatalf("page repeated in %q", rawQuery)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("gzip;q=0.5, *", "Basic YTpi", "gzip, zstd")
	f.Fuzz(func(t *testing.T, accept, auth, coding string) {
		if c, ok := negotiate(accept); ok && c != "" && c != "zstd" && c != "gzip" {
			t.Fatalf("%q: %q", accept, c)
		}
		if tok, ok := bearer([]byte(auth)); ok && len(tok) == 0 {
			t.Fatalf("%q: empty token", auth)
		}
		codings, err := contentCodings([][]byte{[]byte(coding)})
		if err == nil && len(codings) > 3 {
			t.Fatalf("%q: %q", coding, codings)
		}
	})
}

func TestHealth(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{Version: `v"1`})
	for _, p := range []string{"/healthz", "/readyz"} {
		if a := e.do("GET", p, "", ""); a.StatusCode != 200 || string(a.body) != `{"data":{"status":"ok"}}` {
			t.Errorf("%s: %d %s", p, a.StatusCode, a.body)
		}
	}
	store.ready = engine.ErrReadOnly
	a := e.do("GET", "/readyz", "", "")
	a.wants(t, 503, "unavailable")
	if _, msg, _ := a.errorOf(t); !strings.Contains(msg, "read-only") {
		t.Errorf("no reason: %q", msg)
	}
	store.ready = nil

	e.do("POST", "/v1/apps/demo/traces", adminToken, oneRun)
	text := string(e.get("/metrics").body)
	for _, want := range []string{
		`tracebed_build_info{version="v\"1",go=`,
		`tracebed_http_requests_total{method="GET",route="/readyz",code="503"} 1`,
		`tracebed_http_requests_total{method="POST",route="/v1/apps/{app_id}/traces",code="200"} 1`,
		`tracebed_http_request_duration_seconds_bucket{method="GET",route="/healthz",le="+Inf"} 1`,
		`tracebed_ingest_runs_total{result="created"} 1`,
		"tracebed_store_seq 42", "tracebed_store_ready 1", "tracebed_http_connections 1",
		"# TYPE tracebed_http_request_duration_seconds histogram",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && len(strings.Fields(line)) < 2 {
			t.Errorf("line %q", line)
		}
	}
}

func TestIndex(t *testing.T) {
	e := start(t, newFake(), Options{})
	a := e.do("GET", "/", "", "")
	page := string(a.body)
	if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") ||
		!strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	for _, bad := range []string{"<script", "src=", "https://", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if http.DetectContentType(a.body) != "text/html; charset=utf-8" {
		t.Error("not HTML")
	}
}
