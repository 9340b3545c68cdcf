//go:build !linux

package engine

// logSyncer is nothing where there is no kernel that syncs for others.
type logSyncer struct{}

func newLogSyncer() *logSyncer { return nil }

func (*logSyncer) sync(uintptr) (begun bool, err error) { return false, nil }

func (*logSyncer) close() error { return nil }
