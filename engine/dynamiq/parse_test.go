package dynamiq

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine/internal/jsonscan"
	"github.com/tracebed/tracebed/engine/trace"
)

// run is a minimal good run with more members in front.
func run(members string) string {
	if members != "" {
		members += ","
	}
	return `{` + members + `"id":"a","type":"node","trace_id":"t","start_time":"2026-06-10T09:15:00+00:00"}`
}

func body(runs ...string) string { return `{"runs":[` + strings.Join(runs, ",") + `]}` }

// one parses a body of one run that must be taken, and checks what holds for
// every run.
func one(t *testing.T, text string) trace.Run {
	t.Helper()
	runs, rejected, err := Parse([]byte(body(text)), Options{})
	if err != nil || len(rejected) > 0 || len(runs) != 1 {
		t.Fatalf("Parse(%s): %d runs, %+v, %v", text, len(runs), rejected, err)
	}
	checkRuns(t, runs)
	return runs[0]
}

// checkRuns checks that the JSON of runs is valid, compact, a fixed point of
// Parse, and read back by ParseRun to the same facts.
func checkRuns(t *testing.T, runs []trace.Run) {
	t.Helper()
	var texts []string
	for i := range runs {
		r := &runs[i]
		if !json.Valid(r.JSON) || len(jsonscan.AppendCompact(nil, r.JSON)) != len(r.JSON) {
			t.Fatalf("not compact JSON: %s", r.JSON)
		}
		again, err := trace.ParseRun(r.JSON)
		if err != nil {
			t.Fatalf("ParseRun(%s): %v", r.JSON, err)
		}
		if !reflect.DeepEqual(again, *r) {
			t.Fatalf("facts differ:\nParseRun %+v\nParse    %+v\n%s", again, *r, r.JSON)
		}
		texts = append(texts, string(r.JSON))
	}
	twice, rejected, err := Parse([]byte(body(texts...)), Options{})
	if err != nil || len(rejected) > 0 || len(twice) != len(runs) {
		t.Fatalf("canonical runs are not taken: %+v, %v", rejected, err)
	}
	for i := range twice {
		if string(twice[i].JSON) != texts[i] {
			t.Fatalf("made canonical twice:\n%s\nonce:\n%s", twice[i].JSON, texts[i])
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	const tail = `,"group":null,"model":null,"usage":null,"duration_ms":null}`
	const times = `"start_time":"2026-06-10T09:15:00Z","end_time":null`
	for name, c := range map[string]struct{ in, want string }{
		"missing members": {
			run(""),
			`{"id":"a","name":null,"type":"node","trace_id":"t","source_id":null,"session_id":null,` + times +
				`,"parent_run_id":null,"status":null,"input":null,"output":null,"metadata":{},"error":null,` +
				`"executions":[],"tags":[]` + tail,
		},
		"nulls stay, white space goes, unknown members last, ours replaced": {
			run(`"zeta": [1 , 2], "tags":null, "usage":{"x":1}, "group":"llms" ,"model":1,"executions" : null,"metadata":null,` +
				`"duration_ms":5,"alpha":" a b ","zeta":{ "b" : 1 , "a":2 },"input":{"k" : [ ]}, "\u0061lpha":3`),
			`{"id":"a","name":null,"type":"node","trace_id":"t","source_id":null,"session_id":null,` + times +
				`,"parent_run_id":null,"status":null,"input":{"k":[]},"output":null,"metadata":null,"error":null,` +
				`"executions":null,"tags":null,"zeta":{"b":1,"a":2},"alpha":3` + tail,
		},
		"values byte for byte": {
			run(`"input":{"z":1,"a":123456789012345678901234567890,"a":1e400,"f":7.500000000000001e-05,"s":"\ud800\/é😀\u00e9"},` +
				`"output":-0.0,"error":{"message":""},"name":"\u0041"`),
			`{"id":"a","name":"\u0041","type":"node","trace_id":"t","source_id":null,"session_id":null,` + times +
				`,"parent_run_id":null,"status":null,"input":{"z":1,"a":123456789012345678901234567890,"a":1e400,` +
				`"f":7.500000000000001e-05,"s":"\ud800\/é😀\u00e9"},"output":-0.0,"metadata":{},"error":{"message":""},` +
				`"executions":[],"tags":[]` + tail,
		},
		"LLM call": {
			run(`"status":"succeeded","end_time":"2026-06-10T11:15:02.803171+02:00","parent_run_id":"p","tags":["x","y"],` +
				`"metadata":{"node":{"group":"llms","model":"openai/gpt-4o"},"usage":{"total_tokens":450,"prompt_tokens":412,` +
				`"prompt_tokens_cost_usd":6.18e-05,"completion_tokens":38,"completion_tokens_cost_usd":null,"other":1,` +
				`"cache_read_input_tokens":256,"cache_creation_input_tokens":"no"}}`),
			`{"id":"a","name":null,"type":"node","trace_id":"t","source_id":null,"session_id":null,` +
				`"start_time":"2026-06-10T09:15:00Z","end_time":"2026-06-10T09:15:02.803171Z",` +
				`"parent_run_id":"p","status":"succeeded","input":null,"output":null,` +
				`"metadata":{"node":{"group":"llms","model":"openai/gpt-4o"},"usage":{"total_tokens":450,"prompt_tokens":412,` +
				`"prompt_tokens_cost_usd":6.18e-05,"completion_tokens":38,"completion_tokens_cost_usd":null,"other":1,` +
				`"cache_read_input_tokens":256,"cache_creation_input_tokens":"no"}},"error":null,"executions":[],"tags":["x","y"],` +
				`"group":"llms","model":"openai/gpt-4o","usage":{"prompt_tokens":412,"prompt_tokens_cost_usd":6.18e-05,"completion_tokens":38,` +
				`"completion_tokens_cost_usd":null,"total_tokens":450,"total_tokens_cost_usd":null,` +
				`"cache_read_input_tokens":256,"cache_creation_input_tokens":null},"duration_ms":2803.171}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := one(t, c.in)
			if string(r.JSON) != c.want {
				t.Errorf("got\n%s\nwant\n%s", r.JSON, c.want)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	text := func(r trace.Run) string {
		name := "null"
		if r.Name != nil {
			name = *r.Name
		}
		usage := "-"
		if u := r.Usage; u != nil {
			usage = fmt.Sprintf("%d/%d/%d", u.PromptTokens, u.CompletionTokens, u.TotalTokens)
			if u.PromptCost != nil {
				usage += " p" + string(u.PromptCost.AppendUSD(nil))
			}
			if u.CompletionCost != nil {
				usage += " c" + string(u.CompletionCost.AppendUSD(nil))
			}
			if u.TotalCost != nil {
				usage += " t" + string(u.TotalCost.AppendUSD(nil))
			}
		}
		return fmt.Sprintf("name=%s parent=%s status=%d end=%v group=%s model=%s usage=%s session=%s source=%s user=%s v=%s env=%s tags=%q in=%s",
			name, r.ParentID, r.Status, r.End.Valid, r.Group, r.Model, usage, r.SessionID, r.SourceID, r.UserID, r.Version, r.Environment, r.Tags, r.Input)
	}
	meta := func(group, usage string) string {
		return `"metadata":{"usage":` + usage + `,"node":{"model":"m","group":` + group + `}}`
	}
	for _, c := range []struct{ in, want string }{
		{``, `name=null parent= status=0 end=false group= model= usage=- session= source= user= v= env= tags=[] in=null`},
		{`"name":"\ud800x","status":"running","end_time":"2026-06-10T09:15:01Z","session_id":"s","source_id":"o"`,
			"name=\uFFFDx parent= status=0 end=false group= model= usage=- session=s source=o user= v= env= tags=[] in=null"},
		{`"name":"","status":"failed","session_id":"","parent_run_id":"a","input":{"user_id":"u","user_id":"\u0075v"},"tags":["a","","a"]`,
			`name= parent=a status=2 end=false group= model= usage=- session= source= user=uv v= env= tags=["a" "" "a"] in={"user_id":"u","user_id":"\u0075v"}`},
		{`"status":"skipped","end_time":"2026-06-10T09:14:59Z","input":{"user_id":7},"metadata":{"workflow":{"version":7},"environment":"prod"}`,
			`name=null parent= status=3 end=true group= model= usage=- session= source= user= v=7 env=prod tags=[] in={"user_id":7}`},
		{`"status":"canceled","metadata":{"workflow":{"version":"1.0"},"environment":1,"workflow":{"version":"2"},"node":{"group":"x","group":3}}`,
			`name=null parent= status=4 end=false group= model= usage=- session= source= user= v=2 env= tags=[] in=null`},
		{`"status":"succeeded","metadata":{"workflow":{"version":"1"},"workflow":{"id":"w"}}`,
			`name=null parent= status=1 end=false group= model= usage=- session= source= user= v= env= tags=[] in=null`},
		{meta(`"llms"`, `{"prompt_tokens":1,"completion_tokens":2.0,"prompt_tokens_cost_usd":0,"completion_tokens_cost_usd":1e-3}`),
			`name=null parent= status=0 end=false group=llms model=m usage=1/2/3 p0 c0.001 t0.001 session= source= user= v= env= tags=[] in=null`},
		{meta(`"llms"`, `{"prompt_tokens":1e3,"total_tokens":null,"total_tokens_cost_usd":7.500000000000001e-05}`),
			`name=null parent= status=0 end=false group=llms model=m usage=1000/0/1000 t0.000075 session= source= user= v= env= tags=[] in=null`},
		{meta(`"llms"`, `{}`), `name=null parent= status=0 end=false group=llms model=m usage=0/0/0 session= source= user= v= env= tags=[] in=null`},
		{meta(`"llms"`, `[1]`), `name=null parent= status=0 end=false group=llms model=m usage=- session= source= user= v= env= tags=[] in=null`},
		{meta(`"agents"`, `{"prompt_tokens":-1}`), `name=null parent= status=0 end=false group=agents model= usage=- session= source= user= v= env= tags=[] in=null`},
		{meta(`"embedders"`, `{"prompt_tokens":1}`), `name=null parent= status=0 end=false group=embedders model=m usage=- session= source= user= v= env= tags=[] in=null`},
		{meta(`"\u006clms"`, `{"total_tokens":9}`), `name=null parent= status=0 end=false group=llms model=m usage=0/0/9 session= source= user= v= env= tags=[] in=null`},
		{`"metadata":{"node":{"group":"llms","model":{"x":1}},"node":"gone"}`,
			`name=null parent= status=0 end=false group= model= usage=- session= source= user= v= env= tags=[] in=null`},
	} {
		if got := text(one(t, run(c.in))); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
	long := strings.Repeat("é", 128)
	if r := one(t, run(`"id":"x","parent_run_id":"`+long+`"`)); r.ID != "a" || r.ParentID != long {
		t.Errorf("the last of two ids must count, got %q; parent %q", r.ID, r.ParentID)
	}
}

func TestRejections(t *testing.T) {
	tags := func(n int) string { return `["x"` + strings.Repeat(`,"x"`, n-1) + `]` }
	for _, c := range []struct{ run, field string }{
		{`7`, "a run must be an object"}, {`null`, "a run must be an object"}, {`[]`, "a run must be an object"},
		{`{}`, "id"}, {`{"id":""}`, "id"}, {`{"id":null}`, "id"}, {`{"id":5}`, "id"},
		{`{"id":"` + strings.Repeat("é", 129) + `"}`, "id"},
		{`{"id":"a"}`, "type"}, {`{"id":"a","type":"chain"}`, "type"}, {`{"id":"a","type":null}`, "type"},
		{`{"id":"a","type":"node"}`, "start_time"}, {`{"id":"a","type":"node","start_time":null}`, "start_time"},
		{`{"id":"a","type":"node","start_time":1781082900}`, "start_time"},
		{`{"id":"a","type":"node","start_time":"2026-06-10"}`, "start_time"},
		{`{"id":"a","type":"node","start_time":"1969-06-10T00:00:00Z"}`, "start_time"},
		{`{"id":"a","type":"node","start_time":"9999-06-10T00:00:00Z"}`, "start_time"},
		{run(`"end_time":"tomorrow"`), "end_time"}, {run(`"end_time":false`), "end_time"},
		{run(`"status":"success"`), "status"}, {run(`"status":1`), "status"},
		{run(`"parent_run_id":""`), "parent_run_id"}, {run(`"parent_run_id":1`), "parent_run_id"},
		{run(`"parent_run_id":"` + strings.Repeat("x", 257) + `"`), "parent_run_id"},
		{run(`"name":1`), "name"}, {run(`"name":{}`), "name"},
		{run(`"source_id":1`), "source_id"}, {run(`"session_id":[]`), "session_id"},
		{run(`"session_id":"` + strings.Repeat("x", 257) + `"`), "session_id"},
		{run(`"metadata":[]`), "metadata"}, {run(`"metadata":"x"`), "metadata"},
		{run(`"executions":{}`), "executions"}, {run(`"tags":"x"`), "tags"}, {run(`"tags":["x",1]`), "tags"},
		{run(`"tags":` + tags(257)), "tags"}, {run(`"tags":["` + strings.Repeat("x", 1025) + `"]`), "tags"},
		{strings.Replace(run(``), `"t"`, `""`, 1), "trace_id"}, {strings.Replace(run(``), `"t"`, `7`, 1), "trace_id"},
	} {
		good := strings.Replace(run(""), `"a"`, `"good"`, 1)
		runs, rejected, err := Parse([]byte(body(good, c.run, good)), Options{})
		if err != nil || len(runs) != 2 || len(rejected) != 1 {
			t.Errorf("%s: %d runs, %+v, %v", c.run, len(runs), rejected, err)
			continue
		}
		if r := rejected[0]; r.Index != 1 || !strings.HasPrefix(r.Reason, c.field+" ") && r.Reason != c.field {
			t.Errorf("%s: %+v, want a reason about %s", c.run, r, c.field)
		} else if wantID := map[bool]string{true: "a"}[strings.Contains(c.run, `"id":"a"`)]; r.ID != wantID {
			t.Errorf("%s: id %q, want %q", c.run, r.ID, wantID)
		}
		checkRuns(t, runs)
	}
	one(t, run(`"tags":`+tags(256)))
	for name, values := range map[string][]string{
		"prompt_tokens":              {"-1", "1.5", "1e-1", "1000000000001", "1e13", "1e999999999", `"12"`, "true", "[]", "12345678901234567890", "0.12345678901234567"},
		"completion_tokens":          {"-1e-300"},
		"total_tokens":               {"{}"},
		"prompt_tokens_cost_usd":     {"-1e-5", "1000001", `"0.1"`, "1e400"},
		"completion_tokens_cost_usd": {"false"},
		"total_tokens_cost_usd":      {"-0.1"},
	} {
		for _, v := range values {
			text := run(`"metadata":{"node":{"group":"llms"},"usage":{"` + name + `":` + v + `}}`)
			_, rejected, err := Parse([]byte(body(text)), Options{})
			if err != nil || len(rejected) != 1 || !strings.HasPrefix(rejected[0].Reason, "usage."+name+" ") {
				t.Errorf("%s = %s: %+v, %v", name, v, rejected, err)
			}
		}
	}
	for v, want := range map[string]int64{
		"0": 0, "-0": 0, "0e999999999": 0, "0.0": 0, "1e12": 1e12, "1000000000000": 1e12, "1000000000000.000": 1e12, "0.5e1": 5,
		"120": 120, "1.20e2": 120, "12000e-3": 12, "100000000000000e-10": 10000, "9007199254.740993e3": 0, "10010.0": 10010,
	} {
		r, rejected, err := Parse([]byte(body(run(`"metadata":{"node":{"group":"llms"},"usage":{"total_tokens":`+v+`}}`))), Options{})
		if v == "9007199254.740993e3" {
			if len(rejected) != 1 {
				t.Errorf("%s was taken", v)
			}
			continue
		}
		if err != nil || len(r) != 1 || r[0].Usage.TotalTokens != want {
			t.Errorf("total_tokens %s: %+v, %+v, %v, want %d", v, r, rejected, err, want)
		}
	}
}

func TestBodies(t *testing.T) {
	var syntax *jsonscan.SyntaxError
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for text, want := range map[string]error{
		`{"runs":[]}`:    nil,
		` {"runs":[ ]} `: nil,
		`{"x":{"runs":1},"\u0072uns":[` + run("") + `],"y":[1]}`: nil,
		`[]`:                              ErrShape,
		`"runs"`:                          ErrShape,
		`{}`:                              ErrShape,
		`{"runs":null}`:                   ErrShape,
		`{"runs":{}}`:                     ErrShape,
		`{"resourceSpans":[]}`:            ErrShape,
		`{"runs":[],"resourceSpans":[]}`:  ErrBoth,
		`{"resourceSpans":[],"runs":[]}`:  ErrBoth,
		`{"resource_spans":[],"runs":[]}`: ErrBoth,
		`{"runs":[],"runs":[]}`:           ErrTwice,
	} {
		_, _, err := Parse([]byte(text), Options{})
		if !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	good := body(run(""), run(`"id":"b"`))
	for i := range good {
		if _, _, err := Parse([]byte(good[:i]), Options{}); !errors.As(err, &syntax) || syntax.Offset != i && i > 0 && syntax.Offset > i {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	for _, text := range []string{``, ` `, `nope`, `{"runs":[` + run("") + `]}}`, `{"runs":[{"a":1,}]}`, `{"runs":[{"id":"a"`,
		body(run(`"input":` + deep)), body(run("\"input\":\"\xff\"")), body(run("\"input\":\"\n\"")), body(run(`"x":01`)), "\ufeff{}",
	} {
		if runs, _, err := Parse([]byte(text), Options{}); !errors.As(err, &syntax) || runs != nil {
			t.Errorf("%.80s: %v, want a syntax error", text, err)
		} else if !strings.Contains(err.Error(), fmt.Sprint("at byte ", syntax.Offset)) {
			t.Errorf("%.80s: %v does not name the offset", text, err)
		}
	}
	if _, _, err := Parse([]byte(good), Options{MaxRuns: 1}); !errors.Is(err, ErrManyRuns) {
		t.Errorf("two runs with MaxRuns 1: %v", err)
	}
	if runs, _, err := Parse([]byte(good), Options{MaxRuns: 2}); err != nil || len(runs) != 2 {
		t.Errorf("two runs with MaxRuns 2: %v", err)
	}
}

// Many unknown members keep their order and the last value.
func TestManyUnknownMembers(t *testing.T) {
	var in, want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&in, `"k%d":0,`, i)
	}
	for i := range 100 {
		fmt.Fprintf(&in, `"\u006b%d":%d,`, i, i)
		fmt.Fprintf(&want, `,"k%d":%d`, i, i)
	}
	r := one(t, run(in.String()+`"name":"n"`))
	if !strings.Contains(string(r.JSON), `"tags":[]`+want.String()+`,"group":`) {
		t.Errorf("got %s", r.JSON)
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]Kind{
		`{}`: Empty, ` { } `: Empty, `{"resourceSpans":[]}`: Empty, `{"resourceSpans":[ ]}`: Empty,
		`{"resourceSpans":[{}]}`: OTLP, `{"resourceSpans":[1],"x":2}`: OTLP, `{"resourceSpans":{}}`: OTLP,
		`{"runs":[]}`: Dynamiq, `{"x":1,"runs":[`: Dynamiq, `{"\u0072uns":1}`: Dynamiq, `{"x":1,"resourceSpans":[3]}`: OTLP,
		`{"resource_spans":[{}]}`: OTLP, `{"resource_spans":[]}`: Empty, `{"resource_spans":[],"runs":[]}`: Both,
		`{"resourceSpans":[],"runs":[]}`: Both, `{"resourceSpans":[1],"runs":1}`: Both,
		`{"x":1}`: Other, `[]`: Other, `null`: Other, `1`: Other, `"runs"`: Other, `{"resourceSpans":[],"x":1}`: Empty,
		`{"x":1,"resourceSpans":[]}`: Empty, `{"resourceSpans":[1],"resourceSpans":[]}`: OTLP,
	} {
		if got, err := Sniff([]byte(text)); got != want || err != nil {
			t.Errorf("Sniff(%s) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{``, `{`, `{"x":1`, `{"x":1}}`, `{"resourceSpans":[}`, `nul`, `[] []`, `{"x":1,}`} {
		if _, err := Sniff([]byte(text)); err == nil {
			t.Errorf("Sniff(%q) gave no error", text)
		}
	}
}

// TestParserReuse: a Parser that has read other bodies gives what a fresh one
// gives.
func TestParserReuse(t *testing.T) {
	var p Parser
	for range 2 {
		for name, bodies := range fixtures(t) {
			for _, body := range bodies {
				for _, b := range [][]byte{body, []byte(`{"runs":[{"id":1},{}]}`), body, []byte(`[`)} {
					runs, rejected, err := Parse(b, Options{})
					again, rejectedAgain, errAgain := p.Parse(b, Options{})
					if !reflect.DeepEqual(runs, again) && len(runs)+len(again) > 0 {
						t.Fatalf("%s: a used parser gives other runs", name)
					}
					if !reflect.DeepEqual(rejected, rejectedAgain) || (err == nil) != (errAgain == nil) {
						t.Fatalf("%s: %v, %v; a used parser: %v, %v", name, rejected, err, rejectedAgain, errAgain)
					}
				}
			}
		}
	}
}
