package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// An archive holds the files of a data directory: those of the store, then their
// sums, which an archive of tracebed backup always has, then the marker, without
// which the directory is not taken for one.
const (
	archiveSums   = "SHA256SUMS"
	archiveMarker = "TRACEBED"
	archiveStore  = "store"
)

// storeFile is the name of a file of the store in an archive: nothing in it can
// lead out of the directory.
var storeFile = regexp.MustCompile(`^store/[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// errNoBackup says that something else was given as a backup.
var errNoBackup = errors.New("not a backup of Tracebed")

// errDamaged says that a backup is not what it was.
var errDamaged = errors.New("the backup is damaged")

// unpackTo makes a new data directory of an archive. It removes what it made
// when it fails.
func unpackTo(dir string, archive io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		return err
	}
	err := unpack(dir, archive)
	if err == nil {
		err = syncDirectory(filepath.Dir(dir))
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	return nil
}

// unpack writes the files of an archive below dir, which is empty.
func unpack(dir string, archive io.Reader) error {
	store := filepath.Join(dir, archiveStore)
	if err := os.Mkdir(store, 0o750); err != nil {
		return err
	}
	t, whole, sums := tar.NewReader(archive), false, ""
	for first := true; ; first = false {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, tar.ErrHeader) || first && errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: it is no tar archive, or damaged", errNoBackup)
		}
		if err != nil {
			return err
		}
		switch {
		case whole, h.Typeflag != tar.TypeReg:
			return fmt.Errorf("%w: it holds %q", errNoBackup, h.Name)
		case h.Name == archiveSums:
			if err := checkSums(t, sums); err != nil {
				return err
			}
			continue
		case h.Name != archiveMarker && !storeFile.MatchString(h.Name):
			return fmt.Errorf("%w: it holds %q", errNoBackup, h.Name)
		case h.Name == archiveMarker:
			// Only now: a crash must not leave a marker without its store.
			if err := syncDirectory(store); err != nil {
				return err
			}
			whole = true
		}
		sum, err := writeFile(filepath.Join(dir, filepath.FromSlash(h.Name)), t)
		if err != nil {
			return err
		}
		sums += hex.EncodeToString(sum) + "  " + h.Name + "\n"
	}
	if !whole {
		return fmt.Errorf("%w: it has no file %s at its end", errNoBackup, archiveMarker)
	}
	// What follows an archive is padding; a stream that is cut off there is not
	// whole, and reading on tells.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// checkSums compares what was written with the file of sums.
func checkSums(file io.Reader, written string) error {
	want, err := io.ReadAll(io.LimitReader(file, int64(len(written))+1))
	if err != nil || string(want) == written {
		return err
	}
	lines := strings.Split(string(want), "\n")
	for i, l := range strings.Split(written, "\n") {
		if i >= len(lines) || l != lines[i] {
			_, name, _ := strings.Cut(l, "  ")
			return fmt.Errorf("%w: %s is not what was backed up; its sum differs", errDamaged, name)
		}
	}
	return fmt.Errorf("%w: files are missing", errDamaged)
}

// writeFile writes a new file, waits until it is on the disk, and gives its
// SHA-256.
func writeFile(path string, from io.Reader) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), from)
	if err == nil {
		err = f.Sync()
	}
	return sum.Sum(nil), errors.Join(err, f.Close())
}

// syncDirectory makes the names in a directory durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
