package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine/internal/dense"
)

// TestMain lets the few traces of a test fill a busy quarter of an hour, and
// fails the package when a closed engine leaves goroutines behind.
func TestMain(m *testing.M) {
	dense.Quarter = 4
	code := m.Run()
	if code == 0 {
		if left := leaked(); left != "" {
			fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked gives the stacks of goroutines of the engine that are still there
// after a while. What a failing disk has stopped for ever, in Fatalf or in the
// Open or Close that waits for it, is meant to be there.
func leaked() string {
	buf := make([]byte, 8<<20)
	var found []string
	for range 50 {
		found = found[:0]
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "tracebed/engine.(") && !strings.Contains(g, ".Fatalf(") &&
				!strings.Contains(g, "guardedOpen") && !strings.Contains(g, ".Close.func") && !strings.Contains(g, "TestMain") {
				found = append(found, g)
			}
		}
		if len(found) == 0 {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return strings.Join(found, "\n\n")
}
