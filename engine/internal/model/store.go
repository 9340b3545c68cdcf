package model

import (
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"time"
)

// ErrNotFound: the app or the trace does not exist.
var ErrNotFound = errors.New("not found")

// Store is the oracle: apps of traces of runs in plain maps. The zero Store
// is not ready; use NewStore.
type Store struct {
	apps map[string]map[string]*state
	// OrphanTimeout is the idle time after which orphans become roots and an
	// open root makes its trace stale.
	OrphanTimeout time.Duration
}

// state is what is kept of one trace.
type state struct {
	runs        map[string]*Run
	evaluations map[string]*Evaluation
	updated     time.Time
	promoted    bool
	derived     *Trace // cache of derive, dropped by every change
}

// NewStore makes an empty store with the given idle time.
func NewStore(orphanTimeout time.Duration) *Store {
	return &Store{apps: map[string]map[string]*state{}, OrphanTimeout: orphanTimeout}
}

// Result counts what became of the runs of one body.
type Result struct {
	Created, Updated, Unchanged int
	// Rejected maps the position of a run that was refused to the reason.
	Rejected map[int]string
}

// Post stores a Dynamiq body at the time now. A body without one good run is
// an error and makes no app.
func (s *Store) Post(app string, body []byte, now time.Time) (Result, error) {
	res := Result{Rejected: map[int]string{}}
	top, err := object(body)
	if err != nil {
		return res, err
	}
	var raws []json.RawMessage
	if err := json.Unmarshal(top["runs"], &raws); err != nil {
		return res, err
	}
	var runs []*Run
	for i, raw := range raws {
		r, err := parseRun(raw)
		if err != nil {
			res.Rejected[i] = err.Error()
			continue
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return res, errors.New("no good run in the body")
	}
	nameTraces(runs)
	if s.apps[app] == nil {
		s.apps[app] = map[string]*state{}
	}
	// Of several copies of one run in a body the one that wins counts; the law
	// does not say how the others are counted: here they changed nothing.
	type key struct{ trace, id string }
	winners := map[key]*Run{}
	for _, r := range runs {
		k := key{r.TraceID, r.ID}
		if old := winners[k]; old == nil || r.Wins(old) {
			winners[k] = r
		}
	}
	res.Unchanged += len(runs) - len(winners)
	for _, r := range winners {
		s.put(app, r, now, &res)
	}
	return res, nil
}

func (s *Store) put(app string, r *Run, now time.Time, res *Result) {
	t := s.apps[app][r.TraceID]
	if t == nil {
		t = &state{runs: map[string]*Run{}}
		s.apps[app][r.TraceID] = t
	}
	old := t.runs[r.ID]
	switch {
	case old == nil:
		res.Created++
	case !r.Wins(old) || r.Same(old):
		res.Unchanged++
		return
	default:
		res.Updated++
	}
	// A change starts the idle time of the trace anew, so its orphans wait
	// for their parents again.
	t.runs[r.ID], t.updated, t.promoted, t.derived = r, now, false, nil
}

// nameTraces gives the runs of one body that came with a null trace_id the id
// of their root run: the topmost known ancestor, or the parent that this one
// misses; of a circle of parents the smallest id.
func nameTraces(runs []*Run) {
	byID := map[string]*Run{}
	for _, r := range runs {
		byID[r.ID] = r
	}
	for _, r := range runs {
		if r.TraceID != "" {
			continue
		}
		quoted, _ := json.Marshal(rootID(r.ID, byID))
		r.Members["trace_id"] = string(quoted)
	}
	for _, r := range runs {
		if r.TraceID == "" {
			_ = json.Unmarshal([]byte(r.Members["trace_id"]), &r.TraceID)
		}
	}
}

// rootID walks up from a run to the id that names its trace.
func rootID(id string, byID map[string]*Run) string {
	var path []string
	for {
		r := byID[id]
		if r == nil || r.Parent == nil || *r.Parent == id {
			return id
		}
		path = append(path, id)
		id = *r.Parent
		if i := slices.Index(path, id); i >= 0 {
			return slices.Min(path[i:])
		}
	}
}

// DeleteTrace removes a trace.
func (s *Store) DeleteTrace(app, id string) error {
	if s.apps[app][id] == nil {
		return ErrNotFound
	}
	delete(s.apps[app], id)
	return nil
}

// DeleteApp removes an app with all it holds.
func (s *Store) DeleteApp(app string) error {
	if s.apps[app] == nil {
		return ErrNotFound
	}
	delete(s.apps, app)
	return nil
}

// Promote makes roots of the orphans of every trace that was idle for the
// timeout, and returns how many traces that changed.
func (s *Store) Promote(now time.Time) (changed int) {
	for app, traces := range s.apps {
		for id, t := range traces {
			if !t.promoted && now.Sub(t.updated) >= s.OrphanTimeout && s.trace(app, id, t).Orphans > 0 {
				t.promoted, t.derived = true, nil
				changed++
			}
		}
	}
	return changed
}

// Apps lists the apps by id.
func (s *Store) Apps() []string {
	var ids []string
	for id := range s.apps {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

// Trace is one trace; stale is judged at the time now.
func (s *Store) Trace(app, id string, now time.Time) (*Trace, error) {
	t := s.apps[app][id]
	if t == nil {
		return nil, ErrNotFound
	}
	out := *s.trace(app, id, t)
	out.Stale = out.OpenRoot && now.Sub(t.updated) >= s.OrphanTimeout
	return &out, nil
}

func (s *Store) trace(app, id string, t *state) *Trace {
	if t.derived == nil {
		t.derived = derive(app, id, t)
		t.derived.Evaluations = listEvaluations(t.evaluations)
	}
	return t.derived
}

// Runs are the runs of a trace, newest first, equal starts by id.
func (s *Store) Runs(app, id string) []*Run {
	t := s.apps[app][id]
	if t == nil {
		return nil
	}
	runs := inOrder(t.runs)
	sort.SliceStable(runs, func(i, j int) bool { return runs[i].Start.NS > runs[j].Start.NS })
	return runs
}

// Filter selects traces: statuses (none = all) and starts in µs, From ≤ t < To,
// where a To of 0 is no end.
type Filter struct {
	Statuses []string
	From, To int64
}

// Select lists the traces of an app that the filter takes, newest first by
// the microsecond, equal ones by id.
func (s *Store) Select(app string, f Filter) []*Trace {
	var out []*Trace
	for id, t := range s.apps[app] {
		tr := s.trace(app, id, t)
		us := tr.StartUS()
		if us < f.From || f.To != 0 && us >= f.To {
			continue
		}
		ok := len(f.Statuses) == 0
		for _, want := range f.Statuses {
			ok = ok || want == tr.Status
		}
		if ok {
			out = append(out, tr)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := out[i].StartUS(), out[j].StartUS(); a != b {
			return a > b
		}
		return out[i].ID < out[j].ID
	})
	return out
}

// Export lists the ids that an export with the filter holds, in its order.
func (s *Store) Export(app string, f Filter) []string {
	var ids []string
	for _, t := range s.Select(app, f) {
		ids = append(ids, t.ID)
	}
	return ids
}

// List is one page (1-based) of ids and the exact total.
func (s *Store) List(app string, f Filter, asc bool, page, size int) (ids []string, total int) {
	all := s.Export(app, f)
	if asc {
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
	}
	from := min((page-1)*size, len(all))
	return all[from:min(from+size, len(all))], len(all)
}

// inOrder sorts runs by start, equal ones by id.
func inOrder(runs map[string]*Run) []*Run {
	var out []*Run
	for _, r := range runs {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Start.NS != out[j].Start.NS {
			return out[i].Start.NS < out[j].Start.NS
		}
		return out[i].ID < out[j].ID
	})
	return out
}
