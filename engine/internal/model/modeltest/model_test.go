package modeltest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/internal/dense"
	"github.com/tracebed/tracebed/engine/internal/model"
)

// Histories have few traces: let some fill a busy quarter of an hour.
func init() { dense.Quarter = 3 }

const (
	defaultSteps = 60
	shrinkBudget = 10 * time.Second
)

// TestModel plays random histories and compares every answer of the engine
// with the oracle's.
func TestModel(t *testing.T) {
	histories, seed := number(t, "TRACEBED_HISTORIES", defaultHistories), number(t, "TRACEBED_SEED", 1)
	if os.Getenv("TRACEBED_SEED") != "" && os.Getenv("TRACEBED_HISTORIES") == "" {
		histories = 1
	}
	steps := number(t, "TRACEBED_STEPS", defaultSteps)
	begun := time.Now()
	for i := range histories {
		if !Run(t, uint64(seed+i), steps) {
			return
		}
	}
	t.Logf("%d histories of %d steps in %v", histories, steps, time.Since(begun).Round(time.Millisecond))
}

// Run plays the history of one seed; a difference fails the test with the
// shortest history found that shows one.
func Run(t *testing.T, seed uint64, steps int) bool {
	t.Helper()
	ops := model.History(seed, steps)
	fail := Play(ops, seed)
	if fail == nil {
		return true
	}
	ops, fail = shrink(ops, seed, shrinkBudget, fail)
	t.Error(report(seed, steps, ops, fail))
	return false
}

func number(t *testing.T, env string, value int) int {
	t.Helper()
	if s := os.Getenv(env); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", env, err)
		}
		return n
	}
	return value
}
