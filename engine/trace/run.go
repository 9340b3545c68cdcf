package trace

import (
	"bytes"
	"cmp"
	"slices"
)

// Finished reports whether the run has ended: its status is one of the four
// end states.
func (r *Run) Finished() bool { return r.Status != RunOpen }

// Same reports whether two copies of a run have the same content.
func (r *Run) Same(o *Run) bool {
	return r.Hash == o.Hash && bytes.Equal(r.JSON, o.JSON)
}

// Prefer says which of two copies of a run is the truth: stored, or received,
// which came after it. Finished beats open; of two finished copies the one
// with the later end_time wins (as sent; a null end counts as the start); what
// is then still equal goes to the copy received later. Of identical copies it
// is stored, so that nothing has to be written.
func Prefer(stored, received *Run) *Run {
	switch {
	case stored.Same(received):
		return stored
	case stored.Finished() != received.Finished():
		if stored.Finished() {
			return stored
		}
	case stored.Finished() && stored.mergeEnd() > received.mergeEnd():
		return stored
	}
	return received
}

func (r *Run) mergeEnd() int64 {
	if !r.End.Valid {
		return r.Start.NS
	}
	return r.End.NS
}

// fewRuns is up to how many runs ids are looked for one by one; most traces
// are that small, and a map costs more than it saves.
const fewRuns = 32

// Merge puts incoming runs, in their order of receipt, over the stored runs of
// the same trace. The result has one copy of each run, newest first (by start
// descending, then id ascending). Every incoming run is counted once: created,
// updated (took the place of another copy) or unchanged (identical, or lost).
// Stored is never modified; where it is in order and all are unchanged, the
// result is stored itself.
func Merge(stored, incoming []Run) (merged []Run, created, updated, unchanged int) {
	merged = stored
	own := func() { // copies stored before the first change
		if created+updated == 0 {
			merged = append(make([]Run, 0, len(stored)+len(incoming)), stored...)
		}
	}
	var byID map[string]int
	if len(stored)+len(incoming) > fewRuns {
		byID = make(map[string]int, len(stored)+len(incoming))
		for i := range merged {
			byID[merged[i].ID] = i
		}
	}
	for i := range incoming {
		in := &incoming[i]
		switch at := indexOf(merged, byID, in); {
		case at < 0:
			own()
			if byID != nil {
				byID[in.ID] = len(merged)
			}
			merged = append(merged, *in)
			created++
		case Prefer(&merged[at], in) == in:
			own()
			merged[at] = *in
			updated++
		default:
			unchanged++
		}
	}
	return SortNewestFirst(merged), created, updated, unchanged
}

// Unique says that no two of a few runs are copies of the same; false may also
// mean that there are too many to tell cheaply.
func Unique(runs []Run) bool {
	if len(runs) > fewRuns {
		return false
	}
	for i := range runs {
		for j := range i {
			if runs[i].IDHash == runs[j].IDHash {
				return false
			}
		}
	}
	return true
}

func indexOf(runs []Run, byID map[string]int, r *Run) int {
	if byID != nil {
		if i, ok := byID[r.ID]; ok {
			return i
		}
		return -1
	}
	for i := range runs {
		if runs[i].IDHash == r.IDHash && runs[i].ID == r.ID {
			return i
		}
	}
	return -1
}

// CompareNewestFirst orders runs by start descending, then id ascending.
func CompareNewestFirst(a, b *Run) int {
	if c := cmp.Compare(b.Start.NS, a.Start.NS); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// SortNewestFirst returns the runs newest first: runs itself where they are in
// order already. A Run is large, so positions are sorted and each run is moved
// once.
func SortNewestFirst(runs []Run) []Run {
	sorted := true
	for i := 1; i < len(runs) && sorted; i++ {
		sorted = CompareNewestFirst(&runs[i-1], &runs[i]) <= 0
	}
	if sorted {
		return runs
	}
	order := make([]int32, len(runs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return CompareNewestFirst(&runs[a], &runs[b]) })
	out := make([]Run, len(runs))
	for i, at := range order {
		out[i] = runs[at]
	}
	return out
}
