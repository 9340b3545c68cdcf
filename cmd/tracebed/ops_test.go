package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOpsFlagsExist: unit, image, Kubernetes example and runbook use flags that
// there are.
func TestOpsFlagsExist(t *testing.T) {
	root := newRoot()
	known := map[string]bool{}
	for _, cmd := range root.Commands() {
		for _, c := range append(cmd.Commands(), cmd) {
			for _, w := range strings.Fields(c.UseLine() + c.Flags().FlagUsages()) {
				known[strings.TrimRight(w, ",")] = true
			}
		}
	}
	flag := regexp.MustCompile(`(^|[\s"'[(` + "`" + `])(--[a-z][a-z-]*)`)
	for _, name := range []string{"tracebed.service", "Dockerfile", "kubernetes.yaml", "runbook.md"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "docs", "ops", name))
		if err != nil {
			t.Fatal(err)
		}
		flags := 0
		for _, line := range strings.Split(string(b), "\n") {
			if strings.Contains(line, "docker ") || strings.Contains(line, "kubectl") || strings.HasPrefix(line, "COPY") || strings.Contains(line, "systemctl") {
				continue
			}
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				flags++
				if !known[m[2]] {
					t.Errorf("%s: there is no flag %s", name, m[2])
				}
			}
		}
		if flags == 0 {
			t.Errorf("%s: no flag found", name)
		}
	}
}

func TestStatsPage(t *testing.T) {
	m, err := readSamples(strings.NewReader(`# HELP x y
tracebed_store_ready 1
tracebed_store_seq 12345
tracebed_store_days_left 12.4
tracebed_store_growth_bytes_per_day 1048576
tracebed_store_fsync_seconds_bucket{le="0.001"} 90
tracebed_store_fsync_seconds_bucket{le="0.0049"} 99
tracebed_store_fsync_seconds_bucket{le="+Inf"} 100
tracebed_store_fsync_seconds_count 100
tracebed_ingest_runs_total{result="created"} 1234
tracebed_ingest_runs_total{result="updated"} 0
tracebed_http_requests_total{method="GET",route="/a",code="200"} 2
tracebed_http_requests_total{method="GET",route="/b",code="200"} 3
`))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printStats(&out, m, time.Unix(1000, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"takes writes; 12,345 operations", "full in 12 days at 1MiB a day", "100; half within 1ms, 99 % within 4.9ms",
		"runs         1,234 created\n", "not stored   none\n", "5 answered", "none since the start", "never",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if m.quantile("none", 0.5) == m.quantile("none", 0.5) {
		t.Error("a quantile of nothing")
	}
	for _, bad := range []string{"<html>", "a b", "justtext"} {
		if _, err := readSamples(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
