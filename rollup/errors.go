package rollup

import (
	"errors"
	"fmt"
)

// Errors that callers branch on with errors.Is.
var (
	// ErrCorrupt: stored bytes are not what this package writes.
	ErrCorrupt = errors.New("rollup: damaged encoding")
	// ErrAbsent: something was taken out that had not been put in; the
	// receiver is unchanged.
	ErrAbsent = errors.New("rollup: sample is not in the bucket")
	// ErrStale: a bucket whose extremes are not known exactly was to be encoded.
	ErrStale = errors.New("rollup: extremes are stale")
)

// corrupt wraps ErrCorrupt with the part that is damaged.
func corrupt(what string, why any) error {
	return fmt.Errorf("%w: %s: %v", ErrCorrupt, what, why)
}
