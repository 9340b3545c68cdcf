// Package engine is Tracebed's store: it records the runs of LLM applications
// durably and answers lists, charts, execution trees and exports at a cost
// that does not grow with the data.
//
// It guarantees:
//   - A nil error from a write means fsynced, and visible to every read that
//     starts afterwards.
//   - Idempotence: a run may come any number of times, stale or newer, in any
//     order; every sum counts it once (the order of truth is in package trace).
//   - One answer: list totals, charts, exports and a recomputation from the
//     stored runs (Verify) agree. Rows, indexes and buckets change in one
//     atomic batch; every read works on one snapshot of all of them.
//   - Determinism: every mutation is an Op, and applying the same operations
//     in the same order gives the same store, byte for byte.
//
// It does not: interpret user JSON beyond what a trace is derived from, listen
// on a network, print, or exit the process.
//
// How it works is told in docs/architecture.md, every stored byte in
// docs/format.md. An Engine is safe for concurrent use.
package engine
