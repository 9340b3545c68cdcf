package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"
	dto "github.com/prometheus/client_model/go"
)

// Stats are counters and gauges of a running engine, for an operator.
type Stats struct {
	Seq                  uint64 // last applied operation
	Batches, Ops         uint64 // committed batches and the operations in them
	QueueOps, QueueBytes int64  // waiting to be committed
	DiskBytes            uint64
	// DiskFree and DiskTotal are those of the filesystem, in bytes; 0 where it
	// does not tell. With less than DiskFloor free new data is refused.
	DiskFree, DiskTotal, DiskFloor uint64
	MemtableBytes                  uint64
	BlockCacheBytes                int64
	CompactionDebtBytes            uint64
	L0Files, L0Sublevels           int64
	WALBytes                       uint64
	StateBytes                     int64 // decoded index and bucket state in memory
	Corruptions                    uint64
	Checkpoints                    uint64
	RebuiltUnits                   uint64
	WriteStalls                    uint64
	// StallTime is how long writes have waited for the disk, all stalls together.
	StallTime time.Duration
	NoopRuns  uint64 // received runs that changed nothing
	// BackgroundErrors are failed flushes and compactions; they are retried.
	BackgroundErrors uint64
	// Fsync is how long syncs of the log took.
	Fsync Histogram
	// Pebble holds numbers of the store below.
	Pebble []PebbleStat
}

// Histogram counts observations up to each bound, in seconds.
type Histogram struct {
	Bounds []float64
	Counts []uint64 // at most the bound, so that they ascend
	Count  uint64
	Sum    float64
}

// PebbleStat is one number of Pebble.
type PebbleStat struct {
	Name    string // as in "compactions_total"
	Help    string
	Counter bool   // else it is a gauge
	Level   string // of the tree, "" where there is no such distinction
	Value   float64
}

// Stats returns counters and gauges.
func (e *Engine) Stats() Stats {
	s := Stats{
		Seq: e.applied.Load(), Batches: e.batches.Load(), Ops: e.ops.Load(),
		QueueOps: e.queueOps.Load(), QueueBytes: e.queueBytes.Load(), StateBytes: e.stateBytes.Load(),
		Corruptions: e.corruptions.Load(), Checkpoints: e.checkpoints.Load(), RebuiltUnits: e.rebuilt.Load(),
		WriteStalls: e.stalls.Load(), NoopRuns: e.noopRuns.Load(), BackgroundErrors: e.backgroundErrors.Load(),
		StallTime: e.stallTime(),
	}
	leave, err := e.enter(context.Background())
	if err != nil {
		return s
	}
	defer leave()
	if u, err := e.opts.FS.GetDiskUsage(e.dir); err == nil {
		s.DiskFree, s.DiskTotal, s.DiskFloor = u.AvailBytes, u.TotalBytes, e.minFree(u)
	}
	m := e.db.Metrics()
	s.DiskBytes = m.DiskSpaceUsage()
	s.MemtableBytes = m.MemTable.Size
	s.BlockCacheBytes = m.BlockCache.Size
	s.CompactionDebtBytes = m.Compact.EstimatedDebt
	s.L0Files, s.L0Sublevels = m.Levels[0].TablesCount, int64(m.Levels[0].Sublevels)
	s.WALBytes = m.WAL.Size
	s.Fsync = fsyncHistogram(m)
	s.Pebble = pebbleStats(m)
	return s
}

// stallTime adds up the stalls, the one that goes on included.
func (e *Engine) stallTime() time.Duration {
	total := e.stallNanos.Load()
	if began := e.stallBegan.Load(); began != 0 {
		total += max(0, e.opts.Now().UnixNano()-began)
	}
	return time.Duration(total)
}

// stallBegins notes that writes wait for the disk.
func (e *Engine) stallBegins() {
	e.stalls.Add(1)
	e.stallBegan.Store(e.opts.Now().UnixNano())
}

// stallEnds notes how long a stall took.
func (e *Engine) stallEnds() {
	if began := e.stallBegan.Swap(0); began != 0 {
		e.stallNanos.Add(max(0, e.opts.Now().UnixNano()-began))
	}
}

// fsyncBounds are the bounds that are shown, in seconds; of Pebble's hundred
// the nearest is taken.
var fsyncBounds = []float64{0.0002, 0.0005, 0.001, 0.002, 0.0049, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}

// fsyncHistogram thins out Pebble's histogram, which counts nanoseconds.
func fsyncHistogram(m *pebble.Metrics) Histogram {
	var h Histogram
	var pb dto.Metric
	if m.LogWriter.FsyncLatency == nil || m.LogWriter.FsyncLatency.Write(&pb) != nil {
		return h
	}
	next := 0
	buckets := pb.GetHistogram().GetBucket()
	for i, b := range buckets {
		bound := b.GetUpperBound() / 1e9
		last := i == len(buckets)-1
		if next == len(fsyncBounds) || !last && buckets[i+1].GetUpperBound()/1e9 <= fsyncBounds[next] {
			continue
		}
		if bound <= 0 {
			continue
		}
		h.Bounds = append(h.Bounds, bound)
		h.Counts = append(h.Counts, b.GetCumulativeCount())
		for next < len(fsyncBounds) && !last && fsyncBounds[next] < buckets[i+1].GetUpperBound()/1e9 {
			next++
		}
	}
	h.Count = pb.GetHistogram().GetSampleCount()
	h.Sum = pb.GetHistogram().GetSampleSum() / 1e9
	return h
}

// pebbleStats picks what tells how the store does.
func pebbleStats(m *pebble.Metrics) []PebbleStat {
	gauge := func(name, help string, v float64) PebbleStat { return PebbleStat{Name: name, Help: help, Value: v} }
	counter := func(name, help string, v float64) PebbleStat {
		return PebbleStat{Name: name, Help: help, Counter: true, Value: v}
	}
	out := []PebbleStat{
		counter("compactions_total", "Finished compactions.", float64(m.Compact.Count)),
		counter("compactions_failed_total", "Failed compactions.", float64(m.Compact.FailedCount)),
		gauge("compactions_running", "Compactions that run.", float64(m.Compact.NumInProgress)),
		counter("compaction_seconds_total", "Time spent on compactions.", m.Compact.Duration.Seconds()),
		counter("flushes_total", "Memtables written to tables.", float64(m.Flush.Count)),
		gauge("memtables", "Memtables.", float64(m.MemTable.Count)),
		counter("wal_bytes_written_total", "Bytes written to the log.", float64(m.WAL.BytesWritten)),
		gauge("wal_files", "Files of the log.", float64(m.WAL.Files)),
		counter("block_cache_hits_total", "Blocks found in the cache.", float64(m.BlockCache.Hits)),
		counter("block_cache_misses_total", "Blocks read from the disk.", float64(m.BlockCache.Misses)),
		counter("filter_hits_total", "Look-ups that a filter saved.", float64(m.Filter.Hits)),
		counter("filter_misses_total", "Look-ups that a filter did not save.", float64(m.Filter.Misses)),
		gauge("snapshots", "Open snapshots.", float64(m.Snapshots.Count)),
		gauge("table_iterators", "Open iterators of tables.", float64(m.TableIters)),
		gauge("zombie_bytes", "Bytes of deleted tables that readers still hold.", float64(m.Table.ZombieSize)),
		gauge("obsolete_bytes", "Bytes of tables that wait to be deleted.", float64(m.Table.ObsoleteSize)),
		gauge("tombstones", "Deletion marks.", float64(m.Keys.TombstoneCount)),
		gauge("file_cache_tables", "Open tables.", float64(m.FileCache.TableCount)),
	}
	level := func(name, help string, counter bool, v func(*pebble.LevelMetrics) float64) {
		for i := range m.Levels {
			out = append(out, PebbleStat{Name: name, Help: help, Counter: counter, Level: strconv.Itoa(i), Value: v(&m.Levels[i])})
		}
	}
	level("level_files", "Tables of a level.", false, func(l *pebble.LevelMetrics) float64 { return float64(l.TablesCount) })
	level("level_bytes", "Bytes of a level.", false, func(l *pebble.LevelMetrics) float64 { return float64(l.TablesSize) })
	level("level_compacted_bytes_total", "Bytes written to a level by compactions.", true,
		func(l *pebble.LevelMetrics) float64 { return float64(l.TableBytesCompacted) })
	level("level_flushed_bytes_total", "Bytes written to a level from memtables.", true,
		func(l *pebble.LevelMetrics) float64 { return float64(l.TableBytesFlushed) })
	return out
}
