// Package peer is what a store must do to stand in the comparison: the
// interface of a driver, the data and the queries that every driver gets, and
// the check that all of them answer alike before anything is timed.
//
// Every driver promises that an ingest has made the traces durable and visible
// when it returns, that a trace sent again changes nothing, and that a stale
// copy does not replace a finished one.
package peer

import "io"

// Rec is a trace with everything that a store may want ready: the facts are
// derived before the clock starts, for every driver alike.
type Rec struct {
	App string
	// AppNo is the number in App's name, for stores with integer keys.
	AppNo int32
	ID    string
	// StartUS is in µs since the epoch; DurUS is −1 while the trace runs.
	StartUS, DurUS int64
	Status         uint8 // rollup.Status
	// Tokens are prompt, completion, total; Cost the same in pico-USD.
	Tokens, Cost [3]int64
	Unpriced     int64
	// Head is the trace without its runs, long input and output cut to 2 KB:
	// a row of the list. Full is the whole trace with its runs: what a store
	// keeps, gives back and exports. Both are JSON.
	Head, Full []byte
	// Raw is the request body {"runs":[…]} as an SDK sends it.
	Raw []byte
	// Hash is a hash of the contents, to know a trace that is sent again.
	Hash int64
}

// Finished tells ended traces from running ones.
func (r *Rec) Finished() bool { return r.DurUS >= 0 }

// EndUS is when the trace ended; its start while it runs.
func (r *Rec) EndUS() int64 { return r.StartUS + max(r.DurUS, 0) }

// Sums is what a bar of the charts shows, less the percentiles: only Tracebed
// keeps those (see docs/benchmarks.md).
type Sums struct {
	N            [4]int64 // by status
	DurN, DurSum int64    // ended traces and their time in µs
	Tokens, Cost [3]int64
	Unpriced     int64
}

// Add adds sign times o.
func (s *Sums) Add(o *Sums, sign int64) {
	for i, n := range o.N {
		s.N[i] += sign * n
	}
	s.DurN += sign * o.DurN
	s.DurSum += sign * o.DurSum
	for i := range s.Tokens {
		s.Tokens[i] += sign * o.Tokens[i]
		s.Cost[i] += sign * o.Cost[i]
	}
	s.Unpriced += sign * o.Unpriced
}

// Count is the number of traces.
func (s *Sums) Count() int64 { return s.N[0] + s.N[1] + s.N[2] + s.N[3] }

// Columns are the sums in the order of the peers' rollup tables, which is that
// of the struct.
func (s *Sums) Columns() []*int64 {
	return []*int64{
		&s.N[0], &s.N[1], &s.N[2], &s.N[3], &s.DurN, &s.DurSum,
		&s.Tokens[0], &s.Tokens[1], &s.Tokens[2], &s.Cost[0], &s.Cost[1], &s.Cost[2], &s.Unpriced,
	}
}

// Sums is what the trace adds to its bar.
func (r *Rec) Sums() Sums {
	s := Sums{Tokens: r.Tokens, Cost: r.Cost, Unpriced: r.Unpriced}
	s.N[r.Status] = 1
	if r.Finished() {
		s.DurN, s.DurSum = 1, r.DurUS
	}
	return s
}

// Window is From ≤ start < To, in µs since the epoch.
type Window struct{ From, To int64 }

// ListQuery asks for a page, newest first, and the exact number of all traces
// that match.
type ListQuery struct {
	App           string
	AppNo         int32
	Status        int // rollup.Status, or −1 for all
	Window        Window
	Offset, Limit int
}

// Row is a line of the list.
type Row struct {
	ID      string
	StartUS int64
	Head    []byte
}

// Page is the answer to a ListQuery.
type Page struct {
	Rows  []Row
	Total int64
}

// Exported is what an export wrote: traces, and bytes of JSON before
// compression.
type Exported struct {
	Count, Raw int64
}

// Work stores a batch, durably. It is what is timed.
type Work func() error

// Driver is one store, open. Prepare is called from one goroutine, what it
// returns from several at once, the others from one.
type Driver interface {
	// Prepare brings traces of one app into the form in which a client of the
	// store would have them.
	Prepare(batch []Rec) (Work, error)
	// Metrics returns the sums of every bar.
	Metrics(q *MetricsQuery) ([]Sums, error)
	List(q *ListQuery) (Page, error)
	// Trace returns Rec.Full.
	Trace(app string, appNo int32, id string) ([]byte, error)
	// Export writes the newest traces as zstd of a JSON array, one a line.
	Export(app string, appNo int32, limit int, w io.Writer) (Exported, error)
	// Close leaves everything in the directory.
	Close() error
}

// Settler is a driver with background work that changes its size, such as
// compactions. Settle waits for it.
type Settler interface{ Settle() error }

// Server is a driver whose store is another process.
type Server interface{ PID() int }

// Versioned tells the version of the store that answers.
type Versioned interface{ Version() string }

// Opener opens a store in a directory that may be new.
type Opener func(dir string) (Driver, error)
