package httpapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

var protoHeader = []string{"Content-Type", protoType}

// resource is one span of a service, "" = of none that says its name.
func resource(service string, id byte) *tracev1.ResourceSpans {
	r := &tracev1.ResourceSpans{ScopeSpans: []*tracev1.ScopeSpans{{Spans: []*tracev1.Span{{
		TraceId: []byte("0123456789abcdef"), SpanId: []byte{1, 2, 3, 4, 5, 6, 7, id}, Name: "s",
		StartTimeUnixNano: 1_780_000_000_000_000_000, EndTimeUnixNano: 1_780_000_001_000_000_000,
	}}}}}
	if service != "" {
		r.Resource = &resourcev1.Resource{Attributes: []*commonv1.KeyValue{{Key: "service.name",
			Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: service}}}}}
	}
	return r
}

func protoBody(t testing.TB, list ...*tracev1.ResourceSpans) string {
	t.Helper()
	b, err := proto.Marshal(&tracev1.TracesData{ResourceSpans: list})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fields are the fields of a protobuf message: numbers as such, the others as
// text.
func fields(t testing.TB, b []byte) map[int]any {
	t.Helper()
	m := map[int]any{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("not protobuf: %q", b)
		}
		b = b[n:]
		if typ == protowire.VarintType {
			v, k := protowire.ConsumeVarint(b)
			m[int(num)], n = int(v), k
		} else {
			v, k := protowire.ConsumeBytes(b)
			m[int(num)], n = string(v), k
		}
		if n < 0 {
			t.Fatalf("not protobuf: %q", b)
		}
		b = b[n:]
	}
	return m
}

// Errors come as google.rpc.Status in the encoding of the request.
func TestOTLPErrors(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{MaxBody: 1 << 16})
	reader := e.newToken("r", Scope{All: true}, "read")
	long := strings.Repeat("x", 1<<16+1)
	readOnly := func() { store.err = engine.ErrReadOnly }
	for _, c := range []struct {
		name, path, token, body string
		headers                 []string
		before                  func()
		status, code            int
	}{
		{"undecodable", "/v1/apps/a/traces", adminToken, "\xff\xff", protoHeader, nil, 400, 3},
		{"undecodable logs", "/v1/logs", adminToken, "\xff\xff", protoHeader, nil, 400, 3},
		{"JSON as protobuf", "/v1/apps/a/traces", adminToken, oneRun, protoHeader, nil, 400, 3},
		{"no token", "/v1/traces", "", "", protoHeader, nil, 401, 16},
		{"no right", "/v1/traces", reader, "x", protoHeader, nil, 403, 7},
		{"no path", "/v1/trace", adminToken, "x", protoHeader, nil, 404, 5},
		{"too long", "/v1/traces", adminToken, long, protoHeader, nil, 413, 8},
		{"metrics too long", "/v1/metrics", adminToken, long, protoHeader, nil, 413, 8},
		{"coding", "/v1/traces", adminToken, "x", append([]string{"Content-Encoding", "br"}, protoHeader...), nil, 415, 3},
		{"no app", "/v1/traces", adminToken, protoBody(t, resource("", 1)), protoHeader, nil, 400, 3},
		{"no store", "/v1/apps/a/traces", adminToken, protoBody(t, resource("", 1)), protoHeader, readOnly, 503, 14},
		{"shape", "/v1/apps/a/traces", adminToken, `{"resourceSpans":{}}`, nil, nil, 400, 3},
		{"JSON that is none", otelBase + "/v1/traces", adminToken, `{"resourceSpans":`, nil, nil, 400, 3},
		{"JSON without a token", otelBase + "/v1/traces", "", `{"resourceSpans":[]}`, nil, nil, 401, 16},
		{"JSON logs", "/v1/logs", adminToken, `{"resourceLogs":7}`, nil, nil, 400, 3},
		{"media type", "/v1/metrics", adminToken, "x", []string{"Content-Type", "text/plain"}, nil, 415, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.before != nil {
				c.before()
				defer func() { store.err = nil }()
			}
			a := e.do("POST", c.path, c.token, c.body, c.headers...)
			if a.StatusCode != c.status || (a.StatusCode == 503) != (a.Header.Get("Retry-After") != "") {
				t.Fatalf("%d %v %s", a.StatusCode, a.Header, a.body)
			}
			var code int
			var message string
			if len(c.headers) > 0 && c.headers[len(c.headers)-1] == protoType {
				if ct := a.Header.Get("Content-Type"); ct != protoType {
					t.Errorf("Content-Type %q", ct)
				}
				m := fields(t, a.body)
				code, _ = m[1].(int)
				message, _ = m[2].(string)
			} else {
				var s struct {
					Code    int
					Message string
				}
				if err := json.Unmarshal(a.body, &s); err != nil {
					t.Fatalf("%v: %s", err, a.body)
				}
				code, message = s.Code, s.Message
			}
			if code != c.code || message == "" {
				t.Errorf("code %d, message %q: %q", code, message, a.body)
			}
		})
	}
	if a := e.do("POST", "/v1/apps/a/traces", adminToken, `{"runs":7}`); strings.Contains(string(a.body), `"code":3`) {
		t.Errorf("a Dynamiq body is answered with a Status: %s", a.body)
	}
	// Refused before the body is read, JSON may still be either: the contract's form.
	e.do("POST", "/v1/traces", "", `{"resourceSpans":[]}`).wants(t, 401, "unauthorized")
	if n := e.srv.reading.used() + e.srv.storing.used(); n != 0 {
		t.Errorf("%d bytes of the budgets are not given back", n)
	}
}

// What is taken wholly is answered with an empty message.
func TestOTLPEmptyAnswers(t *testing.T) {
	e := start(t, newFake(), Options{})
	for _, base := range []string{"", otelBase} {
		for _, path := range []string{"/v1/traces", "/v1/logs", "/v1/metrics"} {
			for _, ct := range []string{jsonType, protoType, "application/x-protobuf; charset=x", "application/protobuf"} {
				body, want, back := "{}", "{}", jsonType
				if ct != jsonType {
					body, want, back = "", "", protoType
				}
				a := e.do("POST", base+path, adminToken, body, "Content-Type", ct)
				if a.StatusCode != 200 || string(a.body) != want || a.Header.Get("Content-Type") != back {
					t.Errorf("%s%s as %s: %d %q %v", base, path, ct, a.StatusCode, a.body, a.Header)
				}
			}
		}
	}
	if a := e.do("POST", "/v1/metrics", adminToken, "\x0a\x00any", protoHeader...); a.StatusCode != 200 || len(a.body) > 0 {
		t.Errorf("metrics: %d %q", a.StatusCode, a.body)
	}
}

// Bad spans do not sink the others, and are counted in the answer.
func TestOTLPPartialSuccess(t *testing.T) {
	store := newFake()
	store.ingest = func(_ string, runs []trace.Run) (res engine.IngestResult, err error) {
		for i, r := range runs {
			if strings.HasSuffix(r.ID, "09") {
				res.Rejected = append(res.Rejected, engine.Rejection{Index: i, ID: r.ID, Reason: "the trace is full"})
				continue
			}
			res.Created++
		}
		return res, nil
	}
	e := start(t, store, Options{})
	zero := resource("", 3)
	zero.ScopeSpans[0].Spans[0].SpanId = make([]byte, 8)
	body := protoBody(t, resource("", 1), zero, resource("", 9))
	a := e.do("POST", "/v1/apps/a/traces", adminToken, body, protoHeader...)
	if a.StatusCode != 200 {
		t.Fatalf("%d %q", a.StatusCode, a.body)
	}
	p := fields(t, []byte(fields(t, a.body)[1].(string)))
	if text, _ := p[2].(string); p[1] != 2 || !strings.Contains(text, "0102030405060709: the trace is full") || !strings.Contains(text, "spanId") {
		t.Errorf("partial success %v", p)
	}
	a = e.do("POST", "/v1/apps/a/traces", adminToken, `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":"é\u0001"}]}]}]}`)
	var v struct {
		PartialSuccess struct{ RejectedSpans, ErrorMessage string }
	}
	if err := json.Unmarshal(a.body, &v); err != nil || a.StatusCode != 200 || v.PartialSuccess.RejectedSpans != "1" || v.PartialSuccess.ErrorMessage == "" {
		t.Errorf("%v %d %s", err, a.StatusCode, a.body)
	}
	a = e.do("POST", "/v1/logs", adminToken, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"gen_ai.evaluation.result"},{"body":{"stringValue":"x"}}]}]}]}`)
	if want := `{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":`; a.StatusCode != 200 || !strings.HasPrefix(string(a.body), want) {
		t.Errorf("logs: %d %s", a.StatusCode, a.body)
	}
}

// The app is what the request names, else what the resource names where the
// token may write to it, else the default app.
func TestOTLPApps(t *testing.T) {
	store := newFake()
	got := map[string]int{}
	store.ingest = func(app string, runs []trace.Run) (engine.IngestResult, error) {
		got[app] += len(runs)
		return engine.IngestResult{Created: len(runs)}, nil
	}
	e := start(t, store, Options{DefaultApp: "default"})
	one := e.newToken("one", Scope{Apps: []string{"a"}}, "write")
	two := e.newToken("two", Scope{Apps: []string{"a", "b"}}, "write")
	both := protoBody(t, resource("a", 1), resource("c", 2), resource("a", 3), resource("", 4), resource("default", 5), resource("unknown_service:x", 6))
	for _, c := range []struct {
		token, path, header, body string
		status                    int
		want                      map[string]int
	}{
		{adminToken, "/v1/traces", "", both, 200, map[string]int{"a": 2, "c": 1, "default": 3}},
		{adminToken, "/v1/traces", "x", both, 200, map[string]int{"x": 6}},
		{adminToken, "/v1/traces?app_id=y", "", both, 200, map[string]int{"y": 6}},
		{adminToken, "/v1/apps/z/traces", "x", both, 200, map[string]int{"z": 6}},
		{one, otelBase + "/v1/traces", "", both, 200, map[string]int{"a": 6}},
		{one, "/v1/apps/b/traces", "", both, 404, map[string]int{}},
		{two, "/v1/traces", "", both, 200, map[string]int{"a": 2}},
		{two, "/v1/traces", "", protoBody(t, resource("c", 1)), 400, map[string]int{}},
	} {
		clear(got)
		a := e.do("POST", c.path, c.token, c.body, "X-App-Id", c.header, "Content-Type", protoType)
		if a.StatusCode != c.status || !maps.Equal(got, c.want) {
			t.Errorf("%s, header %q: %d to %v, want %d to %v: %q", c.path, c.header, a.StatusCode, got, c.status, c.want, a.body)
		}
	}
	clear(got)
	var many []*tracev1.ResourceSpans
	for i := range maxBodyApps + 5 {
		many = append(many, resource(fmt.Sprint("app", i), 1))
	}
	a := e.do("POST", "/v1/traces", adminToken, protoBody(t, many...), protoHeader...)
	p := fields(t, []byte(fields(t, a.body)[1].(string)))
	if a.StatusCode != 200 || len(got) != maxBodyApps || p[1] != 5 {
		t.Errorf("%d, %d apps, %v", a.StatusCode, len(got), p)
	}
}

// OTLP comes in all encodings, with the secret as the password of Basic, too.
func TestOTLPCodings(t *testing.T) {
	store := newFake()
	n := 0
	store.ingest = func(_ string, runs []trace.Run) (engine.IngestResult, error) {
		n += len(runs)
		return engine.IngestResult{Created: len(runs)}, nil
	}
	e := start(t, store, Options{})
	body := protoBody(t, resource("shop", 1))
	for i, coding := range []string{"", "gzip", "deflate", "zstd"} {
		req, err := http.NewRequest("POST", "http://"+e.addr+otelBase+"/v1/traces", strings.NewReader(string(encode(t, coding, []byte(body)))))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("pk-lf-1", adminToken)
		req.Header.Set("Content-Type", protoType)
		if coding != "" {
			req.Header.Set("Content-Encoding", coding)
		}
		if a := e.send(req); a.StatusCode != 200 || len(a.body) > 0 || n != i+1 {
			t.Errorf("%s: %d %q, %d runs", coding, a.StatusCode, a.body, n)
		}
	}
}

// Runs that are far longer than their body take their share of the memory, too:
// alone they go through, beside others they are put off.
func TestOTLPThatGrows(t *testing.T) {
	e := start(t, newFake(), Options{MaxInflightBytes: 8 << 20, QueueWait: 10 * time.Millisecond})
	r := resource(strings.Repeat("s", 100), 1)
	r.Resource.Attributes[0].Key = strings.Repeat("k", 20<<10)
	for i := range 50 {
		s := resource("", byte(i+2)).ScopeSpans[0].Spans[0]
		r.ScopeSpans[0].Spans = append(r.ScopeSpans[0].Spans, s)
	}
	body := protoBody(t, r)
	if a := e.do("POST", "/v1/apps/a/traces", adminToken, body, protoHeader...); a.StatusCode != 200 || len(a.body) > 0 {
		t.Fatalf("alone: %d %q", a.StatusCode, a.body)
	}
	if !e.srv.storing.large.try(e.srv.storing.large.size / 4) {
		t.Fatal("the budget is not free")
	}
	a := e.do("POST", "/v1/apps/a/traces", adminToken, body, protoHeader...)
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || fields(t, a.body)[1] != 14 {
		t.Errorf("beside others: %d %v %q", a.StatusCode, a.Header, a.body)
	}
	e.srv.storing.large.release(e.srv.storing.large.size / 4)
	if n := e.srv.reading.used() + e.srv.storing.used(); n != 0 {
		t.Errorf("%d bytes of the budgets are not given back", n)
	}
}
