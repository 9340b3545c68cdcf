package engine

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// How an export holds nothing of the store while its client takes its time. An
// open iterator keeps the memtables of its moment in memory: 16 slow downloads
// that began at different moments held 0.5 GB of them (TestOverload with traces
// of 50 MB). A client that keeps up costs nothing: the iterators stay open
// (reading copies of 1 MiB in between made exports a quarter slower).
const (
	// letGoAfter is how long a write to the client may take before the
	// iterators are closed meanwhile.
	letGoAfter = 50 * time.Millisecond
	// holdMost is how old iterators become.
	holdMost = time.Second
)

// loosely is a write to the client, which must use nothing of the store.
func (x *exporter) loosely(write func() error) error {
	gone := make(chan error, 1)
	t := time.AfterFunc(letGoAfter, func() { gone <- x.letGo() })
	err := write()
	if !t.Stop() {
		return errors.Join(err, <-gone)
	}
	if time.Since(x.since) > holdMost {
		err = errors.Join(err, x.letGo())
	}
	return err
}

// letGo closes the iterators until regain.
func (x *exporter) letGo() error { return errors.Join(x.wk.pause(), x.bs.pause()) }

// regain opens what was closed, behind the trace that was read last.
func (x *exporter) regain() error {
	if x.bs.it == nil {
		if err := x.bs.resume(); err != nil {
			return err
		}
	}
	if !x.wk.paused {
		return nil
	}
	x.since = time.Now()
	return x.wk.resume()
}

// looseWriter writes loosely.
type looseWriter struct{ x *exporter }

// Write is that of io.Writer.
func (l looseWriter) Write(p []byte) (n int, err error) {
	err = l.x.loosely(func() error {
		n, err = l.x.w.Write(p)
		return err
	})
	return n, err
}

// pause lets go of the store until resume.
func (w *walker) pause() error {
	if w.it == nil {
		return nil
	}
	err := w.it.close()
	w.it, w.paused = nil, true
	return err
}

// resume goes on behind the row that was given last.
func (w *walker) resume() error {
	if err := w.open(); err != nil {
		return err
	}
	if w.paused = false; w.ok {
		w.seekBehind(w.row.startUS, w.id)
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
