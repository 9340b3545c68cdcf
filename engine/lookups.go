package engine

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// lookups are iterators over the locators of all apps, which requests that are
// prepared between two commits use one after the other: making and closing one
// for each takes 3.3 µs of 170 (BenchmarkIngest).
//
// An iterator shows the store as it was when it was made. A request locks the
// stripes of its traces first and takes an iterator then; a commit renews them
// before it unlocks stripes. So whoever looks for a trace sees the last change
// of it.
type lookups struct {
	mu     sync.Mutex
	gen    uint64 // renewals
	free   []*pebble.Iterator
	closed bool
}

// lookupsKept is how many unused ones are kept: what is prepared at one time
// hardly ever exceeds the processors.
const lookupsKept = 8

// take gives an iterator for one goroutine, to be put back with its generation.
func (l *lookups) take(db *pebble.DB) (it *pebble.Iterator, gen uint64, err error) {
	l.mu.Lock()
	gen = l.gen
	if n := len(l.free); n > 0 {
		it, l.free = l.free[n-1], l.free[:n-1]
	}
	l.mu.Unlock()
	if it != nil {
		return it, gen, nil
	}
	// Most lookups are for traces that are not there. Get never asks the
	// filter of the last level, an iterator can (storage.md Q3: 3× cheaper).
	it, err = db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{prefixLocator}, UpperBound: []byte{prefixLocator + 1}, UseL6Filters: true})
	return it, gen, storeError(err)
}

// put gives an iterator back. One that is stale, or has met an error, is closed.
func (l *lookups) put(it *pebble.Iterator, gen uint64) {
	if it.Error() == nil {
		l.mu.Lock()
		if gen == l.gen && !l.closed && len(l.free) < lookupsKept {
			l.free = append(l.free, it)
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
	_ = it.Close() // errors of the reads were returned by them
}

// renew makes later requests see what was committed until now. Nothing unused is
// kept open: an iterator keeps memtables and tables that are gone otherwise.
func (l *lookups) renew() {
	l.mu.Lock()
	l.gen++
	free := l.free
	l.free = nil
	l.mu.Unlock()
	for _, it := range free {
		_ = it.Close()
	}
}

// close ends them all; nobody uses one any more.
func (l *lookups) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, it := range l.free {
		errs = append(errs, it.Close())
	}
	l.free, l.closed = nil, true
	return errors.Join(errs...)
}
