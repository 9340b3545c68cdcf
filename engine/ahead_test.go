package engine

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/rollup"
)

// slowReads is a disk whose reads take a while once it is slow; it notes how
// many were on their way at one time.
type slowReads struct {
	vfs.FS
	slow      *atomic.Bool
	now, most *atomic.Int32
}

type slowFile struct {
	vfs.File
	fs slowReads
}

func (s slowReads) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, opts...)
	if err != nil {
		return nil, err
	}
	return slowFile{f, s}, nil
}

func (f slowFile) ReadAt(p []byte, at int64) (int, error) {
	if f.fs.slow.Load() {
		n := f.fs.now.Add(1)
		for m := f.fs.most.Load(); n > m && !f.fs.most.CompareAndSwap(m, n); m = f.fs.most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
		f.fs.now.Add(-1)
	}
	return f.File.ReadAt(p, at)
}

// TestPageReadsAhead: bodies of a page of rare traces that are on the disk are
// read by several, the rows are those of a page from memory, in either order,
// and nothing is held when the engine closes.
func TestPageReadsAhead(t *testing.T) {
	fs := slowReads{vfs.NewMem(), new(atomic.Bool), new(atomic.Int32), new(atomic.Int32)}
	o := smallOptions(fs, newClock())
	e := openTest(t, "data", o)
	walkRows(t, e, rand.New(rand.NewPCG(5, 6)))
	q := ListQuery{Page: 1, PageSize: 20, Preview: previewBytes}
	q.Statuses = []rollup.Status{rollup.Running}
	want := map[bool][]TraceRow{}
	for _, asc := range []bool{false, true} {
		q.Ascending = asc
		p, err := e.List(bg, "app", q)
		if err != nil || len(p.Rows) < 10 {
			t.Fatalf("%d rows, error %v", len(p.Rows), err)
		}
		want[asc] = p.Rows
	}
	for _, asc := range []bool{false, true} {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = openTest(t, "data", o) // with nothing in the cache
		fs.most.Store(0)
		fs.slow.Store(true)
		q.Ascending = asc
		p, err := e.List(bg, "app", q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want[asc] {
			if i >= len(p.Rows) || p.Rows[i].ID != want[asc][i].ID || string(p.Rows[i].JSON) != string(want[asc][i].JSON) {
				t.Fatalf("ascending %t: row %d of %d differs", asc, i, len(p.Rows))
			}
		}
		if fs.most.Load() < 2 {
			t.Errorf("ascending %t: the disk was asked for one block after the other", asc)
		}
		fs.slow.Store(false)
	}
	if err := e.Close(); err != nil { // Pebble says when a snapshot or an iterator was left open
		t.Fatal(err)
	}
	if c := &e.disk.cold; c.pages.Load() != 0 || c.readers.Load() != 0 || c.runs.Load() != 0 {
		t.Errorf("%d pages, %d readers and %d runs are left", c.pages.Load(), c.readers.Load(), c.runs.Load())
	}
}
