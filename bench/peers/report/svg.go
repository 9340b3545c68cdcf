package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// panel is one plot: a cost against the number of traces, both logarithmic.
type panel struct {
	title, metric string
}

var panels = []panel{
	{"14 days of charts by hour", "14 d by hour p50"},
	{"page 500 of a list, with the exact total", "page 500 p50"},
	{"one trace with its runs", "one trace p50"},
}

// colours of the stores; they can be told apart in grey too, and by their names
// at the ends of the lines.
var colours = map[string]string{
	"tracebed": "#0b6e4f", "http": "#6ab187", "sqlite": "#1f4e9c", "duckdb": "#c97b12", "postgres": "#7a3b9c", "clickhouse": "#b3261e",
}

const (
	panelWidth, panelHeight = 330.0, 300.0
	left, top, below        = 48.0, 40.0, 46.0
	labels                  = 96.0 // for the names at the right
)

// SVG plots cost against store size.
func (r *Results) SVG() string {
	var b strings.Builder
	width := float64(len(panels)) * (panelWidth + labels)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" font-family="system-ui,sans-serif" font-size="12">`+"\n", width, panelHeight+top+below)
	b.WriteString(`<rect width="100%" height="100%" fill="#fff"/>` + "\n")
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%.0f 0)">`+"\n", float64(i)*(panelWidth+labels))
		r.plot(&b, p)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// axes of a panel, in powers of ten.
type axes struct{ x0, x1, y0, y1 float64 }

func (a axes) x(v float64) float64 {
	return left + (math.Log10(v)-a.x0)/(a.x1-a.x0)*(panelWidth-left)
}

func (a axes) y(v float64) float64 {
	return top + (a.y1-math.Log10(v))/(a.y1-a.y0)*panelHeight
}

func (r *Results) plot(b *strings.Builder, p panel) {
	sizes := r.sizes("read")
	a := axes{x0: 4, x1: 6.1, y0: math.Inf(1), y1: math.Inf(-1)}
	for _, d := range columns {
		for _, s := range sizes {
			if f := r.Find(Key{d, "read", p.metric, s}); f != nil && f.Median() > 0 {
				v := math.Log10(f.Median())
				a.y0, a.y1 = min(a.y0, math.Floor(v)), max(a.y1, math.Ceil(v))
			}
		}
	}
	fmt.Fprintf(b, `<text x="%.0f" y="20" font-weight="600">%s, p50</text>`+"\n", left, p.title)
	if a.y0 >= a.y1 {
		return // nothing was measured
	}
	for e := a.y0; e <= a.y1; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(b, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%g</text>`+"\n",
			left, panelWidth, a.y(v), a.y(v), left-4, a.y(v)+4, v)
	}
	for _, s := range sizes {
		fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`+"\n", a.x(float64(s)), top+panelHeight+16, short(s))
	}
	fmt.Fprintf(b, `<text x="%.0f" y="%.0f" text-anchor="middle">traces in the store</text><text x="%.0f" y="36">ms</text>`+"\n",
		(left+panelWidth)/2, top+panelHeight+34, left-24)
	r.curves(b, p, a, sizes)
}

// curves draws the lines, and names them where they end.
func (r *Results) curves(b *strings.Builder, p panel, a axes, sizes []int) {
	type name struct {
		x, y   float64
		driver string
	}
	var names []name
	for _, d := range columns {
		if colours[d] == "" {
			continue
		}
		var points []string
		var last name
		for _, s := range sizes {
			if f := r.Find(Key{d, "read", p.metric, s}); f != nil && f.Median() > 0 {
				last = name{a.x(float64(s)), a.y(f.Median()), d}
				points = append(points, fmt.Sprintf("%.1f,%.1f", last.x, last.y))
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", last.x, last.y, colours[d])
			}
		}
		if len(points) == 0 {
			continue
		}
		fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colours[d])
		names = append(names, last)
	}
	slices.SortFunc(names, func(m, n name) int { return int(m.y*10) - int(n.y*10) })
	at := math.Inf(-1)
	for _, n := range names {
		at = max(at+13, n.y+4)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", n.x+7, at, colours[n.driver], titles[n.driver])
	}
}

func short(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d M", n/1_000_000)
	}
	return fmt.Sprintf("%d k", n/1000)
}
