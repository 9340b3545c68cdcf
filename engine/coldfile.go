package engine

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// coldRead is longer than what the system takes for a block that it has in
// memory and shorter than a disk (60 µs and more). For systems that do not tell.
const coldRead = 40 * time.Microsecond

// pageRun is about what the bodies of a page take that lie side by side. Asked
// for with the first that is cold, they are one wait for the disk instead of
// two or three: Pebble reads ahead from the third block on.
const pageRun = 80 << 10

// coldReads is what pages know of the tables they read, and the tables of them.
type coldReads struct {
	pages   atomic.Int32 // on their way
	runs    atomic.Int32 // of them, that are reading bodies side by side
	readers atomic.Int32 // that read ahead for pages of rare traces
	waits   atomic.Int64 // reads that waited for the disk, while there were pages
}

// run is called before a page reads bodies side by side, what it returns after.
func (c *coldReads) run() (end func()) {
	c.pages.Add(1)
	c.runs.Add(1)
	return func() {
		c.runs.Add(-1)
		c.pages.Add(-1)
	}
}

// table makes a table that Pebble opens to read here and there tell of waits.
func (c *coldReads) table(f vfs.File, opts []vfs.OpenOption) vfs.File {
	if !slices.Contains(opts, vfs.RandomReadsOption) {
		return f
	}
	return &coldFile{f, c, f.Fd()}
}

// coldFile is a table. While bodies are read ahead, whoever has to wait for the
// disk has the kernel begin and lets the others run first. A goroutine that
// waits in pread keeps one of Go's processors until the runtime's monitor takes
// it away, so that on two of them about two blocks were asked for at a time,
// however many read: 20 blocks of 16 KiB took 1.2 ms one after the other, 0.9
// with 4 or 20 readers, and take 0.5 when all are asked for first.
type coldFile struct {
	vfs.File
	cold *coldReads
	fd   uintptr
}

// ReadAt is that of vfs.File.
func (f *coldFile) ReadAt(p []byte, at int64) (int, error) {
	if f.cold.pages.Load() == 0 {
		return f.File.ReadAt(p, at)
	}
	n, known := readCached(f.fd, p, at)
	if n == len(p) {
		return n, nil
	}
	if known {
		f.cold.waits.Add(1)
		if f.cold.readers.Load() > 0 {
			runtime.Gosched()
		} else if f.cold.runs.Load() > 0 {
			_ = f.File.Prefetch(at+int64(len(p)), pageRun)
		}
	}
	began := time.Now()
	rest, err := f.File.ReadAt(p[n:], at+int64(n))
	if !known && time.Since(began) >= coldRead {
		f.cold.waits.Add(1)
	}
	return n + rest, err
}
