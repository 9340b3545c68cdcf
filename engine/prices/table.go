package prices

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tracebed/tracebed/engine/trace"
)

// Table is a price book. Make one with Load, Default or Overlay.
type Table struct {
	models    map[string][]Price // by name; each by FromNS, ascending, no two equal
	folded    map[string]string  // lower case → first name in order
	providers map[string]bool    // prefixes that may be left out
	notes     map[string]string  // members that begin with an underscore

	mu   sync.RWMutex
	memo map[string][]match // of names that are not in models as they are
}

// newTable makes the maps that follow from the models.
func newTable(models map[string][]Price, notes map[string]string) *Table {
	t := &Table{
		models: models, notes: notes, folded: make(map[string]string, len(models)),
		providers: maps.Clone(commonProviders), memo: map[string][]match{},
	}
	for _, name := range t.Names() {
		if low := strings.ToLower(name); t.folded[low] == "" {
			t.folded[low] = name
		}
		for _, p := range models[name] {
			if p.Provider != "" {
				t.providers[strings.ToLower(p.Provider)] = true
			}
		}
	}
	for p := range localProviders {
		delete(t.providers, p)
	}
	return t
}

// Names are the models of the table in order.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.models)) }

// Len is how many models the table has.
func (t *Table) Len() int { return len(t.models) }

// Note is what the file says of itself: "_source", "_taken", "_license".
func (t *Table) Note(name string) string { return t.notes[name] }

// Prices are all prices of the model of exactly that name by the time from
// which they are in force. They must not be modified.
func (t *Table) Prices(name string) []Price { return t.models[name] }

// inForce is the last price that is in force at a time, nil where there is
// none yet.
func inForce(list []Price, at int64) *Price {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].FromNS <= at {
			return &list[i]
		}
	}
	return nil
}

// Lookup finds what a model cost at a time: the price, the name that the table
// has for it, and by which rule it was found. The price is nil where no rule
// finds one. It must not be modified.
func (t *Table) Lookup(model string, at trace.Time) (p *Price, matched string, how How) {
	if p := inForce(t.models[model], at.NS); p != nil {
		return p, model, Exact
	}
	for _, m := range t.matches(model) {
		if p := inForce(m.prices, at.NS); p != nil {
			return p, m.name, m.how
		}
	}
	return nil, "", Unknown
}

// Bounds of the memo: names come from clients.
const (
	maxMemo      = 4096
	maxModelName = 512 // bytes; no model has such a name
)

// matches are what a name may stand for, best first, without the name itself.
func (t *Table) matches(model string) []match {
	if len(model) > maxModelName {
		return nil
	}
	t.mu.RLock()
	found, ok := t.memo[model]
	t.mu.RUnlock()
	if ok {
		return found
	}
	found = t.findMatches(model)
	t.mu.Lock()
	if len(t.memo) >= maxMemo {
		clear(t.memo)
	}
	t.memo[strings.Clone(model)] = found
	t.mu.Unlock()
	return found
}

// Overlay is a new table with the models of over on top of those of t: dated
// prices are put among those that t has for a model, and one without a date
// takes the place of all of them.
func (t *Table) Overlay(over *Table) *Table {
	models := maps.Clone(t.models)
	for name, list := range over.models {
		if list[0].FromNS != always {
			list = mergePrices(models[name], list)
		}
		models[name] = list
	}
	notes := maps.Clone(t.notes)
	maps.Copy(notes, over.notes)
	return newTable(models, notes)
}

// mergePrices is both lists by time; of equal times that of over.
func mergePrices(base, over []Price) []Price {
	all := slices.Concat(over, base)
	slices.SortStableFunc(all, func(a, b Price) int { return cmp.Compare(a.FromNS, b.FromNS) })
	return slices.CompactFunc(all, func(a, b Price) bool { return a.FromNS == b.FromNS })
}
