//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// oneRun is a body with a single finished run.
func oneRun(trace, id string) []byte {
	return fmt.Appendf(nil, `{"runs":[{"id":%q,"name":"Workflow","type":"workflow","trace_id":%q,"source_id":null,"session_id":null,`+
		`"start_time":"2026-06-10T09:00:00.5+00:00","end_time":"2026-06-10T09:00:02+00:00","parent_run_id":null,"status":"succeeded",`+
		`"input":{"n":12345678901234567890},"output":null,"metadata":{},"error":null,"executions":[],"tags":[]}]}`, id, trace)
}

// TestFirstStart goes the way of a newcomer: start, take the token from the
// link, send, read, stop; start again on the same data.
func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := launch(t, dir, nil)
	s.waitReady()
	if s.token == "" || strings.Count(s.output(), "http://") != 1 {
		t.Fatalf("the first start must print one link with a token:\n%s", s.output())
	}
	for _, path := range []string{"/", "/healthz", "/readyz", "/openapi.json"} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s without a token: %d", path, resp.StatusCode)
		}
	}
	s.post(t, "/v1/apps/shop/traces", oneRun("t 1/2", "r1"))
	s.post(t, "/v1/traces", oneRun("t2", "r2"))
	var apps struct{ Data []struct{ ID string } }
	if s.get(t, "/v1/apps", &apps); len(apps.Data) != 2 || apps.Data[0].ID != "default" || apps.Data[1].ID != "shop" {
		t.Errorf("apps %+v, want default and shop", apps.Data)
	}
	var one struct {
		Data struct {
			ID, Status string
			Input      json.RawMessage
		}
	}
	if s.get(t, "/v1/apps/shop/traces/t%201%2F2", &one); one.Data.ID != "t 1/2" || one.Data.Status != "succeeded" || string(one.Data.Input) != `{"n":12345678901234567890}` {
		t.Errorf("trace %+v", one.Data)
	}
	token := s.token
	s.token = "wrong"
	if code, _, err := s.do("GET", "/v1/apps", nil); err != nil || code != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d %v", code, err)
	}

	code, _, errOut := run(t, nil, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(errOut, "in use") || !strings.Contains(errOut, dir) || !strings.Contains(errOut, "  -> stop") {
		t.Errorf("second start on the same directory: exit %d\n%s", code, errOut)
	}
	if code, _, errOut := run(t, nil, "verify", dir); code != 1 || !strings.Contains(errOut, "in use") {
		t.Errorf("verify while served: exit %d\n%s", code, errOut)
	}
	addr := strings.TrimPrefix(s.url, "http://")
	code, _, errOut = run(t, nil, "serve", "--data", filepath.Join(t.TempDir(), "other"), "--listen", addr)
	if code != 1 || !strings.Contains(errOut, addr) || !strings.Contains(errOut, "--listen") {
		t.Errorf("second start on the same address: exit %d\n%s", code, errOut)
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}

	again := launch(t, dir, nil)
	again.waitReady()
	if again.token != "" {
		t.Errorf("the second start prints a token:\n%s", again.output())
	}
	again.token = token
	var list struct {
		Pagination struct {
			Total int `json:"total_count"`
		}
	}
	if again.get(t, "/v1/apps/shop/traces", &list); list.Pagination.Total != 1 {
		t.Errorf("after the restart: %d traces", list.Pagination.Total)
	}
	if code := again.signal(syscall.SIGINT); code != 0 {
		t.Errorf("SIGINT: exit %d", code)
	}
	if strings.Contains(again.output()+s.output(), "12345678901234567890") {
		t.Error("the log holds what a user sent")
	}
	clean(t, dir)
}

// TestSecondSignal: a request that never ends does not hold up the second one.
func TestSecondSignal(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "data"))
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pw.Close()
	req, err := http.NewRequest(http.MethodPost, s.url+"/v1/apps/a/traces", pr)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	go func() {
		if resp, err := s.http.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	if _, err := pw.WriteString(`{"runs":[`); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if s.cmd.ProcessState != nil {
		t.Skip("the server did not wait for the request")
	}
	if code := s.signal(syscall.SIGTERM); code != 1 || !strings.Contains(s.output(), "second signal") {
		t.Errorf("second SIGTERM: exit %d\n%s", code, s.output())
	}
}

// TestDemo: a demo fills a fresh directory once, and no other.
func TestDemo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	begun := time.Now()
	s := start(t, dir, "--demo")
	t.Logf("ready with demo data after %v", time.Since(begun).Round(time.Millisecond))
	count := func(s *server) (n struct {
		Data struct {
			Summary struct {
				All      int `json:"invocation_count"`
				Failed   int `json:"failure_count"`
				Canceled int `json:"canceled_count"`
				Running  int `json:"running_count"`
			}
			Series []json.RawMessage
		}
	}) {
		now := time.Now().UTC()
		s.get(t, "/v1/apps/demo/metrics?interval=24h&start_time="+now.Add(-15*24*time.Hour).Format(time.RFC3339)+"&end_time="+now.Format(time.RFC3339Nano), &n)
		return n
	}
	first := count(s).Data.Summary
	if first.All < 2000 || first.Failed < 50 || first.Canceled < 20 || first.Running < 3 {
		t.Errorf("demo: %+v", first)
	}
	s.signal(syscall.SIGTERM)
	s = start(t, dir, "--demo")
	if second := count(s).Data.Summary; second != first {
		t.Errorf("the second start changed the demo: %+v, was %+v", second, first)
	}
	s.signal(syscall.SIGTERM)
	clean(t, dir)

	full := filepath.Join(t.TempDir(), "full")
	s = start(t, full)
	s.post(t, "/v1/apps/mine/traces", oneRun("t", "r"))
	s.signal(syscall.SIGTERM)
	code, _, errOut := run(t, nil, "serve", "--data", full, "--listen", "127.0.0.1:0", "--demo")
	if code != 1 || !strings.Contains(errOut, "fresh data directory") {
		t.Errorf("--demo on real data: exit %d\n%s", code, errOut)
	}
}
