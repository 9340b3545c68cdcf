package engine

import (
	"sync/atomic"
	"time"
)

// How a page of rare traces waits for the disk. Each of its bodies is in a block
// of its own, and one after the other 20 reads of a disk are 20 waits. So as
// soon as a lookup takes as long as one, others read on: the next bodies come
// into the cache while this one is made into a row: the worst p99 of BenchmarkList
// was 0.9, 0.9 and 1.2 ms where it was 1.0, 1.4 and 3.5 without, in turns. A page
// whose blocks are in memory pays for looking at the clock; with readers from
// the start it took 0.3 instead of 0.2 ms, for waking them.
const (
	// aheadReaders read beside the one who makes the rows.
	aheadReaders = 3
	// coldLookup is longer than what a block in memory takes (5 to 15 µs) and
	// shorter than a disk (60 µs and more).
	coldLookup = 40 * time.Microsecond
)

// ahead reads bodies of a page before they are wanted.
type ahead struct {
	v       *view
	rows    []summary
	ids     [][]byte
	reverse bool // rows are made from the last to the first
	made    int  // or being made
	started bool
	next    atomic.Int64 // to be read, in the order in which they are made
}

// took is called with the time that the lookup of each row took.
func (a *ahead) took(d time.Duration) {
	a.made++
	if d < coldLookup || a.started {
		return
	}
	a.started = true
	a.next.Store(int64(a.made))
	for range min(aheadReaders, len(a.rows)-a.made) {
		a.v.users.Add(1)
		go a.read()
	}
}

// stop ends the readers, and does not wait for them: each holds the view.
func (a *ahead) stop() { a.next.Store(int64(len(a.rows))) }

func (a *ahead) read() {
	bs := &bodies{v: a.v}
	defer func() {
		_ = recover() // from a panic of Pebble: whoever makes the row meets it too
		_ = bs.release()
		a.v.close()
	}()
	for {
		i := int(a.next.Add(1)) - 1
		if i >= len(a.rows) {
			return
		}
		if a.reverse {
			i = len(a.rows) - 1 - i
		}
		if _, err := bs.find(a.rows[i].startUS, a.ids[i]); err != nil {
			return
		}
	}
}
