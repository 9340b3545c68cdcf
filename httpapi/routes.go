package httpapi

// Query parameters that several routes share.
var (
	pageParams = []param{
		{name: "page", typ: "integer", desc: "Page to give, from 1."},
		{name: "page_size", typ: "integer", desc: "Entries of a page, 1 to 1000."},
	}
	filterParams = []param{
		{name: "status", typ: "string", enum: traceStatuses, list: true, desc: "States of a trace; repeat it or give a comma list."},
		{name: "started_at:gte", typ: "string", format: "date-time", desc: "Traces that started at this time or later."},
		{name: "started_at:gt", typ: "string", format: "date-time", desc: "Traces that started after this time."},
		{name: "started_at:lte", typ: "string", format: "date-time", desc: "Traces that started at this time or earlier."},
		{name: "started_at:lt", typ: "string", format: "date-time", desc: "Traces that started before this time."},
	}
	cursorParam = param{name: "cursor", typ: "string", desc: "Where to go on: next_cursor of a list, or the trailer Tracebed-Next-Cursor of a download."}
	// previewParam is for calls that show values whole unless asked.
	previewParam = param{name: "preview", typ: "integer", desc: "Bytes of input, output, error and metadata to show: longer ones become a string of so many bytes, marked by <name>_truncated. Absent or 0 shows them whole."}
	appParam     = param{name: "app_id", typ: "string", desc: "App to write to, where neither the path, X-App-Id nor the token says it."}
)

func params(groups ...[]param) []param {
	var out []param
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// get and the others build lines of the table.
func get(pattern string, r right, handle func(*call) error, answer, summary string, ps ...param) *route {
	return &route{method: "GET", pattern: pattern, right: r, handle: handle, answer: answer, summary: summary, params: ps}
}

func post(pattern string, r right, handle func(*call) error, body, answer, summary string, ps ...param) *route {
	return &route{method: "POST", pattern: pattern, right: r, handle: handle, body: body, answer: answer, summary: summary, params: ps}
}

func del(pattern string, handle func(*call) error, answer, summary string) *route {
	return &route{method: "DELETE", pattern: pattern, right: rightAdmin, handle: handle, answer: answer, summary: summary}
}

// otelBase is the base address of Langfuse's OTLP.
const otelBase = "/api/public/otel"

// takes builds the line of a route for OTLP.
func takes(sig Signal, pattern, body, answer, summary string, ps ...param) *route {
	handle := map[Signal]func(*call) error{
		SignalTraces: (*call).ingest, SignalLogs: (*call).otlpLogs, SignalMetrics: (*call).otlpMetrics,
	}[sig]
	rt := post(pattern, rightWrite, handle, body, answer, summary, ps...)
	rt.otlp = sig
	return rt
}

func tagged(rt *route) *route {
	rt.tagged = true
	return rt
}

func everyApp(rt *route) *route {
	rt.allApps = true
	return rt
}

// table is all calls of the server. A fixed text stands before a parameter in
// the same place.
func (s *Server) table() []*route {
	const app = "/v1/apps/{app_id}"
	const traces = app + "/traces"
	all := []*route{
		takes(SignalTraces, "/v1/traces", "Traces", "Stored", "Store runs or OTLP spans; the app is that of the token, X-App-Id or app_id, else of the OTLP resource.", appParam),
		takes(SignalTraces, otelBase+"/v1/traces", "Traces", "Stored", "The same for clients that can only set a base address.", appParam),
		takes(SignalTraces, traces, "Traces", "Stored", "Store runs or OTLP spans in this app."),
		takes(SignalLogs, "/v1/logs", "OTLPLogs", "OTLPAnswer", "Take the OTLP log events that tell of a span; others are passed over.", appParam),
		takes(SignalLogs, otelBase+"/v1/logs", "OTLPLogs", "OTLPAnswer", "The same for clients that can only set a base address.", appParam),
		takes(SignalMetrics, "/v1/metrics", "OTLPMetrics", "OTLPAnswer", "Answer OTLP metrics; nothing of them is kept.", appParam),
		takes(SignalMetrics, otelBase+"/v1/metrics", "OTLPMetrics", "OTLPAnswer", "The same for clients that can only set a base address.", appParam),

		get("/v1/apps", rightRead, (*call).listApps, "AppList", "Apps that the token may see, by id.", pageParams...),
		get(app, rightRead, (*call).getApp, "AppOne", "One app."),
		del(app, (*call).deleteApp, "Deleted", "Delete an app and all it holds."),
		get(app+"/metrics", rightRead, (*call).getMetrics, "Metrics", "Charts: the whole window and its bars.", metricsParams...),

		get(traces, rightRead, (*call).listTraces, "TraceList", "Traces without their runs, newest first.",
			params(filterParams, []param{
				{name: "sort", typ: "string", enum: []string{"-started_at", "started_at"}, desc: "Order; the default is newest first."},
				cursorParam,
				{name: "preview", typ: "integer", desc: "Bytes of input and output to show; 0 shows them whole. Default 2048."},
			}, pageParams)...),
		get(traces+"/download", rightRead, (*call).download, "Download", "Stream traces as an attachment, newest first. Trailers say how it ended.",
			params(filterParams, []param{
				cursorParam,
				{name: "limit", typ: "integer", desc: "Traces at most; no limit when absent."},
				{name: "include_runs", typ: "boolean", desc: "Embed the runs of each trace."},
				{name: "format", typ: "string", enum: []string{"json", "jsonl"}, desc: "A JSON array, or JSON lines."},
				{name: "summary", typ: "boolean", desc: "Give JSON lines and end them with a line {\"summary\":{\"complete\",\"count\",\"next_cursor\"}}, for clients that cannot read trailers."},
			})...),
		tagged(get(traces+"/{trace_id}", rightRead, (*call).getTrace, "TraceOne", "One trace.",
			param{name: "include_runs", typ: "boolean", desc: "Embed its runs, newest first."}, previewParam)),
		del(traces+"/{trace_id}", (*call).deleteTrace, "Deleted", "Delete a trace and its share of the charts."),
		get(traces+"/{trace_id}/runs", rightRead, (*call).listRuns, "RunList", "Runs of a trace, newest first.",
			params([]param{
				{name: "parent_run_id", typ: "string", desc: "Only the children of this run."},
				{name: "status", typ: "string", enum: runStatuses, list: true, desc: "States of a run; running is one that has not ended."},
				{name: "type", typ: "string", enum: runTypes, list: true, desc: "Types of a run."},
				previewParam,
			}, pageParams)...),
		tagged(get(traces+"/{trace_id}/tree", rightRead, (*call).getTree, "Tree", "A trace and all its runs without their payloads, in the order of start.")),
		tagged(get(traces+"/{trace_id}/runs/{run_id}", rightRead, (*call).getRun, "RunOne", "One run.", previewParam)),
		tagged(get(traces+"/{trace_id}/evaluations", rightRead, (*call).getEvaluations, "EvaluationList", "Evaluations of a trace, by created_at.")),
		post(traces+"/{trace_id}/evaluations", rightWrite, (*call).putEvaluations, "NewEvaluations", "EvaluationsMade", "Store one evaluation of a trace, or several, all or none. An id that the trace has is replaced."),

		get("/v1/session", rightAny, (*call).getSession, "Session", "Who asks: the token's name, rights and apps."),
		everyApp(get("/v1/tokens", rightAdmin, (*call).listTokens, "TokenList", "Stored tokens, without their secrets.")),
		everyApp(post("/v1/tokens", rightAdmin, (*call).createToken, "NewToken", "TokenMade", "Make a token; the answer shows its text, once.")),
		everyApp(del("/v1/tokens/{token}", (*call).deleteToken, "TokenOne", "Revoke the token of this id or name.")),

		everyApp(get("/v1/backup", rightAdmin, (*call).streamBackup, "", "A consistent copy of all data, as a tar archive of a data directory.")),
		everyApp(post("/v1/backup", rightAdmin, (*call).makeBackup, "NewBackup", "BackupMade", "Make a consistent copy in the server's own backup directory.")),

		everyApp(post("/v1/verify", rightAdmin, (*call).verifyNow, "Nothing", "Verified", "Recompute every index, bucket and count from the stored runs and compare; it reads the whole store.")),

		get("/healthz", rightNone, (*call).healthz, "Health", "The process is up."),
		get("/readyz", rightNone, (*call).readyz, "Health", "The store is open and takes writes."),
		everyApp(get("/metrics", rightRead, (*call).promMetrics, "", "Counters in the Prometheus text format.")),
		get("/openapi.json", rightNone, (*call).openapiDoc, "Any", "This document."),
	}
	all = append(all, valueRoutes(traces+"/{trace_id}")...)
	return append(all, s.page()...)
}

// valueRoutes is the calls for single values of a trace and of its runs.
func valueRoutes(one string) (all []*route) {
	for _, name := range payloads {
		all = append(all,
			tagged(get(one+"/"+name, rightRead, traceValue(name), "Any", "The "+name+" of a trace, whatever its size, as an attachment.")),
			tagged(get(one+"/runs/{run_id}/"+name, rightRead, runValue(name), "Any", "The "+name+" of a run, whatever its size, as an attachment.")))
	}
	return all
}

var metricsParams = []param{
	{name: "start_time", typ: "string", format: "date-time", required: true, desc: "First instant of the window."},
	{name: "end_time", typ: "string", format: "date-time", required: true, desc: "Last instant of the window; it is included."},
	{name: "interval", typ: "string", required: true, desc: "Width of a bar: a duration such as 15m, 1h, 24h, 168h, 720h, 1d, 1w, or hour, day, week, month."},
	{name: "timezone", typ: "string", desc: "IANA zone whose days count. Default UTC."},
}

// page is the routes of Options.UI. The page keeps its state in the query of
// its address, so that its own route takes any.
func (s *Server) page() []*route {
	if s.opt.UI == nil {
		return []*route{get("/", rightNone, (*call).index, "", "A page that says what runs here.")}
	}
	page := get("/", rightNone, (*call).index, "", "The page for people.")
	page.freeQuery = true
	return []*route{page, get("/assets/{file}", rightNone, (*call).asset, "", "A file that the page loads.")}
}
