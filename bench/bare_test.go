package bench

import (
	"encoding/binary"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/tracebed/tracebed/engine/frame"
)

// bare is the least that a durable store of traces must do: compress the body
// and commit it to Pebble with sync. No parsing, no rows, no indexes.
type bare struct {
	db   *pebble.DB
	bufs sync.Pool
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf must not return: Pebble would report the failed write as done.
func (quiet) Fatalf(format string, _ ...any) { panic(format) }

// openBare uses the settings of the engine where they matter for this load:
// the same encoder, memtables, levels, filters and compression of blocks.
func openBare(tb testing.TB, dir string) *bare {
	o := &pebble.Options{
		FormatMajorVersion: pebble.FormatValueSeparation,
		CacheSize:          64 << 20, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 2, L0StopWritesThreshold: 30, LBaseMaxBytes: 64 << 20,
		FlushSplitBytes: 2 << 20, BytesPerSync: 1 << 20,
		Logger: quiet{},
	}
	profile := *sstable.FastestCompression
	profile.Name = "Bare"
	profile.ValueBlocks = sstable.NoCompression.ValueBlocks
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return &profile }
	}
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = 16 << 20
	}
	db, err := pebble.Open(dir, o)
	check(tb, err)
	return &bare{db: db, bufs: sync.Pool{New: func() any { return new([]byte) }}}
}

// put stores body i. Keys ascend, like those of the engine's bodies.
func (s *bare) put(i int, body []byte) error {
	buf := s.bufs.Get().(*[]byte)
	defer s.bufs.Put(buf)
	*buf, _ = frame.Encode((*buf)[:0], nil, body)
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], uint64(i))
	return s.db.Set(key[:], *buf, pebble.Sync)
}

func (s *bare) close(tb testing.TB) {
	check(tb, s.db.Close())
}
