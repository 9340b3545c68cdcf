package engine

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// coldTable writes a file of random bytes and opens it as Pebble opens tables.
func coldTable(t *testing.T, size int) (*coldFile, []byte) {
	data := make([]byte, size)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	name := filepath.Join(t.TempDir(), "000001.sst")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := vfs.Default.Open(name, vfs.RandomReadsOption)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return new(coldReads).table(f, []vfs.OpenOption{vfs.RandomReadsOption}).(*coldFile), data
}

// evict takes the end of a file out of the page cache, if it is on a disk.
func evict(t *testing.T, f *coldFile, from int64) {
	if err := unix.Fsync(int(f.fd)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.fd), from, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

// TestColdFileReads: whatever of it is in memory, and whoever reads, a table
// reads like the file below.
func TestColdFileReads(t *testing.T) {
	const size = 256<<10 + 77
	f, data := coldTable(t, size)
	for _, evicted := range []int64{0, 64 << 10, size} {
		for _, state := range [][2]int32{{0, 0}, {1, 0}, {1, 3}} {
			f.cold.pages.Store(state[0])
			f.cold.readers.Store(state[1])
			for _, r := range [][2]int{{0, 1}, {0, size}, {size - 70<<10, 40 << 10}, {4095, 16 << 10},
				{size - 10, 10}, {size - 10, 11}, {size, 5}, {size + 9, 5}, {7, 0}} {
				evict(t, f, size-evicted)
				got, want := make([]byte, r[1]), make([]byte, r[1])
				n, err := f.ReadAt(got, int64(r[0]))
				wantN, wantErr := bytes.NewReader(data).ReadAt(want, int64(r[0]))
				if r[1] == 0 {
					wantErr = nil // os.File asks nobody
				}
				if n != wantN || !errors.Is(err, wantErr) || !bytes.Equal(got, want) {
					t.Errorf("%d evicted, pages and readers %d: ReadAt(%d, %d) = %d, %v; want %d, %v",
						evicted, state, r[1], r[0], n, err, wantN, wantErr)
				}
			}
		}
	}
}

// TestColdFileCounts: a read that waits for the disk counts, while a page is
// made; one from memory does not.
func TestColdFileCounts(t *testing.T) {
	f, _ := coldTable(t, 64<<10)
	waits := func() int64 {
		before := f.cold.waits.Load()
		if _, err := f.ReadAt(make([]byte, 64<<10), 0); err != nil {
			t.Fatal(err)
		}
		return f.cold.waits.Load() - before
	}
	evict(t, f, 0)
	if n := waits(); n != 0 {
		t.Errorf("%d waits counted without a page", n)
	}
	f.cold.pages.Store(1)
	evict(t, f, 0)
	switch n := waits(); n {
	case 0:
		t.Skip("the filesystem keeps files in memory, or does not say what it keeps")
	case 1:
	default:
		t.Errorf("%d waits for one read", n)
	}
	for range 20 { // the system may evict it, but not for ever
		if waits() == 0 {
			return
		}
	}
	t.Error("reads from memory count as waits")
}

// fetches notes what the system is asked to read ahead.
type fetches struct {
	vfs.File
	from []int64
}

func (f *fetches) Prefetch(at, _ int64) error {
	f.from = append(f.from, at)
	return nil
}

// TestColdFileRun: what lies behind a block is asked for where a page reads
// bodies side by side, and only if the block is cold.
func TestColdFileRun(t *testing.T) {
	f, _ := coldTable(t, 256<<10)
	asked := &fetches{File: f.File}
	f.File = asked
	read := func() {
		if _, err := f.ReadAt(make([]byte, 4096), 8192); err != nil {
			t.Fatal(err)
		}
	}
	f.cold.pages.Store(1)
	evict(t, f, 0)
	read()
	if len(asked.from) > 0 {
		t.Error("a page of rare traces asked for a run")
	}
	f.cold.pages.Store(0)
	end := f.cold.run()
	before := f.cold.waits.Load()
	evict(t, f, 0)
	read()
	if f.cold.waits.Load() == before {
		t.Skip("the filesystem keeps files in memory, or does not say what it keeps")
	}
	if !slices.Equal(asked.from, []int64{8192 + 4096}) {
		t.Errorf("asked for what is behind %d", asked.from)
	}
	end()
	evict(t, f, 0)
	read()
	if len(asked.from) > 1 {
		t.Error("asked for a run after the page")
	}
}
