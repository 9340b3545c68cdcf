package httpapi

import (
	"strconv"
	"strings"

	"github.com/tracebed/tracebed/engine"
)

// promText writes the Prometheus text format: what /metrics needs of it.
type promText struct{ b []byte }

// head begins a metric.
func (p *promText) head(name, kind, help string) {
	p.b = append(p.b, "# HELP "+name+" "+help+"\n# TYPE "+name+" "+kind+"\n"...)
}

// value is one sample; labels are pairs of name and value.
func (p *promText) value(name string, v float64, labels ...string) {
	p.b = append(p.b, name...)
	for i := 0; i < len(labels); i += 2 {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		p.b = append(append(append(p.b, sep), labels[i]...), '=', '"')
		p.b = append(append(p.b, promEscape.Replace(labels[i+1])...), '"')
	}
	if len(labels) > 0 {
		p.b = append(p.b, '}')
	}
	p.b = strconv.AppendFloat(append(p.b, ' '), v, 'g', -1, 64)
	p.b = append(p.b, '\n')
}

// single is a metric of one sample.
func (p *promText) single(name, kind, help string, v float64) {
	p.head(name, kind, help)
	p.value(name, v)
}

// histogram is a whole histogram without labels.
func (p *promText) histogram(name, help string, h engine.Histogram) {
	p.head(name, "histogram", help)
	for i, bound := range h.Bounds {
		p.value(name+"_bucket", float64(h.Counts[i]), "le", strconv.FormatFloat(bound, 'g', 6, 64))
	}
	p.value(name+"_bucket", float64(h.Count), "le", "+Inf")
	p.value(name+"_sum", h.Sum)
	p.value(name+"_count", float64(h.Count))
}

var promEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
