package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// guards are what the engine keeps outside Pebble to miss what Pebble has lost:
// the marker, and the number of the last acknowledged operation.
type guards struct {
	mu   sync.Mutex
	mark marker
	acks *ackFile
}

// format is the version of the directory.
func (e *Engine) format() int {
	e.guards.mu.Lock()
	defer e.guards.mu.Unlock()
	return e.guards.mark.version
}

// setMarkVersion is what the next update of the marker writes; Pebble may be
// at one already.
func (e *Engine) setMarkVersion(format int) {
	e.guards.mu.Lock()
	defer e.guards.mu.Unlock()
	e.guards.mark.version = format
}

// updateMarker changes the marker durably.
func (e *Engine) updateMarker(change func(*marker)) error {
	g := &e.guards
	g.mu.Lock()
	defer g.mu.Unlock()
	m := g.mark
	change(&m)
	if err := writeMarker(e.opts.FS, e.dir, m); err != nil {
		return err
	}
	g.mark = m
	return nil
}

// checkManifest compares the MANIFEST in use with what the marker knows of it.
// Bytes behind that were written by a process that ended before it could note
// them, and removed nothing on their strength: logs and tables are removed
// after the note.
func (e *Engine) checkManifest(m *marker) error {
	if len(m.manifests) == 0 {
		return nil // the first open has not come that far
	}
	fs := e.opts.FS
	desc, err := pebble.Peek(e.storePath(), fs)
	if err != nil {
		return err
	}
	if !desc.Exists && m.seq == 0 {
		m.manifests = nil // the first open ended before it named one
		return nil
	}
	if !desc.Exists {
		return fmt.Errorf("%w: the store has no MANIFEST; it had %s; nothing was changed", ErrCorrupt, m.manifests[0].name)
	}
	name := fs.PathBase(desc.ManifestFilename)
	for _, f := range m.manifests {
		if f.name != name {
			continue
		}
		got, err := markManifest(fs, desc.ManifestFilename, f.size)
		if err != nil {
			return err
		}
		if got != f {
			return fmt.Errorf("%w: %s differs from what was synced; nothing was changed", ErrCorrupt, name)
		}
		m.manifests = []manifestMark{f}
		return nil
	}
	return fmt.Errorf("%w: the store names %s, the marker %s; nothing was changed", ErrCorrupt, name, m.manifests[0].name)
}

// markManifest describes the first size bytes of a MANIFEST.
func markManifest(fs vfs.FS, path string, size int64) (manifestMark, error) {
	f, err := fs.Open(path)
	if err != nil {
		if oserror.IsNotExist(err) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return manifestMark{}, err
	}
	sum := crc32.New(crcTable)
	n, err := io.Copy(sum, io.LimitReader(f, size))
	return manifestMark{name: fs.PathBase(path), size: n, crc: sum.Sum32()}, errors.Join(err, f.Close())
}

const (
	ackName = "ACKED"
	ackSlot = 12 // u64 sequence, u32 CRC-32C of it
)

// ackFile holds the last acknowledged operation, written before the answer and
// not synced: 1–2 µs a batch. When the process dies, the system still writes
// it, so every acknowledged operation is asked for on the next open: without
// it damage at the end of a log looks like a crash. When the power fails it may
// be older than the truth, never newer. Two slots are written in turn.
type ackFile struct {
	f    vfs.File
	turn int64
	buf  [ackSlot]byte
}

// openAcks opens the file, making it if need be.
func openAcks(fs vfs.FS, dir string) (*ackFile, error) {
	f, err := fs.OpenReadWrite(fs.PathJoin(dir, ackName), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &ackFile{f: f}, nil
}

// note writes a sequence. Only the syncer calls it.
func (a *ackFile) note(seq uint64) error {
	b := binary.BigEndian.AppendUint64(a.buf[:0], seq)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, crcTable))
	_, err := a.f.WriteAt(b, a.turn*ackSlot)
	a.turn ^= 1
	return err
}

// readAcks returns the last acknowledged operation that is known, 0 for none.
// A slot that is damaged or half written is worth nothing.
func readAcks(fs vfs.FS, dir string) (seq uint64, err error) {
	f, err := fs.Open(fs.PathJoin(dir, ackName))
	if oserror.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	b, err := io.ReadAll(io.LimitReader(f, 2*ackSlot))
	return parseAcks(b), errors.Join(err, f.Close())
}

func parseAcks(b []byte) (seq uint64) {
	for ; len(b) >= ackSlot; b = b[ackSlot:] {
		if crc32.Checksum(b[:8], crcTable) == binary.BigEndian.Uint32(b[8:]) {
			seq = max(seq, binary.BigEndian.Uint64(b))
		}
	}
	return seq
}
