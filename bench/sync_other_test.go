//go:build !linux

package bench

import "os"

// fdatasync is what the store's log waits for; here it is a whole fsync.
func fdatasync(f *os.File) error { return f.Sync() }
