package engine

import (
	"context"
	"fmt"
	"testing"
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
		if m := e.db.Metrics().MemTable; m.ZombieCount > 1 { // Pebble keeps one to use again
			t.Errorf("zstd %v: a slow export keeps %d memtables of %d bytes", zstd, m.ZombieCount, m.ZombieSize)
		}
		close(w.free)
		if err := <-done; err != nil || res.Count != 65 || !res.Complete {
			t.Errorf("zstd %v: %+v, %v", zstd, res, err)
		}
	}
}
