package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tracebed/tracebed/bench/gen"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

const (
	storeApp  = "app-1"
	storeDays = 14
)

var storeStart = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// bigStore holds -traces traces of 17 KB in 14 days of one app, settled. The
// benchmarks of reads share it.
type bigStore struct {
	e         *engine.Engine
	ids       []string // of one trace in 20
	jsonBytes int64    // of all bodies as they were sent
	diskBytes int64    // of the directory after settling and closing
}

var openBig = sync.OnceValues(buildBig)

func sharedStore(tb testing.TB) *bigStore {
	s, err := openBig()
	check(tb, err)
	return s
}

func buildBig() (s *bigStore, err error) {
	root, err := os.MkdirTemp("", "tracebed-bench-")
	if err != nil {
		return nil, err
	}
	cleanupAtEnd(func() { _ = os.RemoveAll(root) })
	dir := filepath.Join(root, "store")
	s = &bigStore{}
	if err := s.fill(dir); err != nil {
		return nil, err
	}
	// Opening writes the log of the last run into tables; with the work that
	// it leaves done, the directory has its lasting size.
	e, err := engine.Open(dir, engine.Options{})
	if err != nil {
		return nil, err
	}
	settle(e)
	if err := e.Close(); err != nil {
		return nil, err
	}
	s.diskBytes, err = sizeOf(dir)
	if err != nil {
		return nil, err
	}
	if s.e, err = engine.Open(dir, engine.Options{}); err != nil {
		return nil, err
	}
	cleanupAtEnd(func() { _ = s.e.Close() })
	return s, nil
}

// fillOptions are for building stores, which is not measured; measured stores
// have the defaults.
var fillOptions = engine.Options{CacheBytes: 512 << 20}

// fill ingests in requests of 16 traces; 17 KB each, as the bars say.
func (s *bigStore) fill(dir string) error {
	e, err := engine.Open(dir, fillOptions)
	if err != nil {
		return err
	}
	const perRequest = 16
	work := make(chan [][]byte, 8)
	var wg sync.WaitGroup
	var first error
	var once sync.Once
	for range 16 {
		wg.Go(func() {
			for bodies := range work {
				var runs []trace.Run
				for _, body := range bodies {
					more, _, err := dynamiq.Parse(body, dynamiq.Options{})
					if err != nil {
						once.Do(func() { first = err })
					}
					runs = append(runs, more...)
				}
				if _, err := e.Ingest(context.Background(), storeApp, runs); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	g := gen.New(7, gen.Options{Start: storeStart, Window: storeDays * 24 * time.Hour, Traces: *traceCount, Apps: 1})
	for i := 0; i < *traceCount; {
		var bodies [][]byte
		for ; len(bodies) < perRequest && i < *traceCount; i++ {
			t := g.Next()
			s.jsonBytes += int64(len(t.Body))
			if i%20 == 0 {
				s.ids = append(s.ids, t.ID)
			}
			bodies = append(bodies, t.Body)
		}
		work <- bodies
	}
	close(work)
	wg.Wait()
	return errors.Join(first, e.Close())
}

// settle waits until compactions have nothing left to do, a minute at most.
func settle(e *engine.Engine) {
	for quiet, end := 0, time.Now().Add(time.Minute); quiet < 5 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
		if quiet++; e.Stats().CompactionDebtBytes > 0 {
			quiet = 0
		}
	}
}

// raggedWindow is days long and begins and ends on odd microseconds.
func raggedWindow(rng interface{ Int64N(int64) int64 }, days int64) engine.Window {
	const day = 24 * 3600 * 1_000_000
	from := storeStart.UnixMicro() + rng.Int64N((storeDays-days)*day)
	return engine.Window{From: from, To: from + days*day - rng.Int64N(3600*1_000_000)}
}
