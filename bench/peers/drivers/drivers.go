package drivers

import (
	"maps"
	"slices"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

// Entry is a store that can be compared.
type Entry struct {
	Open peer.Opener
	// Title is its name in tables.
	Title string
	// Note says what a reader of a table must know of it.
	Note string
	// Unavailable says why the store cannot be had on this machine; nil or ""
	// when it can.
	Unavailable func() string
	// NoCheck: it is a bound and not a store, so it answers nothing.
	NoCheck bool
	// Writers bounds concurrent ingests; 0 is any number.
	Writers int
}

// All are the stores by the name of the flag.
var All = map[string]Entry{
	"tracebed": {Open: OpenTracebed, Title: "Tracebed, embedded"},
	"http": {Open: OpenHTTP, Title: "Tracebed over HTTP",
		Note: "from JSON bodies, parsed inside the timer; CPU and memory hold the client's"},
	"sqlite": {Open: OpenSQLite, Title: "SQLite (C)",
		Note: "zstd blobs made by the application, rollup table in the same transaction"},
	"sqlite-go": {Open: OpenSQLitePure, Title: "SQLite (pure Go)", Note: "the same schema without cgo"},
	"duckdb": {Open: OpenDuckDB, Title: "DuckDB", Writers: 1,
		Note: "texts as they are, its own zstd; one writer at a time"},
	"postgres": {Open: OpenPostgres, Title: "PostgreSQL", Unavailable: pgUnavailable,
		Note: "zstd made by the application, rollup upserted in the same transaction, a server on a Unix socket; CPU and memory hold both"},
	"clickhouse": {Open: OpenClickHouse, Title: "ClickHouse", Unavailable: chUnavailable, Writers: 1,
		Note: "chDB, the server's engine in a process of its own; re-sends are not exact in a rollup, so charts scan the columns with FINAL"},
	"bare": {Open: OpenBare, Title: "bare loop", NoCheck: true,
		Note: "compresses the same texts and commits them to Pebble with sync: no rows, no indexes, no re-sends, no queries"},
}

// Names are the names of All in order.
func Names() []string { return slices.Sorted(maps.Keys(All)) }

// Release gives back what a driver keeps of works that are done.
func Release(d peer.Driver) {
	switch d := d.(type) {
	case *Tracebed:
		d.arena.Free()
	case *HTTP:
		d.arena.Free()
	}
}
