//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sdkVersion is the version of the Dynamiq SDK that is run here.
const sdkVersion = "0.69.0"

// python makes a virtual environment with the SDK, once, and gives its
// interpreter. It skips the test where there is no python3, and where there is
// no package index either.
func python(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".venv")
	if err != nil {
		t.Fatal(err)
	}
	bin, mark := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "dynamiq-"+sdkVersion)
	if _, err := os.Stat(mark); err == nil {
		return bin
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 on this machine")
	}
	for _, args := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		{bin, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", filepath.Join("sdk", "requirements.txt")},
		{bin, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "dynamiq==" + sdkVersion},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			t.Skipf("the SDK cannot be installed here: %v: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestDynamiqSDK runs apps with the real SDK and its own tracing handler
// against the server; only the language model is made up.
func TestDynamiqSDK(t *testing.T) {
	interpreter := python(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	cmd := exec.Command(interpreter, filepath.Join("sdk", "workflow.py"), s.url)
	cmd.Env = append(cleanEnv(), "DYNAMIQ_ACCESS_KEY="+s.token)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errOut.Bytes())
	}
	if bytes.Contains(errOut.Bytes(), []byte("Failed to send")) {
		t.Fatalf("the SDK lost traces:\n%s", errOut.Bytes())
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	var ran map[string]struct {
		TraceID   string `json:"trace_id"`
		SessionID string `json:"session_id"`
		Runs      int
	}
	if err := json.Unmarshal(lines[len(lines)-1], &ran); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	trace := func(name string) (g gotTrace, raw json.RawMessage) {
		t.Helper()
		var answer struct{ Data json.RawMessage }
		s.get(t, "/v1/apps/default/traces/"+url.PathEscape(ran[name].TraceID), &answer)
		if err := json.Unmarshal(answer.Data, &g); err != nil {
			t.Fatal(err)
		}
		if g.RunCount != ran[name].Runs || g.Metadata["environment"] != "test" {
			t.Errorf("%s: %d runs, metadata %v; the SDK had %d", name, g.RunCount, g.Metadata, ran[name].Runs)
		}
		return g, answer.Data
	}

	good, raw := trace("good")
	if good.Status != "succeeded" || good.DurationMS == nil || good.Usage.Prompt != 412 || good.Usage.Completion != 38 || good.Usage.Total != 450 ||
		good.Usage.TotalCost == nil || *good.Usage.TotalCost != 0.0000846 || good.SessionID == nil || *good.SessionID != ran["good"].SessionID ||
		good.UserID == nil || *good.UserID != "u-1" || len(good.Tags) != 2 || len(good.Models) != 1 || good.Version == nil || *good.Version != "7" {
		t.Errorf("good: %s", raw)
	}
	var in struct {
		Input struct {
			Question string
			Big      json.Number
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil || in.Input.Question != "Where to in June? \u00f8\U0001f600" || in.Input.Big != "12345678901234567" {
		t.Errorf("good: input %+v, %v", in, err)
	}
	var runs struct{ Data []gotRun }
	s.get(t, "/v1/apps/default/traces/"+url.PathEscape(ran["good"].TraceID)+"/runs", &runs)
	if got := show(grow(runs.Data, "")); got != `[{"name":"Workflow","type":"workflow","status":"succeeded","children":[{"name":"Flow","type":"flow","status":"succeeded","children":[`+
		`{"name":"Weather","type":"node","group":"tools","status":"succeeded"},{"name":"Answer","type":"node","group":"llms","status":"succeeded","tokens":450}]}]}]` {
		t.Errorf("good: tree %s", got)
	}

	if failed, raw := trace("failed"); failed.Status != "failed" || failed.Error == nil || *failed.Error == "" || failed.Usage.Total != 0 || failed.Usage.TotalCost != nil {
		t.Errorf("failed: %s", raw)
	}
	if reused, raw := trace("reused"); reused.Status != "succeeded" || reused.Usage.Total != 900 || reused.Usage.TotalCost != nil || reused.Usage.Unpriced != 2 {
		t.Errorf("reused: %s", raw)
	}
	if async, raw := trace("async"); async.Status != "succeeded" || async.Usage.Total != 450 {
		t.Errorf("async: %s", raw)
	}
	var m struct {
		Data struct {
			Summary struct {
				All    int `json:"invocation_count"`
				Good   int `json:"success_count"`
				Failed int `json:"failure_count"`
			}
		}
	}
	s.get(t, "/v1/apps/default/metrics?start_time=2020-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z&interval=720h", &m)
	if m.Data.Summary.All != 4 || m.Data.Summary.Good != 3 || m.Data.Summary.Failed != 1 {
		t.Errorf("metrics: %+v", m.Data.Summary)
	}
	s.signal(15)
	clean(t, data)
}
