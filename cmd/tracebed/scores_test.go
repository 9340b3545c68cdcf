package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestIngestEvaluations: what goes out of one store with an export comes into
// another with its evaluations, byte for byte, as often as it is sent.
func TestIngestEvaluations(t *testing.T) {
	dir := t.TempDir()
	const aRun = `{"id":"ID","name":null,"type":"node","trace_id":"TRACE","start_time":"2026-01-01T00:00:00Z","end_time":"2026-01-01T00:00:01Z","status":"succeeded"}`
	line := func(trace, evaluations string) string {
		return `{"id":"` + trace + `","run_count":1` + evaluations + `,"runs":[` + strings.NewReplacer("ID", trace+"-r", "TRACE", trace).Replace(aRun) + "]}\n"
	}
	const one = `{"id":"e1","name":"relevance","value":0.90,"comment":"<b> ü","source":null,"run_id":"t/1-r","created_at":"2026-01-02T00:00:00.10Z"}`
	in := filepath.Join(dir, "in.jsonl")
	text := line("t/1", `,"evaluations":[`+one+`,{"id":"e2","name":"ok","value":true}]`) + line("t2", "") + line("t3", `,"evaluations":[]`)
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := line("t4", `,"evaluations":[{"name":"n"},{"name":"m","value":1}]`)
	for _, c := range []struct {
		args, in string
		code     int
		says     []string
	}{
		{"ingest --data DIR/a --app a IN", "", 0, []string{"3 runs stored", "2 evaluations stored"}},
		{"export --data DIR/a --app a --include-runs --format jsonl --out DIR/out.jsonl", "", 0, nil},
		{"ingest --data DIR/b --app b DIR/out.jsonl", "", 0, []string{"3 runs stored", "2 evaluations stored"}},
		{"ingest --data DIR/b --app b DIR/out.jsonl", "", 0, []string{"3 unchanged", "2 evaluations stored"}},
		{"export --data DIR/b --app b --format jsonl", "", 0, []string{`"evaluations":[`, one}},
		{"verify DIR/b", "", 0, []string{"1 apps, 3 traces, 3 runs, 0 differences"}},
		{"ingest --data DIR/b --app b", bad, 1, []string{"1 runs stored", "standard input:1: its evaluations: evaluations[0].value: must be", "2 evaluations were rejected"}},
	} {
		var out, errOut bytes.Buffer
		args := strings.Fields(strings.NewReplacer("DIR", dir, "IN", in).Replace(c.args))
		code := run(args, strings.NewReader(c.in), &out, &errOut)
		said := out.String() + errOut.String()
		if code != c.code || slices.ContainsFunc(c.says, func(s string) bool { return !strings.Contains(said, s) }) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", c.args, code, c.code, c.says, said)
		}
	}
}
