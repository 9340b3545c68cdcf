package trace

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

// runOf makes a run from "id<parent status start-end" (seconds, "-" alone: no
// end); change edits it.
func runOf(text string, change ...func(*Run)) Run {
	f := strings.Fields(text)
	id, parent, _ := strings.Cut(f[0], "<")
	status := map[string]RunStatus{"ok": RunSucceeded, "failed": RunFailed, "skipped": RunSkipped, "canceled": RunCanceled, "open": RunOpen}
	r := Run{ID: id, ParentID: parent, TraceID: "t", Status: status[f[1]]}
	from, to, _ := strings.Cut(f[2], "-")
	secs := func(s string) Time {
		v, err := strconv.ParseFloat(s, 64)
		return Time{NS: int64(v * 1e9), Digits: 6, Valid: err == nil}
	}
	r.Start, r.End = secs(from), secs(to)
	for _, c := range change {
		c(&r)
	}
	return r
}

func withRemote(r *Run) { r.ParentRemote = true }

func withText(field func(*Run) *string, v string) func(*Run) {
	return func(r *Run) { *field(r) = v }
}

func withInput(v string) func(*Run)    { return func(r *Run) { r.Input = []byte(v) } }
func withOutput(v string) func(*Run)   { return func(r *Run) { r.Output = []byte(v) } }
func withMetadata(v string) func(*Run) { return func(r *Run) { r.Metadata = []byte(v) } }
func withError(v string) func(*Run)    { return func(r *Run) { r.Error = []byte(v) } }
func withUsage(p, c int64, cost *rollup.Money) func(*Run) {
	return func(r *Run) {
		r.Usage = &Usage{PromptTokens: p, CompletionTokens: c, TotalTokens: p + c, TotalCost: cost}
	}
}
func calling(group, model string) func(*Run) {
	return func(r *Run) { r.Group, r.Model = group, model }
}

// TestRules holds a case for every sentence of the wire facts §6 and of the
// decisions on top of them. want names members of the trace object.
func TestRules(t *testing.T) {
	const jan = "1970-01-01T00:00:"
	for _, c := range []struct {
		name     string
		runs     []Run
		promoted bool
		want     string
	}{
		{"root without parent", []Run{runOf("a ok 1-3.5")}, false,
			`{"status":"succeeded","started_at":"` + jan + `01.000000Z","ended_at":"` + jan + `03.500000Z","duration_ms":2500,"run_count":1}`},
		{"own parent is a root", []Run{runOf("a<a ok 1-2")}, false, `{"status":"succeeded","duration_ms":1000}`},
		{"remote parent is a root", []Run{runOf("a<far ok 1-2", withRemote)}, false, `{"status":"succeeded"}`},
		{"missing parent keeps it running", []Run{runOf("a<far ok 1-2")}, false,
			`{"status":"running","ended_at":null,"duration_ms":null,"started_at":"` + jan + `01.000000Z"}`},
		{"missing parent promoted", []Run{runOf("a<far ok 1-2")}, true, `{"status":"succeeded","duration_ms":1000}`},
		{"orphan only adds running", []Run{runOf("o<far failed 0-9", withInput(`0`)), runOf("a ok 1-2", withInput(`1`), withOutput(`2`))}, false,
			`{"status":"running","started_at":"` + jan + `01.000000Z","input":1,"output":2,"error":null}`},
		{"promoted orphan decides with the root", []Run{runOf("o<far failed 0-9", withInput(`0`)), runOf("a ok 1-2", withInput(`1`))}, true,
			`{"status":"failed","started_at":"` + jan + `00.000000Z","input":0,"duration_ms":9000}`},
		{"earliest of a cycle is the orphan", []Run{runOf("a<b ok 2-3", withInput(`"a"`)), runOf("b<c ok 1-3", withInput(`"b"`)), runOf("c<a ok 3-4")}, false,
			`{"status":"running","started_at":"` + jan + `01.000000Z","input":"b"}`},
		{"cycle promoted", []Run{runOf("a<b ok 2-9"), runOf("b<a ok 1-3")}, true, `{"status":"succeeded","duration_ms":2000}`},

		{"any open root is running", []Run{runOf("a failed 1-2", withOutput(`1`)), runOf("b open 2-")}, false, `{"status":"running","ended_at":null,"duration_ms":null,"output":1}`},
		{"open wins over an end time", []Run{runOf("a open 1-2", withOutput(`1`))}, false, `{"status":"running","ended_at":null,"output":null}`},
		{"any failed root", []Run{runOf("a ok 1-2"), runOf("b canceled 1-2"), runOf("c failed 1-2")}, false, `{"status":"failed"}`},
		{"any canceled root", []Run{runOf("a ok 1-2"), runOf("b canceled 1-2")}, false, `{"status":"canceled"}`},
		{"children never decide", []Run{runOf("a ok 1-5"), runOf("b<a failed 0-9"), runOf("c<a open 1-")}, false,
			`{"status":"succeeded","started_at":"` + jan + `01.000000Z","duration_ms":4000,"error":null}`},
		{"skipped root", []Run{runOf("a skipped 1-1", withOutput(`null`))}, false, `{"status":"succeeded","output":null,"duration_ms":0}`},

		{"union of intervals", []Run{runOf("a ok 1-2"), runOf("b ok 1.5-3"), runOf("c ok 10-11"), runOf("d ok 2-2.5")}, false,
			`{"duration_ms":3000,"started_at":"` + jan + `01.000000Z","ended_at":"` + jan + `11.000000Z"}`},
		{"end before start", []Run{runOf("a ok 5-4")}, false, `{"duration_ms":0,"ended_at":"` + jan + `05.000000Z"}`},
		{"ended without an end", []Run{runOf("a ok 5-")}, false, `{"duration_ms":0,"ended_at":"` + jan + `05.000000Z"}`},

		{"input of the earliest, output of the last ended", []Run{runOf("a ok 1-9", withInput(`1`), withOutput(`"a"`)), runOf("b ok 2-3", withInput(`2`), withOutput(`"b"`))}, false,
			`{"input":1,"output":"a"}`},
		{"root without content", []Run{runOf("a ok 1-9"), runOf("b<a ok 2-3"), runOf("d<b ok 4-5", withInput(`4`), withOutput(`5`)), runOf("c<b ok 3-4", withInput(`3`))}, false,
			`{"input":3,"output":5}`},
		{"null is content", []Run{runOf("a ok 1-9", withInput(`null`)), runOf("b<a ok 2-3", withInput(`3`))}, false, `{"input":null}`},

		{"failed node first", []Run{runOf("a failed 1-2", withMetadata(`{"failed_nodes":[{"error_message":"node"},{"error_message":"other"}]}`), withError(`{"message":"wrapper"}`))}, false,
			`{"error":"node","metadata":{}}`},
		{"then the root's message", []Run{runOf("a failed 1-2", withMetadata(`{"failed_nodes":[]}`), withError(`{"message":"m\u0061 \"q\""}`))}, false, `{"error":"ma \"q\""}`},
		{"then the first failed descendant", []Run{runOf("a failed 1-9", withError(`{"message":""}`)), runOf("d<c failed 3-4", withError(`{"message":"late"}`)),
			runOf("c<a failed 2-3", withError(`{"message":"early"}`)), runOf("b<a ok 1-2", withError(`{"message":"fine"}`))}, false, `{"error":"early"}`},
		{"nobody says why", []Run{runOf("a failed 1-2", withError(`null`)), runOf("b ok 1-2", withError(`{"message":"no"}`))}, false, `{"error":null}`},
		{"earliest failed root", []Run{runOf("b failed 2-3", withError(`{"message":"b"}`)), runOf("a failed 1-9", withError(`{"message":"a"}`))}, false, `{"error":"a"}`},
		{"canceled is no error", []Run{runOf("a canceled 1-2", withError(`{"message":"x"}`))}, false, `{"error":null}`},

		{"leaf rule", []Run{runOf("a ok 1-9", withUsage(30, 3, picoUSD(9))), runOf("b<a ok 1-9"), runOf("c<b ok 1-2", withUsage(10, 1, picoUSD(2e12))), runOf("d<b ok 3-4", withUsage(20, 2, nil))}, false,
			`{"usage":{"prompt_tokens":30,"prompt_tokens_cost_usd":null,"completion_tokens":3,"completion_tokens_cost_usd":null,"total_tokens":33,"total_tokens_cost_usd":2,"unpriced_count":1}}`},
		{"usage of orphans counts", []Run{runOf("a ok 1-9"), runOf("c<far ok 1-2", withUsage(10, 1, nil))}, false,
			`{"usage":{"prompt_tokens":10,"prompt_tokens_cost_usd":null,"completion_tokens":1,"completion_tokens_cost_usd":null,"total_tokens":11,"total_tokens_cost_usd":null,"unpriced_count":1}}`},
		{"a remote root below another is its descendant", []Run{runOf("a ok 1-9", withUsage(30, 3, picoUSD(9))), runOf("b<a ok 2-3", withRemote, withUsage(30, 3, picoUSD(0)))}, false,
			`{"usage":{"prompt_tokens":30,"prompt_tokens_cost_usd":null,"completion_tokens":3,"completion_tokens_cost_usd":null,"total_tokens":33,"total_tokens_cost_usd":0,"unpriced_count":0},"duration_ms":8000}`},
		{"total cost from its parts", []Run{runOf("a ok 1-9", func(r *Run) { r.Usage = &Usage{PromptCost: picoUSD(84600000), CompletionCost: picoUSD(15400000)} })}, false,
			`{"usage":{"prompt_tokens":0,"prompt_tokens_cost_usd":0.0000846,"completion_tokens":0,"completion_tokens_cost_usd":0.0000154,"total_tokens":0,"total_tokens_cost_usd":0.0001,"unpriced_count":0}}`},
		{"no usage", []Run{runOf("a ok 1-9")}, false,
			`{"usage":{"prompt_tokens":0,"prompt_tokens_cost_usd":null,"completion_tokens":0,"completion_tokens_cost_usd":null,"total_tokens":0,"total_tokens_cost_usd":null,"unpriced_count":0}}`},

		{"facts of the earliest root, else of the first that has one", []Run{
			runOf("a ok 1-2", withText(func(r *Run) *string { return &r.SessionID }, "s1")),
			runOf("b ok 2-3", withText(func(r *Run) *string { return &r.SessionID }, "s2"), withText(func(r *Run) *string { return &r.UserID }, "u")),
			runOf("c<b ok 0-3", withText(func(r *Run) *string { return &r.Environment }, "child"))}, false,
			`{"session_id":"s1","user_id":"u","source_id":null,"version":null,"environment":null,"name":null}`},
		{"tags of the roots", []Run{runOf("b ok 2-3", func(r *Run) { r.Tags = []string{"z", "a"} }), runOf("a ok 1-2", func(r *Run) { r.Tags = []string{"a", "b"} }),
			runOf("c<a ok 0-3", func(r *Run) { r.Tags = []string{"child"} })}, false, `{"tags":["a","b","z"]}`},
		{"metadata without the SDK's", []Run{runOf("a ok 1-2", withMetadata(`{"workflow":1,"flow":1,"z":{"node":1},"node":1,"run_depends":1,"usage":1,"failed_nodes":1,`+
			`"is_output_from_cache":1,"skip":1,"human_feedback":1,"tool_data":1,"n":1.50}`)), runOf("b ok 2-3", withMetadata(`{"late":1}`))}, false, `{"metadata":{"z":{"node":1},"n":1.5}}`},
		{"models of calls by start", []Run{runOf("a ok 1-9", calling("agents", "config")), runOf("d<a ok 4-5", calling("llms", "m1")), runOf("c<a ok 3-4", calling("embedders", "e")),
			runOf("b<a failed 2-3", calling("llms", "m2")), runOf("e<a ok 5-6", calling("llms", "m2"))}, false, `{"models":["m2","e","m1"]}`},
	} {
		s := Derive(c.runs, Options{c.promoted})
		raw := append(AppendTrace(nil, "app", c.runs, &s, timeAt(1), Options{c.promoted}), '}')
		var got, want map[string]any
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v in %s", c.name, err, raw)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for k, v := range want {
			if !reflect.DeepEqual(got[k], v) {
				t.Errorf("%s: %s = %v, want %v\n%s", c.name, k, got[k], v, raw)
			}
		}
	}
}

// TestTraceObject fixes the order of the members and the form of every value.
func TestTraceObject(t *testing.T) {
	name := "Flow"
	runs := []Run{
		runOf("l<a ok 1.5-2", calling("llms", "openai/gpt-4o"), withUsage(412, 38, picoUSD(84600000)), func(r *Run) { r.JSON = []byte(`{"id":"l"}`) }),
		runOf("a ok 1-3.80763", withInput(`{"q": 1}`), withOutput(`"é\n"`), withMetadata(`{"env":"prod","workflow":{}}`), func(r *Run) {
			r.Name, r.SessionID, r.Tags, r.JSON = &name, "s", []string{"t1"}, []byte(`{"id":"a"}`)
		}),
	}
	s := Derive(runs, Options{})
	const want = `{"id":"t","app_id":"app","name":"Flow","status":"succeeded","started_at":"1970-01-01T00:00:01.000000Z",` +
		`"ended_at":"1970-01-01T00:00:03.807630Z","duration_ms":2807.63,"input":{"q": 1},"output":"é\n","error":null,` +
		`"usage":{"prompt_tokens":412,"prompt_tokens_cost_usd":null,"completion_tokens":38,"completion_tokens_cost_usd":null,` +
		`"total_tokens":450,"total_tokens_cost_usd":0.0000846,"unpriced_count":0},"run_count":2,"session_id":"s",` +
		`"user_id":null,"source_id":null,"tags":["t1"],"metadata":{"env":"prod"},"version":null,"environment":null,` +
		`"models":["openai/gpt-4o"],"stale":false,"updated_at":"1970-01-01T00:00:02Z","runs":[{"id":"l"},{"id":"a"}]`
	got := AppendRuns(AppendTrace(nil, "app", runs, &s, Time{NS: 2 * second, Valid: true}, Options{}), runs)
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(AppendRuns(nil, nil)); got != `,"runs":[]` {
		t.Errorf("no runs: %s", got)
	}
}

func TestNanosecondUnion(t *testing.T) {
	a, b := runOf("a ok 1-1"), runOf("b ok 2-2")
	a.End.NS += 1700
	b.End.NS += 1700
	s := Derive([]Run{a, b}, Options{})
	if s.Sample.DurationUS != 3 { // 3.4 µs, not 1 + 1
		t.Errorf("union of 1.7 µs twice = %d µs, want 3", s.Sample.DurationUS)
	}
}

func TestMillis(t *testing.T) {
	for us, want := range map[int64]string{-1: "null", 0: "0", 1: "0.001", 10: "0.01", 100: "0.1", 999: "0.999", 1000: "1",
		3800000: "3800", 9001800: "9001.8", 2807637: "2807.637", 1<<62 + 1: "4611686018427387.905"} {
		if got := string(appendMillis(nil, us)); got != want {
			t.Errorf("%d µs = %s, want %s", us, got, want)
		}
	}
}

func TestNoRuns(t *testing.T) {
	if s := Derive(nil, Options{}); s.Status != rollup.Running || s.Sample.DurationUS != -1 || s.Sample.Runs != 0 {
		t.Errorf("no runs = %+v", s)
	}
}
