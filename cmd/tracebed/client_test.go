package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tracebed/tracebed/engine"
)

// fakeServer answers with handle and counts the requests.
func fakeServer(t *testing.T, handle func(n int64, w http.ResponseWriter, r *http.Request)) (url string, count *atomic.Int64) {
	t.Helper()
	count = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(count.Add(1), w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, count
}

func runLine(i int) string {
	return fmt.Sprintf(`{"id":"r%d","start_time":"2026-01-01T00:00:00Z","trace_id":"t%d"}`, i, i) + "\n"
}

// TestIngestRetries: a busy server and a lost connection are tried again; what
// is wrong with the request is not.
func TestIngestRetries(t *testing.T) {
	busy := func(w http.ResponseWriter, status int) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error":{"code":"unavailable","message":"later"}}`)
	}
	for _, c := range []struct {
		name    string
		trouble func(w http.ResponseWriter)
		tries   int64
		code    int
	}{
		{"busy", func(w http.ResponseWriter) { busy(w, 503) }, 2, 0},
		{"too many requests", func(w http.ResponseWriter) { busy(w, 429) }, 2, 0},
		{"lost", func(w http.ResponseWriter) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}, 2, 0},
		{"cut answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"data":`)
		}, 2, 0},
		{"refused", func(w http.ResponseWriter) { busy(w, 401) }, 1, 1},
		{"not a server of ours", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, count := fakeServer(t, func(n int64, w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if n == 1 {
					c.trouble(w)
					return
				}
				_, _ = io.WriteString(w, `{"message":"ok","data":{"created":1,"updated":0,"unchanged":0,"rejected":[]}}`)
			})
			var out, errOut bytes.Buffer
			code := run([]string{"ingest", "--server", url}, strings.NewReader(runLine(1)), &out, &errOut)
			if code != c.code || count.Load() != c.tries {
				t.Errorf("exit %d after %d tries, want %d after %d\n%s%s", code, count.Load(), c.code, c.tries, out.String(), errOut.String())
			}
		})
	}
}

// TestIngestBatches: the input is cut into requests of bounded size, every run
// is sent once, and rejected ones are traced back to their line.
func TestIngestBatches(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	url, count := fakeServer(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		var body struct{ Runs []struct{ ID string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if len(body.Runs) > batchPieces || r.Header.Get("Authorization") != "Bearer secret" || r.URL.EscapedPath() != "/v1/apps/a%2Fb/traces" {
			t.Errorf("%d runs to %s with %q", len(body.Runs), r.URL.EscapedPath(), r.Header.Get("Authorization"))
		}
		rejected := []map[string]any{}
		mu.Lock()
		for i, run := range body.Runs {
			seen[run.ID]++
			if run.ID == "r777" {
				rejected = append(rejected, map[string]any{"index": i, "id": run.ID, "reason": "name: must be text"})
			}
		}
		mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"created": len(body.Runs) - len(rejected), "rejected": rejected}})
	})
	var in strings.Builder
	for i := range 2400 {
		in.WriteString(runLine(i))
	}
	t.Setenv("TRACEBED_TOKEN", "secret")
	var out, errOut bytes.Buffer
	code := run([]string{"ingest", "--server", url, "--app", "a/b"}, strings.NewReader(in.String()), &out, &errOut)
	if code != 1 || count.Load() != 5 || len(seen) != 2400 || seen["r777"] != 1 {
		t.Errorf("exit %d, %d requests, %d runs\n%s", code, count.Load(), len(seen), errOut.String())
	}
	if !strings.Contains(errOut.String(), "standard input:778: run 1 r777: name: must be text\n") || !strings.HasPrefix(out.String(), "2,399 runs stored (2,399 new, 0 updated, 0 unchanged), 1 rejected") {
		t.Errorf("%s%s", out.String(), errOut.String())
	}
}

// TestExportParts: an export goes on with the cursor until it is complete, and
// leaves no file when it cannot be.
func TestExportParts(t *testing.T) {
	parts := []string{"[\n{\"id\":\"a\"},\n{\"id\":\"b\"}\n]\n", "[\n{\"id\":\"c\"}\n]\n"}
	trailer := func(w http.ResponseWriter, count int, complete, next string) {
		w.Header().Set("Tracebed-Count", fmt.Sprint(count))
		w.Header().Set("Tracebed-Complete", complete)
		w.Header().Set("Tracebed-Next-Cursor", next)
	}
	good := func(n int64, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Tracebed-Count, Tracebed-Complete, Tracebed-Next-Cursor")
		switch r.URL.Query().Get("cursor") {
		case "":
			_, _ = io.WriteString(w, parts[0])
			trailer(w, 2, "false", "go on")
		case "go on":
			if l := r.URL.Query().Get("limit"); l != "3" {
				t.Errorf("second part asks for %s traces", l)
			}
			_, _ = io.WriteString(w, parts[1])
			trailer(w, 1, "true", "")
		}
	}
	file := filepath.Join(t.TempDir(), "out.json.gz")
	url, _ := fakeServer(t, good)
	var out, errOut bytes.Buffer
	if code := run([]string{"export", "--server", url, "--app", "a", "--limit", "5", "--gzip", "--out", file}, nil, &out, &errOut); code != 0 {
		t.Fatalf("exit %d\n%s", code, errOut.String())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != "[\n{\"id\":\"a\"},\n{\"id\":\"b\"},\n{\"id\":\"c\"}\n]\n" {
		t.Errorf("%q, %v", text, err)
	}

	for name, bad := range map[string]func(int64, http.ResponseWriter, *http.Request){
		"no trailers": func(_ int64, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, parts[0]) },
		"broken off": func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, parts[0])
		},
		"not an array": func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Tracebed-Count, Tracebed-Complete")
			_, _ = io.WriteString(w, "{}")
			trailer(w, 1, "true", "")
		},
		"no step forward": func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Tracebed-Count, Tracebed-Complete, Tracebed-Next-Cursor")
			_, _ = io.WriteString(w, "[]")
			trailer(w, 0, "false", "again")
		},
		"an error": func(_ int64, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error":{"code":"not_found","message":"no app a"}}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			url, _ := fakeServer(t, bad)
			var out, errOut bytes.Buffer
			code := run([]string{"export", "--server", url, "--app", "a", "--out", filepath.Join(dir, "out.json")}, nil, &out, &errOut)
			left, err := os.ReadDir(dir)
			if code != 1 || err != nil || len(left) != 0 || strings.Count(errOut.String(), "\n") != 2 {
				t.Errorf("exit %d, files %v\n%s", code, left, errOut.String())
			}
		})
	}
}

// TestDirectory goes through a closed data directory with every command.
func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	const body = `{"runs":[{"id":"r","name":null,"type":"node","trace_id":"t","start_time":"2026-01-01T00:00:00Z","end_time":"2026-01-01T00:00:01Z","status":"succeeded"}]}`
	for _, c := range []struct{ args, in, says string }{
		{"ingest --data DIR --app a", body, "1 runs stored (1 new"},
		{"ingest --data DIR --app a", body, "1 unchanged"},
		{"export --data DIR --app a --format jsonl", "", `{"id":"t","app_id":"a"`},
		{"token create me --data DIR --apps a,b --rights read", "", "tb_"},
		{"token list --data DIR", "", "a,b"},
		{"token revoke me --data DIR", "", "revoked me"},
		{"verify DIR", "", "1 apps, 1 traces, 1 runs, 0 differences"},
		{"version", "", fmt.Sprint("data format ", engine.FormatVersion)},
	} {
		var out, errOut bytes.Buffer
		code := run(strings.Fields(strings.ReplaceAll(c.args, "DIR", dir)), strings.NewReader(c.in), &out, &errOut)
		if code != 0 || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit %d, want %q\n%s%s", c.args, code, c.says, out.String(), errOut.String())
		}
	}
}
