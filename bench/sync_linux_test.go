package bench

import (
	"os"
	"syscall"
)

// fdatasync is what the store's log waits for.
func fdatasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
