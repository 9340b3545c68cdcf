package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine/internal/dense"
	"github.com/tracebed/tracebed/rollup"
)

// TestMinutes: charts whose windows end anywhere in busy quarters of an hour are
// those of the traces, while traces come, change and go and the store closes and
// opens; and they count no more than a minute of rows at an edge.
func TestMinutes(t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 42))
	fs, clock := vfs.NewMem(), newClock()
	e := openTest(t, "data", smallOptions(fs, clock))
	defer func() { _ = e.Close() }()
	specs := map[string]testRun{}
	for round := range 120 {
		var post []testRun
		for range rng.IntN(12) {
			id := fmt.Sprintf("t%d", rng.IntN(200))
			r, known := specs[id]
			if !known { // seven quarters, the busier the later
				at := time.Duration(rng.Int64N(1+rng.Int64N(105*60_000_000))) * time.Microsecond
				r = oneRun(id, epoch.Add(4*time.Hour-at))
			}
			r.tokens, r.dur = 1+rng.IntN(900), r.dur+time.Duration(rng.IntN(5000))*time.Millisecond
			specs[id] = r
			post = append(post, r)
		}
		if len(post) > 0 {
			ingest(t, e, "app", lastOfEach(post)...)
		}
		for id := range specs {
			if rng.IntN(60) == 0 {
				if err := e.DeleteTrace(bg, "app", id); err != nil {
					t.Fatal(err)
				}
				delete(specs, id)
			}
		}
		if rng.IntN(8) == 0 {
			mustClose(t, e)
			e = openTest(t, "data", smallOptions(fs, clock))
		}
		if round == 0 {
			continue
		}
		q := raggedHours(rng)
		checkMetrics(t, e, specs, round, q)
		checkMinutesKept(t, e, q)
	}
	verifyClean(t, e)
}

// raggedHours is a chart of some hours that begins and ends at any microsecond.
func raggedHours(rng *rand.Rand) MetricsQuery {
	from := epoch.UnixMicro() + 2*usPerHour + rng.Int64N(90*usPerMinute)
	iv, _ := rollup.ParseInterval([]string{"hour", "15m", "5m"}[rng.IntN(3)])
	return MetricsQuery{Start: from, End: from + rng.Int64N(2*usPerHour), Interval: iv, Location: time.UTC}
}

func checkMinutesKept(t *testing.T, e *Engine, q MetricsQuery) {
	t.Helper()
	v, err := e.view(bg, "app")
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	busy := map[int64]bool{}
	for _, u := range v.units {
		for h := range hoursPerDay {
			quarters, err := e.quarterHours(v.snap, v.app, u, h)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range quarters.Minutes {
				n := quarters.Quarters[i].Traces()
				if want := n >= dense.Quarter; want != (m != nil) {
					t.Fatalf("hour %d, quarter %d of %d traces: minutes are kept: %v", u.hour(h), i, n, !want)
				}
				busy[u.hourUS(h)/usPerQuarter+int64(i)] = m != nil
			}
		}
	}
	m := &adder{edges: map[edgeKey]*rollup.HistBucket{}}
	m.begin(v)
	bounds, err := rollup.Boundaries(q.Interval, q.Location, q.Start, q.End, MaxBuckets)
	if err == nil {
		_, err = m.metrics(bounds, q.Start, q.End+1)
	}
	if err != nil {
		t.Fatal(err)
	}
	for k := range m.edges {
		// A stretch across the end of a minute holds no whole minute.
		if busy[k.from/usPerQuarter] && k.to-k.from >= 2*usPerMinute {
			t.Errorf("the rows from %d to %d were counted one by one", k.from, k.to)
		}
	}
	if err := m.end(); err != nil {
		t.Fatal(err)
	}
}

// TestMinutesOfFormat1: a directory of format 1 has no minutes, and charts do
// without; what it becomes by Repair has them.
func TestMinutesOfFormat1(t *testing.T) {
	e, o := openGolden(t, goldenDir(1))
	specs := map[string]testRun{}
	for i := range 40 {
		id := fmt.Sprint("t", i)
		specs[id] = oneRun(id, epoch.Add(3*time.Hour+time.Duration(i)*21*time.Second))
		ingest(t, e, "app", specs[id])
	}
	q := MetricsQuery{Start: epoch.Add(3*time.Hour + 100*time.Second).UnixMicro(), End: epoch.Add(3*time.Hour + 700*time.Second).UnixMicro(),
		Interval: mustInterval(t, "hour"), Location: time.UTC}
	for _, want := range []int{0, 1} {
		checkMetrics(t, e, specs, want, q)
		dir := e.dir
		mustClose(t, e)
		e = openTest(t, dir, o)
		v, err := e.view(bg, "app")
		if err != nil {
			t.Fatal(err)
		}
		row, err := e.quarterHours(v.snap, v.app, v.units[0], 3)
		if err != nil {
			t.Fatal(err)
		}
		if got := row.Minutes[0]; (got != nil) != (want == 1) {
			t.Errorf("format %d: minutes %v", e.format(), got)
		}
		v.close()
		if _, err := e.Repair(bg); err != nil {
			t.Fatal(err)
		}
	}
	checkMetrics(t, e, specs, 2, q)
	verifyClean(t, e)
	mustClose(t, e)
}
