package engine

import (
	"sync"

	"github.com/tracebed/tracebed/rollup"
)

// memoBytes bounds the memo of merged buckets.
const memoBytes = 48 << 20

// memoKey names a stretch of an app's time, and the retention cutoff that cuts
// its hours short, 0 where none does.
type memoKey struct {
	app      uint32
	from, to int64
	cutoff   int64
}

// memoBucket is a stretch that was merged before: its sums, histogram and
// percentiles. It is valid while no unit in it has changed, which is while the
// newest sequence among them is seq: every change gives a unit a newer one.
type memoBucket struct {
	seq    uint64
	bucket rollup.Bucket
	hist   rollup.Hist
	pct    rollup.Percentiles
}

// bucketMemo remembers merged buckets. A year by day in New York merges 8,760
// hour histograms, 1.3 ms; from the memo it takes 0.3 ms, the percentiles of
// 365 bars included. Two generations: a lookup moves an entry to the young
// one, and when that is full the old one is forgotten.
type bucketMemo struct {
	mu         sync.Mutex
	young, old map[memoKey]*memoBucket
	bytes      int64 // of young
}

func (m *bucketMemo) get(k memoKey, seq uint64) *memoBucket {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.young[k]
	if b == nil {
		if b = m.old[k]; b != nil {
			delete(m.old, k)
			m.insert(k, b)
		}
	}
	if b == nil || b.seq != seq {
		return nil
	}
	return b
}

func (m *bucketMemo) put(k memoKey, b *memoBucket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.insert(k, b)
}

func (m *bucketMemo) insert(k memoKey, b *memoBucket) {
	size := int64(512 + 16*len(b.hist.Cells()))
	if m.young == nil || m.bytes+size > memoBytes/2 {
		m.old, m.young, m.bytes = m.young, map[memoKey]*memoBucket{}, 0
	}
	m.young[k] = b
	m.bytes += size
}
