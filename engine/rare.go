package engine

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/index"
	"github.com/tracebed/tracebed/rollup"
)

// What people look for are the traces that went wrong, and those are few. In a
// list of them each body is in a block of its own, so a page that nobody had
// read before took 20 blocks of 24 KiB and 20 decompressions: p99 1.6 ms of 5 %
// of 400,000 traces. So the list rows of these traces are stored once more, side
// by side, in `r` rows behind their status: such a page reads one or two blocks,
// and takes 0.2 (BenchmarkList). Where 6 % of the traces are rare, these rows
// are 0.3 % of the disk.

// rareStatuses are those whose traces have `r` rows.
const rareStatuses = index.Mask(1<<rollup.Failed | 1<<rollup.Canceled)

// rareTextMax is the longest list row that is stored once more; a longer one
// is read from the body. Input and output take 2 KiB each of it.
const rareTextMax = 64 << 10

func isRare(st rollup.Status) bool { return rareStatuses>>st&1 == 1 }

func rareHead(dst []byte, app uint32, st rollup.Status) []byte {
	return append(appKey(dst, prefixRare, app), byte(st))
}

func rareKey(dst []byte, app uint32, s *summary, idKey []byte) []byte {
	return placeKey(rareHead(dst, app, s.sample.Status), s.startUS, idKey)
}

// rareHeads are those of the statuses of a mask that have `r` rows.
func rareHeads(app uint32, m index.Mask) (heads [][]byte) {
	for st := range rollup.Status(rollup.NumStatus) {
		if (m&rareStatuses)>>st&1 == 1 {
			heads = append(heads, rareHead(nil, app, st))
		}
	}
	return heads
}

// appendRare encodes the value of an `r` row.
func appendRare(dst []byte, s *summary, text []byte) []byte {
	return append(appendSummary(dst, s, true), text...)
}

// decodeRare takes the value of an `r` row apart; text aliases it.
func decodeRare(b []byte, startUS int64) (s summary, text []byte, err error) {
	r := reader{b: b}
	r.summary(&s, startUS)
	text, r.b = r.b, nil
	return s, text, r.done("list row")
}

// rareText is the list row of the trace that was derived last, nil where none
// is stored.
func (w *preparer) rareText(t *trace.Summary, updated trace.Time, listRow []byte) []byte {
	if !w.e.format2.Load() || !isRare(t.Sample.Status) {
		return nil
	}
	if len(listRow) > 0 {
		listRow = bytes.Clone(listRow)
	} else {
		listRow, _ = w.deriver.AppendPreviewTrace(nil, w.app.name, t, updated, previewBytes)
		listRow = append(listRow, '}')
	}
	return clipRare(listRow)
}

func clipRare(listRow []byte) []byte {
	if len(listRow) > rareTextMax {
		return nil
	}
	return listRow
}

// writeRare writes the `r` row of a change, which has its slot in the index by
// now, and removes the one it replaces under another key.
func (c *committer) writeRare(b *pebble.Batch, ch *change) error {
	if ch.old != nil && isRare(ch.old.sample.Status) {
		moved := ch.new == nil || ch.new.startUS != ch.old.startUS || ch.new.sample.Status != ch.old.sample.Status
		if moved {
			c.key = rareKey(c.key[:0], ch.app.id, ch.old, ch.id)
			if err := b.Delete(c.key, nil); err != nil {
				return err
			}
		}
	}
	if ch.new == nil || !isRare(ch.new.sample.Status) {
		return nil
	}
	c.key = rareKey(c.key[:0], ch.app.id, ch.new, ch.id)
	c.val = appendRare(c.val[:0], ch.new, ch.text)
	return b.Set(c.key, c.val, nil)
}

// expireRare removes the `r` rows from a place on, as oldest comes last.
func expireRare(b *pebble.Batch, app uint32, place []byte) error {
	var errs []error
	for _, head := range rareHeads(app, rareStatuses) {
		end := prefixEnd(head)
		errs = append(errs, b.DeleteRange(append(head, place...), end, nil))
	}
	return errors.Join(errs...)
}
