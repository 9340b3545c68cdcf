package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/internal/turns"
)

// countedFile counts how often a file was asked to be on the disk so far.
type countedFile struct {
	vfs.File
	syncs int
	upTo  int64
}

func (c *countedFile) Write(p []byte) (int, error) { return len(p), nil }

func (c *countedFile) SyncTo(n int64) (bool, error) {
	c.syncs++
	c.upTo = n
	return false, nil
}

// TestTablesArePaced: tables are written a little at a time while small requests
// come beside large ones, and only then.
func TestTablesArePaced(t *testing.T) {
	e, _ := newEngine(t, func(o *Options) { o.watchDisk = true })
	pieces := make([]byte, 32<<10)
	write := func() *countedFile {
		c := &countedFile{}
		f := newTableFile(c, e)
		for range 8 {
			if n, err := f.Write(pieces); n != len(pieces) || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		return c
	}
	turns.Shared().Small()
	if c := write(); c.syncs != 0 {
		t.Errorf("without large requests: %d syncs", c.syncs)
	}
	e.lastLarge.Store(time.Now().UnixNano())
	if c := write(); c.syncs != 2 || c.upTo != 8*int64(len(pieces)) {
		t.Errorf("beside large requests: %d syncs, up to %d", c.syncs, c.upTo)
	}
	e.lastLarge.Store(time.Now().Add(-largeFor).UnixNano())
	if c := write(); c.syncs != 0 {
		t.Errorf("after large requests: %d syncs", c.syncs)
	}
}

// TestPacedStore: what is stored while tables are paced is all there.
func TestPacedStore(t *testing.T) {
	e := openTest(t, t.TempDir(), Options{MemTableBytes: 1 << 20})
	if !e.opts.watchDisk {
		t.Error("a directory is not on a disk")
	}
	for i := range 40 {
		r := oneRun(fmt.Sprint("large", i), epoch.Add(time.Duration(i)*time.Minute))
		r.output = noise(100<<10, int64(i))
		ingest(t, e, "app", r, oneRun(fmt.Sprint("small", i), epoch))
	}
	if e.lastLarge.Load() == 0 {
		t.Error("no request was a large one")
	}
	if err := e.flush(t.Context()); err != nil {
		t.Error(err)
	}
	verifyClean(t, e)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// TestRestAfter: the disk is idle for longer than it was busy, within a bound.
func TestRestAfter(t *testing.T) {
	e := &Engine{}
	if got := e.restAfter(time.Second); got != time.Second {
		t.Errorf("without a disk: %v", got)
	}
	e.opts.watchDisk = true
	for _, c := range []struct{ took, want time.Duration }{
		{0, 0}, {time.Millisecond, restTimes * time.Millisecond}, {time.Minute, restMost},
	} {
		if got := e.restAfter(c.took); got != c.want {
			t.Errorf("after %v: %v, want %v", c.took, got, c.want)
		}
	}
}

// TestRoomForSmall: tables are written at full speed while what small requests
// may still use is running out.
func TestRoomForSmall(t *testing.T) {
	e, _ := newEngine(t, nil)
	size := e.opts.MemTableBytes
	for _, c := range []struct {
		memTables uint64
		sublevels int32
		want      bool
	}{{0, 0, true}, {3 * size, bulkSublevels, true}, {4*size - size/2, 0, false}, {0, l0Sublevels - 1, false}} {
		if got := e.roomForSmall(c.memTables, c.sublevels); got != c.want {
			t.Errorf("%d bytes, %d sublevels: %v", c.memTables, c.sublevels, got)
		}
	}
}
