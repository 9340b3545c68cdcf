package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestBackup takes copies while writers go on: each opens, is consistent, and
// has everything that was acknowledged before it began.
func TestBackup(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := smallOptions(fs, newClock())
	e := openTest(t, "data", o)
	l := newLedger()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 3 {
		name := fmt.Sprint("w", n)
		w := &crashWriter{e: e, l: l, w: newWorkload(5, uint64(n), name+"-"), name: name}
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := w.step(); err != nil {
					t.Errorf("writer: %v", err)
					return
				}
			}
		})
	}
	type copied struct{ before, after *ledger }
	var copies []copied
	for i := range 5 {
		time.Sleep(20 * time.Millisecond)
		c := copied{before: l.copy()}
		if err := e.Backup(bg, fmt.Sprint("copies/", i)); err != nil {
			t.Fatal(err)
		}
		c.after = l.copy()
		copies = append(copies, c)
	}
	close(stop)
	wg.Wait()
	if err := e.Backup(bg, "copies/0"); !errors.Is(err, ErrInvalid) {
		t.Errorf("over a copy: %v", err)
	}
	mustClose(t, e)
	o.FS = fs.CrashClone(vfs.CrashCloneCfg{}) // a backup is durable when it is done
	for i, c := range copies {
		b := openTest(t, fmt.Sprint("copies/", i), o)
		verifyClean(t, b)
		checkLedger(t, b, c.before, c.after)
		ingest(t, b, "more", oneRun("t", epoch))
		mustClose(t, b)
	}
}

func TestBackupOfNothing(t *testing.T) {
	e, _ := newEngine(t, nil)
	if err := e.Backup(bg, "copy"); err != nil {
		t.Fatal(err)
	}
	b := openTest(t, "copy", e.opts)
	ingest(t, b, "app", oneRun("t", epoch))
	mustClose(t, b)
}

// unpack writes an archive of BackupTo to a directory.
func unpack(t *testing.T, fs vfs.FS, dir string, archive []byte) {
	t.Helper()
	if err := fs.MkdirAll(fs.PathJoin(dir, storeDir), 0o755); err != nil {
		t.Fatal(err)
	}
	r, last, written := tar.NewReader(bytes.NewReader(archive)), "", ""
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == sumsName {
			sums, err := io.ReadAll(r)
			if err != nil || string(sums) != written {
				t.Errorf("sums %q, want %q: %v", sums, written, err)
			}
			written = ""
			continue
		}
		f, err := fs.Create(fs.PathJoin(dir, h.Name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New() // first: in race builds the file changes what was written to it
		if _, err := io.Copy(io.MultiWriter(sum, f), r); err != nil {
			t.Fatal(err)
		}
		written += fmt.Sprintf("%x  %s\n", sum.Sum(nil), h.Name)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		last = h.Name
	}
	if last != markerName {
		t.Errorf("the last file of the archive is %q", last)
	}
}

// TestBackupTo sends copies while a writer goes on, from a running store and
// from one that was opened for reading after a crash.
func TestBackupTo(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := smallOptions(fs, newClock())
	e := openTest(t, "data", o)
	l := newLedger()
	w := &crashWriter{e: e, l: l, w: newWorkload(5, 1, "w-"), name: "w"}
	var before []*ledger
	var archives [][]byte
	for range 4 {
		for range 30 {
			if err := w.step(); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		told := int64(-1)
		before = append(before, l.copy())
		if err := e.BackupTo(bg, &b, func(n int64) { told = n }); err != nil {
			t.Fatal(err)
		}
		if told != int64(b.Len()) {
			t.Errorf("%d bytes were told, %d sent", told, b.Len())
		}
		archives = append(archives, b.Bytes())
	}
	if _, err := fs.Stat(fs.PathJoin("data", backupTmp)); !oserror.IsNotExist(err) {
		t.Errorf("the links of a copy are left: %v", err)
	}
	crashed := o
	crashed.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	crashed.ReadOnly = true
	mustClose(t, e)
	r := openTest(t, "data", crashed)
	var b bytes.Buffer
	if err := r.BackupTo(bg, &b, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Backup(bg, "whole"); err != nil {
		t.Fatal(err)
	}
	mustClose(t, r)
	before, archives = append(before, l), append(archives, b.Bytes())
	for i, a := range archives {
		dir := fmt.Sprint("copy", i)
		unpack(t, fs, dir, a)
		c := openTest(t, dir, o)
		verifyClean(t, c)
		checkLedger(t, c, before[i], before[i])
		ingest(t, c, "more", oneRun("t", epoch))
		mustClose(t, c)
	}
	crashed.ReadOnly = false
	c := openTest(t, "whole", crashed)
	verifyClean(t, c)
	checkLedger(t, c, l, l)
	mustClose(t, c)
}

// TestBackupToFails: a receiver that fails leaves nothing behind, neither do
// leftovers of a crash, and two at once are one too many.
func TestBackupToFails(t *testing.T) {
	e, _ := newEngine(t, nil)
	ingest(t, e, "app", oneRun("t", epoch))
	fs := e.opts.FS
	gone := errors.New("gone")
	if err := e.BackupTo(bg, failingWriter{gone}, nil); !errors.Is(err, gone) {
		t.Errorf("a receiver that fails: %v", err)
	}
	tmp := fs.PathJoin(e.dir, backupTmp)
	if _, err := fs.Stat(tmp); !oserror.IsNotExist(err) {
		t.Errorf("links are left: %v", err)
	}
	e.backups.Lock()
	if err := e.BackupTo(bg, io.Discard, nil); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a second one: %v", err)
	}
	e.backups.Unlock()
	if err := fs.MkdirAll(fs.PathJoin(tmp, storeDir), 0o755); err != nil {
		t.Fatal(err)
	}
	o := e.opts
	mustClose(t, e)
	e = openTest(t, e.dir, o)
	if _, err := fs.Stat(tmp); !oserror.IsNotExist(err) {
		t.Errorf("leftovers of a crash are left: %v", err)
	}
	ctx, cancel := context.WithCancel(bg)
	if err := e.BackupTo(ctx, io.Discard, func(int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	mustClose(t, e)
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
