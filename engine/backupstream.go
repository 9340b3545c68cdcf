package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	// backupTmp holds the links of a copy while it is sent.
	backupTmp = "backup.tmp"
	// sumsName is the file of an archive with the SHA-256 of the files before it.
	sumsName = "SHA256SUMS"
)

// BackupTo writes a consistent copy of the store to w: a tar archive of the
// files of a data directory, their sums, and the marker last, so that what was cut off is not
// taken for a store. begin, when not nil, is told the archive's length in bytes
// before the first of them is written. Writes go on meanwhile; what the store
// would delete stays on the disk until the copy is sent. ErrOverloaded: another
// one is running.
func (e *Engine) BackupTo(ctx context.Context, w io.Writer, begin func(bytes int64)) (err error) {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if !e.backups.TryLock() {
		return fmt.Errorf("%w: another backup is being sent; wait for its end", ErrOverloaded)
	}
	defer e.backups.Unlock()
	dir := e.dir
	if !e.opts.ReadOnly { // else nobody writes, and nothing may be made here
		if err := e.dropBackup(); err != nil {
			return err
		}
		dir = e.opts.FS.PathJoin(e.dir, backupTmp)
		if err := e.Backup(ctx, dir); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, e.dropBackup()) }()
	}
	files, length, err := e.archived(dir)
	if err != nil {
		return err
	}
	if begin != nil {
		begin(length)
	}
	t := tar.NewWriter(w)
	var sums bytes.Buffer
	for _, f := range files {
		if f.name == markerName {
			if err := t.WriteHeader(header(sumsName, int64(sums.Len()))); err != nil {
				return err
			}
			if _, err := t.Write(sums.Bytes()); err != nil {
				return err
			}
		}
		sum, err := addFile(ctx, t, e.opts.FS, f)
		if err != nil {
			return fmt.Errorf("backup of %s: %w", f.name, err)
		}
		sums.WriteString(sumLine(sum, f.name))
	}
	return t.Close()
}

// sumLine is a line of the file of sums, in the form of sha256sum.
func sumLine(sum [sha256.Size]byte, name string) string {
	return hex.EncodeToString(sum[:]) + "  " + name + "\n"
}

// header is that of a plain file.
func header(name string, size int64) *tar.Header {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, Format: tar.FormatUSTAR}
	if size >= 1<<33 { // what an old header can tell
		h.Format = tar.FormatGNU
	}
	return h
}

// dropBackup removes what a crash has left of a copy.
func (e *Engine) dropBackup() error {
	path := e.opts.FS.PathJoin(e.dir, backupTmp)
	if _, err := e.opts.FS.Stat(path); e.opts.ReadOnly || oserror.IsNotExist(err) {
		return nil
	}
	return e.opts.FS.RemoveAll(path)
}

// archivedFile is one file of an archive.
type archivedFile struct {
	name, path string
	size       int64
}

// archived lists the files of a copy, and the length of their archive.
func (e *Engine) archived(dir string) (files []archivedFile, length int64, err error) {
	fs := e.opts.FS
	names, err := fs.List(fs.PathJoin(dir, storeDir))
	if err != nil {
		return nil, 0, err
	}
	slices.Sort(names)
	for _, name := range names {
		if name != "LOCK" {
			files = append(files, archivedFile{name: storeDir + "/" + name, path: fs.PathJoin(dir, storeDir, name)})
		}
	}
	files = append(files, archivedFile{name: markerName, path: fs.PathJoin(dir, markerName)})
	var sums int64
	length = 2 * 512 // the end of an archive
	for i := range files {
		if files[i].name != markerName {
			sums += int64(len(sumLine([sha256.Size]byte{}, files[i].name)))
		}
		info, err := fs.Stat(files[i].path)
		if err != nil {
			return nil, 0, err
		}
		files[i].size = info.Size()
		length += inArchive(files[i].size)
	}
	length += inArchive(sums)
	return files, length, nil
}

// inArchive is what a file takes in an archive: a header and whole blocks.
func inArchive(size int64) int64 { return 512 + (size+511)/512*512 }

func addFile(ctx context.Context, t *tar.Writer, fs vfs.FS, f archivedFile) (sum [sha256.Size]byte, err error) {
	in, err := fs.Open(f.path, vfs.SequentialReadsOption)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if err := t.WriteHeader(header(f.name, f.size)); err != nil {
		return sum, err
	}
	hash := sha256.New()
	buf := make([]byte, 256<<10)
	for left := f.size; left > 0; {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n, err := in.Read(buf[:min(left, int64(len(buf)))])
		if n == 0 && err == nil || errors.Is(err, io.EOF) && int64(n) < left {
			err = io.ErrUnexpectedEOF
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
		if err != nil {
			return sum, err
		}
		hash.Write(buf[:n])
		if _, err := t.Write(buf[:n]); err != nil {
			return sum, err
		}
		left -= int64(n)
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}
