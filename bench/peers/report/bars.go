package report

import (
	"fmt"
	"slices"
)

// Bar is a row of what must be reached, and what was.
type Bar struct {
	Work, What, Need string
	// Values are those of the rounds: ratios, or figures with a fixed limit.
	Values  []float64
	Unit    string
	Reached bool // in the median
	All     bool // in every round
}

// bars are the rows of the comparison that have figures.
func (r *Results) bars() []Bar {
	b := &barList{r: r}
	b.ingest()
	b.metrics()
	b.lists()
	b.export()
	b.sizes()
	b.growth()
	return b.bars
}

type barList struct {
	r    *Results
	bars []Bar
}

// add adds a bar that needs values of at least, or with most of at most, limit.
func (b *barList) add(work, what string, most bool, limit float64, unit string, values []float64) {
	if len(values) == 0 {
		return
	}
	sign := "≥"
	ok := func(v float64) bool { return v >= limit }
	if most {
		sign, ok = "≤", func(v float64) bool { return v <= limit }
	}
	b.bars = append(b.bars, Bar{
		Work: work, What: what, Need: fmt.Sprintf("%s %g%s", sign, limit, unit), Values: values, Unit: unit,
		Reached: ok(median(values)), All: !slices.ContainsFunc(values, func(v float64) bool { return !ok(v) }),
	})
}

func (b *barList) ingest() {
	rate := func(d, work string) Key { return Key{d, work, "rate", 0} }
	own := rate("tracebed", "w1")
	for _, p := range []struct {
		driver string
		limit  float64
	}{{"sqlite", 1.5}, {"postgres", 2}, {"clickhouse", 2}, {"bare", 0.8}} {
		b.add("W1", "embedded beside "+titles[p.driver], false, p.limit, "×", b.r.Ratio(own, rate(p.driver, "w1")))
	}
	b.add("W1", "over HTTP beside embedded", false, 0.6, "×", b.r.Ratio(rate("http", "w1"), own))
	b.add("W1", "64 writers of single traces beside batches", false, 0.5, "×", b.r.Ratio(rate("tracebed", "w1c"), own))
	b.add("W1b", "three times each beside once", false, 0.35, "×", b.r.Ratio(rate("tracebed", "w1b"), own))
	b.add("W1b", "disk beside W1", true, 1.05, "×", b.r.Ratio(Key{"tracebed", "w1b", "disk", 0}, Key{"tracebed", "w1", "disk", 0}))
}

func (b *barList) values(metric string, size int) []float64 {
	if f := b.r.Find(Key{"tracebed", "read", metric, size}); f != nil {
		return f.Values
	}
	return nil
}

// best is how many times slower the fastest peer is, in every round.
func (b *barList) best(work, metric string, size int, more bool) []float64 {
	var best []float64
	l := line{work: work, metric: metric, size: size, more: more}
	for _, p := range peers {
		v := b.r.times(&l, "tracebed", p)
		if best == nil {
			best = v
			continue
		}
		for i := range min(len(v), len(best)) {
			best[i] = min(best[i], v[i])
		}
	}
	return best
}

const million, middleSize, smallSize = 1_000_000, 200_000, 20_000

func (b *barList) metrics() {
	for _, q := range queries[:4] {
		for _, size := range []int{smallSize, million} {
			b.add("W2", fmt.Sprintf("%s, p99 at %s", q.name, thousands(float64(size))), true, 1, " ms", b.values(q.name+" p99", size))
		}
		b.add("W2", q.name+", p99 at 1 M beside 20 k", true, 1.3, "×",
			b.r.Ratio(Key{"tracebed", "read", q.name + " p99", million}, Key{"tracebed", "read", q.name + " p99", smallSize}))
		b.add("W2", q.name+", the fastest peer beside Tracebed, p50 at 200 k", false, 5, "×", b.best("read", q.name+" p50", middleSize, false))
	}
}

func (b *barList) lists() {
	for _, q := range queries[4:8] {
		for _, size := range []int{middleSize, million} {
			b.add("W3", fmt.Sprintf("%s, p99 at %s", q.name, thousands(float64(size))), true, 1, " ms", b.values(q.name+" p99", size))
		}
	}
	for _, size := range []int{middleSize, million} {
		b.add("W3", fmt.Sprintf("last page beside first, p50 at %s", thousands(float64(size))), true, 1.5, "×",
			b.r.Ratio(Key{"tracebed", "read", "last page p50", size}, Key{"tracebed", "read", "newest 20 p50", size}))
	}
	b.add("W3", "page 500, the fastest peer beside Tracebed, p50 at 200 k", false, 3, "×", b.best("read", "page 500 p50", middleSize, false))
	b.add("W4", "one trace, p50 at 200,000", true, 0.15, " ms", b.values("one trace p50", middleSize))
	b.add("W4", "one trace, the fastest peer beside Tracebed, p50 at 200 k", false, 0.7, "×", b.best("read", "one trace p50", middleSize, false))
}

func (b *barList) export() {
	b.add("W5", "to a discarding writer beside the fastest peer", false, 15, "×", b.best("w5", "rate", middleSize, true))
	http := b.r.Find(Key{"http", "w5", "rate", middleSize})
	if http == nil {
		return
	}
	var worst []float64
	for _, p := range peers {
		v := b.r.Ratio(http.Key, Key{p, "w5", "rate", middleSize})
		for i := range v {
			if i == len(worst) {
				worst = append(worst, v[i])
			}
			worst[i] = min(worst[i], v[i])
		}
	}
	b.add("W5", "over HTTP beside the fastest peer in its process", false, 5, "×", worst)
	b.add("W5", "over HTTP beside ready bytes", false, 0.6, "×", b.r.Ratio(http.Key, Key{"tracebed", "w5", "ready", middleSize}))
}

func (b *barList) sizes() {
	key := func(d string) Key { return Key{d, "fill", "disk", middleSize} }
	var most []float64
	for _, p := range rowStores {
		for i, v := range b.r.Ratio(key("tracebed"), key(p)) {
			if i == len(most) {
				most = append(most, v)
			}
			most[i] = max(most[i], v)
		}
	}
	b.add("W6", "disk beside the smallest row store, 200 k", true, 0.85, "×", most)
	var rss []float64
	for i := range b.r.Figures {
		f := &b.r.Figures[i]
		if f.Driver == "tracebed" && (f.Metric == "rss" || f.Metric == "read-rss") && f.Work != "fill" {
			rss = append(rss, slices.Max(f.Values))
		}
	}
	if len(rss) > 0 {
		b.add("W6", "peak memory in W1–W5", true, 400, " MiB", []float64{slices.Max(rss)})
	}
}

func (b *barList) growth() {
	for _, q := range queries {
		b.add("W7", q.name+", p50 at 1 M beside 20 k", true, 1.5, "×",
			b.r.Ratio(Key{"tracebed", "read", q.name + " p50", million}, Key{"tracebed", "read", q.name + " p50", smallSize}))
	}
	b.add("W7", "ingest at 1 M beside its start", false, 0.7, "×",
		b.r.Ratio(Key{"tracebed", "fill", "last", million}, Key{"tracebed", "fill", "first", million}))
}
