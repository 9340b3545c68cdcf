package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Notes are what a reader must know of the stores, by driver.
type Notes map[string]string

// Doc is docs/benchmarks.md; plot is the path of the plot beside it.
func (r *Results) Doc(notes Notes, plot string) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\nWritten by `make bench-all`; do not edit. Tracebed beside the stores that a user would pick instead, on the\n" +
		"same data, with the same promises, in the same run; and beside what the machine allows. Compare within a\ntable, not with other machines.\n\n")
	r.setting(&b)
	r.absent(&b)
	b.WriteString("## What must be reached\n\nRatios are made within each round and the median of the rounds counts.\n\n" + r.barTable() + "\n")
	b.WriteString("## Cost against store size\n\n![cost against store size](" + plot + ")\n\n")
	r.wins(&b)
	b.WriteString("## Every figure\n\nThe median of the rounds, half of the spread in percent, and in brackets how many times better Tracebed\n" +
		"(embedded) is than that store. Memory is the peak of pages of no file, without the harness's data.\n\n" + r.figureTable() + "\n")
	b.WriteString("## What the machine allows\n\nOne core where nothing else is said; Pebble and the bare loop with as many writers as W1.\n\n" + r.limitTable() + "\n")
	r.stores(&b, notes)
	b.WriteString(method)
	return b.String()
}

func (r *Results) setting(b *strings.Builder) {
	m := &r.Machine
	fmt.Fprintf(b, "Measured on %s at commit %s: %s, %d cores, %.0f GiB of memory, %s, %s, %s; %s rounds, %s writers of batches.\n\n",
		m.Date, m.Commit, m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.FS, m.OS, m.Go, r.Settings["rounds"], r.Settings["writers"])
}

// absent says what a whole run would have and this one has not.
func (r *Results) absent(b *strings.Builder) {
	var list []string
	for _, work := range []string{"w1", "read", "w5"} {
		for _, d := range peers {
			if r.Missing[d] == "" && !slices.ContainsFunc(r.Figures, func(f Figure) bool { return f.Driver == d && f.Work == work }) {
				list = append(list, titles[d]+" in "+map[string]string{"w1": "W1", "read": "W2 to W4", "w5": "W5"}[work])
			}
		}
	}
	if !slices.Contains(r.sizes("read"), million) {
		list = append(list, "stores of a million traces, and so the rows that need them")
	}
	if len(list) > 0 {
		if r.Find(Key{"clickhouse", "w1", "disk", 0}) == nil && r.Find(Key{"clickhouse", "w1", "rate", 0}) != nil {
			list = append(list, "ClickHouse's size on the disk, of which merged parts that still lay there were most")
		}
		b.WriteString("**Not measured in this run:** " + strings.Join(list, "; ") + ".\n\n")
	}
}

// wins lists every figure in which a peer is better.
func (r *Results) wins(b *strings.Builder) {
	b.WriteString("## Where a peer wins\n\n")
	none := true
	for _, l := range r.lines() {
		for _, d := range peers {
			v := r.times(&l, "tracebed", d)
			if len(v) == 0 || median(v) >= 1 {
				continue
			}
			none = false
			size := ""
			if l.size > 0 {
				size = ", " + thousands(float64(l.size)) + " traces"
			}
			fmt.Fprintf(b, "- %s%s: %s with %s against %s %s. %s\n", l.title, size, titles[d],
				number(r.Find(l.key(d)).Median()), number(r.Find(l.key("tracebed")).Median()), l.unit, why(&l, d))
		}
	}
	if none {
		b.WriteString("In no figure of this run.\n")
	}
	b.WriteString("\n")
}

// why says what makes a peer better at something.
func why(l *line, driver string) string {
	column := driver == "duckdb" || driver == "clickhouse"
	switch {
	case l.metric == "disk" && column:
		return "It compresses the texts of many traces together. Tracebed keeps one frame a trace, so that a trace is read and an export is spliced without touching its neighbours; blocks of several traces for cold hours would close most of the distance and cost the decoding of a block for each single trace."
	case l.metric == "packed":
		return "It compresses the export as one stream, Tracebed sends the stored frames."
	case l.metric == "rss" || l.metric == "read-rss":
		return "Tracebed keeps memtables, a block cache and decoded indexes, bounded by options; this store leaves caching to the system's file cache or to mapped files, which are not counted here."
	case l.metric == "cpu" && l.work == "w1":
		return "It gets one finished text and the derived facts; Tracebed takes single runs, compares them with what is stored, derives the trace and hashes every run."
	case strings.HasPrefix(l.metric, "one trace"):
		return "It takes the row from the file that is mapped into memory and checks nothing. Tracebed looks for the place of the trace, reads a block of 30 KiB and checks its sum, which is two fifths of its time; decoding is half of it and the same for both."
	case l.metric == "disk":
		return "It stores no index per status and minute, and no copy of long list rows."
	}
	return ""
}

func (r *Results) stores(b *strings.Builder, notes Notes) {
	b.WriteString("## The stores\n\n")
	for _, d := range columns {
		if notes[d] == "" && r.Versions[d] == "" {
			continue
		}
		fmt.Fprintf(b, "- **%s** %s", titles[d], r.Versions[d])
		if notes[d] != "" {
			b.WriteString(" (" + notes[d] + ")")
		}
		b.WriteString("\n")
	}
	for _, d := range slices.Sorted(maps.Keys(r.Missing)) {
		fmt.Fprintf(b, "- **%s**: not available here: %s\n", titles[d], r.Missing[d])
	}
	b.WriteString("\nSchemas and settings are one commented file each in `bench/peers/drivers`.\n\n")
}

const method = `## What is compared with what

- **Data.** ` + "`bench/gen`" + ` with ` + "`Varied`" + `: 10 apps, one with 80 % of the traffic; 30 days with a daily cycle and bursts, some traces
  up to a day late; 94 % succeeded, 5 % failed, 1 % canceled; 1 to 12 runs; a median body of 15 KB, with a long tail.
- **What the stores get.** Every store is given the derived facts of a trace and its whole text before the clock
  starts; Tracebed embedded gets the parsed runs, and over HTTP the JSON bodies, parsed inside the timer.
- **Promises.** A batch is on the disk when the call returns. A trace may come any number of times, stale or not; the
  final state and every sum are exact. The peers do this for whole traces, which is easier than Tracebed's merging
  of single runs. Lists have exact totals, charts answer any window to the microsecond.
- **What Tracebed does beyond.** Percentiles in every bar, merging by run, previews of long texts, and a protocol for
  damage, retention and repair. The peers' charts have counts and sums only, which is in their favour.
- **Equality.** Before anything is timed, ` + "`make bench-check`" + ` feeds every store the same traces three times over and compares
  bars, totals, pages, traces and exports with a model in memory.
- **Processes.** Every store runs in processes of its own, on a fresh directory; the stores take turns within a round.
  Each process has one thread more than there are processors (Tracebed's server has two). Reads are warm (the store's
  files have been read once), from one client. Servers' memory and CPU time are counted.
- **W1** stores 60,000 traces (1.4 GB of JSON) in a round, so that what a store puts off (checkpoints of its log,
  compactions) is timed too; W1b and the single traces are 10,000.
- **W2 to W5** use one store of each size, all spread over the same 30 days. Only Tracebed is filled with a
  million, and DuckDB and ClickHouse, which are slower in these, may have been with the smallest only.
- **Export.** The peers' rows are decoded and written as one zstd stream on all cores. (A store of zstd blobs could also send
  its frames one after the other; several clients stop reading after the first one, so that is another answer.)

## How to repeat it

    make bench        # embedded stores, 20 k and (without DuckDB) 200 k traces
    make bench-all    # everything, a million traces; writes this page
    make bench-bars   # the bars of the storage design
    make bench-compare BASE=main

SQLite and DuckDB need a C compiler, PostgreSQL its server's programs (Debian: postgresql), ClickHouse a Python with
chdb-core (` + "`PEERS_PYTHON`" + ` names it). A store that is missing is named in the table.
`
