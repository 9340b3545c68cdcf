package engine

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

const rowPrefixes = string(prefixBucket) + string(prefixHist) + string(prefixQuarter) + string(prefixSummary)

// rowReader gives the rows of one app that a chart is made of, derived ones in
// ascending order of days. Get goes on from the row before with one iterator a
// prefix instead of a search through all levels each time; the first chart of a
// year after opening reads 730 rows and up to 8,760 quarters. The iterators are made
// when they are needed, which with a warm state is for summaries only.
type rowReader struct {
	pebble.Reader // a snapshot; everything but Get
	app           uint32
	its           [len(rowPrefixes)]*pebble.Iterator
}

// Get returns a row, valid until the next Get; pebble.ErrNotFound if there is
// none.
func (r *rowReader) Get(key []byte) ([]byte, io.Closer, error) {
	it, err := r.iterator(key[0])
	switch {
	case err != nil:
		return nil, nil, err
	case it == nil:
		return r.Reader.Get(key)
	}
	if !it.SeekGE(key) || !bytes.Equal(it.Key(), key) {
		if err := it.Error(); err != nil {
			return nil, nil, err
		}
		return nil, nil, pebble.ErrNotFound
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return nil, nil, err
	}
	return v, keepOpen{}, nil
}

// keepOpen closes nothing: the iterator is used again.
type keepOpen struct{}

func (keepOpen) Close() error { return nil }

// scan is scanRows with the iterator over summaries.
func (r *rowReader) scan(from, to int64, fn func(*summary) error) error {
	it, err := r.iterator(prefixSummary)
	if err != nil {
		return storeError(err)
	}
	lo, hi := summarySpan(r.app, from, to)
	return eachRow(it, lo, hi, fn)
}

// close closes the iterators, not what they read from.
func (r *rowReader) close() (err error) {
	for i, it := range r.its {
		if it != nil {
			err = errors.Join(err, it.Close())
			r.its[i] = nil
		}
	}
	return storeError(err)
}

// iterator is that of a prefix, nil if rows of it are not read in order.
func (r *rowReader) iterator(prefix byte) (*pebble.Iterator, error) {
	i := strings.IndexByte(rowPrefixes, prefix)
	if i < 0 {
		return nil, nil
	}
	if r.its[i] == nil {
		lo, hi := appSpan(prefix, r.app)
		it, err := r.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
		if err != nil {
			return nil, err
		}
		r.its[i] = it
	}
	return r.its[i], nil
}
