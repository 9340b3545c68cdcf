package trace

import (
	"cmp"
	"slices"
)

// noParent marks a run at the top of its tree.
const noParent = -1

// linearIDs is the number of runs up to which a parent is found by comparing
// ids one after the other; a map costs more below it (5 runs: 60 ns against
// 400 ns).
const linearIDs = 16

// keptRuns is the most runs that scratch memory is kept for.
const keptRuns = 1 << 14

// Options says under which rules a trace is derived.
type Options struct {
	// Promoted treats runs whose parent never came as roots. The engine sets
	// it after the orphan timeout.
	Promoted bool
}

// Deriver derives traces one after the other and keeps its scratch memory
// between them. The zero value is ready. It is not safe for concurrent use.
type Deriver struct {
	runs []Run
	opt  Options

	parent []int32 // position of the parent in runs, or noParent
	seen   []int32 // scratch of cutCycles: number of the walk that came here
	mark   []uint8 // scratch: usage below (leaf rule), or below a root

	roots   []int32 // the runs the trace is derived from, by start, then id
	orphans []int32 // runs without their parent, one per parent cycle included
	ended   int32   // position of the last-ended root, −1 while none ended

	order []int32  // scratch: runs to be sorted
	names distinct // scratch: tags, models
}

// Release drops the references to the last runs, so that a Deriver in a pool
// does not keep them alive, and memory that only a huge trace needs.
func (d *Deriver) Release() {
	d.runs = nil
	d.names.reset()
	clear(d.names.list[:cap(d.names.list)])
	if cap(d.parent) > keptRuns {
		*d = Deriver{}
	}
}

// link finds the parents, cuts parent cycles and sets the roots.
func (d *Deriver) link(runs []Run, o Options) {
	d.runs, d.opt = runs, o
	n := len(runs)
	d.parent = slices.Grow(d.parent[:0], n)[:n]
	d.seen = slices.Grow(d.seen[:0], n)[:n]
	d.mark = slices.Grow(d.mark[:0], n)[:n]
	d.roots, d.orphans = d.roots[:0], d.orphans[:0]

	var byID map[string]int32
	if n > linearIDs {
		byID = make(map[string]int32, n)
		for i := range runs {
			byID[runs[i].ID] = int32(i)
		}
	}
	for i := range runs {
		r := &runs[i]
		d.parent[i] = noParent
		if r.ParentID == "" || r.ParentID == r.ID {
			d.roots = append(d.roots, int32(i))
			continue
		}
		d.parent[i] = d.find(r.ParentID, byID)
		switch {
		case r.ParentRemote:
			d.roots = append(d.roots, int32(i))
		case d.parent[i] == noParent:
			d.orphans = append(d.orphans, int32(i))
		}
	}
	d.cutCycles()
	d.chooseRoots()
}

// find returns the position of the run with that id, or noParent.
func (d *Deriver) find(id string, byID map[string]int32) int32 {
	if byID != nil {
		if i, ok := byID[id]; ok {
			return i
		}
		return noParent
	}
	for i := range d.runs {
		if d.runs[i].ID == id {
			return int32(i)
		}
	}
	return noParent
}

// cutCycles makes a forest of the parent links: each cycle loses the link of
// its earliest run, which counts as an orphan. A root in a cycle (a remote
// parent that is also a child) is cut instead, and stays a root.
func (d *Deriver) cutCycles() {
	clear(d.seen)
	for i := range d.parent {
		walk, j := int32(i)+1, int32(i)
		for j != noParent && d.seen[j] == 0 {
			d.seen[j] = walk
			j = d.parent[j]
		}
		if j == noParent || d.seen[j] != walk {
			continue
		}
		top := j
		for k := d.parent[j]; k != j; k = d.parent[k] {
			a, b := &d.runs[k], &d.runs[top]
			if a.ParentRemote != b.ParentRemote {
				if a.ParentRemote {
					top = k
				}
			} else if byStart(a, b) < 0 {
				top = k
			}
		}
		d.parent[top] = noParent
		if !d.runs[top].ParentRemote {
			d.orphans = append(d.orphans, top)
		}
	}
}

// chooseRoots adds promoted orphans to the roots, or lets orphans stand in
// where there is no root at all, and finds the last-ended one.
func (d *Deriver) chooseRoots() {
	if d.opt.Promoted || len(d.roots) == 0 {
		d.roots = append(d.roots, d.orphans...)
	}
	d.sort(d.roots)
	d.ended = -1
	for _, i := range d.roots {
		r := &d.runs[i]
		if r.Status == RunOpen {
			continue
		}
		// Equal ends: the later start wins, as roots are in that order.
		if d.ended < 0 || endOf(r).NS >= endOf(&d.runs[d.ended]).NS {
			d.ended = i
		}
	}
}

// sort orders positions by start, then id, of their runs.
func (d *Deriver) sort(list []int32) {
	if len(list) > 1 {
		runs := d.runs
		slices.SortFunc(list, func(a, b int32) int { return byStart(&runs[a], &runs[b]) })
	}
}

// byStart is the order in which runs are told: by start, then id.
func byStart(a, b *Run) int {
	if c := cmp.Compare(a.Start.NS, b.Start.NS); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// endOf is the end that counts for an ended run: its start where it has no end
// or where the clock jumped back.
func endOf(r *Run) Time {
	if !r.End.Valid || r.End.NS < r.Start.NS {
		return r.Start
	}
	return r.End
}

// firstBelow returns the position of the first descendant of root, by start,
// then id, for which has is true; −1 where there is none.
func (d *Deriver) firstBelow(root int32, has func(*Run) bool) int32 {
	const unknown, below, beside = 0, 1, 2
	clear(d.mark)
	d.mark[root] = below
	best := int32(-1)
	for i := range d.runs {
		at := beside
		for j := int32(i); j != noParent; j = d.parent[j] {
			if m := d.mark[j]; m != unknown {
				at = int(m)
				break
			}
		}
		for j := int32(i); j != noParent && d.mark[j] == unknown; j = d.parent[j] {
			d.mark[j] = uint8(at)
		}
		r := &d.runs[i]
		if at != below || int32(i) == root || best >= 0 && byStart(r, &d.runs[best]) >= 0 {
			continue
		}
		if has(r) {
			best = int32(i)
		}
	}
	return best
}

// distinct collects strings in order of first appearance.
type distinct struct {
	list []string
	seen map[string]struct{} // nil while the list is short enough to be walked
}

func (s *distinct) reset() { s.list, s.seen = s.list[:0], nil }

func (s *distinct) add(v string) {
	if s.seen == nil {
		if slices.Contains(s.list, v) {
			return
		}
		s.list = append(s.list, v)
		if len(s.list) == linearIDs {
			s.seen = make(map[string]struct{}, 4*linearIDs)
			for _, w := range s.list {
				s.seen[w] = struct{}{}
			}
		}
		return
	}
	if _, ok := s.seen[v]; !ok {
		s.seen[v] = struct{}{}
		s.list = append(s.list, v)
	}
}
