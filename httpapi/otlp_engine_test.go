package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// spans decodes an OTLP JSON body into the official types.
func spans(t *testing.T, body []byte) *tracev1.TracesData {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	idsToBase64(t, v) // protojson knows nothing of OTLP's hex
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var m tracev1.TracesData
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

func idsToBase64(t *testing.T, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && (k == "traceId" || k == "spanId" || k == "parentSpanId") {
				id, err := hex.DecodeString(s)
				if err != nil {
					t.Fatal(err)
				}
				v[k] = base64.StdEncoding.EncodeToString(id)
			}
			idsToBase64(t, x)
		}
	case []any:
		for _, x := range v {
			idsToBase64(t, x)
		}
	}
}

func marshal(t *testing.T, m proto.Message) string {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// oneByOne takes a body apart: a request for every span, in random order, some
// of them twice.
func oneByOne(t *testing.T, body []byte) (list []string) {
	t.Helper()
	for _, r := range spans(t, body).ResourceSpans {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				one := marshal(t, &tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{Resource: r.Resource, SchemaUrl: r.SchemaUrl,
					ScopeSpans: []*tracev1.ScopeSpans{{Scope: s.Scope, SchemaUrl: s.SchemaUrl, Spans: []*tracev1.Span{span}}}}}})
				list = append(list, one)
				if rand.IntN(2) == 0 {
					list = append(list, one)
				}
			}
		}
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func gzipped(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(body)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

type otlpFixture struct {
	Identity map[string]any
	After    []struct {
		Traces map[string]otlpTrace
	}
}

type otlpTrace struct {
	Status       string
	Runs         int
	RunsByStatus map[string]int `json:"runs_by_status"`
	LLMRuns      int            `json:"llm_runs"`
	StartedAt    string         `json:"started_at"`
	EndedAt      string         `json:"ended_at"`
	Duration     float64        `json:"duration_ms"`
	Usage        map[string]any
	Cost         struct {
		Prompt, Completion, Total any
		Unpriced                  float64 `json:"unpriced_leaves"`
	} `json:"cost_as_given_usd"`
	Tree []otlpNode
}

type otlpNode struct {
	Name, Type, Group, Status string
	Children                  []otlpNode
}

// The fixtures, sent in every way that clients have, come out as expected.json
// says, and sent again they change nothing.
func TestOTLPOverEngine(t *testing.T) {
	const dir = "../engine/otlp/testdata/"
	raw, err := os.ReadFile(dir + "expected.json")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for name, want := range parse[struct{ Fixtures map[string]otlpFixture }](t, raw).Fixtures {
		if !strings.HasPrefix(name, "otlp-") {
			continue
		}
		raw, err := os.ReadFile(dir + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		body := []byte(parse[struct {
			Requests []struct{ Body json.RawMessage }
		}](t, raw).Requests[0].Body)
		whole := marshal(t, spans(t, body))
		const proto = "application/x-protobuf"
		var traces [][]byte
		for how, send := range map[string]func(c client, path string){
			"JSON":     func(c client, path string) { c.good("POST", path, string(body)) },
			"protobuf": func(c client, path string) { c.empty(path, whole, "Content-Type", proto) },
			"gzip": func(c client, path string) {
				c.empty(path, gzipped(t, whole), "Content-Type", proto, "Content-Encoding", "gzip")
			},
			"gzip JSON": func(c client, path string) {
				c.good("POST", path, gzipped(t, string(body)), "Content-Encoding", "gzip")
			},
			"one by one": func(c client, path string) {
				for _, one := range oneByOne(t, body) {
					c.empty(path, one, "Content-Type", proto)
				}
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				c := serveEngine(t)
				app := want.Identity["app_from_resource"].(string)
				for i := range 2 {
					send(c, []string{"/v1/traces", "/api/public/otel/v1/traces"}[i])
					for id, w := range want.After[0].Traces {
						got := c.good("GET", "/v1/apps/"+app+"/traces/"+id, "")
						checkOTLP(t, parse[struct{ Data map[string]any }](t, got).Data, w, want.Identity)
						runs := parse[struct{ Data []map[string]any }](t, c.good("GET", "/v1/apps/"+app+"/traces/"+id+"/runs?page_size=1000", "")).Data
						checkOTLPRuns(t, runs, w)
						traces = append(traces, withoutUpdate(t, got))
						checked++
					}
				}
				list := parse[page](t, c.good("GET", "/v1/apps/"+app+"/traces", ""))
				if list.Pagination.TotalCount != len(want.After[0].Traces) {
					t.Errorf("%d traces in the list", list.Pagination.TotalCount)
				}
			})
		}
		for _, tr := range traces[1:] {
			if !bytes.Equal(tr, traces[0]) {
				t.Errorf("%s: one way of sending gives another trace than another:\n%s\n%s", name, tr, traces[0])
			}
		}
	}
	if checked != 20 {
		t.Errorf("%d traces checked, want 20", checked)
	}
}

// empty sends a request that must be answered with a message of no bytes.
func (c client) empty(path, body string, headers ...string) {
	c.t.Helper()
	if code, b, resp := c.call("POST", path, body, headers...); code != 200 || len(b) > 0 || resp.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Fatalf("%d %q %v", code, b, resp.Header)
	}
}

// withoutUpdate is a trace without the time at which it was stored.
func withoutUpdate(t *testing.T, b []byte) []byte {
	t.Helper()
	m := parse[struct{ Data map[string]any }](t, b).Data
	delete(m, "updated_at")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkOTLP(t *testing.T, got map[string]any, w otlpTrace, identity map[string]any) {
	t.Helper()
	usage := maps.Clone(w.Usage)
	usage["prompt_tokens_cost_usd"] = w.Cost.Prompt
	usage["completion_tokens_cost_usd"] = w.Cost.Completion
	usage["total_tokens_cost_usd"] = w.Cost.Total
	usage["unpriced_count"] = w.Cost.Unpriced
	want := map[string]any{"status": w.Status, "run_count": float64(w.Runs), "started_at": w.StartedAt, "ended_at": w.EndedAt,
		"duration_ms": w.Duration, "usage": usage}
	names := map[string]string{"session": "session_id", "user": "user_id", "app_from_resource": "app_id"}
	for k, v := range identity {
		if n := names[k]; n != "" {
			k = n
		}
		want[k] = v
	}
	if models, ok := got["models"].([]any); ok { // the fixture lists them in another order
		slices.SortFunc(models, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("%s = %v, want %v", k, got[k], v)
		}
	}
}

func checkOTLPRuns(t *testing.T, runs []map[string]any, w otlpTrace) {
	t.Helper()
	byStatus := map[string]int{}
	llms := 0
	for _, r := range runs {
		byStatus[fmt.Sprint(r["status"])]++
		if r["group"] == "llms" {
			llms++
		}
	}
	if len(runs) != w.Runs || llms != w.LLMRuns || !maps.Equal(byStatus, w.RunsByStatus) {
		t.Errorf("%d runs, %d of LLMs, by status %v", len(runs), llms, byStatus)
	}
	if tree := otlpTree(runs, nil); !reflect.DeepEqual(tree, w.Tree) {
		t.Errorf("tree\n got %+v\nwant %+v", tree, w.Tree)
	}
}

// otlpTree is the tree below a parent; the API gives the newest run first.
func otlpTree(runs []map[string]any, parent any) (list []otlpNode) {
	for _, r := range slices.Backward(runs) {
		if r["parent_run_id"] != parent {
			continue
		}
		group, _ := r["group"].(string)
		list = append(list, otlpNode{fmt.Sprint(r["name"]), fmt.Sprint(r["type"]), group, fmt.Sprint(r["status"]), otlpTree(runs, r["id"])})
	}
	return list
}

// An event of an evaluation becomes a child of its span, before or after it.
func TestOTLPLogsOverEngine(t *testing.T) {
	span := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",` +
		`"name":"chat","startTimeUnixNano":"1780000000000000000","endTimeUnixNano":"1780000001000000000"}]}]}]}`
	event := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1780000000500000000","eventName":"gen_ai.evaluation.result",` +
		`"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[{"key":"gen_ai.evaluation.name","value":{"stringValue":"tone"}}]}]}]}]}`
	for _, order := range [][]string{{"traces", "logs", "logs"}, {"logs", "traces", "traces"}} {
		c := serveEngine(t)
		for _, o := range order {
			body := map[string]string{"traces": span, "logs": event}[o]
			if b := c.good("POST", "/v1/"+o+"?app_id=a", body); string(b) != "{}" {
				t.Fatalf("%s: %s", o, b)
			}
		}
		runs := parse[struct{ Data []map[string]any }](t, c.good("GET", "/v1/apps/a/traces/5b8efff798038103d269b633813fc60c/runs", "")).Data
		if len(runs) != 2 || runs[0]["parent_run_id"] != "eee19b7ec3c1b174" {
			t.Errorf("%v: %v", order, runs)
		}
	}
}
