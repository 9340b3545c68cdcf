package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tracebed/tracebed/bench/gen"
	"github.com/tracebed/tracebed/engine"
)

const (
	yearApp  = "year"  // -year traces
	smallApp = "small" // a hundredth of them in the same year
	tailApp  = "tail"  // full-size traces, so that the log is full when it is killed
	tailSize = 30_000

	childEnv = "TRACEBED_BENCH_CHILD"
	dirEnv   = "TRACEBED_BENCH_DIR"
)

var (
	yearStart = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	yearSpan  = 365 * 24 * time.Hour
)

var buildYear = sync.OnceValues(func() (string, error) {
	root, err := os.MkdirTemp("", "tracebed-bench-year-")
	if err != nil {
		return "", err
	}
	cleanupAtEnd(func() { _ = os.RemoveAll(root) })
	dir := filepath.Join(root, "store")
	out, err := child("build", dir)
	if err == nil || !strings.Contains(out, "ready") {
		return "", fmt.Errorf("the builder was to be killed: %w: %s", err, out)
	}
	return dir, nil
})

// yearDir is a store with a year of small traces that was killed while it was
// being written to. It must not be changed.
func yearDir(tb testing.TB) string {
	dir, err := buildYear()
	check(tb, err)
	return dir
}

// child runs this test binary in another mode and returns what it prints.
func child(mode, dir string) (string, error) {
	cmd := exec.CommandContext(context.Background(), os.Args[0], fmt.Sprintf("-year=%d", *yearCount))
	cmd.Env = append(os.Environ(), childEnv+"="+mode, dirEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

func runChild(mode string) error {
	dir := os.Getenv(dirEnv)
	switch mode {
	case "build":
		return childBuild(dir)
	case "open":
		return childOpen(dir)
	}
	return fmt.Errorf("unknown mode %q", mode)
}

// childBuild fills a store and kills itself while 8 clients write.
func childBuild(dir string) error {
	e, err := engine.Open(dir, fillOptions)
	if err != nil {
		return err
	}
	if err := fillYear(e, yearApp, *yearCount); err != nil {
		return err
	}
	if err := fillYear(e, smallApp, max(1, *yearCount/100)); err != nil {
		return err
	}
	bodies := make(chan []byte, 64)
	var wg sync.WaitGroup
	for range inFlight {
		wg.Go(func() {
			for body := range bodies {
				if err := ingest(e, tailApp, body); err != nil {
					fmt.Fprintln(os.Stderr, err)
				}
			}
		})
	}
	g := gen.New(9, gen.Options{Start: yearStart.Add(yearSpan), Window: 24 * time.Hour, Traces: tailSize})
	for range tailSize {
		bodies <- g.Next().Body
	}
	fmt.Println("ready")
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// fillYear ingests n traces of one run each, spread evenly over the year on
// odd microseconds, in requests of 500. Metrics never read a body, so it is
// small.
func fillYear(e *engine.Engine, app string, n int) error {
	const perRequest = 500
	work := make(chan []byte, 4)
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			var first error
			for body := range work {
				if first == nil {
					first = ingest(e, app, body)
				}
			}
			errs <- first
		}()
	}
	rng := rand.New(rand.NewPCG(5, uint64(n)))
	step := yearSpan / time.Duration(n)
	for i := 0; i < n; {
		body := []byte(`{"runs":[`)
		for k := 0; k < perRequest && i < n; k, i = k+1, i+1 {
			if k > 0 {
				body = append(body, ',')
			}
			start := yearStart.Add(time.Duration(i)*step + time.Duration(rng.Int64N(int64(step))))
			body = appendSmallRun(body, rng, fmt.Sprintf("%s-%d", app, i), start)
		}
		work <- append(body, `]}`...)
	}
	close(work)
	var err error
	for range cap(errs) {
		if e := <-errs; e != nil {
			err = e
		}
	}
	return err
}

// appendSmallRun appends a trace that is one run with usage.
func appendSmallRun(b []byte, rng *rand.Rand, id string, start time.Time) []byte {
	const layout = "2006-01-02T15:04:05.000000-07:00"
	status := "succeeded"
	if rng.IntN(20) == 0 {
		status = "failed"
	}
	took := time.Duration(1+rng.ExpFloat64()*3e6) * time.Microsecond
	in, out := 100+rng.IntN(4000), 1+rng.IntN(900)
	return fmt.Appendf(b, `{"id":"r","name":"LLM","type":"node","trace_id":%q,"source_id":null,"session_id":null,`+
		`"start_time":%q,"end_time":%q,"parent_run_id":null,"status":%q,"input":{"n":%d},"output":"ok",`+
		`"metadata":{"node":{"group":"llms","model":"gpt-4o"},"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,`+
		`"prompt_tokens_cost_usd":%d.5e-6,"completion_tokens_cost_usd":%d.25e-5,"total_tokens_cost_usd":null}},`+
		`"error":null,"executions":[],"tags":[]}`,
		id, start.Format(layout), start.Add(took).Format(layout), status, in, in, out, in+out, in, out)
}
