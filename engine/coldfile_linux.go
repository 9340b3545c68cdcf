package engine

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// readCached reads what the system has in memory, and makes it begin with the
// rest (Linux 5.9 and later). Where the kernel or the filesystem has no such
// reads it is not known what that is, and nothing is read.
func readCached(fd uintptr, p []byte, at int64) (n int, known bool) {
	if fd == vfs.InvalidFd {
		return 0, false
	}
	n, err := unix.Preadv2(int(fd), [][]byte{p}, at, unix.RWF_NOWAIT)
	if err != nil {
		return 0, errors.Is(err, unix.EAGAIN)
	}
	return n, true
}
