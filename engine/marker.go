package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormatVersion is the version of everything in a data directory. It changes
// with any byte that an older reader would misread.
const FormatVersion = 1

const (
	markerName = "TRACEBED"
	storeDir   = "store"
)

// marker is the small text file beside the store. It says what the directory
// is, and keeps a watermark outside Pebble: an operation sequence known to be
// durable. A store that knows less than its watermark has lost data that
// Pebble itself cannot miss (style.md 3c.8).
type marker struct {
	version int
	seq     uint64
	clean   bool // closed in order since
}

func (m marker) text() string {
	state := "open"
	if m.clean {
		state = "clean"
	}
	body := fmt.Sprintf("tracebed store\nformat %d\nwatermark %d\nstate %s\n", m.version, m.seq, state)
	return fmt.Sprintf("%scrc %08x\n", body, crc32.Checksum([]byte(body), crcTable))
}

// parseMarker checks the text of a marker file. A version that this build does
// not know is reported as such even where the rest is unreadable.
func parseMarker(text string) (m marker, err error) {
	body, crc, ok := strings.Cut(text, "crc ")
	var state string
	if _, err := fmt.Sscanf(text, "tracebed store\nformat %d\n", &m.version); err != nil {
		return m, fmt.Errorf("%w: it does not begin as a Tracebed marker", ErrNotEmpty)
	}
	if m.version != FormatVersion {
		return m, fmt.Errorf("%w %d (this build reads %d)", ErrVersion, m.version, FormatVersion)
	}
	_, scan := fmt.Sscanf(body, "tracebed store\nformat %d\nwatermark %d\nstate %s\n", &m.version, &m.seq, &state)
	if !ok || scan != nil || crc != fmt.Sprintf("%08x\n", crc32.Checksum([]byte(body), crcTable)) {
		return m, fmt.Errorf("%w: checksum of the marker file", ErrCorrupt)
	}
	m.clean = state == "clean"
	return m, nil
}

// readMarker reads the marker of dir; ok is false where there is none.
func readMarker(fs vfs.FS, dir string) (m marker, ok bool, err error) {
	f, err := fs.Open(fs.PathJoin(dir, markerName))
	if oserror.IsNotExist(err) {
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err = errors.Join(err, f.Close()); err != nil {
		return m, false, err
	}
	m, err = parseMarker(string(text))
	return m, true, err
}

// writeMarker replaces the marker durably: a crash leaves the old or the new.
func writeMarker(fs vfs.FS, dir string, m marker) error {
	path := fs.PathJoin(dir, markerName)
	tmp := path + ".tmp"
	f, err := fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(m.text()))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
