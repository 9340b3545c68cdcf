//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// quietPace is how long a quiet application pauses between two requests.
const quietPace = 15 * time.Millisecond

// latencies are those of one kind of request.
type latencies struct {
	kind   string
	took   []time.Duration
	failed []string
}

// quietly is an application that stores a small trace every now and then, each at
// once, and beside that looks at its list and its charts.
func quietly(s *server, name string, ctx context.Context) (writes, reads *latencies) {
	writes, reads = &latencies{kind: "writes"}, &latencies{kind: "reads"}
	var both sync.WaitGroup
	both.Go(func() {
		writes.run(s, ctx, func(i int) (method, path string, body []byte) {
			id := fmt.Sprint(name, "-", i)
			return http.MethodPost, "/v1/apps/quiet/traces", oneRun(id, id+".0")
		})
	})
	both.Go(func() {
		time.Sleep(quietPace / 2)
		reads.run(s, ctx, func(i int) (method, path string, body []byte) {
			return http.MethodGet, []string{"/v1/apps/quiet/traces?page_size=20",
				"/v1/apps/quiet/metrics?start_time=2026-06-01T00:00:00Z&end_time=2026-06-30T00:00:00Z&interval=24h"}[i%2], nil
		})
	})
	both.Wait()
	return writes, reads
}

// run sends one request after the other until ctx ends.
func (q *latencies) run(s *server, ctx context.Context, next func(i int) (method, path string, body []byte)) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		method, path, body := next(i)
		req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
		if err != nil {
			panic(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		began := time.Now()
		resp, err := client.Do(req)
		if err != nil {
			q.failed = append(q.failed, err.Error())
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		q.took = append(q.took, time.Since(began))
		if resp.StatusCode != http.StatusOK {
			q.failed = append(q.failed, fmt.Sprint(method, " ", path, ": ", resp.StatusCode, " ", string(text)))
		}
		time.Sleep(quietPace)
	}
}

func (q *latencies) quantile(p float64) time.Duration {
	if len(q.took) == 0 {
		return 0
	}
	sorted := slices.Clone(q.took)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}

func (q *latencies) String() string {
	r := func(p float64) time.Duration { return q.quantile(p).Round(10 * time.Microsecond) }
	return fmt.Sprintf("%s: %d, %d failed, p50 %v, p90 %v, p99 %v, most %v", q.kind, len(q.took), len(q.failed), r(0.5), r(0.9), r(0.99), r(1))
}

// holds wants no failure, and with strict a p99 of at most three times that
// without load, each of at least 500 requests.
func (q *latencies) holds(t testing.TB, alone *latencies, strict bool) {
	t.Helper()
	if len(q.failed) > 0 {
		t.Errorf("the quiet application failed %d times: %s", len(q.failed), q.failed[0])
	}
	if !strict {
		return
	}
	if len(q.took) < 500 || len(alone.took) < 500 {
		t.Errorf("%d %s under load and %d alone are too few for a p99", len(q.took), q.kind, len(alone.took))
	}
	if q.quantile(0.99) > 3*alone.quantile(0.99) {
		t.Errorf("p99 of the %s of the quiet application is %v, alone %v", q.kind, q.quantile(0.99), alone.quantile(0.99))
	}
}
