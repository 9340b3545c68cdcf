//go:build race

package modeltest

// Pebble notes a stack for every iterator when the race detector is on, which
// makes a history eight times as dear.
const defaultHistories = 25
