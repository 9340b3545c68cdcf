package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func TestMaxTraceRuns(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.MaxTraceRuns = 3 })
	run := func(trace string, n int) testRun {
		return testRun{trace: trace, id: fmt.Sprint("r", n), start: epoch, dur: time.Second}
	}
	ingest(t, e, "app", run("t", 0), run("t", 1))
	res := ingest(t, e, "app", run("t", 2), run("u", 0), run("t", 3))
	if len(res.Rejected) != 2 || res.Created != 1 || res.Rejected[0].Index != 0 || res.Rejected[1].Index != 2 ||
		res.Rejected[1].ID != "r3" || !strings.Contains(res.Rejected[0].Reason, "3 are allowed") {
		t.Errorf("%+v", res)
	}
	if res := ingest(t, e, "app", run("t", 2)); res.Created != 1 {
		t.Errorf("one that fits: %+v", res)
	}
	if res := ingest(t, e, "app", run("t", 2)); res.Unchanged != 1 {
		t.Errorf("again: %+v", res)
	}
	verifyClean(t, e)
}

func TestMaxTraceBytes(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.MaxTraceBytes = 4096 })
	big := oneRun("t", epoch)
	big.output = noise(4096, 1)
	res := ingest(t, e, "app", big, oneRun("u", epoch))
	if len(res.Rejected) != 1 || res.Rejected[0].ID != "t-r" || res.Created != 1 {
		t.Errorf("%+v", res)
	}
	if _, err := e.Trace(bg, "app", "t"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a trace that was refused: %v", err)
	}
}

// slowWAL holds the sync of the log while hold is set.
func slowWAL(hold *atomic.Bool) errorfs.Injector {
	return errorfs.InjectorFunc(func(op errorfs.Op) error {
		for hold.Load() && strings.HasSuffix(op.Path, ".log") &&
			(op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
}

func TestOverloadAndCancel(t *testing.T) {
	var hold atomic.Bool
	o := smallOptions(faultyFS(vfs.NewMem(), slowWAL(&hold)), newClock())
	o.QueueBytes = 64 << 10
	e := openTest(t, "data", o)
	ingest(t, e, "app", oneRun("first", epoch))
	hold.Store(true)
	ctx, cancel := context.WithCancel(bg)
	results := make(chan error, 100)
	overloaded := false
	for i := range 100 {
		r := oneRun(fmt.Sprint("t", i), epoch)
		r.output = noise(8<<10, int64(i))
		runs := parseRuns(t, r)
		go func() { _, err := e.Ingest(ctx, "app", runs); results <- err }()
		time.Sleep(2 * time.Millisecond)
		if e.Stats().QueueBytes > o.QueueBytes {
			overloaded = true
			break
		}
	}
	if !overloaded {
		t.Fatal("nothing waits though no sync ends")
	}
	if _, err := e.Ingest(bg, "app", parseRuns(t, oneRun("more", epoch))); !errors.Is(err, ErrOverloaded) {
		t.Errorf("with a full queue: %v", err)
	}
	if err := e.PutSetting(bg, "k", nil); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a setting with a full queue: %v", err)
	}
	cancel()
	within(t, "a cancelled ingest", func() {
		err := <-results
		for errors.Is(err, ErrOverloaded) { // one that came when the queue was full already
			err = <-results
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	hold.Store(false)
	within(t, "the queue", func() {
		for e.Stats().QueueBytes > 0 {
			time.Sleep(time.Millisecond)
		}
	})
	ingest(t, e, "app", oneRun("after", epoch))
	verifyClean(t, e)
	mustClose(t, e)
}

// TestCancelledCalls: a context that has ended, or ends during a long walk,
// ends the call.
func TestCancelledCalls(t *testing.T) {
	e, _ := newEngine(t, nil)
	specs := make([]testRun, 0, 1500)
	for i := range 1500 {
		specs = append(specs, oneRun(fmt.Sprint("t", i), epoch.Add(time.Duration(i)*time.Millisecond)))
	}
	ingest(t, e, "app", specs...)
	ctx, cancel := context.WithCancel(bg)
	n := 0
	_, err := e.Export(ctx, "app", ExportQuery{}, writerFunc(func(b []byte) (int, error) {
		if n++; n == 1 {
			cancel()
		}
		return len(b), nil
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("export: %v", err)
	}
	for name, call := range map[string]func() error{
		"ingest": func() error { _, err := e.Ingest(ctx, "app", parseRuns(t, oneRun("x", epoch))); return err },
		"list":   func() error { _, err := e.List(ctx, "app", ListQuery{Page: 1, PageSize: 1}); return err },
		"export": func() error { _, err := e.Export(ctx, "app", ExportQuery{}, io.Discard); return err },
		"metrics": func() error {
			_, err := e.Metrics(ctx, "app", MetricsQuery{Interval: mustInterval(t, "1h")})
			return err
		},
		"verify": func() error { _, err := e.Verify(ctx); return err },
		"delete": func() error { return e.DeleteApp(ctx, "app") },
		"backup": func() error { return e.Backup(ctx, "copy") },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := errors.New("pipe is closed")
	if _, err := e.Export(bg, "app", ExportQuery{}, writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
	verifyClean(t, e)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// TestArguments: what is out of range is refused by name.
func TestArguments(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	hours := mustInterval(t, "1h")
	for name, call := range map[string]func() error{
		"page 0":    func() error { _, err := e.List(bg, "app", ListQuery{PageSize: 1}); return err },
		"size 0":    func() error { _, err := e.List(bg, "app", ListQuery{Page: 1}); return err },
		"size 1001": func() error { _, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1001}); return err },
		"run page":  func() error { _, err := e.Runs(bg, "app", "t", RunQuery{PageSize: 1}); return err },
		"run size":  func() error { _, err := e.Runs(bg, "app", "t", RunQuery{Page: 1, PageSize: -1}); return err },
		"window": func() error {
			_, err := e.Metrics(bg, "app", MetricsQuery{Start: 5, End: 4, Interval: hours})
			return err
		},
		"too many bars": func() error {
			_, err := e.Metrics(bg, "app", MetricsQuery{End: 10_001 * usPerHour, Interval: hours})
			return err
		},
		"empty app": func() error { _, err := e.Ingest(bg, "", parseRuns(t, oneRun("t", epoch))); return err },
		"long app": func() error {
			_, err := e.Ingest(bg, strings.Repeat("x", 257), parseRuns(t, oneRun("t", epoch)))
			return err
		},
		"broken app": func() error { _, err := e.Ingest(bg, "\xff", parseRuns(t, oneRun("t", epoch))); return err },
		"kind":       func() error { _, err := e.Apply(bg, &Op{Kind: 99}); return err },
	} {
		if err := call(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, q := range []ListQuery{{Page: 1 << 62, PageSize: 1000}, {Page: 2, PageSize: 1}, {Page: 1, PageSize: 1, Filter: Filter{Window: Window{From: 5, To: 4}}},
		{Page: 1, PageSize: 1, Filter: Filter{Window: Window{From: 1<<63 - 1}}}, {Page: 1, PageSize: 1, Filter: Filter{Window: Window{To: -1}}}} {
		if p, err := e.List(bg, "app", q); err != nil || len(p.Rows) != 0 {
			t.Errorf("%+v: %d rows, %v", q, len(p.Rows), err)
		}
	}
	var b bytes.Buffer
	if res, err := e.Export(bg, "app", ExportQuery{Filter: Filter{Window: Window{To: -1}}}, &b); err != nil || res.Count != 0 || b.String() != "[]\n" {
		t.Errorf("an empty export: %+v %q %v", res, b.String(), err)
	}
}
