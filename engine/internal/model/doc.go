// Package model is the oracle of the engine: the same public behaviour as the
// store, written a second time as plainly as possible, to judge the first.
//
// It follows the public contract and the wire facts, not the engine's code,
// and imports nothing of this module: runs sit in Go maps, JSON goes through
// encoding/json, money is math/big, buckets are found by walking the clock a
// quarter of an hour at a time, percentiles are read off a sorted list. It
// guarantees nothing about speed. Where the law leaves a choice open, the
// comment at that place says which one was made.
//
// History makes the random inputs; package modeltest plays them against the
// engine and the oracle and compares every answer.
package model
