package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/rollup"
)

// flipStore is a closed store and everything that it has to answer.
type flipStore struct {
	name   string
	fs     vfs.FS
	o      Options
	traces map[string]string // id → trace with its runs
	seq    map[string]uint64 // id → operation that made it
	list   string
	charts string
	// loose says that the machine lost power: what was acknowledged last is
	// noted in the log alone.
	loose bool
	mark  uint64 // watermark of the marker
}

const flipTraces = 60

// flipStores are stores in all states that a process can leave behind.
func flipStores(t *testing.T) []*flipStore {
	t.Helper()
	return []*flipStore{
		newFlipStore(t, "closed", -1),
		newFlipStore(t, "killed", 100),
		newFlipStore(t, "power cut", 0),
	}
}

// newFlipStore makes a store with tables in several levels, a log, and state
// that only the journal has; keep is the share of unsynced data that is kept,
// -1 for an orderly close.
func newFlipStore(t *testing.T, name string, keep int) *flipStore {
	t.Helper()
	fs := vfs.NewCrashableMem()
	s := &flipStore{name: name, o: smallOptions(fs, newClock()), traces: map[string]string{}, seq: map[string]uint64{}, loose: keep == 0}
	s.o.blockBytes = 1 << 10 // Pebble looks for the flipped bit in time square to the block
	s.o.CheckpointDeltas = 1 << 20
	e := openTest(t, "data", s.o)
	for i := range flipTraces {
		r := oneRun(fmt.Sprintf("t%02d", i), epoch.Add(time.Duration(i)*41*time.Minute))
		r.failed, r.dur = i%5 == 0, time.Duration(i+1)*time.Millisecond
		r.output = noise(2<<10, int64(i))
		child := testRun{trace: r.trace, id: r.trace + "-c", parent: r.trace + "-r", start: r.start, dur: r.dur, tokens: 3}
		ingest(t, e, "app", r, child)
		s.seq[r.trace] = e.Stats().Seq
		var err error
		switch i {
		case 15, 30:
			err = errors.Join(e.Checkpoint(bg), e.db.Flush())
		case 40:
			err = errors.Join(e.db.Flush(), e.db.Compact(bg, []byte{0}, []byte{255}, false))
		case 50:
			err = e.db.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for id := range s.seq {
		b, err := e.TraceWithRuns(bg, "app", id)
		if err != nil {
			t.Fatal(err)
		}
		s.traces[id] = string(b)
	}
	s.list = strings.Join(listIDs(t, e, "app", ListQuery{}), " ")
	s.charts = mustCharts(t, e)
	if keep >= 0 {
		s.o.FS = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rand.New(rand.NewPCG(1, 2))})
	}
	mustClose(t, e)
	s.fs = s.o.FS
	m, _, err := readMarker(s.fs, "data")
	if err != nil {
		t.Fatal(err)
	}
	s.mark = m.seq
	return s
}

func mustCharts(t *testing.T, e *Engine) string {
	t.Helper()
	c, err := charts(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func charts(e *Engine) (string, error) {
	var out strings.Builder
	for _, text := range []string{"15m", "1h", "24h"} {
		iv, _ := rollup.ParseInterval(text)
		m, err := e.Metrics(bg, "app", MetricsQuery{Start: epoch.UnixMicro() + 5, End: epoch.Add(48 * time.Hour).UnixMicro(), Interval: iv})
		if err != nil {
			return "", err
		}
		fmt.Fprint(&out, m.Summary)
		for _, p := range m.Series {
			fmt.Fprint(&out, p.Start, *p.Stats)
		}
	}
	return out.String(), nil
}

// kindOf groups the files of a store.
func kindOf(path string) string {
	base := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case strings.HasPrefix(base, "MANIFEST"):
		return "MANIFEST"
	case strings.HasPrefix(base, "OPTIONS"):
		return "OPTIONS"
	case strings.Contains(base, "."):
		return base[strings.LastIndexByte(base, '.'):]
	}
	return base
}

// flip is one changed bit.
type flip struct {
	path string
	at   int
	bit  uint
}

func (f flip) String() string { return fmt.Sprintf("%s byte %d bit %d", f.path, f.at, f.bit) }

// randomFlip chooses a kind of file, a file and a bit, all alike.
func randomFlip(t *testing.T, s *flipStore, rng *rand.Rand) flip {
	kinds := map[string][]string{}
	all := files(t, s.fs, "data")
	for path, size := range all {
		if size > 0 {
			kinds[kindOf(path)] = append(kinds[kindOf(path)], path)
		}
	}
	names := make([]string, 0, len(kinds))
	for k := range kinds {
		names = append(names, k)
	}
	sort.Strings(names)
	paths := kinds[names[rng.IntN(len(names))]]
	sort.Strings(paths)
	path := paths[rng.IntN(len(paths))]
	return flip{path: path, at: rng.IntN(int(all[path])), bit: uint(rng.IntN(8))}
}

// outcome of a flip.
const (
	refused  = "refused to open"
	detected = "opened, and said what is damaged"
	harmless = "opened, and everything is there"
	tornTail = "took the end of the log for a torn write"
)

// try opens a copy of the store with one bit changed. The error is a loss that
// nobody was told of, or a wrong answer.
func (s *flipStore) try(t *testing.T, f flip) (outcome string, err error) {
	fs := copyOf(t, s.fs)
	b := []byte(readFile(t, fs, f.path))
	b[f.at] ^= 1 << f.bit
	writeFile(t, fs, f.path, string(b))
	before := files(t, fs, "data")
	o := s.o
	o.FS = fs
	e, err := Open("data", o)
	if err != nil {
		return refused, checkRefused(fs, before, err)
	}
	defer func() {
		if cerr := e.Close(); err == nil && cerr != nil && !errors.Is(cerr, ErrCorrupt) {
			err = fmt.Errorf("close: %w", cerr)
		}
	}()
	outcome, err = s.read(e)
	if err == nil && e.Ready() != nil {
		err = fmt.Errorf("not ready: %w", e.Ready())
	}
	return outcome, err
}

func checkRefused(fs vfs.FS, before map[string]int64, err error) error {
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrNotEmpty) {
		return fmt.Errorf("open gives an error of no class: %w", err)
	}
	for path := range before {
		if _, serr := fs.Stat(path); serr != nil && (isTable(path) || strings.HasSuffix(path, ".log")) {
			return fmt.Errorf("open failed (%w) and removed %s", err, path)
		}
	}
	return nil
}

// read asks for everything and compares.
func (s *flipStore) read(e *Engine) (outcome string, err error) {
	outcome = harmless
	said := func(err error) bool { // damage was reported
		if errors.Is(err, ErrCorrupt) {
			outcome = detected
			return true
		}
		return false
	}
	lost := map[string]bool{}
	for id, want := range s.traces {
		got, err := e.TraceWithRuns(bg, "app", id)
		switch {
		case said(err):
		case errors.Is(err, ErrNotFound) && s.loose && s.seq[id] > s.mark:
			lost[id] = true
		case err != nil:
			return outcome, fmt.Errorf("trace %s is lost silently: %w", id, err)
		case string(got) != want:
			return outcome, fmt.Errorf("trace %s differs", id)
		}
	}
	if len(lost) > 0 {
		return tornTail, s.checkSuffix(lost)
	}
	page, err := e.List(bg, "app", ListQuery{Page: 1, PageSize: 1000})
	if err == nil {
		var ids []string
		for i := range page.Rows {
			ids = append(ids, page.Rows[i].ID)
		}
		if got := strings.Join(ids, " "); got != s.list || page.TotalCount != flipTraces {
			return outcome, fmt.Errorf("the list has %d of %d rows: %s", len(ids), page.TotalCount, got)
		}
	} else if !said(err) {
		return outcome, fmt.Errorf("list: %w", err)
	}
	got, err := charts(e)
	if err == nil && got != s.charts {
		return outcome, fmt.Errorf("charts differ")
	}
	if err != nil && !said(err) {
		return outcome, fmt.Errorf("charts: %w", err)
	}
	if e.Stats().RebuiltUnits > 0 {
		outcome = detected
	}
	return outcome, nil
}

// checkSuffix: what is lost is the end of the log, without a gap.
func (s *flipStore) checkSuffix(lost map[string]bool) error {
	first := ^uint64(0)
	for id := range lost {
		first = min(first, s.seq[id])
	}
	for id, seq := range s.seq {
		if seq >= first && !lost[id] {
			return fmt.Errorf("trace %s is there and an earlier one is lost", id)
		}
	}
	return nil
}

// TestFlips changes one bit somewhere in a store, many times over: it is
// detected or harmless, never a smaller store and never a crash.
// TRACEBED_FLIPS sets how many, TRACEBED_SEED where they begin.
func TestFlips(t *testing.T) {
	n, seed := envInt(t, "TRACEBED_FLIPS", 80), envInt(t, "TRACEBED_SEED", 1)
	if raceDetector && os.Getenv("TRACEBED_FLIPS") == "" {
		n = 20
	}
	stores := flipStores(t)
	for _, s := range stores {
		e := openTest(t, "data", withFS(s.o, copyOf(t, s.fs)))
		if got, err := s.read(e); got != harmless || err != nil {
			t.Fatalf("%s, unchanged: %s, %v", s.name, got, err)
		}
		mustClose(t, e)
	}
	count := map[string]int{}
	failed := 0
	for i := range n {
		rng := rand.New(rand.NewPCG(uint64(seed+i), 99))
		s := stores[rng.IntN(len(stores))]
		f := randomFlip(t, s, rng)
		outcome, err := s.try(t, f)
		count[fmt.Sprintf("%-14s %s", kindOf(f.path), outcome)]++
		if err != nil {
			t.Errorf("store %q, %s: %v\n  again: TRACEBED_FLIPS=1 TRACEBED_SEED=%d go test -run TestFlips ./engine", s.name, f, err, seed+i)
			if failed++; failed > 20 {
				break
			}
		}
	}
	lines := make([]string, 0, len(count))
	for k, v := range count {
		lines = append(lines, fmt.Sprintf("%6d %s", v, k))
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i][6:] < lines[j][6:] })
	t.Logf("%d flips, %d not detected\n%s", n, failed, strings.Join(lines, "\n"))
}

func withFS(o Options, fs vfs.FS) Options {
	o.FS = fs
	return o
}

func envInt(t testing.TB, name string, value int) int {
	t.Helper()
	if s := os.Getenv(name); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return value
}
