package httpapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func opsFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", "ops", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	metricName = regexp.MustCompile(`\b(tracebed|go|process|http)_[a-z0-9_]+\b`)
	labelMatch = regexp.MustCompile(`\b([a-z0-9_]+)\{([^}]*)\}|by \(([^)]*)\)`)
	sampleLine = regexp.MustCompile(`^([a-z0-9_]+)(?:\{(.*)\})? \S+$`)
)

// shownMetrics are the metrics of a server that has answered requests, with
// their labels.
func shownMetrics(t *testing.T) map[string]string {
	t.Helper()
	c := serveEngine(t)
	get := func(method, path, body string) string {
		req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer admin")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return string(b)
	}
	get("POST", "/v1/apps/a/traces", `{"runs":[{"id":"r1","name":"n","type":"workflow","trace_id":"t1","start_time":"2026-06-10T09:15:00Z"}]}`)
	found := map[string]string{}
	for _, line := range strings.Split(get("GET", "/metrics", ""), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a line of the text format: %q", line)
		}
		found[m[1]] += "," + m[2]
	}
	return found
}

// TestOpsNamesExist: the dashboard and the alert rules ask for metrics, labels
// and values of labels that the server has.
func TestOpsNamesExist(t *testing.T) {
	found := shownMetrics(t)
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(opsFile(t, "grafana.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var exprs []string
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q asks for nothing", p.Title)
		}
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	for _, line := range strings.Split(opsFile(t, "alerts.yml"), "\n") {
		if _, expr, ok := strings.Cut(line, "expr: "); ok {
			exprs = append(exprs, expr)
		}
	}
	if len(exprs) < 40 {
		t.Fatalf("only %d expressions", len(exprs))
	}
	for _, expr := range exprs {
		names := metricName.FindAllString(expr, -1)
		if len(names) == 0 && expr != `up{job="tracebed"} == 0` {
			t.Errorf("no metric in %s", expr)
		}
		for _, name := range names {
			if _, ok := found[name]; !ok {
				t.Errorf("there is no metric %s: %s", name, expr)
			}
		}
		for _, m := range labelMatch.FindAllStringSubmatch(expr, -1) {
			checkLabels(t, found, expr, m)
		}
	}
}

// checkLabels looks for the labels of one selector, or of one aggregation over
// the metrics of the expression.
func checkLabels(t *testing.T, found map[string]string, expr string, m []string) {
	t.Helper()
	if m[3] != "" {
		for _, label := range strings.Split(m[3], ", ") {
			for _, name := range metricName.FindAllString(expr, -1) {
				if !strings.Contains(found[name], ","+label+`="`) {
					t.Errorf("%s has no label %s: %s", name, label, expr)
				}
			}
		}
		return
	}
	for _, pair := range strings.Split(m[2], ",") {
		if strings.HasPrefix(pair, "instance=") || strings.HasPrefix(pair, "job=") {
			continue // of Prometheus
		}
		if !strings.Contains(found[m[1]]+",", ","+pair+",") {
			t.Errorf("%s has no %s: %s", m[1], pair, expr)
		}
	}
}

// TestRunbook: every alert has its section in the runbook and points to it, and
// every link inside it leads somewhere.
func TestRunbook(t *testing.T) {
	alerts, book := opsFile(t, "alerts.yml"), opsFile(t, "runbook.md")
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (\S.*)$`).FindAllStringSubmatch(book, -1) {
		anchors[strings.ToLower(m[1])] = true
	}
	rules := strings.Split(alerts, "- alert: ")[1:]
	for _, rule := range rules {
		name, rest, _ := strings.Cut(rule, "\n")
		m := regexp.MustCompile(`runbook: docs/ops/runbook\.md#(\S+)`).FindStringSubmatch(rest)
		if m == nil || !anchors[m[1]] || !regexp.MustCompile(`severity: (page|ticket)\b`).MatchString(rest) {
			t.Errorf("%s has no section or severity", name)
		}
		delete(anchors, "routine")
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(book, -1) {
		if !anchors[m[1]] {
			t.Errorf("the link #%s leads nowhere", m[1])
		}
	}
	for anchor := range anchors {
		if !strings.Contains(alerts, "runbook.md#"+anchor+"\n") {
			t.Errorf("no alert leads to %s", anchor)
		}
	}
}
