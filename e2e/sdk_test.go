//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/e2e/fakellm"
)

// sdkRun is what the SDK says that it ran.
type sdkRun struct {
	TraceID   string `json:"trace_id"`
	SessionID string `json:"session_id"`
	Runs      int
}

// sdkShown is what the traces of sdk/workflow.py must look like; -update
// writes it.
const sdkShown = "testdata/dynamiq-sdk.txt"

// TestDynamiqSDK runs apps with the real SDK, litellm and the SDK's own tracing
// handler against the server; only the language model is made up.
func TestDynamiqSDK(t *testing.T) {
	dir := dynamiqClient.ready(t)
	llm := httptest.NewServer(fakellm.Handler())
	defer llm.Close()
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	code, err := os.ReadFile("sdk/workflow.py")
	if err != nil {
		t.Fatal(err)
	}
	out := runClient(t, s, llm.URL, dir, "workflow.py", string(code), docBlocks(t)["dynamiq.env"])
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var ran map[string]sdkRun
	if err := json.Unmarshal(lines[len(lines)-1], &ran); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	checkShown(t, s, ran)
	checkGood(t, s, ran["good"])
	for name, r := range ran {
		var trace struct{ Data gotTrace }
		s.get(t, tracePath(r), &trace)
		if g := trace.Data; g.RunCount != r.Runs || g.Metadata["environment"] != "test" || g.SessionID == nil || *g.SessionID != r.SessionID ||
			!slices.Equal(g.Tags, []string{"sdk", "e2e"}) || g.Version == nil || *g.Version != "7" {
			t.Errorf("%s: %s\nthe SDK had %+v", name, show(g), r)
		}
	}
	var m struct {
		Data struct {
			Summary struct {
				All      int `json:"invocation_count"`
				Good     int `json:"success_count"`
				Failed   int `json:"failure_count"`
				Canceled int `json:"canceled_count"`
				Usage    struct {
					Total    int64 `json:"total_tokens"`
					Unpriced int   `json:"unpriced_count"`
				}
			}
		}
	}
	s.get(t, "/v1/apps/default/metrics?start_time=2020-01-01T00:00:00Z&end_time=2100-01-01T00:00:00Z&interval=720h", &m)
	// Model calls that ended well: 1 good, 2 reused, 2 agent, 1 streaming,
	// 2 parallel, 1 async, 2 + 2 of threads.
	if sum := m.Data.Summary; sum.All != 11 || sum.Good != 9 || sum.Failed != 1 || sum.Canceled != 1 ||
		sum.Usage.Total != 13*(fakellm.Prompt+fakellm.Completion) || sum.Usage.Unpriced != 2 {
		t.Errorf("metrics: %+v", sum)
	}
	s.signal(15)
	clean(t, data)
}

func tracePath(r sdkRun) string {
	return "/v1/apps/default/traces/" + url.PathEscape(r.TraceID)
}

// checkShown compares what the traces look like with sdkShown.
func checkShown(t *testing.T, s *server, ran map[string]sdkRun) {
	t.Helper()
	var got strings.Builder
	var names []string
	for name := range ran {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var list struct{ Data shownTrace }
		s.get(t, tracePath(ran[name]), &list)
		text := shownOne(t, s, "/v1/apps/default/traces", list.Data)
		text = strings.Replace(text, "session "+ran[name].SessionID, "session SESSION", 1)
		if name == "parallel" || name == "skipped" { // either may be the first
			lines := strings.SplitAfter(text, "\n")
			slices.Sort(lines)
			text = strings.Join(lines, "")
		}
		got.WriteString("== " + name + "\n" + text)
	}
	if *update {
		if err := os.WriteFile(sdkShown, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(sdkShown)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s says\n%s\nthey show\n%s", sdkShown, want, got.String())
	}
}

// checkGood looks at the facts of one trace that its lines do not show.
func checkGood(t *testing.T, s *server, r sdkRun) {
	t.Helper()
	var answer struct{ Data json.RawMessage }
	s.get(t, tracePath(r), &answer)
	var good gotTrace
	var in struct {
		Input struct {
			Question string
			Big      json.Number
		}
	}
	if err := json.Unmarshal(answer.Data, &good); err != nil {
		t.Fatal(err)
	}
	if good.DurationMS == nil || good.Usage.Prompt != 412 || good.Usage.Completion != 38 || good.Usage.Total != 450 ||
		good.Usage.TotalCost == nil || *good.Usage.TotalCost != 0.000075 || good.UserID == nil || *good.UserID != "u-1" || len(good.Models) != 1 {
		t.Errorf("good: %s", answer.Data)
	}
	if err := json.Unmarshal(answer.Data, &in); err != nil || in.Input.Question != "Where to in June? \u00f8\U0001f600" || in.Input.Big != "12345678901234567" {
		t.Errorf("good: input %+v, %v", in, err)
	}
	var runs struct{ Data []gotRun }
	s.get(t, tracePath(r)+"/runs", &runs)
	slices.SortFunc(runs.Data, func(a, b gotRun) int { return strings.Compare(a.Start, b.Start) })
	if got := show(grow(runs.Data, "")); got != `[{"name":"Workflow","type":"workflow","status":"succeeded","children":[{"name":"Flow","type":"flow","status":"succeeded","children":[`+
		`{"name":"Answer","type":"node","group":"llms","status":"succeeded","tokens":450},{"name":"Weather","type":"node","group":"tools","status":"succeeded"}]}]}]` {
		t.Errorf("good: tree %s", got)
	}
}
