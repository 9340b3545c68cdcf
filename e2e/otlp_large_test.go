//go:build e2e

package e2e

import (
	"bytes"
	be "encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const (
	largeSpans = 50_000
	largeBatch = 512
	largeTrace = "6c617267652d74726163652d35306b21" // of largeTraceID
)

var largeTraceID = []byte("large-trace-50k!")

// largeSpan is span i of a tree in which each has eight children; every eighth
// leaf is an LLM call.
func largeSpan(i int) *tracev1.Span {
	id := be.BigEndian.AppendUint64(nil, uint64(i)+1)
	s := &tracev1.Span{TraceId: largeTraceID, SpanId: id, Name: fmt.Sprint("step ", i),
		StartTimeUnixNano: 1_781_082_000_000_000_000 + uint64(i)*1000, EndTimeUnixNano: 1_781_082_600_000_000_000 - uint64(i)*1000,
		Attributes: []*commonv1.KeyValue{{Key: "input.value", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{
			StringValue: fmt.Sprintf("question %d about order %d", i, i*7)}}}}}
	if i > 0 {
		s.ParentSpanId = be.BigEndian.AppendUint64(nil, uint64((i-1)/8)+1)
	}
	if isLargeCall(i) {
		num := func(k string, n int64) *commonv1.KeyValue {
			return &commonv1.KeyValue{Key: k, Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: n}}}
		}
		s.Attributes = append(s.Attributes, num("gen_ai.usage.input_tokens", 100), num("gen_ai.usage.output_tokens", 10),
			&commonv1.KeyValue{Key: "gen_ai.operation.name", Value: &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: "chat"}}})
	}
	return s
}

func isLargeCall(i int) bool { return 8*i+1 >= largeSpans && i%8 == 0 }

// TestLargeTrace: a trace of 50,000 spans that comes in batches of 512 in random
// order is listed, opened page by page, and exported with each span once.
func TestLargeTrace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	order := rand.New(rand.NewPCG(7, 7)).Perm(largeSpans)
	calls := 0
	for i := range largeSpans {
		if isLargeCall(i) {
			calls++
		}
	}
	begin := time.Now()
	slowest := time.Duration(0)
	for from := 0; from < largeSpans; from += largeBatch {
		scope := new(tracev1.ScopeSpans)
		for _, i := range order[from:min(from+largeBatch, largeSpans)] {
			scope.Spans = append(scope.Spans, largeSpan(i))
		}
		b, err := proto.Marshal(&tracev1.TracesData{ResourceSpans: []*tracev1.ResourceSpans{{ScopeSpans: []*tracev1.ScopeSpans{scope}}}})
		if err != nil {
			t.Fatal(err)
		}
		sent := time.Now()
		s.postProto(t, "/v1/apps/large/traces", b)
		slowest = max(slowest, time.Since(sent))
	}
	ingest := time.Since(begin)

	var list struct{ Data []gotTrace }
	begin = time.Now()
	s.get(t, "/v1/apps/large/traces", &list)
	listed := time.Since(begin)
	if len(list.Data) != 1 || list.Data[0].RunCount != largeSpans || list.Data[0].Status != "succeeded" || list.Data[0].Usage.Total != int64(calls)*110 {
		t.Fatalf("the list says %+v, want %d runs and %d tokens", list.Data, largeSpans, calls*110)
	}
	begin = time.Now()
	pages := largePages(t, s)
	opened := time.Since(begin)
	begin = time.Now()
	largeExport(t, s)
	exported := time.Since(begin)
	t.Logf("%d spans: ingested in %v (slowest batch %v), listed in %v, opened in %v (%d pages), exported in %v; peak of memory %s",
		largeSpans, ingest.Round(time.Millisecond), slowest.Round(time.Millisecond), listed.Round(time.Millisecond),
		opened.Round(time.Millisecond), pages, exported.Round(time.Millisecond), peakMemory(t, s))
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit %d", code)
	}
	clean(t, dir)
}

// largePages reads all runs and checks that each is there once, newest first.
func largePages(t *testing.T, s *server) (pages int) {
	t.Helper()
	seen := make(map[string]bool, largeSpans)
	last := ""
	for {
		pages++
		var p struct {
			Data       []gotRun
			Pagination struct {
				Total int `json:"total_count"`
			}
		}
		s.get(t, fmt.Sprintf("/v1/apps/large/traces/%s/runs?page=%d&page_size=1000", largeTrace, pages), &p)
		if p.Pagination.Total != largeSpans {
			t.Fatalf("%d runs in all", p.Pagination.Total)
		}
		if len(p.Data) == 0 {
			break
		}
		for _, r := range p.Data {
			if seen[r.ID] || last != "" && r.Start > last {
				t.Fatalf("run %s of page %d is there twice or out of order", r.ID, pages)
			}
			seen[r.ID], last = true, r.Start
		}
	}
	if len(seen) != largeSpans {
		t.Fatalf("%d of %d runs", len(seen), largeSpans)
	}
	return pages - 1
}

// largeExport checks the download: every run, with its parent and input.
func largeExport(t *testing.T, s *server) {
	t.Helper()
	code, b, err := s.do(http.MethodGet, "/v1/apps/large/traces/download?include_runs=true", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("download: %d %v", code, err)
	}
	var all []struct {
		Runs []struct {
			ID     string
			Parent *string `json:"parent_run_id"`
			Input  string
		}
	}
	if err := json.Unmarshal(b, &all); err != nil || len(all) != 1 || len(all[0].Runs) != largeSpans {
		t.Fatalf("download: %d traces, %v", len(all), err)
	}
	for _, r := range all[0].Runs {
		var i int
		if _, err := fmt.Sscanf(r.ID, "%x", &i); err != nil {
			t.Fatal(err)
		}
		want := largeSpan(i - 1)
		if r.Input != want.Attributes[0].Value.GetStringValue() || (r.Parent == nil) != (want.ParentSpanId == nil) ||
			r.Parent != nil && *r.Parent != fmt.Sprintf("%x", want.ParentSpanId) {
			t.Fatalf("run %s came out as %+v", r.ID, r)
		}
	}
}

// postProto sends a protobuf body, which must be taken wholly.
func (s *server) postProto(t testing.TB, path string, body []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != 0 {
		t.Fatalf("POST %s: %s, %d bytes of answer", path, resp.Status, resp.ContentLength)
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s*(\d+ kB)`)

// peakMemory is the most memory that the server has held, where Linux tells.
func peakMemory(t *testing.T, s *server) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return "unknown"
	}
	if m := peakLine.FindSubmatch(b); m != nil {
		return strings.TrimSpace(string(m[1]))
	}
	return "unknown"
}
