package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// waiter starts a goroutine that takes batches as syncLoop does.
func (s *syncs) waiter() <-chan uint64 {
	got := make(chan uint64, 4096)
	go func() {
		for cb := s.next(); cb != nil; cb = s.next() {
			got <- cb.seq
		}
		close(got)
	}()
	return got
}

func batchOf(t *testing.T, empty bool) *pebble.Batch {
	t.Helper()
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: pebbleLogger{new(Engine)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := db.NewBatch()
	t.Cleanup(func() { _ = b.Close() })
	if !empty {
		if err := b.Set([]byte("k"), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// TestSyncsWake: whoever answers is woken by the sync of a batch, be it before
// or after the batch is added, at once where none will come, and in any case
// after a while; and gets all batches in order, also those that are left at the
// end.
func TestSyncsWake(t *testing.T) {
	empty, full := batchOf(t, true), batchOf(t, false)
	quick := func(got <-chan uint64, want uint64) {
		t.Helper()
		select {
		case seq := <-got:
			if seq != want {
				t.Fatalf("batch %d, want %d", seq, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("batch %d never came", want)
		}
	}
	var s syncs
	s.init()
	got := s.waiter()
	s.batches <- &commitBatch{batch: full, seq: 1} // as add does, without late
	s.begins()
	quick(got, 1)
	begun := s.begun.Load()
	s.begins() // while the batch is applied
	s.add(&commitBatch{batch: full, seq: 2}, begun)
	quick(got, 2)
	s.add(&commitBatch{batch: empty, seq: 3}, s.begun.Load())
	quick(got, 3)
	s.add(&commitBatch{batch: full, seq: 4}, s.begun.Load()) // its sync never comes
	quick(got, 4)
	for seq := range uint64(5) {
		s.add(&commitBatch{batch: full, seq: 5 + seq}, s.begun.Load())
	}
	s.close()
	for seq := range uint64(5) {
		quick(got, 5+seq)
	}
	if _, more := <-got; more {
		t.Fatal("more than was added")
	}
	s.begins() // a log is still closed
}

// TestSyncsConcurrent: no batch is left behind, whatever runs beside.
func TestSyncsConcurrent(t *testing.T) {
	full := batchOf(t, false)
	var s syncs
	s.init()
	got := s.waiter()
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				s.begins()
				time.Sleep(time.Microsecond)
			}
		}
	})
	const n = 2000
	for seq := range uint64(n) {
		begun := s.begun.Load()
		s.add(&commitBatch{batch: full, seq: seq}, begun)
		if seq%64 == 0 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	s.close()
	want := uint64(0)
	for seq := range got {
		if seq != want {
			t.Fatalf("batch %d, want %d", seq, want)
		}
		want++
	}
	if want != n {
		t.Fatalf("%d batches of %d", want, n)
	}
	close(done)
	wg.Wait()
}
