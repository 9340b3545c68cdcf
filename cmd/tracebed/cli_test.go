package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestBindEnv(t *testing.T) {
	type values struct {
		size  byteSize
		auth  choice
		limit int
	}
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		want string
		err  string
	}{
		{"defaults", nil, nil, "64MiB on 7", ""},
		{"environment", nil, map[string]string{"TRACEBED_MAX_BODY": "2GiB", "TRACEBED_AUTH": "off"}, "2GiB off 7", ""},
		{"flag wins", []string{"--max-body", "1KiB"}, map[string]string{"TRACEBED_MAX_BODY": "wrong"}, "1KiB on 7", ""},
		{"empty is unset", nil, map[string]string{"TRACEBED_AUTH": ""}, "64MiB on 7", ""},
		{"bad size", nil, map[string]string{"TRACEBED_MAX_BODY": "much"}, "", "TRACEBED_MAX_BODY"},
		{"bad choice", nil, map[string]string{"TRACEBED_AUTH": "maybe"}, "", "TRACEBED_AUTH"},
		{"bad number", nil, map[string]string{"TRACEBED_LIMIT": "x"}, "", "TRACEBED_LIMIT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := values{size: 64 << 20, auth: choice{"on", []string{"on", "off"}}}
			cmd := &cobra.Command{Use: "x"}
			cmd.Flags().Var(&v.size, "max-body", "")
			cmd.Flags().Var(&v.auth, "auth", "")
			cmd.Flags().IntVar(&v.limit, "limit", 7, "")
			if err := cmd.ParseFlags(c.args); err != nil {
				t.Fatal(err)
			}
			err := bindEnv(cmd, func(k string) (string, bool) { s, ok := c.env[k]; return s, ok })
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one that names %s", err, c.err)
				}
				return
			}
			if got := fmt.Sprint(v.size.String(), " ", v.auth.value, " ", v.limit); err != nil || got != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestByteSize(t *testing.T) {
	for in, want := range map[string]int64{"1": 1, "64MiB": 64 << 20, "64 mib": 64 << 20, "1.5k": 1536, "2kB": 2000, "3G": 3 << 30, "10b": 10} {
		var b byteSize
		if err := b.Set(in); err != nil || int64(b) != want {
			t.Errorf("%q: %d, %v; want %d", in, b, err, want)
		}
	}
	for _, in := range []string{"", "0", "-1", "MiB", "1TiBx", "NaN", "Inf", "1e300"} {
		var b byteSize
		if err := b.Set(in); err == nil {
			t.Errorf("%q is taken as %d", in, b)
		}
	}
}

func TestInstant(t *testing.T) {
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"24h": "2026-06-09T12:00:00Z", "2026-06-01": "2026-06-01T00:00:00Z",
		"2026-06-01T02:00:00.5+02:00": "2026-06-01T00:00:00.5Z",
	} {
		i := instant{now: func() time.Time { return now }}
		if err := i.Set(in); err != nil || i.at.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %v, %v; want %s", in, i.at, err, want)
		}
	}
	for _, in := range []string{"yesterday", "-2h", "2026-13-01"} {
		i := instant{now: time.Now}
		if err := i.Set(in); err == nil {
			t.Errorf("%q is taken as %v", in, i.at)
		}
	}
}

// TestUsageErrors: wrong usage exits with 2, in two lines that say what to do.
func TestUsageErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, says string }{
		{"wrong", `no command "wrong"`},
		{"serve --wrong", "unknown flag: --wrong"},
		{"serve extra", `argument "extra"`},
		{"serve --listen nowhere", "--listen"},
		{"serve --auth maybe", "--auth"},
		{"serve --auth off --listen 0.0.0.0:0 --data " + dir, "loopback"},
		{"serve --otlp-grpc 4317", "--otlp-grpc"},
		{"serve --auth off --listen 127.0.0.1:0 --otlp-grpc :4317 --data " + dir, "loopback"},
		{"serve --retention 5m --data " + dir, "--retention"},
		{"serve --max-body lots", "--max-body"},
		{"export --app a", "--server nor --data"},
		{"export --server http://x --data y --app a", "both"},
		{"export --server nonsense --app a", "--server"},
		{"export --server http://127.0.0.1:1", "--app"},
		{"export --app a --zstd --gzip --data x", "--zstd and --gzip"},
		{"ingest --data " + dir + " x.json", "--app"},
		{"token wrong", "token"},
		{"token create --data x", "name"},
		{"verify", "directory"},
	} {
		var out, errOut bytes.Buffer
		code := run(strings.Fields(c.args), strings.NewReader(""), &out, &errOut)
		text := errOut.String()
		if code != exitUsage || !strings.Contains(text, c.says) || strings.Count(text, "\n") != 2 || !strings.Contains(text, "\n  -> ") {
			t.Errorf("%s: exit %d, %q; want 2 and %q", c.args, code, text, c.says)
		}
	}
}

// TestFailures: what cannot be done exits with 1, in two lines.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, says string }{
		{"export --data " + dir + "/none --app a", "no data directory"},
		{"token list --data " + dir + "/none", "no data directory"},
		{"verify " + dir + "/none", "none"},
		{"ingest --data " + dir + "/new --app a " + dir + "/none.json", "none.json"},
		{"export --server http://127.0.0.1:1 --app a", "reach the server"},
	} {
		var out, errOut bytes.Buffer
		code := run(strings.Fields(c.args), strings.NewReader(""), &out, &errOut)
		text := errOut.String()
		if code != exitFailed || !strings.Contains(text, c.says) || strings.Count(text, "\n") != 2 {
			t.Errorf("%s: exit %d, %q; want 1 and %q", c.args, code, text, c.says)
		}
	}
}

func TestReport(t *testing.T) {
	cmd := &cobra.Command{Use: "x"}
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{fail(errors.New("a"), "b"), 1, "tracebed: a\n  -> b\n"},
		{usage("a"), 2, "tracebed: a\n  -> x --help shows what it takes\n"},
		{fmt.Errorf("w: %w", fail(errors.New("a"), "b")), 1, "tracebed: w: a\n  -> b\n"},
		{context.Canceled, 1, "tracebed: context canceled\n  -> it was stopped; start it again when you are ready, nothing is half done\n"},
	} {
		var b bytes.Buffer
		if code := report(&b, cmd, c.err); code != c.code || b.String() != c.want {
			t.Errorf("%v: %d %q, want %d %q", c.err, code, b.String(), c.code, c.want)
		}
	}
}

func TestProgressLine(t *testing.T) {
	p := newProgress(io.Discard, "working", 0, countText)
	defer p.finish()
	if got := p.line(3 * time.Second); got != `working \ 0:03` {
		t.Errorf("without counts: %q", got)
	}
	p.add(2000)
	if got := p.line(2 * time.Second); got != "working 2,000  1,000/s  0:02" {
		t.Errorf("without a total: %q", got)
	}
	p.grow(8000)
	if got := p.line(2 * time.Second); !strings.Contains(got, " 25%  2,000 of 8,000  1,000/s  0:06 left") {
		t.Errorf("with a total: %q", got)
	}
}

// TestArrayJoiner: arrays written in any pieces come out as one array.
func TestArrayJoiner(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{[]string{"[]"}, "[]\n"},
		{[]string{"[\n]\n"}, "[]\n"},
		{[]string{"[\n{\"a\":1},\n{\"b\":\"]\"}\n]\n"}, "[\n{\"a\":1},\n{\"b\":\"]\"}\n]\n"},
		{[]string{"[{\"a\":1}]", "[]", "[{\"b\":2}]\n", " [ ] "}, "[\n{\"a\":1},\n{\"b\":2}\n]\n"},
		{[]string{"[[1,2],[3]]", "[[4]]"}, "[\n[1,2],[3],\n[4]\n]\n"},
	} {
		for _, size := range []int{1, 3, 100} {
			var out bytes.Buffer
			j := &arrayJoiner{w: &out}
			for _, p := range c.parts {
				for b := []byte(p); len(b) > 0; b = b[min(size, len(b)):] {
					if _, err := j.Write(b[:min(size, len(b))]); err != nil {
						t.Fatal(err)
					}
				}
				if err := j.endPart(); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.end(); err != nil || out.String() != c.want {
				t.Errorf("%q in pieces of %d: %q, %v; want %q", c.parts, size, out.String(), err, c.want)
			}
		}
	}
	for _, bad := range []string{"", "{}", "[1", `{"error":1}`} {
		j := &arrayJoiner{w: io.Discard}
		_, err := j.Write([]byte(bad))
		if err == nil {
			err = j.endPart()
		}
		if err == nil {
			t.Errorf("%q is taken as an array", bad)
		}
	}
}
