package engine

import "sync/atomic"

// aheadReaders read beside the one who makes the rows; see coldFile for how so
// many wait on few processors.
const aheadReaders = 16

// ahead is how a page of rare traces waits for the disk. Each of its bodies is
// in a block of its own, and one after the other 20 reads of a disk are 20
// waits. So as soon as the page has had to wait, be it for a summary, others
// read on: the next bodies come into the cache while this one is made into a
// row. A page in memory wakes nobody: with readers from the start it took 0.3
// instead of 0.2 ms. Not worth it: bodies read beside the walk, and seeks to the
// summaries further on beside it (within the noise, as readers and walk want the
// same processors).
type ahead struct {
	v       *view
	disk    *coldReads
	waits   int64 // for the disk, when the page began
	rows    []summary
	ids     [][]byte
	reverse bool // rows are made from the last to the first
	made    int  // or being made
	started bool
	next    atomic.Int64 // to be read, in the order in which they are made
}

// ahead begins a page of rare traces; stop must be called.
func (v *view) ahead() *ahead {
	disk := &v.e.disk.cold
	disk.pages.Add(1)
	return &ahead{v: v, disk: disk, waits: disk.waits.Load()}
}

// making is called before each row is made.
func (a *ahead) making() {
	if a.made++; a.started || a.disk.waits.Load() == a.waits {
		return
	}
	a.started = true
	a.next.Store(int64(a.made))
	for range min(aheadReaders, len(a.rows)-a.made) {
		a.disk.readers.Add(1)
		a.v.users.Add(1)
		go a.read()
	}
}

// stop ends the readers, and does not wait for them: each holds the view.
func (a *ahead) stop() {
	a.next.Store(int64(len(a.rows)))
	a.disk.pages.Add(-1)
}

func (a *ahead) read() {
	bs := &bodies{v: a.v}
	defer func() {
		_ = recover() // from a panic of Pebble: whoever makes the row meets it too
		_ = bs.release()
		a.disk.readers.Add(-1)
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
