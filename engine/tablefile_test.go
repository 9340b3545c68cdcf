package engine

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// sink keeps what is written to it, until a write of it fails.
type sink struct {
	vfs.File
	got    bytes.Buffer
	writes int
	synced int // bytes
	failAt int // the write that fails, 0 for none
	closed bool
}

var errSink = errors.New("the sink is full")

func (s *sink) Write(p []byte) (int, error) {
	if s.writes++; s.writes == s.failAt {
		return 0, errSink
	}
	return s.got.Write(p)
}

func (s *sink) Sync() error     { s.synced = s.got.Len(); return nil }
func (s *sink) SyncData() error { return s.Sync() }
func (s *sink) Close() error    { s.closed = true; return nil }

func (s *sink) SyncTo(int64) (bool, error) { return true, s.Sync() }

// TestTableFile: pieces of any size come out as they went in, in few writes, and
// are there after every call that promises it.
func TestTableFile(t *testing.T) {
	e, _ := newEngine(t, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		s := &sink{}
		f := newTableFile(s, e)
		var want []byte
		for range rng.IntN(40) {
			p := []byte(noise(rng.IntN([]int{10, 5 << 10, 40 << 10, 300 << 10}[rng.IntN(4)]), int64(round)))
			if n, err := f.Write(p); n != len(p) || err != nil {
				t.Fatalf("%d of %d, %v", n, len(p), err)
			}
			want = append(want, p...)
			switch rng.IntN(12) {
			case 0:
				if err := f.Sync(); err != nil || s.synced != len(want) {
					t.Fatalf("%d of %d are synced, %v", s.synced, len(want), err)
				}
			case 1:
				if err := f.SyncData(); err != nil || s.synced != len(want) {
					t.Fatalf("%d of %d are synced, %v", s.synced, len(want), err)
				}
			case 2:
				to := rng.Int64N(int64(len(want)) + 1)
				if whole, err := f.SyncTo(to); err != nil || s.synced < int(to) || whole && s.synced != len(want) {
					t.Fatalf("%d of %d are synced, to %d was asked, whole %v, %v", s.synced, len(want), to, whole, err)
				}
			}
		}
		if err := f.Close(); err != nil || !s.closed {
			t.Fatal(err)
		}
		if !bytes.Equal(s.got.Bytes(), want) {
			t.Fatalf("%d bytes, not the %d that were written", s.got.Len(), len(want))
		}
		if _, err := f.Write([]byte("x")); !errors.Is(err, os.ErrClosed) {
			t.Fatalf("a write after Close: %v", err)
		}
	}
	s := &sink{}
	f := newTableFile(s, e)
	for range 1 << 20 / (32 << 10) {
		_, _ = f.Write(make([]byte, 4<<10))
		_, _ = f.Write(make([]byte, 28<<10))
	}
	if err := f.Close(); err != nil || s.writes != 1<<20/tableBuffer {
		t.Errorf("%d writes for 1 MiB, %v", s.writes, err)
	}
}

// TestTableFileFails: after an error nothing looks like success, and nothing is
// written behind the gap.
func TestTableFileFails(t *testing.T) {
	e, _ := newEngine(t, nil)
	s := &sink{failAt: 2}
	f := newTableFile(s, e)
	p := make([]byte, tableBuffer)
	if _, err := f.Write(p); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(p); !errors.Is(err, errSink) {
		t.Errorf("the write that fails: %v", err)
	}
	if n, err := f.Write(p); n != 0 || !errors.Is(err, errSink) {
		t.Errorf("the write after it: %d, %v", n, err)
	}
	if err := f.Sync(); !errors.Is(err, errSink) {
		t.Errorf("sync: %v", err)
	}
	if err := f.SyncData(); !errors.Is(err, errSink) {
		t.Errorf("sync of data: %v", err)
	}
	if _, err := f.SyncTo(1); !errors.Is(err, errSink) {
		t.Errorf("sync of the front: %v", err)
	}
	if err := f.Close(); !errors.Is(err, errSink) || !s.closed {
		t.Errorf("close: %v", err)
	}
	if s.got.Len() != tableBuffer || s.writes != 2 {
		t.Errorf("%d bytes in %d writes", s.got.Len(), s.writes)
	}
}
