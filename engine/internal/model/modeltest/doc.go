// Package modeltest plays random histories against the engine and against
// the oracle of package model and compares every answer: lists and their
// totals, pages and cursors, traces field by field, runs, charts, exports.
//
// The engine is driven through its public API only, on a filesystem in
// memory, with a clock that only the history moves. TestModel in this package
// runs a few histories; TRACEBED_HISTORIES=10000 runs that many, and
// TRACEBED_SEED=n starts at (or, alone, repeats) one seed.
package modeltest
