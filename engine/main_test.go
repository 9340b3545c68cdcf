package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stuckOnPurpose is part of the stack of goroutines that stand still after a
// failure of the disk: Pebble's that met it, and what waits for them.
var stuckOnPurpose atomicCount

// TestMain fails the package when a closed engine leaves goroutines behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && stuckOnPurpose.n.Load() == 0 {
		if left := leaked(); left != "" {
			fmt.Fprintln(os.Stderr, "goroutines left behind:\n"+left)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked gives the stacks of goroutines of the engine or of Pebble that are
// still there after a while.
func leaked() string {
	buf := make([]byte, 4<<20)
	var found []string
	for range 50 {
		found = found[:0]
		for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(g, "tracebed/engine.(") || strings.Contains(g, "pebble/v2.(*DB)") {
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

type atomicCount struct{ n atomic.Int64 }
