package drivers

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/tracebed/tracebed/bench/peers/peer"
	"github.com/tracebed/tracebed/engine/frame"
)

// Bare is the least that a durable store must do: compress the texts with the
// engine's encoder and commit them to Pebble with sync, a batch at a time.
type Bare struct {
	db   *pebble.DB
	next atomic.Uint64
	bufs sync.Pool
}

var errBare = errors.New("the bare loop answers no queries")

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

// Fatalf must not return: Pebble would report the failed write as done.
func (silent) Fatalf(format string, _ ...any) { panic(format) }

// BareOptions are the settings of the engine where they matter for this load:
// memtables, levels, filters and compression of blocks.
func BareOptions() *pebble.Options {
	o := &pebble.Options{
		FormatMajorVersion: pebble.FormatValueSeparation,
		CacheSize:          64 << 20, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4,
		L0CompactionThreshold: 2, L0StopWritesThreshold: 30, LBaseMaxBytes: 64 << 20,
		FlushSplitBytes: 2 << 20, BytesPerSync: 1 << 20,
		Logger: silent{},
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
	return o
}

// OpenBare opens a Pebble store.
func OpenBare(dir string) (peer.Driver, error) {
	db, err := pebble.Open(dir, BareOptions())
	return &Bare{db: db, bufs: sync.Pool{New: func() any { return new([]byte) }}}, err
}

// Prepare has nothing to do.
func (s *Bare) Prepare(batch []peer.Rec) (peer.Work, error) {
	return func() error {
		b := s.db.NewBatch()
		buf := s.bufs.Get().(*[]byte)
		defer s.bufs.Put(buf)
		for i := range batch {
			*buf, _ = frame.Encode((*buf)[:0], nil, batch[i].Full)
			var key [32]byte // ascending, like those of the engine's bodies
			binary.BigEndian.PutUint64(key[:], s.next.Add(1))
			if err := b.Set(key[:], *buf, nil); err != nil {
				return errors.Join(err, b.Close())
			}
		}
		return b.Commit(pebble.Sync)
	}, nil
}

// Metrics is an error, as are the other queries.
func (s *Bare) Metrics(*peer.MetricsQuery) ([]peer.Sums, error) { return nil, errBare }

// List is an error.
func (s *Bare) List(*peer.ListQuery) (peer.Page, error) { return peer.Page{}, errBare }

// Trace is an error.
func (s *Bare) Trace(string, int32, string) ([]byte, error) { return nil, errBare }

// Export is an error.
func (s *Bare) Export(string, int32, int, io.Writer) (peer.Exported, error) {
	return peer.Exported{}, errBare
}

// Close closes the store.
func (s *Bare) Close() error { return s.db.Close() }
