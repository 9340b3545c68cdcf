//go:build e2e

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
)

// TestIngestAndExport takes runs through every way in and out: a server and a
// closed directory, plain, gzip and zstd, array and lines. What comes out goes
// in again, and comes out the same.
func TestIngestAndExport(t *testing.T) {
	tmp := t.TempDir()
	file := func(name string) string { return filepath.Join(tmp, name) }
	var lines bytes.Buffer
	for i := range 1234 {
		b := oneRun(fmt.Sprint("t", i), fmt.Sprint("r", i))
		b = bytes.Replace(b, []byte("2026-06-10T09:00:00.5"), fmt.Appendf(nil, "2026-06-%02dT%02d:%02d:00.5", 1+i/1440, i/60%24, i%60), 1)
		b = bytes.Replace(b, []byte(`"end_time":"2026-06-10T09:00:02+00:00"`), fmt.Appendf(nil, `"end_time":"2026-06-%02dT%02d:%02d:07+00:00"`, 1+i/1440, i/60%24, i%60), 1)
		lines.Write(append(b, '\n'))
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(lines.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"in.jsonl": lines.Bytes(), "in.jsonl.gz": zipped.Bytes()} {
		if err := os.WriteFile(file(name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	dir := file("data")
	if out := must(t, "ingest", "--data", dir, "--app", "a", file("in.jsonl.gz")); !strings.HasPrefix(out, "1,234 runs stored (1,234 new") {
		t.Errorf("ingest: %s", out)
	}
	s := start(t, dir, "--export-budget", "1ms")
	remote := []string{"--server", s.url, "--token", s.token, "--app", "a"}
	code, out, errOut := run(t, &lines, append([]string{"ingest"}, remote...)...)
	if code != 0 || !strings.Contains(out, "1,234 unchanged") {
		t.Errorf("the same again from the standard input: exit %d\n%s%s", code, out, errOut)
	}
	// The budget of a millisecond makes the server end every download early.
	whole := must(t, append([]string{"export", "--include-runs"}, remote...)...)
	var traces []struct{ ID string }
	if err := json.Unmarshal([]byte(whole), &traces); err != nil || len(traces) != 1234 || traces[0].ID != "t1233" {
		t.Fatalf("export: %d traces, %v", len(traces), err)
	}
	must(t, append([]string{"export", "--include-runs", "--format", "jsonl", "--zstd", "--out", file("out.jsonl.zst")}, remote...)...)
	must(t, append([]string{"export", "--include-runs", "--gzip", "--out", file("out.json.gz")}, remote...)...)
	must(t, append([]string{"export", "--include-runs", "--zstd", "--limit", "1000", "--out", file("out.json.zst")}, remote...)...)
	some := must(t, append([]string{"export", "--format", "jsonl", "--since", "2026-06-01T10:00:00Z", "--until", "2026-06-01T10:02:00Z"}, remote...)...)
	if n := strings.Count(some, "\n"); n != 2 {
		t.Errorf("a window of two minutes holds %d traces", n)
	}
	if none := must(t, append([]string{"export", "--status", "failed,canceled"}, remote...)...); none != "[]\n" {
		t.Errorf("no trace failed: %q", none)
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}

	for name, n := range map[string]int{"out.jsonl.zst": 1234, "out.json.gz": 1234, "out.json.zst": 1000} {
		copied := file("copy of " + name)
		must(t, "ingest", "--data", copied, "--app", "a", file(name))
		back := must(t, "export", "--data", copied, "--app", "a", "--include-runs")
		if n == 1234 && unstamped(t, back) != unstamped(t, whole) {
			t.Errorf("%s does not come back the same", name)
		}
		clean(t, copied)
	}
	left, err := filepath.Glob(file(".*part"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// unstamped is an export without the times at which the store took the traces.
func unstamped(t *testing.T, export string) string {
	t.Helper()
	var traces []map[string]any
	d := json.NewDecoder(strings.NewReader(export))
	d.UseNumber()
	if err := d.Decode(&traces); err != nil {
		t.Fatal(err)
	}
	out := make([]string, 0, len(traces))
	for _, tr := range traces {
		delete(tr, "updated_at")
		out = append(out, show(tr))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// TestIngestErrors: rejected runs are listed with their place, their
// neighbours are stored, and the exit code says so.
func TestIngestErrors(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	one := strings.TrimSuffix(strings.TrimPrefix(string(oneRun("t", "r")), `{"runs":[`), "]}")
	bad := strings.Replace(one, "2026-06-10T09:00:00.5+00:00", "yesterday", 1)
	other := strings.ReplaceAll(one, `"r"`, `"r2"`)
	for _, c := range []struct {
		name, in string
		code     int
		says     []string
	}{
		{"one bad of three", one + "\n" + bad + "\n" + other + "\n", 1, []string{"standard input:2: run 1", "start_time", "1 runs were rejected", "2 runs stored"}},
		{"all bad", bad + "\n" + bad, 1, []string{"standard input:1:", "standard input:2:", "2 runs were rejected"}},
		{"broken line", one + "\n{\"id\":\"x\",\"start_time\":tru}\n", 1, []string{"standard input: line 2: this is not valid JSON"}},
		{"cut off", one[:len(one)/2], 1, []string{"ends in the middle"}},
		{"OTLP of no spans", `{"resourceSpans":[{}]}`, 1, []string{"no runs"}},
		{"empty", "", 1, []string{"no runs"}},
		{"no JSON", "id,name\n1,2\n", 1, []string{"line 1", "JSON object"}},
	} {
		code, out, errOut := run(t, strings.NewReader(c.in), "ingest", "--data", dir, "--app", "a")
		for _, s := range c.says {
			if !strings.Contains(out+errOut, s) {
				t.Errorf("%s: the output does not say %q:\n%s%s", c.name, s, out, errOut)
			}
		}
		if code != c.code {
			t.Errorf("%s: exit %d\n%s%s", c.name, code, out, errOut)
		}
	}
}

// TestTokens makes, uses and revokes tokens, on a server and on a directory.
func TestTokens(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	remote := []string{"--server", s.url, "--token", s.token}
	secret := strings.TrimSpace(must(t, append([]string{"token", "create", "ci", "--apps", "shop", "--rights", "write"}, remote...)...))
	if !strings.HasPrefix(secret, "tb_") {
		t.Fatalf("token %q", secret)
	}
	user := &server{t: t, url: s.url, token: secret, http: s.http}
	user.post(t, "/v1/traces", oneRun("t", "r")) // the token's only app
	if code, _, err := user.do("GET", "/v1/apps/shop/traces", nil); err != nil || code != 403 {
		t.Errorf("reading with a token for writing: %d %v", code, err)
	}
	if code, _, err := user.do("POST", "/v1/apps/other/traces", oneRun("t", "r")); err != nil || code < 400 {
		t.Errorf("writing to another app: %d %v", code, err)
	}
	code, _, errOut := run(t, nil, "token", "list", "--server", s.url, "--token", secret)
	if code != 1 || !strings.Contains(errOut, "right") {
		t.Errorf("listing tokens without the right: exit %d\n%s", code, errOut)
	}
	list := must(t, append([]string{"token", "list"}, remote...)...)
	if !strings.Contains(list, "ci") || !strings.Contains(list, "shop") || strings.Contains(list, secret) {
		t.Errorf("token list:\n%s", list)
	}
	if code, _, errOut := run(t, nil, append([]string{"token", "create", "ci"}, remote...)...); code != 1 || !strings.Contains(errOut, "ci") {
		t.Errorf("the same name again: exit %d\n%s", code, errOut)
	}
	must(t, append([]string{"token", "revoke", "ci"}, remote...)...)
	if code, _, err := user.do("POST", "/v1/traces", oneRun("t2", "r2")); err != nil || code != 401 {
		t.Errorf("a revoked token: %d %v", code, err)
	}
	s.signal(syscall.SIGTERM)
	if code, _, errOut := run(t, nil, "token", "revoke", "ci", "--data", dir); code != 1 || !strings.Contains(errOut, "no token") {
		t.Errorf("revoking twice: exit %d\n%s", code, errOut)
	}
	secret = strings.TrimSpace(must(t, "token", "create", "later", "--data", dir, "--expires", "1h"))
	s = launch(t, dir, nil)
	s.waitReady()
	s.token = secret
	var apps struct{ Data []json.RawMessage }
	if s.get(t, "/v1/apps", &apps); len(apps.Data) != 1 {
		t.Errorf("apps for a token made while the directory was closed: %s", show(apps))
	}
}
