package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIngestOTLP: OTLP JSON is read like Dynamiq JSON, also between lines of
// it, and bad spans are told of with the place that they came from.
func TestIngestOTLP(t *testing.T) {
	dir := t.TempDir()
	var lines []byte
	for _, name := range []string{"otlp-genai", "otlp-openinference"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "engine", "otlp", "testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var fixture struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(raw, &fixture); err != nil {
			t.Fatal(err)
		}
		var line bytes.Buffer
		if err := json.Compact(&line, fixture.Requests[0].Body); err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line.Bytes()...), '\n')
		lines = append(lines, `{"id":"r`+name+`","name":null,"type":"node","trace_id":"t","start_time":"2026-01-01T00:00:00Z","end_time":"2026-01-01T00:00:01Z","status":"succeeded"}`+"\n"...)
	}
	file := filepath.Join(dir, "in.jsonl")
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	bad := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":"00","name":"no id"}]}]}]}`
	for _, c := range []struct {
		args, in string
		code     int
		says     []string
	}{
		{"ingest --data DIR/data --app a FILE", "", 0, []string{"13 spans stored", "2 runs stored (2 new"}},
		{"ingest --data DIR/data --app a FILE", "", 0, []string{"13 spans stored", "2 unchanged"}},
		{"ingest --data DIR/data --app a", "\n" + bad, 1, []string{"standard input:2 to standard input:2: 1 spans: ", "no id", "1 runs were rejected"}},
		{"ingest --data DIR/data --app a", `{"resourceSpans":[{"scopeSpans":tru}]}`, 1, []string{"standard input: line 1: this is not valid JSON"}},
		{"ingest --data DIR/data --app a", `{"resourceSpans":[]}`, 1, []string{"no runs"}},
		{"export --data DIR/data --app a --format jsonl", "", 0, []string{`"id":"5b8efff798038103d269b633813fc60c"`}},
		{"verify DIR/data", "", 0, []string{"1 apps, 3 traces, 15 runs, 0 differences"}},
	} {
		var out, errOut bytes.Buffer
		args := strings.Fields(strings.NewReplacer("DIR", dir, "FILE", file).Replace(c.args))
		code := run(args, strings.NewReader(c.in), &out, &errOut)
		said := out.String() + errOut.String()
		if code != c.code || slices.ContainsFunc(c.says, func(s string) bool { return !strings.Contains(said, s) }) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, code, c.code, c.says, said)
		}
	}
}

// TestIngestStatus: the error of an OTLP request is a google.rpc.Status.
func TestIngestStatus(t *testing.T) {
	url, _ := fakeServer(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"code":3,"message":"app_id: name the app"}`)
	})
	var out, errOut bytes.Buffer
	code := run([]string{"ingest", "--server", url}, strings.NewReader(`{"resourceSpans":[{}]}`), &out, &errOut)
	if code != 1 || !strings.Contains(errOut.String(), "the server answered 400 bad request: app_id: name the app") {
		t.Errorf("exit %d\n%s", code, errOut.String())
	}
}
