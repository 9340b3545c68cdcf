package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
)

// client talks to a server over a real engine.
type client struct {
	t    *testing.T
	base string
}

func serveEngine(t *testing.T) client {
	t.Helper()
	store, err := engine.Open("data", engine.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	return serveStore(t, store, httpapi.Options{AdminToken: "admin"})
}

// serveStore serves a store, which it closes.
func serveStore(t *testing.T, store *engine.Engine, o httpapi.Options) client {
	t.Helper()
	srv, err := httpapi.New(store, o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return client{t, "http://" + ln.Addr().String()}
}

// call gives status, body and response of one request.
func (c client) call(method, path, body string, headers ...string) (int, []byte, *http.Response) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer admin")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, b, resp
}

// good is the body of a call that must succeed.
func (c client) good(method, path, body string, headers ...string) []byte {
	c.t.Helper()
	code, b, _ := c.call(method, path, body, headers...)
	if code != 200 || !json.Valid(b) {
		c.t.Fatalf("%s %s: %d %.500s", method, path, code, b)
	}
	return b
}

type page struct {
	Data       []json.RawMessage
	Pagination struct {
		Page       int
		PageSize   int `json:"page_size"`
		PageCount  int `json:"page_count"`
		TotalCount int `json:"total_count"`
	}
	NextCursor *string `json:"next_cursor"`
}

func parse[T any](t *testing.T, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %.300s", err, b)
	}
	return v
}

func run(id, trace string, second int, input string) string {
	return fmt.Sprintf(`{"id":%q,"name":null,"type":"workflow","trace_id":%q,"source_id":null,"session_id":null,`+
		`"start_time":"2026-06-10T09:00:%02d.5+00:00","end_time":"2026-06-10T09:01:00Z","parent_run_id":null,`+
		`"status":"succeeded","input":%s,"output":null,"metadata":{},"error":null,"executions":[],"tags":[]}`, id, trace, second, input)
}

// The fixtures, posted and read back by every call, agree with one another.
func TestServerOverEngine(t *testing.T) {
	c := serveEngine(t)
	files, err := filepath.Glob("../engine/dynamiq/testdata/dynamiq-*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fixture := parse[struct {
			Requests []struct{ Body json.RawMessage }
		}](t, b)
		for _, r := range fixture.Requests {
			c.good("POST", "/v1/apps/fix%2Ftures/traces", string(r.Body))
		}
	}
	const app = "/v1/apps/fix%2Ftures"
	list := parse[page](t, c.good("GET", app+"/traces?preview=0&page_size=1000", ""))
	if len(list.Data) < len(files) || list.Pagination.TotalCount != len(list.Data) || list.NextCursor != nil {
		t.Fatalf("%d rows, %+v", len(list.Data), list.Pagination)
	}
	var ids []string
	runs := 0
	for _, row := range list.Data {
		id := parse[struct{ ID string }](t, row).ID
		ids = append(ids, id)
		one := parse[struct{ Data json.RawMessage }](t, c.good("GET", app+"/traces/"+url.PathEscape(id), ""))
		if !bytes.Equal(one.Data, row) {
			t.Errorf("list and trace differ:\n%s\n%s", row, one.Data)
		}
		r := parse[page](t, c.good("GET", app+"/traces/"+url.PathEscape(id)+"/runs?page_size=1000", ""))
		runs += len(r.Data)
	}
	var walked []string
	for cursor := ""; ; {
		p := parse[page](t, c.good("GET", app+"/traces?page_size=2&cursor="+cursor, ""))
		for _, row := range p.Data {
			walked = append(walked, parse[struct{ ID string }](t, row).ID)
		}
		if p.NextCursor == nil {
			break
		}
		cursor = *p.NextCursor
	}
	if strings.Join(ids, " ") != strings.Join(walked, " ") {
		t.Errorf("by page %v, by cursor %v", ids, walked)
	}
	m := parse[struct {
		Data struct {
			Summary struct {
				InvocationCount int `json:"invocation_count"`
			}
			Series []any
		}
	}](t, c.good("GET", app+"/metrics?start_time=2026-01-01T00:00:00Z&end_time=2026-12-31T00:00:00Z&interval=month&timezone=Asia/Kolkata", ""))
	if m.Data.Summary.InvocationCount != len(ids) || len(m.Data.Series) != 12 {
		t.Errorf("metrics: %d of %d, %d bars", m.Data.Summary.InvocationCount, len(ids), len(m.Data.Series))
	}
	downloads(t, c, app, ids, runs)
}

// downloads checks every coding and format against the ids and the number of
// runs.
func downloads(t *testing.T, c client, app string, ids []string, runs int) {
	var plain []byte
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		for _, format := range []string{"json", "jsonl"} {
			code, b, resp := c.call("GET", app+"/traces/download?include_runs=true&format="+format, "", "Accept-Encoding", coding)
			if code != 200 {
				t.Fatalf("%d %s", code, b)
			}
			var err error
			switch coding {
			case "gzip":
				var z *gzip.Reader
				if z, err = gzip.NewReader(bytes.NewReader(b)); err == nil {
					b, err = io.ReadAll(z)
				}
			case "zstd":
				var z *zstd.Decoder
				if z, err = zstd.NewReader(nil, zstd.WithDecoderMaxWindow(8<<20)); err == nil {
					b, err = z.DecodeAll(b, nil)
				}
			}
			if err != nil {
				t.Fatalf("%s: %v", coding, err)
			}
			if format == "jsonl" {
				b = []byte("[" + strings.Join(strings.Split(strings.TrimSpace(string(b)), "\n"), ",") + "]")
			}
			all := parse[[]struct {
				ID   string
				Runs []json.RawMessage
			}](t, b)
			n := 0
			for i, tr := range all {
				n += len(tr.Runs)
				if tr.ID != ids[i] {
					t.Fatalf("%s %s: trace %d is %s, want %s", coding, format, i, tr.ID, ids[i])
				}
			}
			if len(all) != len(ids) || n != runs || resp.Trailer.Get("Tracebed-Complete") != "true" || resp.Trailer.Get("Tracebed-Count") != fmt.Sprint(len(ids)) {
				t.Errorf("%s %s: %d traces, %d runs, %v", coding, format, len(all), n, resp.Trailer)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, b); err != nil {
				t.Fatal(err)
			}
			if plain == nil {
				plain = compact.Bytes()
			} else if !bytes.Equal(plain, compact.Bytes()) {
				t.Errorf("%s %s differs from the plain array", coding, format)
			}
		}
	}
}

func TestEngineErrorsOverHTTP(t *testing.T) {
	c := serveEngine(t)
	input := `{"n":123456789012345678901234567890.10,"b":2,"a":1,"t":"` + strings.Repeat("é", 3000) + `"}`
	for i := range 30 {
		c.good("POST", "/v1/apps/demo/traces", `{"runs":[`+run("r", fmt.Sprintf("t %d/ü", i), i, input)+`,{"id":7}]}`)
	}
	if one := c.good("GET", "/v1/apps/demo/traces/t%203%2F%C3%BC", ""); !bytes.Contains(one, []byte(`"input":`+input)) {
		t.Errorf("input changed: %s", one)
	}
	list := c.good("GET", "/v1/apps/demo/traces?page_size=3", "")
	if !bytes.Contains(list, []byte(`"input_truncated":true`)) {
		t.Errorf("no preview: %.300s", list)
	}
	for path, want := range map[string]int{
		"/v1/apps/none/traces":                                             404,
		"/v1/apps/none/traces/download":                                    404,
		"/v1/apps/none/metrics?" + year + "&interval=1h":                   404,
		"/v1/apps/demo/traces/none":                                        404,
		"/v1/apps/demo/traces/none/runs":                                   404,
		"/v1/apps/demo/traces?cursor=nonsense":                             400,
		"/v1/apps/demo/traces/download?cursor=nonsense":                    400,
		"/v1/apps/demo/metrics?" + year + "&interval=1s":                   400,
		"/v1/apps/demo/metrics?" + year + "&interval=15m":                  400,
		"/v1/apps/demo/metrics?" + year + "&interval=1h":                   200,
		"/v1/apps/demo/traces?page=1000000000&page_size=1000":              200,
		"/v1/apps/demo/traces?started_at:lt=1970-01-01T00:00:00Z":          200,
		"/v1/apps/demo/traces/download?started_at:lt=1970-01-01T00:00:00Z": 200,
	} {
		code, b, _ := c.call("GET", path, "")
		if code != want {
			t.Errorf("%s: %d, want %d: %.300s", path, code, want, b)
		}
		if strings.Contains(path, "1970") && !bytes.Contains(bytes.ReplaceAll(b, []byte("\n"), nil), []byte("[]")) {
			t.Errorf("%s: not empty: %.300s", path, b)
		}
	}
	for path, field := range map[string]string{
		"/v1/apps/demo/traces?cursor=nonsense":           `"cursor":"it is not`,
		"/v1/apps/demo/metrics?" + year + "&interval=1s": `"interval":"interval 1s gives more than`,
	} {
		if _, b, _ := c.call("GET", path, ""); !bytes.Contains(b, []byte(`"details":{`+field)) {
			t.Errorf("%s: %s", path, b)
		}
	}
	first, _, resp := c.call("GET", "/v1/apps/demo/traces/download?limit=10", "")
	next := resp.Trailer.Get("Tracebed-Next-Cursor")
	if first != 200 || next == "" || resp.Trailer.Get("Tracebed-Complete") != "false" {
		t.Fatalf("%d %v", first, resp.Trailer)
	}
	_, b, resp := c.call("GET", "/v1/apps/demo/traces/download?cursor="+next, "")
	if rest := parse[[]any](t, b); len(rest) != 20 || resp.Trailer.Get("Tracebed-Complete") != "true" {
		t.Errorf("%d traces after the first 10, %v", len(rest), resp.Trailer)
	}
	c.good("DELETE", "/v1/apps/demo/traces/t%203%2F%C3%BC", "")
	if p := parse[page](t, c.good("GET", "/v1/apps/demo/traces", "")); p.Pagination.TotalCount != 29 {
		t.Errorf("%d traces after a delete", p.Pagination.TotalCount)
	}
	c.good("DELETE", "/v1/apps/demo", "")
	if code, _, _ := c.call("GET", "/v1/apps/demo", ""); code != 404 {
		t.Errorf("a deleted app answers %d", code)
	}
}

const year = "start_time=2026-01-01T00:00:00Z&end_time=2026-12-31T00:00:00Z"
