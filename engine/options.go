package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options tune an Engine. The zero value is good for production.
type Options struct {
	// FS is the filesystem. Default: the disk, watched for slow operations.
	FS vfs.FS
	// Now is the wall clock: it stamps operations and decides what is stale.
	// Default: time.Now.
	Now func() time.Time
	// Logger gets events that an operator should see. Default: none.
	Logger *slog.Logger
	// OnFatal is called once, from its own goroutine, when the disk fails in a
	// way after which no write can be trusted. The engine answers reads and
	// refuses writes from then on; opening the directory again recovers.
	// Default: none.
	OnFatal func(error)
	// OnApply is called for every applied operation in sequence order, before
	// it is durable. It must be quick, and keep neither op nor what it points
	// to. Default: none.
	OnApply func(seq uint64, op *Op)

	// OrphanTimeout is how long a trace with a missing parent may stay without
	// an update before its orphans become roots, and an open root before its
	// trace reads as stale. Default: 1 h. Negative: never.
	OrphanTimeout time.Duration
	// Retention removes traces that started longer ago than this, cut at whole
	// hours. Default: 0, keep for ever.
	Retention time.Duration

	// CacheBytes bounds Pebble's block cache. Default: 64 MiB.
	CacheBytes int64
	// MemTableBytes is the size of one Pebble memtable. Default: 32 MiB.
	MemTableBytes uint64
	// StateBytes bounds decoded indexes and buckets kept for reads. Default: 64 MiB.
	StateBytes int64
	// QueueBytes bounds what waits to be committed; more is ErrOverloaded.
	// Default: 256 MiB.
	QueueBytes int64
	// MinFreeBytes is how much of the disk is kept free: with less, new data is
	// ErrUnavailable, and deletes and reads go on. Default: 5 % of the disk, at
	// most 1 GiB, at least twice MemTableBytes. Negative: nothing is kept.
	MinFreeBytes int64
	// MaxTraceBytes and MaxTraceRuns bound one trace; runs beyond are rejected.
	// Defaults: 512 MiB of JSON, 500,000 runs.
	MaxTraceBytes int64
	MaxTraceRuns  int

	// CheckpointEvery and CheckpointDeltas say when changed indexes and buckets
	// are written out and the journal is cut. Defaults: 10 s, 65,536 deltas.
	CheckpointEvery  time.Duration
	CheckpointDeltas int
	// DisableBackground turns the timers off (checkpoints by time, orphan
	// promotion, retention): tests call them themselves. Default: false.
	DisableBackground bool
	// ReadOnly opens the store for reading; nothing in the directory changes.
	ReadOnly bool

	watchDisk  bool // FS is the default
	blockBytes int  // of tables; 0 = 30 KiB. Tests of damage make it small
	format     int  // of a new directory; 0 = FormatVersion

	// Experimental holds options that may change or go.
	Experimental struct {
		// ValueSeparation stores bodies in Pebble's blob files: less write
		// amplification, more small files. Not covered by docs/guarantees.md:
		// Pebble 2.1.7 panics when the end of a blob file is damaged.
		// Default: false.
		ValueSeparation bool
	}
}

// withDefaults returns a copy with every zero replaced by its default.
func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS, o.watchDisk = vfs.Default, true
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&o.OrphanTimeout, time.Hour)
	setDefault(&o.blockBytes, 30<<10)
	setDefault(&o.format, FormatVersion)
	setDefault(&o.CacheBytes, 64<<20)
	setDefault(&o.MemTableBytes, 32<<20)
	setDefault(&o.StateBytes, 64<<20)
	setDefault(&o.QueueBytes, 256<<20)
	setDefault(&o.MaxTraceBytes, 512<<20)
	setDefault(&o.MaxTraceRuns, 500_000)
	setDefault(&o.CheckpointEvery, 10*time.Second)
	setDefault(&o.CheckpointDeltas, 1<<16)
	return o
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// validate reports every option that makes no sense, not just the first.
func (o *Options) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
		}
	}
	check(o.Retention >= 0, "Retention %v is negative", o.Retention)
	check(o.Retention == 0 || o.Retention >= time.Hour, "Retention %v is below one hour", o.Retention)
	check(o.CacheBytes >= 1<<20, "CacheBytes %d is below 1 MiB", o.CacheBytes)
	check(o.MemTableBytes >= 256<<10, "MemTableBytes %d is below 256 KiB", o.MemTableBytes)
	check(o.StateBytes > 0, "StateBytes %d is negative", o.StateBytes)
	check(o.QueueBytes > 0, "QueueBytes %d is negative", o.QueueBytes)
	check(o.MaxTraceBytes > 0, "MaxTraceBytes %d is negative", o.MaxTraceBytes)
	check(o.MaxTraceBytes <= 1<<30, "MaxTraceBytes %d is above 1 GiB", o.MaxTraceBytes)
	check(o.MaxTraceRuns > 0, "MaxTraceRuns %d is negative", o.MaxTraceRuns)
	check(o.CheckpointEvery > 0, "CheckpointEvery %v is negative", o.CheckpointEvery)
	check(o.CheckpointDeltas > 0, "CheckpointDeltas %d is negative", o.CheckpointDeltas)
	return errors.Join(errs...)
}
