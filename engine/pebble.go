package engine

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pebbleFormat is the newest format of the pinned Pebble, set explicitly: the
// default is the oldest, in which a WAL has no detection of damage.
const pebbleFormat = pebble.FormatValueSeparation

// blockProfile compresses rows cheaply and leaves bodies alone: they are zstd
// frames already, and have tables of their own (see SpanPolicyFunc), in which
// the adaptive compressor soon falls back to none.
var blockProfile = &sstable.CompressionProfile{
	Name:                           "Tracebed",
	DataBlocks:                     sstable.FastestCompression.DataBlocks,
	ValueBlocks:                    sstable.NoCompression.ValueBlocks,
	OtherBlocks:                    sstable.NoCompression.OtherBlocks,
	MinReductionPercent:            12,
	AdaptiveReductionCutoffPercent: 12,
}

// settledProfile is that of the last three levels, where rows stay: zstd makes list
// rows of rare traces, indexes and buckets a quarter to a third smaller than MinLZ
// does. spanPolicy says what is not packed; bodies are left alone as above.
var settledProfile = &sstable.CompressionProfile{
	Name:                           "Tracebed settled",
	DataBlocks:                     sstable.BalancedCompression.DataBlocks,
	ValueBlocks:                    sstable.NoCompression.ValueBlocks,
	OtherBlocks:                    sstable.NoCompression.OtherBlocks,
	MinReductionPercent:            5,
	AdaptiveReductionCutoffPercent: 5,
}

// spanPolicy says how rows are stored by their prefix. Each span has sstables of
// its own: bodies are hour-major and append-only, so that they can move down for
// free.
//
// Ids, hashes and times do not get smaller: zstd makes summaries 7 % shorter,
// locators 3 %, and reading a cold block of them more than twice as dear (in a
// profile of charts). So these are only tried with a fast encoder. Bytes a trace
// (200,000 traces of bench/peers), packed by zstd, by MinLZ, and not at all:
//
//	l  31.9  32.9  32.9      i  5.2   7.9  10.4
//	q   5.5   6.8   7.1      r  23.7  32.8  71.5
//	s  65.7  70.9  70.9      b, h  2.3  3.0  3.6
func spanPolicy(start []byte) (pebble.SpanPolicy, []byte, error) {
	p := byte(0)
	if len(start) > 0 {
		p = start[0]
	}
	rows := pebble.SpanPolicy{ValueStoragePolicy: pebble.ValueStorageLowReadLatency}
	switch {
	case p >= prefixPiece:
		return pebble.SpanPolicy{}, nil, nil
	case p >= prefixSummary:
		rows.PreferFastCompression = true
		return rows, []byte{prefixPiece}, nil
	case p >= prefixRare:
		return rows, []byte{prefixSummary}, nil
	case p >= prefixLocator: // and the few of m and o
		rows.PreferFastCompression = true
		return rows, []byte{prefixRare}, nil
	}
	return rows, []byte{prefixLocator}, nil
}

// pebbleOptions are the measured settings of storage.md Q5.
func (e *Engine) pebbleOptions(lock *pebble.Lock, readOnly bool) *pebble.Options {
	disk := newDiskFS(e.opts.FS, e)
	e.disk = disk
	o := &pebble.Options{
		FS:                 disk,
		Lock:               lock,
		ReadOnly:           readOnly,
		FormatMajorVersion: pebbleFormat,
		// Pebble takes its memtables out of the cache: without room for them
		// a busy store has no cache at all (measured: hit rate 9 %, lookups
		// twice as dear).
		CacheSize:                   e.opts.CacheBytes + memTables*int64(e.opts.MemTableBytes),
		MemTableSize:                e.opts.MemTableBytes,
		MemTableStopWritesThreshold: memTables + 1, // awaitRoom waits before that
		L0CompactionThreshold:       2,
		L0StopWritesThreshold:       l0Sublevels + 10,
		LBaseMaxBytes:               64 << 20,
		FlushSplitBytes:             2 << 20,
		Logger:                      pebbleLogger{e},
		EventListener:               e.listener(disk.diskState),
		BytesPerSync:                1 << 20,
		WALBytesPerSync:             0,
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return blockProfile }
	}
	for i := len(o.Levels) - 3; i < len(o.Levels); i++ {
		o.Levels[i].Compression = func() *sstable.CompressionProfile { return settledProfile }
	}
	setBlocks(o, e.opts.blockBytes)
	for i := range o.TargetFileSizes {
		o.TargetFileSizes[i] = 16 << 20
	}
	o.Experimental.SpanPolicyFunc = spanPolicy
	if e.opts.Experimental.ValueSeparation {
		o.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy {
			return pebble.ValueSeparationPolicy{Enabled: true, MinimumSize: 1024,
				MaxBlobReferenceDepth: 10, RewriteMinimumAge: 0, TargetGarbageRatio: 0.3}
		}
	}
	if e.opts.watchDisk {
		o.WithFSDefaults() // Pebble does it by itself only where FS is nil
	}
	return o
}

// listener counts what an operator wants to know and keeps damage from ending
// the process: Pebble's default for a corrupt block is Fatalf (style.md 3c.5).
func (e *Engine) listener(disk *diskState) *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) { e.backgroundError(err, disk) },
		FlushEnd: func(info pebble.FlushInfo) {
			if info.Err == nil {
				e.flushed(disk)
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			e.corruptions.Add(1)
			e.opts.Logger.Error("damaged block in the store", slog.String("path", info.Path),
				slog.String("detail", info.Details.Error()))
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			e.stallBegins()
			e.opts.Logger.Warn("writes wait for the disk", slog.String("reason", info.Reason))
		},
		WriteStallEnd: func() { e.stallEnds() },
		DiskSlow: func(info pebble.DiskSlowInfo) {
			e.opts.Logger.Warn("slow disk", slog.String("path", info.Path), slog.Duration("after", info.Duration))
		},
	}
}

// backgroundError rate-limits the log and the tries.
func (e *Engine) backgroundError(err error, disk *diskState) {
	e.backgroundErrors.Add(1)
	if !pebble.IsCorruptionError(err) { // a damaged table keeps no new one from being written
		e.flushFailed(err, disk)
	}
	now := e.opts.Now().Unix()
	if last := e.lastBackground.Load(); now != last && e.lastBackground.CompareAndSwap(last, now) {
		e.opts.Logger.Error("background work of the store failed; it is retried", slog.Any("error", err))
	}
}

// pebbleLogger drops Pebble's chatter and turns Fatalf into a read-only engine.
type pebbleLogger struct{ e *Engine }

func (l pebbleLogger) Infof(string, ...any) {}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.e.opts.Logger.Warn("pebble: " + fmt.Sprintf(format, args...))
}

// Fatalf must never return: Pebble would report the failed write as done
// (style.md 3c.1). The engine turns read-only, everybody who waits for a write
// gets an error, and this goroutine stops for ever.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	err := &diskError{text: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if cause, ok := a.(error); ok {
			err.cause = cause
		}
	}
	l.e.fail(err)
	l.e.stuck.once.Do(func() { close(l.e.stuck.ch) })
	select {}
}

// diskError is a failure that only Pebble's log tells.
type diskError struct {
	text  string
	cause error // nil when Pebble gave only text
}

func (d *diskError) Error() string {
	return ErrReadOnly.Error() + ": the disk failed: " + d.text + "; restart after mending it"
}

func (d *diskError) Unwrap() []error { return []error{ErrReadOnly, d.cause} }

// failure is the first fatal error; nil while the engine can write.
type failure struct{ err atomic.Pointer[error] }

func (f *failure) get() error {
	if p := f.err.Load(); p != nil {
		return *p
	}
	return nil
}
