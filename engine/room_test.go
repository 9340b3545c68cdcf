package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestDiskNearlyFull: below the floor new data is refused before the disk is
// full, everything else goes on, and with room it is taken again.
func TestDiskNearlyFull(t *testing.T) {
	mem := vfs.NewMem()
	usage := func(free uint64) { mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 100 << 30}) }
	for _, c := range []struct {
		floor     int64
		low, high uint64
	}{{0, 1<<30 - 1, 1 << 30}, {5 << 20, 5<<20 - 1, 5 << 20}} {
		usage(c.high)
		o := smallOptions(mem, newClock())
		o.MinFreeBytes = c.floor
		e := openTest(t, "data", o)
		ingest(t, e, "app", oneRun("t", epoch), oneRun("u", epoch))
		usage(c.low)
		e.checkSpace()
		_, err := e.Ingest(bg, "app", parseRuns(t, oneRun("v", epoch)))
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "free some space") || !errors.Is(e.Ready(), ErrUnavailable) {
			t.Errorf("%d free: %v, ready: %v", c.low, err, e.Ready())
		}
		if _, err := e.PutEvaluations(bg, "app", "t", parseEvaluations(t, `{"id":"e","name":"n","value":1}`)); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%d free, an evaluation: %v", c.low, err)
		}
		if err := errors.Join(e.DeleteTrace(bg, "app", "u"), e.PutSetting(bg, "k", nil), e.Checkpoint(bg)); err != nil {
			t.Errorf("a delete: %v", err)
		}
		if _, err := e.Trace(bg, "app", "t"); err != nil {
			t.Errorf("a read: %v", err)
		}
		usage(c.high)
		e.checkSpace()
		ingest(t, e, "app", oneRun("v", epoch))
		evaluate(t, e, "app", "t", `{"id":"e","name":"n","value":1}`)
		if err := e.Ready(); err != nil {
			t.Errorf("ready: %v", err)
		}
		mustClose(t, e)
	}
	usage(0)
	o := smallOptions(mem, newClock())
	o.MinFreeBytes = -1
	e := openTest(t, "data", o)
	defer mustClose(t, e)
	ingest(t, e, "app", oneRun("w", epoch))
}

// TestTablesCannotBeWritten: while memtables cannot become tables, new data is
// refused before writes would stall, Pebble's tries are few, reads go on, and
// it all comes back by itself.
func TestTablesCannotBeWritten(t *testing.T) {
	var on atomic.Bool
	var tries atomic.Int64
	fs := faultyFS(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if on.Load() && op.Kind == errorfs.OpCreate && isTable(op.Path) {
			tries.Add(1)
			return errorfs.ErrInjected
		}
		return nil
	}))
	e := openTest(t, "data", smallOptions(fs, newClock()))
	defer mustClose(t, e)
	on.Store(true)
	began := time.Now()
	acked := 0
	var err error
	within(t, "ingest", func() {
		for err == nil {
			r := oneRun(fmt.Sprint("t", acked), epoch)
			r.output = noise(16<<10, int64(acked))
			if _, err = e.Ingest(bg, "app", parseRuns(panicker{}, r)); err == nil {
				acked++
			}
		}
	})
	if !errors.Is(err, ErrUnavailable) || !errors.Is(e.Ready(), ErrUnavailable) {
		t.Fatalf("%v, ready: %v", err, e.Ready())
	}
	within(t, "a read", func() {
		if p, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1}); err != nil || p.TotalCount != int64(acked) {
			t.Errorf("%d of %d: %v", p.TotalCount, acked, err)
		}
	})
	time.Sleep(300 * time.Millisecond)
	// 1, 2, 4 … ms apart: not the thousands of a hot loop.
	if n, took := tries.Load(), time.Since(began); n > 30+took.Milliseconds()/500 {
		t.Errorf("%d tries in %v", n, took)
	}
	on.Store(false)
	within(t, "recovery", func() {
		for e.Ready() != nil {
			time.Sleep(10 * time.Millisecond)
		}
	})
	ingest(t, e, "app", oneRun("after", epoch))
	verifyClean(t, e)
}

// TestReadsDoNotWaitForStalls: writers that outrun the disk wait before the
// lock that reads take.
func TestReadsDoNotWaitForStalls(t *testing.T) {
	var slow atomic.Bool
	gate := make(chan struct{})
	fs := faultyFS(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if slow.Load() && op.Kind == errorfs.OpCreate && isTable(op.Path) {
			<-gate
		}
		return nil
	}))
	e := openTest(t, "data", smallOptions(fs, newClock()))
	slow.Store(true)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			r := oneRun(fmt.Sprint("t", i), epoch)
			r.output = noise(32<<10, int64(i))
			if _, err := e.Ingest(bg, "app", parseRuns(panicker{}, r)); err != nil {
				t.Errorf("ingest: %v", err)
				return
			}
		}
	}()
	within(t, "the stall", func() {
		for e.Stats().WriteStalls == 0 {
			time.Sleep(time.Millisecond)
		}
	})
	within(t, "a read", func() {
		for range 20 {
			if _, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 5}); err != nil {
				t.Errorf("list: %v", err)
			}
		}
	})
	close(stop)
	close(gate)
	<-done
	verifyClean(t, e)
	mustClose(t, e)
}
