package engine

import (
	"github.com/cockroachdb/pebble/v2"
)

// bunchBytes is how much of the stored bytes an export holds at a time.
const bunchBytes = 1 << 20

// bunch is what an export has read and not written yet: copies, so that it
// holds nothing of the store while its client takes its time. An open iterator
// keeps the memtables of its moment in memory: 16 slow downloads that began at
// different moments held 0.5 GB of them (TestOverload with traces of 50 MB).
type bunch struct {
	items []bunchItem
	ids   []byte
	bytes []byte // stored frames
	last  bool   // nothing comes behind it
	ended bool   // at the limit
}

type bunchItem struct {
	b       body
	startUS int64
	id      []byte
}

// gather reads traces until the bunch is full and says whether there are more.
// What was gathered before an error is good.
func (x *exporter) gather(wk *walker, bs *bodies) (more bool, err error) {
	x.items, x.ids, x.bytes = x.items[:0], x.ids[:0], x.bytes[:0]
	for len(x.bytes) < bunchBytes {
		if more, err = wk.next(); err != nil {
			return false, err
		}
		if !more {
			x.last = true
			return false, nil
		}
		if x.q.Limit > 0 && x.result.Count+int64(len(x.items)) >= x.q.Limit {
			x.ended = true
			return false, nil
		}
		b, err := bs.get(wk.row.startUS, wk.id)
		if err != nil {
			return false, corrupt(wk.id, err)
		}
		at := len(x.bytes)
		x.bytes = append(x.bytes, b.frame...)
		b.frame, b.table, b.row = x.bytes[at:len(x.bytes):len(x.bytes)], nil, nil
		at = len(x.ids)
		x.ids = append(x.ids, wk.id...)
		x.items = append(x.items, bunchItem{b: b, startUS: wk.row.startUS, id: x.ids[at:len(x.ids):len(x.ids)]})
	}
	return true, nil
}

// writeBunch writes what was gathered; cut says that the export ends there.
func (x *exporter) writeBunch() (cut bool, err error) {
	var at *bunchItem
	for i := range x.items {
		if x.late() {
			x.result.NextCursor = x.lastCursor(at)
			return true, nil
		}
		at = &x.items[i]
		if err := x.writeBody(&at.b); err != nil {
			return false, corrupt(at.id, err)
		}
		x.result.Count++
	}
	if at != nil {
		x.written = cursor{startUS: at.startUS, id: append(x.written.id[:0], at.id...)}
	}
	switch {
	case x.ended:
		x.result.NextCursor = x.written.String()
	case x.last:
		x.result.Complete = true
	}
	return x.ended, nil
}

// lastCursor is behind a trace of the bunch, nil for the last of the one before.
func (x *exporter) lastCursor(at *bunchItem) string {
	if at == nil {
		return x.written.String()
	}
	c := cursor{startUS: at.startUS, id: at.id}
	return c.String()
}

// pause lets go of the store until resume.
func (w *walker) pause() error {
	err := storeError(w.it.Close())
	w.it = nil
	return err
}

// resume goes on behind the row that was given last.
func (w *walker) resume() (err error) {
	lo, hi := summarySpan(w.v.app, w.win.From, w.win.To)
	if w.it, err = w.v.snap.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi}); err != nil {
		return storeError(err)
	}
	if w.ok {
		w.seekBehind(summaryKey(nil, w.v.app, w.row.startUS, w.id))
	}
	return nil
}

// pause lets go of the store until resume; what get gave is gone.
func (b *bodies) pause() error {
	err := b.close()
	b.it = nil
	return err
}

func (b *bodies) resume() (err error) {
	b.it, err = b.v.snap.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixBody}, UpperBound: []byte{prefixBody + 1}})
	return storeError(err)
}
