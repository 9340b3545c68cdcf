// Package dense holds one number, so that tests of the engine and of its
// guarantees can make it small enough for their few traces. Nothing else sets it.
package dense

// Quarter is the number of traces from which on a quarter of an hour is kept by
// minutes too (see rollup.Minutes): a window that begins or ends in it then
// counts at most a minute of rows one by one. Measured by BenchmarkRaggedWindow:
// with 1,000 traces a quarter the minutes take 2.3 KB, and a chart that is not in
// the memo takes a third to an eighth of the time; with 128 traces they take 0.7 KB
// and save three quarters, with 64 they take 0.4 KB and save two thirds. On disk they
// cost 4 B a trace from 128 on and, where most
// quarters have 64 to 128, 5 B more from 64 on: of an app with 280 traces a quarter
// a window then ends within 9 rows of a minute instead of 19, of one with 56 within
// 11 instead of 28.
var Quarter uint64 = 64
