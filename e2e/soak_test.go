//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// gauges reads /metrics.
func (s *server) gauges(t testing.TB) map[string]float64 {
	t.Helper()
	code, body, err := s.do(http.MethodGet, "/metrics", nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("metrics: %d %v", code, err)
	}
	out := map[string]float64{}
	for _, line := range strings.Split(string(body), "\n") {
		if name, v, ok := strings.Cut(line, " "); ok && line[0] != '#' {
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				out[name] = f
			}
		}
	}
	return out
}

// TestSoak uses everything for SOAK (30 minutes with make soak): writers that
// send the same traces again and again, readers, downloads that are broken off,
// backups. What the server holds does not grow: not goroutines, files or heap,
// nor, as what is stored stays the same, the disk.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		t.Skip("SOAK says how long, such as 30m")
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	stop := make(chan struct{})
	var users sync.WaitGroup
	user := func(n int, pause time.Duration, do func(rng *rand.Rand) error) {
		for i := range n {
			users.Add(1)
			go func() {
				defer users.Done()
				rng := rand.New(rand.NewPCG(3, uint64(i)))
				for {
					select {
					case <-stop:
						return
					case <-time.After(pause):
					}
					if err := do(rng); err != nil {
						t.Error(err)
						return
					}
				}
			}()
		}
	}
	ask := func(method, path string, body []byte) error {
		code, answer, err := s.do(method, path, body)
		if err != nil || code != http.StatusOK {
			return fmt.Errorf("%s %s: %d %.300s %w", method, path, code, answer, err)
		}
		return nil
	}
	user(4, time.Millisecond, func(rng *rand.Rand) error {
		serial := 0
		rng = rand.New(rand.NewPCG(9, rng.Uint64N(200))) // one of 200 bodies
		body, _ := killBody(rng, int(rng.Uint64N(50)), 0, &serial)
		return ask(http.MethodPost, "/v1/apps/soak/traces", body)
	})
	if err := ask(http.MethodPost, "/v1/apps/soak/traces", oneRun("first", "first.0")); err != nil {
		t.Fatal(err)
	}
	user(2, 10*time.Millisecond, func(rng *rand.Rand) error {
		return ask(http.MethodGet, []string{"/v1/apps", "/v1/apps/soak/traces?page_size=50",
			"/v1/apps/soak/metrics?start_time=2026-05-01T00:00:00Z&end_time=2026-07-01T00:00:00Z&interval=24h",
			"/v1/apps/soak/traces/download?include_runs=true"}[rng.IntN(4)], nil)
	})
	user(2, 50*time.Millisecond, func(*rand.Rand) error { // breaks off, with a connection of its own
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		req, err := http.NewRequest(http.MethodGet, s.url+"/v1/apps/soak/traces/download?include_runs=true", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 1000)
		return resp.Body.Close()
	})
	user(1, time.Second, func(*rand.Rand) error { return ask(http.MethodGet, "/v1/backup", nil) })

	time.Sleep(long / 3)
	before := s.gauges(t)
	time.Sleep(long - long/3)
	after := s.gauges(t)
	close(stop)
	users.Wait()
	for name, spare := range map[string]float64{
		"go_goroutines": 32, "process_open_fds": 32, "go_gc_heap_live_bytes": 64 << 20,
		"process_resident_memory_bytes": 128 << 20, "tracebed_store_disk_bytes": 256 << 20,
	} {
		t.Logf("%s: %.0f after a third, %.0f at the end", name, before[name], after[name])
		if after[name] > before[name]*1.2+spare {
			t.Errorf("%s has grown from %.0f to %.0f", name, before[name], after[name])
		}
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
}
