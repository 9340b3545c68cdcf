// Package report keeps what the runs measured and writes it as a table, JSON, a
// plot and docs/benchmarks.md.
package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Key says what a figure is about.
type Key struct {
	// Driver is the name of a store; "limit" for what the machine allows.
	Driver string `json:"driver"`
	// Work is the workload, such as W1, and Metric what was measured of it.
	Work   string `json:"work"`
	Metric string `json:"metric"`
	// Size is the number of traces in the store.
	Size int `json:"size"`
}

// Figure is one measured number in every round, in order.
type Figure struct {
	Key
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
}

// Median is the middle value, the lower one of two.
func (f *Figure) Median() float64 { return median(f.Values) }

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[(len(s)-1)/2]
}

// Results are all figures and where they come from.
type Results struct {
	// Machine describes it without a name or a path; Versions are those of the
	// stores, by driver.
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	// Missing says why a store is not there, by driver.
	Missing map[string]string `json:"missing,omitempty"`
	// Settings of the run that a reader must know, such as the number of writers.
	Settings map[string]string `json:"settings"`
	Figures  []Figure          `json:"figures"`
}

// Machine is what the figures were measured on.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes"`
	OS     string `json:"os"`
	Go     string `json:"go"`
	FS     string `json:"filesystem"`
	Date   string `json:"date"`
	Commit string `json:"commit"`
}

// Load reads results; a missing file is none.
func Load(path string) (*Results, error) {
	r := &Results{Versions: map[string]string{}, Missing: map[string]string{}, Settings: map[string]string{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, r)
	if r.Missing == nil {
		r.Missing = map[string]string{}
	}
	return r, err
}

// Save writes the results, in an order that does not depend on the run.
func (r *Results) Save(path string) error {
	slices.SortFunc(r.Figures, func(a, b Figure) int {
		return cmp.Or(cmp.Compare(a.Work, b.Work), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Driver, b.Driver))
	})
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Drop forgets what was measured of a workload, which is measured anew.
func (r *Results) Drop(driver, work string, size int) {
	r.Figures = slices.DeleteFunc(r.Figures, func(f Figure) bool {
		return f.Driver == driver && f.Work == work && f.Size == size
	})
}

// Add records a value of one more round.
func (r *Results) Add(k Key, unit string, value float64) {
	if f := r.Find(k); f != nil {
		f.Values = append(f.Values, value)
		return
	}
	r.Figures = append(r.Figures, Figure{Key: k, Unit: unit, Values: []float64{value}})
}

// Find returns a figure; nil when it was not measured.
func (r *Results) Find(k Key) *Figure {
	for i := range r.Figures {
		if r.Figures[i].Key == k {
			return &r.Figures[i]
		}
	}
	return nil
}

// Ratio is a over b in every round of both.
func (r *Results) Ratio(a, b Key) []float64 {
	fa, fb := r.Find(a), r.Find(b)
	if fa == nil || fb == nil {
		return nil
	}
	var v []float64
	for i := range min(len(fa.Values), len(fb.Values)) {
		if fb.Values[i] != 0 {
			v = append(v, fa.Values[i]/fb.Values[i])
		}
	}
	return v
}

// Rounds is how often a workload was measured.
func (r *Results) Rounds(driver, work string, size int) (n int) {
	for i := range r.Figures {
		if f := &r.Figures[i]; f.Driver == driver && f.Work == work && f.Size == size {
			n = max(n, len(f.Values))
		}
	}
	return n
}
