// Package e2e holds the tests that drive the real binary: built, started on a
// free port, killed, given full disks and real clients. `make e2e` runs them;
// they need the build tag e2e, as they take minutes.
package e2e
