package report

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// sample has two rounds of a few figures, one row that is missed, and a store
// that cannot be had.
func sample() *Results {
	r, _ := Load("does-not-exist")
	r.Machine = Machine{CPU: "a processor", Cores: 2, Memory: 24 << 30, OS: "linux/amd64", Go: "go1.26", FS: "ext4", Date: "2026-01-01", Commit: "abc"}
	r.Versions["sqlite"] = "3.50"
	r.Missing["clickhouse"] = "no package"
	r.Settings["rounds"], r.Settings["writers"] = "2", "2"
	add := func(d, work, metric string, size int, unit string, v ...float64) {
		for _, v := range v {
			r.Add(Key{d, work, metric, size}, unit, v)
		}
	}
	add("tracebed", "w1", "rate", 0, "traces/s", 9000, 8000)
	add("sqlite", "w1", "rate", 0, "traces/s", 4500, 6000)
	add("tracebed", "w1", "rss", 0, "MiB", 200, 210)
	add("tracebed", "fill", "disk", 200_000, "B/trace", 5000)
	add("sqlite", "fill", "disk", 200_000, "B/trace", 7000)
	add("duckdb", "fill", "disk", 200_000, "B/trace", 4000)
	for _, size := range []int{20_000, 200_000} {
		add("tracebed", "read", "14 d by hour p50", size, "ms", 0.1, 0.12)
		add("sqlite", "read", "14 d by hour p50", size, "ms", 0.5, 0.48)
	}
	add("tracebed", "read", "page 500 p50", 200_000, "ms", 0.3, 0.3)
	add("sqlite", "read", "page 500 p50", 200_000, "ms", 0.4, 0.4)
	add("limit", "limits", "fsync p50", 0, "ms", 0.4, 0.5)
	return r
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; see the change with go test -update and git diff\n%s", name, got)
	}
}

func TestGolden(t *testing.T) {
	r := sample()
	golden(t, "benchmarks.md", r.Doc(Notes{"sqlite": "a note"}, "plot.svg"))
	golden(t, "benchmarks.svg", r.SVG())
	golden(t, "benchmarks.txt", r.Text())
}

func TestBars(t *testing.T) {
	got := map[string]Bar{}
	for _, b := range sample().bars() {
		got[b.What] = b
	}
	sqlite := got["embedded beside SQLite"]
	if sqlite.Reached || sqlite.All || sqlite.Values[0] != 2 {
		t.Errorf("the lower median of 2 and 1.33 does not reach 1.5: %+v", sqlite)
	}
	if page := got["page 500, the fastest peer beside Tracebed, p50 at 200 k"]; page.Reached || len(page.Values) != 2 {
		t.Errorf("0.4 is not 3 × 0.3: %+v", page)
	}
	if disk := got["disk beside the smallest row store, 200 k"]; !disk.Reached {
		t.Errorf("5000 is below 0.85 × 7000: %+v", disk)
	}
	for what := range got {
		if strings.Contains(what, "PostgreSQL") {
			t.Errorf("a bar without figures: %s", what)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "r.json")
	r := sample()
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if again.Text() != r.Text() {
		t.Error("what was saved is not what is loaded")
	}
	again.Drop("sqlite", "w1", 0)
	if again.Find(Key{"sqlite", "w1", "rate", 0}) != nil || again.Rounds("tracebed", "w1", 0) != 2 {
		t.Error("Drop takes one workload of one store")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{1234567: "1,234,567", 100: "100", 12.34: "12.3", 1.005: "1.00", 0.01234: "0.012", 0: "0", -1500: "-1,500"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}
