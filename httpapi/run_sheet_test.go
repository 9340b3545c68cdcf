package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const (
	sheetTrace = "my trace/1"
	sheetPath  = "/v1/apps/demo/traces/my%20trace%2F1"
)

// sheetRun is one run of the trace that these tests look at.
func sheetRun(id, parent, status, input string) string {
	p, end := "null", "null"
	if parent != "" {
		p = fmt.Sprintf("%q", parent)
	}
	if status != "null" {
		end = `"2026-06-10T09:15:02+00:00"`
		status = fmt.Sprintf("%q", status)
	}
	return fmt.Sprintf(`{"id":%q,"name":"step","type":"node","trace_id":%q,"source_id":null,"session_id":null,"start_time":"2026-06-10T09:15:00.104233+00:00",`+
		`"end_time":%s,"parent_run_id":%s,"status":%s,"input":%s,"output":null,"metadata":{"node":{"id":"node-%s"},"run_depends":[{"node":{"id":"x"}}]},"error":null,"executions":[{}],"tags":[]}`,
		id, sheetTrace, end, p, status, input, id)
}

func sheet(t *testing.T) client {
	t.Helper()
	c := serveEngine(t)
	long := `"` + strings.Repeat("long ü ", 1000) + `"`
	c.good("POST", "/v1/apps/demo/traces", `{"runs":[`+sheetRun("root", "", "succeeded", long)+`,`+sheetRun("a/b", "root", "failed", `{"n":123456789012345678901234567890}`)+`]}`)
	return c
}

func TestTreeCall(t *testing.T) {
	c := sheet(t)
	want := c.good("GET", sheetPath+"/tree", "")
	v := parse[struct {
		Data struct {
			Trace struct {
				ID             string
				InputTruncated bool `json:"input_truncated"`
			}
			Runs []map[string]any
		}
	}](t, want)
	if v.Data.Trace.ID != sheetTrace || !v.Data.Trace.InputTruncated || len(v.Data.Runs) != 2 {
		t.Errorf("%s", want)
	}
	if n := v.Data.Runs[1]; n["id"] != "a/b" || n["node_id"] != "node-a/b" || n["parent_run_id"] != "root" || n["attempts"] != 1.0 || n["input"] != nil {
		t.Errorf("%v", n)
	}
	for coding, reader := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		_, b, resp := c.call("GET", sheetPath+"/tree", "", "Accept-Encoding", coding)
		r, err := reader(bytes.NewReader(b))
		if err != nil || resp.Header.Get("Content-Encoding") != coding || resp.Header.Get("Vary") != "Accept-Encoding" {
			t.Fatalf("%s: %v %v", coding, err, resp.Header)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v %.200s", coding, err, got)
		}
	}
	for path, want := range map[string]int{"/v1/apps/none/traces/t/tree": 404, "/v1/apps/demo/traces/none/tree": 404} {
		if code, b, resp := c.call("GET", path, "", "Accept-Encoding", "gzip"); code != want || !json.Valid(b) || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %d %s", path, code, b)
		}
	}
	if code, b, _ := c.call("GET", sheetPath+"/tree", "", "Accept-Encoding", "identity;q=0"); code != 406 {
		t.Errorf("no coding: %d %s", code, b)
	}
	if code, b, resp := c.call("HEAD", sheetPath+"/tree", ""); code != 200 || len(b) > 0 || resp.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %d %s %v", code, b, resp.Header)
	}
}

// A tree of many runs is longer than a chunk, and comes whole.
func TestLargeTree(t *testing.T) {
	c := serveEngine(t)
	const n = 4000
	runs := make([]string, n)
	for i := range runs {
		runs[i] = sheetRun(fmt.Sprint("r", i), "r0", "succeeded", "1")
	}
	c.good("POST", "/v1/apps/demo/traces", `{"runs":[`+strings.Join(runs, ",")+`]}`)
	v := parse[struct {
		Data struct{ Runs []json.RawMessage }
	}](t, c.good("GET", sheetPath+"/tree", ""))
	if len(v.Data.Runs) != n {
		t.Errorf("%d runs", len(v.Data.Runs))
	}
}

func TestOneRunAndItsValues(t *testing.T) {
	c := sheet(t)
	list := parse[page](t, c.good("GET", sheetPath+"/runs", ""))
	one := parse[struct{ Data json.RawMessage }](t, c.good("GET", sheetPath+"/runs/a%2Fb", ""))
	if !bytes.Equal(one.Data, list.Data[0]) {
		t.Errorf("one run is %s, in the list it is %s", one.Data, list.Data[0])
	}
	for path, marks := range map[string]string{
		sheetPath + "?preview=8":                    `"input":"long ü ","input_truncated":true`,
		sheetPath + "?preview=8&include_runs=true":  `"runs":[{"id":"a/b"`,
		sheetPath + "/runs/root?preview=8":          `"input":"long ü ","input_truncated":true,"output":null,"metadata":"{\"node\":","metadata_truncated":true`,
		sheetPath + "/runs/a%2Fb?preview=8":         `"input":"{\"n\":123","input_truncated":true`,
		sheetPath + "/runs?preview=8&page_size=1":   `"input":"{\"n\":123","input_truncated":true`,
		sheetPath + "/runs/a%2Fb?preview=0":         `"input":{"n":123456789012345678901234567890}`,
		sheetPath + "?preview=0":                    `long ü long ü long ü`,
		sheetPath + "?include_runs=true&preview=10": `,"metadata":"{\"node\":{\"","metadata_truncated":true`,
	} {
		if b := c.good("GET", path, ""); !strings.Contains(string(b), marks) {
			t.Errorf("%s: %s\nlacks %s", path, b, marks)
		}
	}
	for path, want := range map[string]string{
		"/runs/a%2Fb/input":   `{"n":123456789012345678901234567890}`,
		"/runs/a%2Fb/output":  `null`,
		"/runs/root/metadata": `{"node":{"id":"node-root"},"run_depends":[{"node":{"id":"x"}}]}`,
		"/runs/root/error":    `null`,
		"/input":              `"` + strings.Repeat("long ü ", 1000) + `"`,
		"/output":             `null`, "/error": `null`, "/metadata": `{}`,
	} {
		code, b, resp := c.call("GET", sheetPath+path, "")
		if code != 200 || string(b) != want || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %v", path, code, b, resp.Header)
		}
		if d := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename=") || !strings.Contains(d, ".json") {
			t.Errorf("%s: %q", path, d)
		}
	}
	for _, path := range []string{"/runs/none", "/runs/none/input", "/runs/none?preview=1"} {
		if code, b, resp := c.call("GET", sheetPath+path, ""); code != 404 || resp.Header.Get("Content-Disposition") != "" || resp.Header.Get("ETag") != "" {
			t.Errorf("%s: %d %s", path, code, b)
		}
	}
	for _, path := range []string{"/runs/root?preview=-1", "?preview=x", "/runs?preview=2147483648"} {
		if code, b, _ := c.call("GET", sheetPath+path, ""); code != 400 || !strings.Contains(string(b), `"preview"`) {
			t.Errorf("%s: %d %s", path, code, b)
		}
	}
}

// A page that polls is told when nothing has changed.
func TestETag(t *testing.T) {
	c := sheet(t)
	paths := []string{"", "/tree", "/runs/root", "/evaluations", "/input", "/runs/root/input"}
	tags := map[string]string{}
	for _, path := range paths {
		_, _, resp := c.call("GET", sheetPath+path, "")
		tag := resp.Header.Get("ETag")
		if tags[path] = tag; !strings.HasPrefix(tag, `W/"`) || resp.Header.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: %v", path, resp.Header)
		}
		for _, header := range []string{tag, `"other", ` + strings.TrimPrefix(tag, "W/"), "*"} {
			if code, b, resp := c.call("GET", sheetPath+path, "", "If-None-Match", header); code != 304 || len(b) > 0 || resp.Header.Get("ETag") != tag {
				t.Errorf("%s with %s: %d %s", path, header, code, b)
			}
		}
		if code, _, _ := c.call("GET", sheetPath+path, "", "If-None-Match", `"other"`); code != 200 {
			t.Errorf("%s with another tag: %d", path, code)
		}
	}
	changes := []func(){
		func() { c.good("POST", sheetPath+"/evaluations", `{"name":"n","value":1}`) },
		func() {
			c.good("POST", "/v1/apps/demo/traces", `{"runs":[`+sheetRun("late", "root", "null", "1")+`]}`)
		},
	}
	for i, change := range changes {
		change()
		for _, path := range paths {
			code, _, resp := c.call("GET", sheetPath+path, "", "If-None-Match", tags[path])
			if code != 200 || resp.Header.Get("ETag") == tags[path] {
				t.Errorf("%s after change %d: %d", path, i, code)
			}
			tags[path] = resp.Header.Get("ETag")
		}
	}
}

func TestEvaluationCalls(t *testing.T) {
	c := sheet(t)
	path := sheetPath + "/evaluations"
	if b := c.good("GET", path, ""); string(b) != `{"data":[]}` {
		t.Errorf("%s", b)
	}
	one := c.good("POST", path, `{"id":"e1","name":"relevance","value":0.90,"comment":"ok","source":"judge","run_id":"a/b","created_at":"2026-06-10T09:15:00.5+02:00"}`)
	const want = `{"id":"e1","name":"relevance","value":0.90,"comment":"ok","source":"judge","run_id":"a/b","created_at":"2026-06-10T07:15:00.5Z"}`
	if string(one) != `{"data":`+want+`}` {
		t.Errorf("%s", one)
	}
	c.good("POST", path, string(want)) // the same again
	two := parse[struct{ Data []struct{ ID, Name string } }](t, c.good("POST", path, `{"evaluations":[{"name":"b","value":"text"},{"name":"a","value":false}]}`))
	if len(two.Data) != 2 || two.Data[0].Name != "b" || len(two.Data[0].ID) != 36 || two.Data[0].ID == two.Data[1].ID {
		t.Errorf("%+v", two)
	}
	list := parse[struct{ Data []json.RawMessage }](t, c.good("GET", path, ""))
	if len(list.Data) != 3 || string(list.Data[0]) != want {
		t.Errorf("%s", list.Data)
	}
	full := parse[struct {
		Data struct{ Evaluations []json.RawMessage }
	}](t, c.good("GET", sheetPath, ""))
	if len(full.Data.Evaluations) != 3 {
		t.Errorf("the trace has %s", full.Data.Evaluations)
	}
	export := c.good("GET", "/v1/apps/demo/traces/download", "")
	if !strings.Contains(string(export), `"evaluations":[`+want) {
		t.Errorf("the export has none: %s", export)
	}
	if rows := c.good("GET", "/v1/apps/demo/traces", ""); strings.Contains(string(rows), "evaluations") {
		t.Errorf("the list has some: %s", rows)
	}
	for body, field := range map[string]string{
		`{"value":1}`:                                              "name",
		`{"name":"n","value":1,"run_id":"none"}`:                   "run_id",
		`{"name":"n","value":1,"score":1}`:                         "score",
		`{"evaluations":[{"name":"n"}]}`:                           "evaluations[0].value",
		`{"evaluations":[]}`:                                       "evaluations",
		`{"evaluations":null}`:                                     "evaluations",
		`{"evaluations":[{"name":"n","value":1}],"x":1}`:           "x",
		`{"evaluations":[{"name":"n","value":1,"run_id":"none"}]}`: "evaluations[0].run_id",
		`{"evaluations":[{"id":"i","name":"n","value":1},{"id":"i","name":"n","value":1}]}`: "evaluations[1].id",
		`{"name":"n"`: "body",
		``:            "body",
		`[]`:          "evaluation",
	} {
		code, b, _ := c.call("POST", path, body)
		e := parse[struct {
			Error struct {
				Code, Message string
				Details       map[string]string
			}
		}](t, b)
		if code != 400 || e.Error.Details[field] == "" || len(e.Error.Details) != 1 {
			t.Errorf("%s: %d %s, want a detail of %s", body, code, b, field)
		}
	}
	for _, path := range []string{"/v1/apps/demo/traces/none/evaluations", "/v1/apps/none/traces/none/evaluations"} {
		for _, method := range []string{"GET", "POST"} {
			if code, b, _ := c.call(method, path, `{"name":"n","value":1}`); code != 404 {
				t.Errorf("%s %s: %d %s", method, path, code, b)
			}
		}
	}
	if again := parse[struct{ Data []json.RawMessage }](t, c.good("GET", path, "")); len(again.Data) != 3 {
		t.Errorf("a refused body stored something: %s", again.Data)
	}
}
