//go:build linux || darwin

package main

import "syscall"

// freeSpace is how many bytes this process may still write on the disk of an
// existing path; ok is false where the system does not tell.
func freeSpace(path string) (n int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // Bsize is a uint32 on darwin
}
