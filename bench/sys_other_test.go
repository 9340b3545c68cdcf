//go:build !linux

package bench

import (
	"os"
	"time"
)

// fdatasync is what the store's log waits for; here it is a whole fsync.
func fdatasync(f *os.File) error { return f.Sync() }

// threadTime is not known here.
func threadTime() time.Duration { return 0 }
