// Command seed fills a data directory with many small traces, for looking at
// the page and at large stores:
//
//	go run ./bench/seed -data /tmp/million -traces 1000000
//	tracebed serve --data /tmp/million --auth off
//
// The traces have three runs each (workflow, flow, model call) of about 2.5 KB
// together, end in the 14 days before -end, and are a function of the flags.
// One in a hundred has evaluations. With -runs N there is one trace more, named
// "big", of N runs in a tree.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// config is the flags.
type config struct {
	data   string
	app    string
	traces int
	runs   int // of the trace "big"
	days   int
	end    time.Time
}

func main() {
	c := config{end: time.Now().UTC().Truncate(time.Second)}
	flag.StringVar(&c.data, "data", "", "data directory to fill; it is made")
	flag.StringVar(&c.app, "app", "demo", "app to fill")
	flag.IntVar(&c.traces, "traces", 1_000_000, "small traces")
	flag.IntVar(&c.runs, "runs", 0, "runs of one large trace")
	flag.IntVar(&c.days, "days", 14, "days over which they spread")
	flag.TextVar(&c.end, "end", c.end, "when the last one starts")
	flag.Parse()
	if c.data == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	begun := time.Now()
	if err := c.fill(); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		os.Exit(1)
	}
	fmt.Printf("%d traces in %v\n", c.traces, time.Since(begun).Round(time.Second))
}

// perRequest is how many traces one call of the engine takes: enough to share
// its fsync.
const perRequest = 256

// fill ingests all traces from as many goroutines as keep two cores busy.
func (c *config) fill() (err error) {
	e, err := engine.Open(c.data, engine.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := e.Close(); err == nil {
			err = cerr
		}
	}()
	var wg sync.WaitGroup
	var first error
	var once sync.Once
	parts := make(chan int, 16)
	for range 8 {
		wg.Go(func() {
			for from := range parts {
				if err := c.part(e, from, min(from+perRequest, c.traces)); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for from := 0; from < c.traces; from += perRequest {
		parts <- from
	}
	close(parts)
	wg.Wait()
	if first != nil {
		return first
	}
	return c.big(e)
}

// part ingests the traces from number lo up to hi, and evaluates some.
func (c *config) part(e *engine.Engine, lo, hi int) error {
	body := append(make([]byte, 0, 1<<20), `{"runs":[`...)
	for i := lo; i < hi; i++ {
		if i > lo {
			body = append(body, ',')
		}
		body = c.small(i).append(body)
	}
	if err := ingest(e, c.app, append(body, "]}"...)); err != nil {
		return err
	}
	for i := lo; i < hi; i++ {
		if i%100 != 0 {
			continue
		}
		list, err := trace.ParseEvaluations(fmt.Appendf(nil,
			`[{"id":"relevance","name":"relevance","value":%.2f,"source":"judge"},{"id":"helpful","name":"helpful","value":%t,"source":"user"}]`,
			float64(i/100%101)/100, i%300 != 0))
		if err == nil {
			_, err = e.PutEvaluations(context.Background(), c.app, c.small(i).id, list)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// big ingests the large trace in posts of a thousand runs.
func (c *config) big(e *engine.Engine) error {
	for lo := 0; lo < c.runs; lo += 1000 {
		body := []byte(`{"runs":[`)
		for i := lo; i < min(lo+1000, c.runs); i++ {
			if i > lo {
				body = append(body, ',')
			}
			body = c.bigRun(body, i)
		}
		if err := ingest(e, c.app, append(body, "]}"...)); err != nil {
			return err
		}
	}
	return nil
}

func ingest(e *engine.Engine, app string, body []byte) error {
	runs, rejected, err := dynamiq.Parse(body, dynamiq.Options{})
	if err != nil || len(rejected) > 0 {
		return fmt.Errorf("body: %v %w", rejected, err)
	}
	res, err := e.Ingest(context.Background(), app, runs)
	if err == nil && len(res.Rejected) > 0 {
		err = fmt.Errorf("rejected: %+v", res.Rejected[0])
	}
	return err
}
