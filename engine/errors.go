package engine

import "errors"

// Errors that callers branch on with errors.Is. The wrapped text says what
// happened and what to do.
var (
	// ErrNotFound: the app, trace or setting does not exist.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: an argument is out of range; the text names it.
	ErrInvalid = errors.New("invalid argument")
	// ErrOverloaded: too much is waiting to be committed; try again later.
	ErrOverloaded = errors.New("overloaded")
	// ErrUnavailable: the store takes no new data for now, because the disk is
	// nearly full or refuses tables. It comes back by itself.
	ErrUnavailable = errors.New("store takes no new data for now")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("engine closed")
	// ErrReadOnly: the store stopped taking writes after a failure of the disk.
	ErrReadOnly = errors.New("store is read-only")
	// ErrCorrupt: stored bytes are damaged; other data stays readable.
	ErrCorrupt = errors.New("stored data is damaged")
	// ErrInUse: another process has the data directory open.
	ErrInUse = errors.New("data directory is in use")
	// ErrVersion: the directory was written by an unknown format version.
	ErrVersion = errors.New("unknown format version")
	// ErrNotEmpty: the directory holds something that is not a Tracebed store.
	ErrNotEmpty = errors.New("directory is not a Tracebed store")
)
