package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/engine"
)

// decode undoes a content coding.
func decode(t testing.TB, coding string, b []byte) []byte {
	t.Helper()
	var r io.Reader = bytes.NewReader(b)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDownload(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{})
	for _, n := range []int{0, 3, 700} { // one chunk, and many
		store.put("demo", n)
		for _, coding := range []string{"", "gzip", "zstd"} {
			a := e.get("/v1/apps/demo/traces/download", "Accept-Encoding", coding)
			if a.StatusCode != 200 || a.Header.Get("Content-Encoding") != coding || a.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("%d %v", a.StatusCode, a.Header)
			}
			if a.Header.Get("Vary") != "Accept-Encoding" {
				t.Error("no Vary")
			}
			var rows []map[string]any
			if err := json.Unmarshal(decode(t, coding, a.body), &rows); err != nil || len(rows) != n {
				t.Fatalf("%q: %d rows, %v", coding, len(rows), err)
			}
			for k, want := range map[string]string{"Tracebed-Complete": "true", "Tracebed-Count": fmt.Sprint(n), "Tracebed-Next-Cursor": ""} {
				if got, ok := a.Trailer[k]; !ok || got[0] != want {
					t.Errorf("%d rows, %q: trailer %s is %q", n, coding, k, got)
				}
				if a.Header.Get(k) != "" {
					t.Errorf("%s is in the header", k)
				}
			}
			if (store.exportQ.Zstd) != (coding == "zstd") {
				t.Errorf("%q: engine asked for zstd %v", coding, store.exportQ.Zstd)
			}
		}
	}
	a := e.get("/v1/apps/demo/traces/download?format=jsonl&limit=5&include_runs=true&status=failed&cursor=c&started_at:gte=2026-01-01T00:00:00Z")
	q := store.exportQ
	if q.Format != engine.JSONLines || q.Limit != 5 || !q.IncludeRuns || len(q.Statuses) != 1 || q.Cursor != "c" || q.Window.From == 0 {
		t.Errorf("%+v", q)
	}
	if left := time.Until(q.Deadline); left < 2*time.Minute || left > 3*time.Minute {
		t.Errorf("budget %v", left)
	}
	if ct := a.Header.Get("Content-Type"); ct != "application/x-ndjson" {
		t.Errorf("Content-Type %q", ct)
	}
	if cd := a.Header.Get("Content-Disposition"); cd != `attachment; filename="demo-traces.jsonl"` {
		t.Errorf("Content-Disposition %q", cd)
	}
	for bad, field := range map[string]string{"limit=0": "limit", "limit=x": "limit", "format=csv": "format", "page=1": "page", "include_runs=2": "include_runs"} {
		e.get("/v1/apps/demo/traces/download?"+bad).wants(t, 400, "bad_request", field)
	}
	e.get("/v1/apps/demo/traces/download", "Accept-Encoding", "identity;q=0").wants(t, 406, "bad_request")
	h := e.do("HEAD", "/v1/apps/demo/traces/download", adminToken, "")
	if h.StatusCode != 200 || h.Header.Get("Content-Disposition") == "" {
		t.Errorf("HEAD: %d %v", h.StatusCode, h.Header)
	}
}

func TestDownloadErrorBeforeTheFirstByte(t *testing.T) {
	store := newFake()
	store.put("demo", 1)
	e := start(t, store, Options{})
	check := func(a answer, status int, code string) {
		t.Helper()
		a.wants(t, status, code)
		for _, k := range []string{"Content-Disposition", "Content-Encoding", "Trailer", "Vary"} {
			if v := a.Header.Get(k); v != "" {
				t.Errorf("%s: %q", k, v)
			}
		}
	}
	check(e.get("/v1/apps/nobody/traces/download", "Accept-Encoding", "zstd"), 404, "not_found")
	store.export = func(_ context.Context, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		_, _ = io.WriteString(w, "[{}")
		return engine.ExportResult{}, engine.ErrCorrupt
	}
	check(e.get("/v1/apps/demo/traces/download", "Accept-Encoding", "gzip"), 500, "internal")
}

func TestDownloadErrorLater(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{})
	for _, fail := range []error{engine.ErrCorrupt, nil} {
		store.export = func(_ context.Context, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
			_, _ = w.Write(make([]byte, 2*chunkSize))
			if fail == nil {
				panic("amid the body")
			}
			return engine.ExportResult{}, fail
		}
		resp, err := e.cli.Do(e.request("/v1/apps/demo/traces/download"))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil || len(b) < chunkSize {
			t.Errorf("%d bytes and no error: the client takes a cut body for a whole one", len(b))
		}
		if v := resp.Trailer.Get("Tracebed-Complete"); v == "true" {
			t.Error("said to be complete")
		}
	}
	if !strings.Contains(e.log.text(), "answer cut off") {
		t.Error("not logged")
	}
}

func (e *env) request(path string) *http.Request {
	req, err := http.NewRequest("GET", "http://"+e.addr+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	return req
}

func TestDownloadBudget(t *testing.T) {
	store := newFake()
	store.export = func(_ context.Context, q engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		_, err := io.WriteString(w, "[\n{}\n]\n")
		return engine.ExportResult{Count: 1, NextCursor: "go-on"}, err
	}
	e := start(t, store, Options{ExportBudget: time.Second})
	a := e.get("/v1/apps/demo/traces/download")
	if a.Trailer.Get("Tracebed-Complete") != "false" || a.Trailer.Get("Tracebed-Next-Cursor") != "go-on" || a.Trailer.Get("Tracebed-Count") != "1" {
		t.Errorf("%v", a.Trailer)
	}
}

// TestDownloadSummary: the last line says what the trailers say.
func TestDownloadSummary(t *testing.T) {
	store := newFake()
	cursor := "go-\"on"
	store.export = func(_ context.Context, q engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		if q.Zstd || q.Format != engine.JSONLines {
			t.Errorf("asked for %+v", q)
		}
		_, err := io.WriteString(w, "{}\n{}\n")
		return engine.ExportResult{Count: 2, Complete: cursor == "", NextCursor: cursor}, err
	}
	e := start(t, store, Options{})
	for _, query := range []string{"summary=true", "summary=true&format=jsonl"} {
		a := e.get("/v1/apps/demo/traces/download?"+query, "Accept-Encoding", "zstd")
		want := `{}` + "\n{}\n" + `{"summary":{"complete":false,"count":2,"next_cursor":"go-\"on"}}` + "\n"
		if string(a.body) != want || a.Header.Get("Content-Encoding") != "" || a.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%s: %q %v", query, a.body, a.Header)
		}
	}
	cursor = ""
	a := e.get("/v1/apps/demo/traces/download?summary=1", "Accept-Encoding", "gzip, zstd")
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil || a.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, a.Header)
	}
	b, err := io.ReadAll(z)
	if want := `{"summary":{"complete":true,"count":2,"next_cursor":null}}` + "\n"; err != nil || !strings.HasSuffix(string(b), "\n"+want) {
		t.Errorf("%v %q", err, b)
	}
	if a := e.get("/v1/apps/demo/traces/download?summary=true&format=json"); a.StatusCode != 400 || !strings.Contains(string(a.body), "summary") {
		t.Errorf("an array with a summary: %d %s", a.StatusCode, a.body)
	}
}

func TestDownloadLimit(t *testing.T) {
	store := newFake()
	goOn, begun := make(chan struct{}), make(chan struct{}, 2)
	store.export = func(context.Context, engine.ExportQuery, io.Writer) (engine.ExportResult, error) {
		begun <- struct{}{}
		<-goOn
		return engine.ExportResult{Complete: true}, nil
	}
	e := start(t, store, Options{MaxExports: 2})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { e.get("/v1/apps/demo/traces/download") })
	}
	<-begun
	<-begun
	a := e.get("/v1/apps/demo/traces/download")
	a.wants(t, 503, "unavailable")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(goOn)
	wg.Wait()
	if a := e.get("/v1/apps/demo/traces/download"); a.StatusCode != 200 {
		t.Errorf("afterwards: %d", a.StatusCode)
	}
}

// A slow client blocks the export; the server keeps one chunk, not the rest.
func TestSlowReader(t *testing.T) {
	store := newFake()
	const total = 64 << 20
	var written atomic.Int64
	store.export = func(_ context.Context, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		piece := make([]byte, 64<<10)
		for range total / len(piece) {
			if _, err := w.Write(piece); err != nil {
				return engine.ExportResult{}, err
			}
			written.Add(int64(len(piece)))
		}
		return engine.ExportResult{Complete: true}, nil
	}
	e := start(t, store, Options{StallTimeout: time.Minute})
	resp, err := e.cli.Do(e.request("/v1/apps/demo/traces/download"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if n := written.Load(); n > total/2 {
		t.Errorf("%d bytes were taken while nobody read", n)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err != nil || n != total || resp.Trailer.Get("Tracebed-Complete") != "true" {
		t.Errorf("%d bytes, %v, %v", n, err, resp.Trailer)
	}
}

// A client that takes nothing, or goes away, ends the export.
func TestStalledAndLostReaders(t *testing.T) {
	store := newFake()
	ended := make(chan error, 2)
	store.export = func(_ context.Context, _ engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		piece := make([]byte, 1<<20)
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return engine.ExportResult{}, err
			}
		}
	}
	e := start(t, store, Options{StallTimeout: 100 * time.Millisecond})
	for _, leave := range []bool{false, true} {
		c, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET /v1/apps/demo/traces/download HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n")
		if leave {
			_, _ = bufio.NewReader(c).Peek(1)
			_ = c.Close()
		}
		select {
		case err := <-ended:
			if !isGone(err) {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("the export goes on")
		}
		_ = c.Close()
	}
}

func TestDownloadHTTP10(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{})
	for _, n := range []int{1, 1000} {
		store.put("demo", n)
		resp := raw(t, e.addr, "GET /v1/apps/demo/traces/download HTTP/1.0\r\nAuthorization: Bearer "+adminToken+"\r\n\r\n")
		head, body, _ := strings.Cut(resp, "\r\n\r\n")
		var rows []any
		if err := json.Unmarshal([]byte(body), &rows); err != nil || len(rows) != n || strings.Contains(head, "chunked") {
			t.Errorf("%d rows: %v\n%s", n, err, head)
		}
	}
}

func TestDisposition(t *testing.T) {
	for app, want := range map[string]string{
		"demo":          `demo-traces.json`,
		"a/b\\c":        `a_b_c-traces.json`,
		`q"uote`:        `q_uote-traces.json`,
		"..":            `..-traces.json`,
		"ünï ☃":         `ünï ☃-traces.json`,
		"a\r\nX-Bad: 1": "a__X-Bad: 1-traces.json",
	} {
		h := disposition(app+"-traces", ".json")
		if strings.ContainsAny(h, "\r\n") {
			t.Fatalf("%q: %q", app, h)
		}
		kind, p, err := mime.ParseMediaType(h)
		if err != nil || kind != "attachment" {
			t.Errorf("%q: %v", h, err)
			continue
		}
		if got := p["filename"]; got != want && got != strings.TrimLeft(want, ".") {
			t.Errorf("%q: %q, want %q (%s)", app, got, want, h)
		}
	}
}

func TestStreamKeepsErrors(t *testing.T) {
	if !isGone(net.ErrClosed) || isGone(engine.ErrCorrupt) || isGone(errors.New("x")) {
		t.Error("isGone")
	}
}
