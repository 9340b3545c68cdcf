package report

import "slices"

// line is a row of the table: one figure of every store.
type line struct {
	title        string
	work, metric string
	size         int
	unit         string
	more         bool // more is better
}

// queries are the figures of reads, by workload.
var queries = []struct{ workload, name string }{
	{"W2", "14 d by hour"}, {"W2", "30 d by day"}, {"W2", "year by week"}, {"W2", "random window"},
	{"W3", "newest 20"}, {"W3", "failed in a range"}, {"W3", "page 500"}, {"W3", "last page"},
	{"W4", "one trace"},
}

// columns are the stores in the order of the table.
var columns = []string{"tracebed", "http", "sqlite", "sqlite-go", "duckdb", "postgres", "clickhouse", "bare"}

// peers are those that Tracebed is compared with; rowStores keep rows.
var (
	peers     = []string{"sqlite", "duckdb", "postgres", "clickhouse"}
	rowStores = []string{"sqlite", "postgres"}
)

func (r *Results) sizes(work string) []int {
	var s []int
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Work == work && !slices.Contains(s, f.Size) {
			s = append(s, f.Size)
		}
	}
	slices.Sort(s)
	return s
}

// lines are all rows that have a figure.
func (r *Results) lines() []line {
	all := []line{
		{"W1 durable ingest, batches of 100", "w1", "rate", 0, "traces/s", true},
		{"W1 CPU", "w1", "cpu", 0, "µs/trace", false},
		{"W1 peak memory", "w1", "rss", 0, "MiB", false},
		{"W1 disk, settled", "w1", "disk", 0, "B/trace", false},
		{"W1 64 writers of single traces", "w1c", "rate", 0, "traces/s", true},
		{"W1b every trace three times", "w1b", "rate", 0, "traces/s", true},
		{"W1b disk, settled", "w1b", "disk", 0, "B/trace", false},
	}
	for _, q := range queries {
		for _, size := range r.sizes("read") {
			for _, p := range []string{" p50", " p99"} {
				all = append(all, line{q.workload + " " + q.name + p, "read", q.name + p, size, "ms", false})
			}
		}
	}
	for _, size := range r.sizes("read") {
		all = append(all, line{"W2–W4 peak memory", "read", "read-rss", size, "MiB", false})
	}
	for _, size := range r.sizes("w5") {
		all = append(all,
			line{"W5 export of 10,000 with runs, zstd", "w5", "rate", size, "MB/s of JSON", true},
			line{"W5 CPU", "w5", "cpu", size, "µs/trace", false},
			line{"W5 peak memory", "w5", "rss", size, "MiB", false},
			line{"W5 bytes sent", "w5", "packed", size, "B/trace", false})
	}
	for _, size := range r.sizes("fill") {
		all = append(all,
			line{"W6 disk, settled", "fill", "disk", size, "B/trace", false},
			line{"W7 ingest at the start of the fill", "fill", "first", size, "traces/s", true},
			line{"W7 ingest at its end", "fill", "last", size, "traces/s", true},
			line{"W6 peak memory of the fill, with the harness", "fill", "rss", size, "MiB", false})
	}
	return slices.DeleteFunc(all, func(l line) bool {
		return !slices.ContainsFunc(columns, func(d string) bool { return r.Find(l.key(d)) != nil })
	})
}

func (l *line) key(driver string) Key { return Key{driver, l.work, l.metric, l.size} }

// times says how many times better a is than b in each round.
func (r *Results) times(l *line, a, b string) []float64 {
	if l.more {
		return r.Ratio(l.key(a), l.key(b))
	}
	return r.Ratio(l.key(b), l.key(a))
}
