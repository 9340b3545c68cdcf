package engine

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// tableBuffer of a table are put together before they are written. Pebble
// writes a block of 32 KiB as 4 KiB, the rest and its trailer; Linux takes 24 ms
// of processor time for 16 MiB in pieces of 4 KiB, 9 in pieces of 32 and 5 in
// pieces of 256, as its page cache then works with larger folios. Every byte is
// written by a flush and a compaction or two: 6 µs of 170 for each trace.
const tableBuffer = 256 << 10

var tableBuffers = sync.Pool{New: func() any { return new([tableBuffer]byte) }}

// tableFile is a table that is being written, by one goroutine at a time. What
// was written is in the file after Sync, SyncData or Close; an error is
// given to the call that meets it and to every later one.
type tableFile struct {
	vfs.File
	e     *Engine
	buf   *[tableBuffer]byte
	n     int       // bytes in buf
	size  int64     // bytes in the file
	began time.Time // when the first of those in buf came
	err   error
}

func newTableFile(f vfs.File, e *Engine) *tableFile {
	return &tableFile{File: f, e: e, buf: tableBuffers.Get().(*[tableBuffer]byte)}
}

// Write is that of vfs.File.
func (t *tableFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) && t.err == nil {
		if t.n == 0 {
			t.began = time.Now()
		}
		n := copy(t.buf[t.n:], p[done:])
		done, t.n = done+n, t.n+n
		if t.n == tableBuffer || t.n >= paceBytes && t.e.paces() {
			t.flush()
		}
	}
	return done, t.err
}

// flush writes what is in the buffer, and then leaves the disk idle where
// tables are paced.
func (t *tableFile) flush() {
	if t.n == 0 || t.err != nil {
		return
	}
	n, err := t.File.Write(t.buf[:t.n])
	t.size, t.n, t.err = t.size+int64(n), 0, err
	if err != nil || n < paceBytes || !t.e.paces() {
		return
	}
	if _, t.err = t.File.SyncTo(t.size); t.err != nil {
		return
	}
	select {
	case <-time.After(t.e.restAfter(time.Since(t.began))):
	case <-t.e.closing:
	case <-t.e.failCh:
	}
}

// Sync is that of vfs.File.
func (t *tableFile) Sync() error {
	if t.flush(); t.err == nil {
		t.err = t.File.Sync()
	}
	return t.err
}

// SyncData is that of vfs.File.
func (t *tableFile) SyncData() error {
	if t.flush(); t.err == nil {
		t.err = t.File.SyncData()
	}
	return t.err
}

// SyncTo is that of vfs.File. Pebble asks for what is a MiB behind, which is
// not in the buffer.
func (t *tableFile) SyncTo(n int64) (whole bool, err error) {
	if n > t.size {
		t.flush()
	}
	if t.err == nil {
		whole, t.err = t.File.SyncTo(n)
	}
	return whole && t.n == 0, t.err
}

// Close is that of vfs.File.
func (t *tableFile) Close() error {
	if t.buf == nil {
		return t.File.Close()
	}
	t.flush()
	tableBuffers.Put(t.buf)
	t.buf = nil
	err := t.err
	t.err = os.ErrClosed
	return errors.Join(err, t.File.Close())
}
