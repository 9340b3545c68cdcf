package bench

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// fdatasync is what the store's log waits for.
func fdatasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// threadTime is the CPU time of the calling thread: what a call costs when
// other processes do not take the processor away. The goroutine must be locked
// to its thread.
func threadTime() time.Duration {
	const threadClock = 3 // CLOCK_THREAD_CPUTIME_ID; getrusage counts ticks of 4 ms
	var ts syscall.Timespec
	if _, _, e := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, threadClock, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		return 0
	}
	return time.Duration(ts.Nano())
}
