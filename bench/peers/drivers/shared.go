package drivers

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

// Encoders at the level that the engine uses: one shared encoder serves any
// number of goroutines, each call on its own.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil)
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

// packed is a batch with its texts compressed.
type packed struct {
	head, body [][]byte
}

func pack(batch []peer.Rec) packed {
	p := packed{make([][]byte, len(batch)), make([][]byte, len(batch))}
	for i := range batch {
		p.head[i] = encoder().EncodeAll(batch[i].Head, make([]byte, 0, len(batch[i].Head)))
		p.body[i] = encoder().EncodeAll(batch[i].Full, make([]byte, 0, len(batch[i].Full)/2))
	}
	return p
}

// known is what a store has of a trace: enough to decide about a copy that
// arrives, and to take its share out of the sums.
type known struct {
	start, dur, hash int64
	status           uint8
	tokens, cost     [3]int64
	unpriced         int64
}

func (k *known) sums() peer.Sums {
	r := peer.Rec{DurUS: k.dur, Status: k.status, Tokens: k.tokens, Cost: k.cost, Unpriced: k.unpriced}
	return r.Sums()
}

// replaces says whether r takes the place of k: finished beats open, a later
// end beats an earlier one, and the same contents change nothing.
func (k *known) replaces(r *peer.Rec) bool {
	switch {
	case k.hash == r.Hash:
		return false
	case (k.dur >= 0) != r.Finished():
		return r.Finished()
	default:
		return r.EndUS() >= k.start+max(k.dur, 0)
	}
}

// hourKey is a row of a rollup table.
type hourKey struct {
	app  int32
	hour int64
}

// deltas are what a batch changes in the rollup.
type deltas map[hourKey]*peer.Sums

func (d deltas) add(app int32, start int64, s peer.Sums, sign int64) {
	k := hourKey{app, peer.Hour(start)}
	if d[k] == nil {
		d[k] = new(peer.Sums)
	}
	d[k].Add(&s, sign)
}

// exportRows writes the rows as a JSON array, one a line, recompressed on all
// cores. next returns the stored text of a trace, which is compressed where
// isZstd says so, and io.EOF at the end.
func exportRows(w io.Writer, isZstd bool, next func() ([]byte, error)) (out peer.Exported, err error) {
	zw, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	if err != nil {
		return out, err
	}
	sep := []byte("[\n")
	var text []byte
	for {
		row, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return out, err
		}
		if isZstd {
			if text, err = decoder().DecodeAll(row, text[:0]); err != nil {
				return out, err
			}
			row = text
		}
		_, _ = zw.Write(sep) // an error of w comes with the next write or with Close
		if _, err := zw.Write(row); err != nil {
			return out, err
		}
		sep = []byte(",\n")
		out.Count++
		out.Raw += int64(len(row))
	}
	_, _ = zw.Write([]byte("\n]\n"))
	return out, zw.Close()
}
