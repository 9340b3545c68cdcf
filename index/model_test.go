package index

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tracebed/tracebed/rollup"
)

// model is the naive hour: a map and sorting.
type model map[Slot]rollup.Status

func (m model) sorted(mask Mask) []uint32 {
	var ms []uint32
	for x, st := range m {
		if mask>>st&1 == 1 {
			ms = append(ms, x.MS)
		}
	}
	slices.Sort(ms)
	return ms
}

func (m model) slots() []Slot {
	xs := make([]Slot, 0, len(m))
	for x := range m {
		xs = append(xs, x)
	}
	slices.SortFunc(xs, func(a, b Slot) int { return cmp.Or(cmp.Compare(a.MS, b.MS), cmp.Compare(a.N, b.N)) })
	return xs
}

func (m model) alloc(ms uint32) uint32 {
	top := uint32(SlotsPerMS)
	for x := range m {
		if x.MS == ms && x.N >= top {
			top = x.N + 1
		}
	}
	for n := range uint32(SlotsPerMS) {
		if _, ok := m[Slot{ms, n}]; !ok {
			return n
		}
	}
	return top
}

// hour builds the hour of the model, in a random order and with removals.
func (m model) hour(t testing.TB, rng *rand.Rand) *Hour {
	t.Helper()
	h := new(Hour)
	xs := m.slots()
	rng.Shuffle(len(xs), func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
	for _, x := range xs {
		if rng.IntN(4) == 0 { // pass through another status and a neighbour
			other := rollup.Status(rng.IntN(rollup.NumStatus))
			must(t, h.Add(other, x))
			must(t, h.Remove(other, x))
		}
		must(t, h.Add(m[x], x))
	}
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// domains are ways in which start times spread over the hour.
var domains = map[string]func(*rand.Rand) uint32{
	"whole hour":    func(r *rand.Rand) uint32 { return r.Uint32N(MSPerHour) },
	"one container": func(r *rand.Rand) uint32 { return 4090 + r.Uint32N(12) },
	"one ms":        func(*rand.Rand) uint32 { return 1234 },
	"seconds":       func(r *rand.Rand) uint32 { return r.Uint32N(3) * 1000 },
	"edges":         func(r *rand.Rand) uint32 { return []uint32{0, 1, 4095, 4096, MSPerHour - 2, MSPerHour - 1}[r.IntN(6)] },
	"dense":         func(r *rand.Rand) uint32 { return 8000 + r.Uint32N(300) },
}

// TestHourAgainstModel drives an hour and a map through the same random
// history and compares every answer.
func TestHourAgainstModel(t *testing.T) {
	for name, draw := range domains {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(name))))
			h, m := new(Hour), model{}
			for step := range 1500 {
				mutate(t, rng, h, m, draw(rng))
				if step%150 == 149 {
					compare(t, rng, h, m)
					h = reload(t, rng, h)
				}
			}
			for x, st := range m {
				must(t, h.Remove(st, x))
			}
			if h.Count(AllStatuses) != 0 || len(h.AppendBinary(nil)) != 0 {
				t.Fatal("an emptied hour is not empty")
			}
		})
	}
}

// mutate makes one random change to both.
func mutate(t *testing.T, rng *rand.Rand, h *Hour, m model, ms uint32) {
	t.Helper()
	n := h.Alloc(ms)
	if want := m.alloc(ms); n != want {
		t.Fatalf("Alloc(%d) = %d, want %d", ms, n, want)
	}
	st := rollup.Status(rng.IntN(rollup.NumStatus))
	x := Slot{ms, n}
	if n > 0 && rng.IntN(3) > 0 {
		x.N = rng.Uint32N(n)
	}
	was, taken := m[x]
	if err := h.Add(st, x); (err != nil) != taken {
		t.Fatalf("Add(%d, %v) = %v, taken %v", st, x, err, taken)
	}
	if !taken {
		m[x] = st
		return
	}
	if other := (was + 1) % rollup.NumStatus; h.Remove(other, x) == nil {
		t.Fatalf("Remove(%d, %v) of a slot of status %d succeeded", other, x, was)
	}
	must(t, h.Remove(was, x))
	delete(m, x)
	if rng.IntN(2) == 0 {
		must(t, h.Add(st, x))
		m[x] = st
	}
}

// reload passes the hour through its bytes or through Clone.
func reload(t *testing.T, rng *rand.Rand, h *Hour) *Hour {
	t.Helper()
	if rng.IntN(2) == 0 {
		return h.Clone()
	}
	d, err := DecodeHour(h.AppendBinary(nil))
	must(t, err)
	return d
}

// compare checks counts, ranks and selections of several masks.
func compare(t *testing.T, rng *rand.Rand, h *Hour, m model) {
	t.Helper()
	masks := []Mask{AllStatuses, MaskOf(rollup.Succeeded), MaskOf(rollup.Running), MaskOf(rollup.Failed, rollup.Canceled), 0}
	for _, mask := range masks {
		want := m.sorted(mask)
		if got := h.Count(mask); got != len(want) {
			t.Fatalf("Count(%b) = %d, want %d", mask, got, len(want))
		}
		for k, ms := range want {
			first, _ := slices.BinarySearch(want, ms)
			gotMS, ord, ok := h.Select(mask, k)
			if !ok || gotMS != ms || ord != k-first {
				t.Fatalf("Select(%b, %d) = %d, %d, %v; want %d, %d", mask, k, gotMS, ord, ok, ms, k-first)
			}
		}
		for _, k := range []int{-1, len(want), len(want) + 1, 1 << 30} {
			if _, _, ok := h.Select(mask, k); ok {
				t.Fatalf("Select(%b, %d) of %d found something", mask, k, len(want))
			}
		}
		for range 40 {
			ms := rng.Uint32N(MSPerHour + 2)
			if len(want) > 0 && rng.IntN(2) == 0 {
				ms = want[rng.IntN(len(want))] + rng.Uint32N(3) - 1
			}
			lo, _ := slices.BinarySearch(want, ms)
			hi := lo
			for hi < len(want) && want[hi] == ms {
				hi++
			}
			if ms == 1<<32-1 { // 0 − 1
				lo, hi = len(want), len(want)
			}
			if r, c := h.RankMS(mask, ms), h.CountMS(mask, ms); r != lo || c != hi-lo {
				t.Fatalf("RankMS, CountMS(%b, %d) = %d, %d; want %d, %d", mask, ms, r, c, lo, hi-lo)
			}
		}
	}
}

// TestSetAgainstModel checks what Set answers: results of Add and Remove,
// Contains, CountMS and And.
func TestSetAgainstModel(t *testing.T) {
	for name, draw := range domains {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, uint64(len(name))))
			var sets [2]Set
			models := [2]map[Slot]bool{{}, {}}
			for range 3000 {
				i := rng.IntN(2)
				x := Slot{draw(rng), rng.Uint32N(24)}
				has := models[i][x]
				if sets[i].Contains(x) != has {
					t.Fatalf("Contains(%v) = %v", x, !has)
				}
				if rng.IntN(3) > 0 {
					if sets[i].Add(x) == has {
						t.Fatalf("Add(%v) = %v", x, has)
					}
					models[i][x] = true
				} else {
					if sets[i].Remove(x) != has {
						t.Fatalf("Remove(%v) = %v", x, !has)
					}
					delete(models[i], x)
				}
			}
			perMS := map[uint32]int{}
			for x := range models[0] {
				perMS[x.MS]++
			}
			for ms, n := range perMS {
				if got := sets[0].CountMS(ms); got != n || sets[0].RankMS(ms+1)-sets[0].RankMS(ms) != n {
					t.Fatalf("CountMS(%d) = %d, want %d", ms, got, n)
				}
			}
			both := And(&sets[0], &sets[1])
			n := 0
			for x := range models[0] {
				if models[1][x] {
					n++
				}
				if both.Contains(x) != models[1][x] {
					t.Fatalf("And: Contains(%v) = %v", x, !models[1][x])
				}
			}
			if both.Count() != n || both.RankMS(MSPerHour) != n {
				t.Fatalf("And: Count %d, RankMS %d, want %d", both.Count(), both.RankMS(MSPerHour), n)
			}
			if sets[0].intersects(&sets[1]) != (n > 0) {
				t.Fatalf("intersects, with %d members in both", n)
			}
		})
	}
}
