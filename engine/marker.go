package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FormatVersion is the version of everything in a new data directory. It
// changes with any byte that an older reader would misread. A directory of an
// older version opens and stays what it is until Repair.
const FormatVersion = 2

const (
	markerName = "TRACEBED"
	storeDir   = "store"
)

// marker is the small text file beside the store. It says what the directory
// is, and keeps outside Pebble what Pebble itself cannot miss (style.md 3c.8):
// an operation sequence known to be durable, and how its MANIFEST begins. A
// store that knows less has lost data.
type marker struct {
	version int
	seq     uint64
	clean   bool // closed in order since
	// manifests has the MANIFEST in use, the newest first, and before the
	// pointer to a new one has moved also the one that it replaces.
	manifests []manifestMark
}

// maxManifests bounds the manifests of a marker: the current one and its heir.
const maxManifests = 2

// manifestMark is the part of a MANIFEST that is known to be durable.
type manifestMark struct {
	name string
	size int64  // bytes from its beginning
	crc  uint32 // CRC-32C of them
}

func (m marker) text() string {
	state := "open"
	if m.clean {
		state = "clean"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tracebed store\nformat %d\nwatermark %d\nstate %s\n", m.version, m.seq, state)
	for _, f := range m.manifests {
		fmt.Fprintf(&b, "manifest %s %d %08x\n", f.name, f.size, f.crc)
	}
	body := b.String()
	return fmt.Sprintf("%scrc %08x\n", body, crc32.Checksum([]byte(body), crcTable))
}

// parseMarker checks the text of a marker file. A version that this build does
// not know is reported as such even where the rest is unreadable.
func parseMarker(text string) (m marker, err error) {
	if _, err := fmt.Sscanf(text, "tracebed store\nformat %d\n", &m.version); err != nil {
		return m, fmt.Errorf("%w: it does not begin as a Tracebed marker", ErrNotEmpty)
	}
	if m.version < 1 || m.version > FormatVersion {
		return m, versionError(m.version)
	}
	at := strings.LastIndex(text, "crc ")
	if at < 0 || text[at:] != fmt.Sprintf("crc %08x\n", crc32.Checksum([]byte(text[:at]), crcTable)) {
		return m, fmt.Errorf("%w: checksum of the marker file", ErrCorrupt)
	}
	for _, line := range strings.Split(strings.TrimSuffix(text[:at], "\n"), "\n")[2:] {
		if err := m.parseLine(line); err != nil {
			return m, err
		}
	}
	return m, nil
}

func versionError(version int) error {
	return fmt.Errorf("%w %d (this build reads 1 to %d)", ErrVersion, version, FormatVersion)
}

// parseLine reads one line behind the format.
func (m *marker) parseLine(line string) error {
	key, value, _ := strings.Cut(line, " ")
	var err error
	switch key {
	case "watermark":
		m.seq, err = strconv.ParseUint(value, 10, 64)
	case "state":
		m.clean = value == "clean"
	case "manifest":
		var f manifestMark
		if _, err = fmt.Sscanf(value, "%s %d %x", &f.name, &f.size, &f.crc); err == nil && len(m.manifests) < maxManifests {
			m.manifests = append(m.manifests, f)
		}
	default:
		err = errors.New("unknown")
	}
	if err != nil {
		return fmt.Errorf("%w: line %q of the marker file", ErrCorrupt, key)
	}
	return nil
}

// noteManifest puts a synced state of a MANIFEST in front.
func (m *marker) noteManifest(f manifestMark) {
	list := []manifestMark{f}
	for _, old := range m.manifests {
		if old.name != f.name && len(list) < maxManifests {
			list = append(list, old)
		}
	}
	m.manifests = list
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
