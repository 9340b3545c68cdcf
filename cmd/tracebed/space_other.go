//go:build !linux && !darwin

package main

// freeSpace is not known on this system.
func freeSpace(string) (n int64, ok bool) { return 0, false }
