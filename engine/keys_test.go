package engine

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIDForms(t *testing.T) {
	for id, size := range map[string]int{
		"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b": 17, "00000000-0000-0000-0000-000000000000": 17,
		"0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B": 37, // upper case is another id
		"0190a1b2c3d47e5f8a9b0c1d2e3f4a5b":     17, "0190A1B2C3D47E5F8A9B0C1D2E3F4A5B": 33,
		"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g": 37, "0190a1b2+c3d4-7e5f-8a9b-0c1d2e3f4a5b": 37,
		"0190a1b2-c3d4-7e5f-8a9b00c1d2e3f4a5b": 37, "t": 2, "\x01\x02": 3, "\x00": 2, "élève/日本": 15,
		strings.Repeat("x", 256): 257, strings.Repeat("a", 32): 17, strings.Repeat("-", 36): 37,
	} {
		k := appendID(nil, id)
		back, err := decodeID(k)
		if err != nil || back != id || len(k) != size {
			t.Errorf("%q: %d bytes, back as %q (%v); want %d", id, len(k), back, err, size)
		}
	}
	for _, bad := range [][]byte{nil, {0}, {4, 'x'}, {idUUID}, append([]byte{idHex}, make([]byte, 15)...), append([]byte{idUUID}, make([]byte, 17)...)} {
		if id, err := decodeID(bad); err == nil {
			t.Errorf("%x decodes to %q", bad, id)
		}
	}
}

func FuzzID(f *testing.F) {
	f.Add("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b")
	f.Add("", "\x01")
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, kb := appendID(nil, a), appendID(nil, b)
		if bytes.Equal(ka, kb) != (a == b) {
			t.Fatalf("%q and %q have the keys %x and %x", a, b, ka, kb)
		}
		if back, err := decodeID(ka); err != nil || back != a {
			t.Fatalf("%q came back as %q (%v)", a, back, err)
		}
		if id, err := decodeID([]byte(a)); err == nil && len(a) > 0 && a[0] == idText && id != a[1:] {
			t.Fatalf("%q decodes to %q", a, id)
		}
	})
}

// TestKeyOrder: summaries sort newest first, and spans hold what they say.
func TestKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	type entry struct {
		start int64
		id    []byte
		key   []byte
	}
	var all []entry
	for i := range 3000 {
		start := []int64{r.Int64N(3), r.Int64N(maxStartUS + 1), epoch.UnixMicro() + r.Int64N(50), maxStartUS}[r.IntN(4)]
		e := entry{start: start, id: appendID(nil, fmt.Sprint("t", i))}
		e.key = summaryKey(nil, 7, start, e.id)
		if s, id, err := splitSummaryKey(e.key); err != nil || s != start || !bytes.Equal(id, e.id) {
			t.Fatalf("%d %x came back as %d %x (%v)", start, e.id, s, id, err)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	if !slices.IsSortedFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.start, a.start), bytes.Compare(a.id, b.id))
	}) {
		t.Error("keys do not sort by start, newest first")
	}
	for range 300 {
		from := max(all[r.IntN(len(all))].start-r.Int64N(2), 0)
		to := max(from+1, all[r.IntN(len(all))].start)
		lo, hi := summarySpan(7, from, to)
		for _, e := range all {
			in := bytes.Compare(e.key, lo) >= 0 && bytes.Compare(e.key, hi) < 0
			if in != (e.start >= from && e.start < to) {
				t.Fatalf("start %d in span %d–%d: %v", e.start, from, to, in)
			}
		}
	}
}

// TestAppSpans: no key of an app lies in a span of another.
func TestAppSpans(t *testing.T) {
	apps := []uint32{0, 1, 2, 255, 256, 1<<32 - 2, 1<<32 - 1}
	id := appendID(nil, "x")
	for _, of := range apps {
		for _, other := range apps {
			for _, start := range []int64{0, usPerHour - 1, epoch.UnixMicro(), maxStartUS} {
				lo, hi := bodyHourSpan(of, hourOf(start))
				k := bodyKey(nil, other, start, id)
				if in := bytes.Compare(k, lo) >= 0 && bytes.Compare(k, hi) < 0; in != (of == other) {
					t.Errorf("body of app %d at %d in the hour of app %d: %v", other, start, of, in)
				}
			}
			lo, hi := appSpan(prefixLocator, of)
			k := locatorKey(nil, other, id)
			if in := bytes.Compare(k, lo) >= 0 && bytes.Compare(k, hi) < 0; in != (of == other) {
				t.Errorf("locator of app %d in the span of app %d: %v", other, of, in)
			}
		}
	}
}

// TestListOrder: a list comes in the order of the keys, both ways, with equal
// starts by id.
func TestListOrder(t *testing.T) {
	e, _ := newEngine(t, nil)
	r := rand.New(rand.NewPCG(5, 5))
	var specs []testRun
	for i := range 150 {
		at := epoch.Add(time.Duration(r.IntN(40)) * time.Microsecond * time.Duration(1+r.IntN(2)*1_000_000))
		specs = append(specs, oneRun(fmt.Sprintf("id-%03d", (i*67)%150), at))
	}
	ingest(t, e, "app", specs...)
	slices.SortFunc(specs, func(a, b testRun) int {
		return cmp.Or(b.start.Compare(a.start), cmp.Compare(a.trace, b.trace))
	})
	down, up := listIDs(t, e, "app", ListQuery{}), listIDs(t, e, "app", ListQuery{Ascending: true})
	for i := range specs {
		if down[i] != specs[i].trace || up[len(up)-1-i] != specs[i].trace {
			t.Fatalf("row %d: %s and %s, want %s", i, down[i], up[len(up)-1-i], specs[i].trace)
		}
	}
	for page := 1; page <= 16; page++ { // by number, the same
		p, err := e.List(bg, "app", ListQuery{Page: page, PageSize: 10})
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Rows {
			if p.Rows[i].ID != down[(page-1)*10+i] {
				t.Errorf("page %d row %d: %s, want %s", page, i, p.Rows[i].ID, down[(page-1)*10+i])
			}
		}
	}
}
