//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// acked is what the server has confirmed: run id → whether it was finished.
type acked struct {
	mu   sync.Mutex
	runs map[string]bool
}

func (a *acked) add(runs map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, done := range runs {
		a.runs[id] = a.runs[id] || done
	}
}

// killBody is a body of up to four traces of three runs, some open, some known.
func killBody(rng *rand.Rand, writer, round int, serial *int) ([]byte, map[string]bool) {
	var b bytes.Buffer
	runs := map[string]bool{}
	b.WriteString(`{"runs":[`)
	for i := range 1 + rng.IntN(4) {
		n := *serial
		if n > 0 && rng.IntN(3) == 0 {
			n = rng.IntN(n) // a trace that was sent before, perhaps as open
		} else {
			*serial++
		}
		trace := fmt.Sprintf("w%d-r%d-%d", writer, round, n)
		done := rng.IntN(3) > 0
		start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n*97+writer*31) * time.Second)
		for k := range 3 {
			if i+k > 0 {
				b.WriteByte(',')
			}
			id := trace + "." + strconv.Itoa(k)
			parent, status, end := "null", "null", "null"
			if k > 0 {
				parent = strconv.Quote(trace + ".0")
			}
			if done {
				status, end = `"succeeded"`, strconv.Quote(start.Add(time.Second).Format(time.RFC3339Nano))
			}
			meta := `{}`
			if k == 2 {
				meta = `{"node":{"group":"llms","model":"m"},"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9,"prompt_tokens_cost_usd":0.0000007,"completion_tokens_cost_usd":0.0000004,"total_tokens_cost_usd":0.0000011}}`
			}
			fmt.Fprintf(&b, `{"id":%q,"name":"n","type":"node","trace_id":%q,"source_id":null,"session_id":null,"start_time":%q,"end_time":%s,"parent_run_id":%s,"status":%s,"input":{"text":"some words to compress, some words"},"output":null,"metadata":%s,"error":null,"executions":[],"tags":[]}`,
				id, trace, start.Format(time.RFC3339Nano), end, parent, status, meta)
			runs[id] = done
		}
	}
	b.WriteString("]}")
	return b.Bytes(), runs
}

// TestKill: under eight writers the server is killed again and again; every
// run whose request was answered 200 is there afterwards, in no older state,
// and every index and bucket agrees with the stored runs.
func TestKill(t *testing.T) {
	rounds := 20
	if v := os.Getenv("TRACEBED_KILL_ROUNDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatalf("TRACEBED_KILL_ROUNDS: %v", err)
		}
		rounds = n
	}
	dir := filepath.Join(t.TempDir(), "data")
	all := &acked{runs: map[string]bool{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range rounds {
		s := start(t, dir)
		checkAcked(t, s, all)
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Add(1)
			go func() {
				defer writers.Done()
				rng := rand.New(rand.NewPCG(seed, uint64(round*8+w)))
				serial := 0
				for {
					body, runs := killBody(rng, w, round, &serial)
					code, answer, err := s.do(http.MethodPost, "/v1/apps/kill/traces", body)
					if err != nil {
						return // killed
					}
					if code != http.StatusOK {
						t.Errorf("writer: %d %s", code, answer)
						return
					}
					all.add(runs)
				}
			}()
		}
		time.Sleep(time.Duration(100+rand.IntN(600)) * time.Millisecond)
		if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.wait()
		writers.Wait()
		clean(t, dir)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	allThere(t, dir, all)
	t.Logf("%d rounds, %d acknowledged runs", rounds, len(all.runs))
}

// allThere starts the server once more, after the last of its ends.
func allThere(t *testing.T, dir string, all *acked) {
	t.Helper()
	s := start(t, dir)
	checkAcked(t, s, all)
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
	if len(all.runs) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// checkAcked reads everything back through the API and compares.
func checkAcked(t *testing.T, s *server, all *acked) {
	t.Helper()
	if len(all.runs) == 0 {
		return
	}
	code, body, err := s.do(http.MethodGet, "/v1/apps/kill/traces/download?include_runs=true&format=jsonl", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("download: %d %v", code, err)
	}
	found, traces := map[string]bool{}, 0
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var tr struct {
			Runs []struct {
				ID     string
				Status *string
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &tr); err != nil {
			t.Fatalf("line %d of the download: %v", traces+1, err)
		}
		traces++
		for _, r := range tr.Runs {
			if _, twice := found[r.ID]; twice {
				t.Errorf("run %s comes twice", r.ID)
			}
			found[r.ID] = r.Status != nil
		}
	}
	lost, older := 0, 0
	for id, done := range all.runs {
		switch state, ok := found[id]; {
		case !ok:
			lost++
		case done && !state:
			older++
		}
	}
	if lost+older > 0 {
		t.Fatalf("of %d acknowledged runs %d are lost and %d are in an older state", len(all.runs), lost, older)
	}
	var list struct {
		Pagination struct {
			Total int `json:"total_count"`
		}
	}
	s.get(t, "/v1/apps/kill/traces?page_size=1", &list)
	var m struct {
		Data struct {
			Summary struct {
				All   int `json:"invocation_count"`
				Usage struct {
					Total int `json:"total_tokens"`
				}
			}
		}
	}
	s.get(t, "/v1/apps/kill/metrics?start_time=2026-01-01T00:00:00Z&end_time=2026-12-31T00:00:00Z&interval=24h", &m)
	if list.Pagination.Total != traces || m.Data.Summary.All != traces || m.Data.Summary.Usage.Total != 9*traces {
		t.Errorf("download has %d traces, list %d, metrics %d with %d tokens", traces, list.Pagination.Total, m.Data.Summary.All, m.Data.Summary.Usage.Total)
	}
}
