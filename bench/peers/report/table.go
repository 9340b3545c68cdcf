package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// titles are the stores' names.
var titles = map[string]string{
	"tracebed": "Tracebed", "http": "Tracebed, HTTP", "sqlite": "SQLite", "sqlite-go": "SQLite (Go)",
	"duckdb": "DuckDB", "postgres": "PostgreSQL", "clickhouse": "ClickHouse", "bare": "bare loop",
}

// Text is the whole report as text: what must be reached, every figure, and
// the limits of the machine.
func (r *Results) Text() string {
	return "What must be reached\n\n" + r.barTable() + "\nEvery figure: median, half of the spread, and in brackets how many times better Tracebed is\n\n" +
		r.figureTable() + "\nWhat the machine allows\n\n" + r.limitTable()
}

func (r *Results) barTable() string {
	t := [][]string{{"", "what", "needed", "median", "rounds", "reached"}}
	for _, b := range r.bars() {
		var each []string
		for _, v := range b.Values {
			each = append(each, number(v))
		}
		reached := "yes"
		switch {
		case !b.Reached:
			reached = "**no**"
		case !b.All:
			reached = "in the median"
		}
		t = append(t, []string{b.Work, b.What, b.Need, number(median(b.Values)) + b.Unit, strings.Join(each, ", "), reached})
	}
	return table(t)
}

func (r *Results) figureTable() string {
	var have []string
	lines := r.lines()
	for _, d := range columns {
		if slices.ContainsFunc(lines, func(l line) bool { return r.Find(l.key(d)) != nil }) {
			have = append(have, d)
		}
	}
	head := []string{"figure", "traces", "unit"}
	for _, d := range have {
		head = append(head, titles[d])
	}
	for _, d := range peers {
		if r.Missing[d] != "" && !slices.Contains(have, d) {
			head = append(head, titles[d])
		}
	}
	t := [][]string{head}
	for _, l := range lines {
		row := []string{l.title, "", l.unit}
		if l.size > 0 {
			row[1] = thousands(float64(l.size))
		}
		for _, d := range have {
			row = append(row, r.cell(&l, d))
		}
		for len(row) < len(head) {
			row = append(row, "not available here")
		}
		t = append(t, row)
	}
	return table(t)
}

func (r *Results) cell(l *line, driver string) string {
	f := r.Find(l.key(driver))
	if f == nil {
		return "–"
	}
	s := number(f.Median())
	if m := f.Median(); len(f.Values) > 1 && m != 0 {
		s += fmt.Sprintf(" ±%.0f %%", (slices.Max(f.Values)-slices.Min(f.Values))/2/m*100)
	}
	if driver == "tracebed" {
		return s
	}
	if v := r.times(l, "tracebed", driver); len(v) > 0 {
		s += " (" + number(median(v)) + "×)"
	}
	return s
}

func (r *Results) limitTable() string {
	t := [][]string{{"limit", "median", "spread", "unit"}}
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Driver == "limit" {
			t = append(t, []string{f.Metric, number(f.Median()), number(slices.Min(f.Values)) + "–" + number(slices.Max(f.Values)), f.Unit})
		}
	}
	for _, size := range r.sizes("w5") {
		if f := r.Find(Key{"tracebed", "w5", "ready", size}); f != nil {
			t = append(t, []string{"ready export streamed by the same server over loopback", number(f.Median()),
				number(slices.Min(f.Values)) + "–" + number(slices.Max(f.Values)), "MB/s of JSON"})
		}
	}
	return table(t)
}

// number has three significant digits, or all of an integer part.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return thousands(v)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}

func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// table renders Markdown that can be read as it is.
func table(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		for k, c := range row {
			b.WriteString("| " + c + strings.Repeat(" ", width[k]-utf8.RuneCountInString(c)+1))
		}
		b.WriteString("|\n")
		if i > 0 {
			continue
		}
		for _, n := range width {
			b.WriteString("|" + strings.Repeat("-", n+2))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
