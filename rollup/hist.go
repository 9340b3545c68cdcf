package rollup

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A histogram is log-linear: values below 64 have a cell each, and every
// octave [2^e, 2^(e+1)) above is cut into 64 cells of equal width. A cell's
// midpoint is then at most 1/128 (0.8 %) away from any value in it, which
// meets the contract's 1 % for percentiles. Counts are exact, so a histogram
// can be merged in any order and what was added can be taken out again.
const (
	subBits = 6
	subs    = 1 << subBits
	// NumCells is how many cells cover 0 … 2^63−1.
	NumCells = subs + (63-subBits)*subs
)

// CellOf returns the cell of a duration in µs; below 0 counts as 0.
func CellOf(v int64) uint16 {
	if v < subs {
		return uint16(max(v, 0))
	}
	e := uint(bits.Len64(uint64(v))) - 1
	// v>>(e−6) lies in [64, 128), so this is 64 + (e−6)·64 + the sub-bucket.
	return uint16((e-subBits)<<subBits + uint(v>>(e-subBits)))
}

// CellBounds returns the smallest and the largest value of a cell below NumCells.
func CellBounds(cell uint16) (lo, hi int64) {
	if cell < subs {
		return int64(cell), int64(cell)
	}
	shift := uint(cell>>subBits) - 1
	lo = int64(cell&(subs-1)+subs) << shift
	return lo, lo + int64(1)<<shift - 1
}

// CellMid returns the value that stands for all values of a cell.
func CellMid(cell uint16) int64 {
	lo, hi := CellBounds(cell)
	return lo + (hi-lo)/2
}

// Cell is one non-empty cell of a Hist.
type Cell struct {
	Idx uint16
	N   uint64 // never 0
}

// Hist is a sparse histogram of durations in µs. The zero Hist is empty.
type Hist struct {
	cells []Cell // ascending by Idx
	count uint64
}

// Count returns how many durations h holds.
func (h *Hist) Count() uint64 { return h.count }

// Cells returns the non-empty cells in ascending order. They belong to h:
// read them before h changes, do not write to them.
func (h *Hist) Cells() []Cell { return h.cells }

// find returns the position of a cell, or where it would have to stand.
func (h *Hist) find(idx uint16) (int, bool) {
	lo, hi := 0, len(h.cells)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if h.cells[mid].Idx < idx {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(h.cells) && h.cells[lo].Idx == idx
}

// Add puts in one duration in µs.
func (h *Hist) Add(v int64) {
	idx := CellOf(v)
	i, ok := h.find(idx)
	if !ok {
		h.cells = slices.Insert(h.cells, i, Cell{Idx: idx})
	}
	h.cells[i].N++
	h.count++
}

// Sub takes out one duration in µs. If its cell is empty the error is
// ErrAbsent and h is unchanged.
func (h *Hist) Sub(v int64) error {
	i, ok := h.find(CellOf(v))
	if !ok {
		return ErrAbsent
	}
	h.cells[i].N--
	h.count--
	if h.cells[i].N == 0 {
		h.cells = slices.Delete(h.cells, i, i+1)
	}
	return nil
}

// Merge adds all of o, which stays as it is, to h. To merge many histograms
// use a Dense.
func (h *Hist) Merge(o *Hist) {
	if len(o.cells) == 0 {
		return
	}
	out := make([]Cell, 0, len(h.cells)+len(o.cells))
	a, b := h.cells, o.cells
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].Idx < b[0].Idx:
			out, a = append(out, a[0]), a[1:]
		case a[0].Idx > b[0].Idx:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, Cell{a[0].Idx, a[0].N + b[0].N})
			a, b = a[1:], b[1:]
		}
	}
	h.cells = append(append(out, a...), b...)
	h.count += o.count
}

// Clone returns a copy that shares nothing with h.
func (h *Hist) Clone() Hist { return Hist{cells: slices.Clone(h.cells), count: h.count} }

// Reset empties h and keeps its memory.
func (h *Hist) Reset() { h.cells, h.count = h.cells[:0], 0 }

// Equal says whether both hold the same counts.
func (h *Hist) Equal(o *Hist) bool { return h.count == o.count && slices.Equal(h.cells, o.cells) }

// Percentile returns the midpoint of the cell that holds the value of nearest
// rank ceil(percent·n/100), 1-based. It is within 1 % of that value; clamp it
// to the exact minimum and maximum. An empty h gives 0.
func (h *Hist) Percentile(percent uint64) int64 {
	rank := nearestRank(percent, h.count)
	for _, c := range h.cells {
		if rank <= c.N {
			return CellMid(c.Idx)
		}
		rank -= c.N
	}
	return 0
}

// Percentiles returns all four of them in one pass.
func (h *Hist) Percentiles() Percentiles {
	w := newPercentileWalk(h.count)
	cells, seen := h.cells, uint64(0)
	for i := range cells {
		seen += cells[i].N
		if seen >= w.target && w.found(cells[i].Idx, seen) {
			break
		}
	}
	return w.result
}

// AppendBinary appends the one encoding of h: the number of cells, then for
// each the distance from the cell before it and its count, all uvarint. The
// first distance is the index itself.
func (h *Hist) AppendBinary(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(h.cells)))
	prev := uint16(0)
	for _, c := range h.cells {
		dst = binary.AppendUvarint(dst, uint64(c.Idx-prev))
		dst = binary.AppendUvarint(dst, c.N)
		prev = c.Idx
	}
	return dst
}

// Decode replaces h by what AppendBinary wrote; b must hold that and nothing
// else. It takes memory for at most len(b)/2 cells. The error is an ErrCorrupt
// and leaves h empty.
func (h *Hist) Decode(b []byte) error {
	if err := h.decode(b); err != nil {
		h.Reset()
		return err
	}
	return nil
}

func (h *Hist) decode(b []byte) error {
	h.Reset()
	n, b, err := readUvarint(b)
	if err != nil {
		return corrupt("histogram size", err)
	}
	if n > NumCells || n > uint64(len(b))/2 {
		return corrupt("histogram", "more cells than bytes")
	}
	cells := slices.Grow(h.cells, int(n))[:n]
	idx, total := uint64(0), uint64(0)
	for i := range cells {
		var delta, count uint64
		if len(b) >= 2 && b[0]|b[1] < 0x80 { // nearly always; 3 ns a cell against 7
			delta, count, b = uint64(b[0]), uint64(b[1]), b[2:]
		} else if delta, count, b, err = readCell(b); err != nil {
			return corrupt("histogram cell", err)
		}
		idx += delta
		if count == 0 || (delta == 0 && i > 0) || delta >= NumCells || idx >= NumCells {
			return corrupt("histogram", "cells are empty, out of order or out of range")
		}
		if total+count < total {
			return corrupt("histogram", "counts overflow")
		}
		total += count
		cells[i] = Cell{uint16(idx), count}
	}
	if len(b) != 0 {
		return corrupt("histogram", "bytes behind the last cell")
	}
	h.cells, h.count = cells, total
	return nil
}

func readCell(b []byte) (delta, count uint64, rest []byte, err error) {
	if delta, b, err = readUvarint(b); err == nil {
		count, b, err = readUvarint(b)
	}
	return delta, count, b, err
}
