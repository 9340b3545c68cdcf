//go:build race

package engine

// raceDetector: everything takes ten times as long; the long tables are cut.
const raceDetector = true
