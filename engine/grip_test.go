package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tracebed/tracebed/rollup"
)

// stuckWriter takes nothing until it is let go.
type stuckWriter struct {
	reached chan struct{}
	free    chan struct{}
	n       int
}

func (w *stuckWriter) Write(p []byte) (int, error) {
	if w.n == 0 {
		close(w.reached)
		<-w.free
	}
	w.n += len(p)
	return len(p), nil
}

// TestSlowExportHoldsNoMemory: an export whose client takes nothing keeps no
// memtable of its moment, with small traces and with one in pieces, and gives
// all of them in the end.
func TestSlowExportHoldsNoMemory(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		e, _ := newEngine(t, func(o *Options) { o.MemTableBytes = 64 << 20 })
		for i := range 64 {
			ingest(t, e, "app", longRuns(fmt.Sprint("t", i), epoch, 1, 96<<10)...)
		}
		ingest(t, e, "app", longRuns("pieces", epoch, 1, 3<<20)...)
		w := &stuckWriter{reached: make(chan struct{}), free: make(chan struct{})}
		done := make(chan error, 1)
		var res ExportResult
		go func() {
			var err error
			res, err = e.Export(context.Background(), "app", ExportQuery{IncludeRuns: true, Zstd: zstd}, w)
			done <- err
		}()
		<-w.reached
		for i := range 2 {
			ingest(t, e, "other", oneRun(fmt.Sprint("o", i), epoch))
			if err := e.flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		held := func() int64 { return e.db.Metrics().MemTable.ZombieCount }
		for end := time.Now().Add(10 * time.Second); held() > 1 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		if n := held(); n > 1 { // Pebble keeps one to use again
			t.Errorf("zstd %v: a slow export keeps %d memtables", zstd, n)
		}
		close(w.free)
		if err := <-done; err != nil || res.Count != 65 || !res.Complete {
			t.Errorf("zstd %v: %+v, %v", zstd, res, err)
		}
	}
}

// slowWriter takes so long for each write that the store is let go.
type slowWriter struct{ bytes.Buffer }

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(letGoAfter + letGoAfter/5)
	return w.Buffer.Write(p)
}

// TestSlowExportIsTheSame: an export that lets go of the store and opens it anew
// between its traces gives the bytes of one that does not, whatever its filters.
func TestSlowExportIsTheSame(t *testing.T) {
	e, _ := newEngine(t, nil)
	for i := range 40 {
		at := epoch.Add(time.Duration(i%7) * time.Minute)
		runs := longRuns(fmt.Sprint("t", i), at, 1, 30<<10)
		if i%3 == 0 {
			runs = append(runs, longRuns(fmt.Sprint("u", i), at, 1, 90<<10)...)
		}
		ingest(t, e, "app", runs...)
	}
	ingest(t, e, "app", longRuns("pieces", epoch.Add(3*time.Minute), 1, 3<<20)...)
	for _, q := range []ExportQuery{
		{IncludeRuns: true, Zstd: true}, {IncludeRuns: true, Format: JSONLines}, {Zstd: true, IncludeRuns: true, Limit: 30},
		{IncludeRuns: true, Zstd: true, Filter: Filter{Statuses: []rollup.Status{rollup.Succeeded}}},
	} {
		var slow slowWriter
		var fast bytes.Buffer
		got, err := e.Export(t.Context(), "app", q, &slow)
		want, err2 := e.Export(t.Context(), "app", q, &fast)
		if err = errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		if got != want || !bytes.Equal(slow.Bytes(), fast.Bytes()) {
			t.Errorf("%+v: %+v and %d bytes, without pauses %+v and %d", q, got, slow.Len(), want, fast.Len())
		}
	}
}
