// Package dense holds one number, so that tests of the engine and of its
// guarantees can make it small enough for their few traces. Nothing else sets it.
package dense

// Quarter is the number of traces from which on a quarter of an hour is kept by
// minutes too (see rollup.Minutes): a window that begins or ends in it then
// counts at most a minute of rows one by one. Below, counting all of them takes
// 26 µs at most, and the minutes would take more than their 900 B beside 128
// traces of 4 KB are worth.
var Quarter uint64 = 128
