package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// restoreFlags are the flags of `tracebed restore`.
type restoreFlags struct {
	data   string
	verify bool
}

func newRestore() *cobra.Command {
	f := &restoreFlags{}
	cmd := &cobra.Command{
		Use:   "restore FROM",
		Short: "Make a new data directory of a backup, and verify it",
		Long: `Makes a new data directory of a backup: a directory or a tar archive that tracebed backup has written, or - for
an archive on the standard input. --data must not exist, or be empty. Afterwards every index, bucket and count is
recomputed and compared, which --verify=false leaves out.`,
		Example: "  tracebed restore monday.tar --data ./data",
		Args:    exactArgs(1, "the backup"),
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&f.data, "data", "", "data directory to make")
	cmd.Flags().BoolVar(&f.verify, "verify", true, "recompute and compare everything afterwards")
	return cmd
}

func (f *restoreFlags) run(cmd *cobra.Command, from string) error {
	if f.data == "" {
		return usage("--data is not given: it names the data directory to make")
	}
	if err := f.makeRoom(); err != nil {
		return err
	}
	bar := newProgress(cmd.ErrOrStderr(), "restoring", 0, sizeText)
	err := f.restore(cmd.Context(), from, cmd.InOrStdin(), bar)
	bar.finish()
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errNoBackup):
		return fail(fmt.Errorf("restore %s: %w", from, err), "name a directory or an archive that tracebed backup has written")
	case errors.Is(err, errDamaged):
		return fail(fmt.Errorf("restore %s: %w", from, err), "take another backup; nothing was kept of this one")
	case err != nil:
		return fail(fmt.Errorf("restore %s to %s: %w", from, f.data, err), "see the reason above; nothing was kept, and the backup was not changed")
	}
	if !f.verify {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: restored, not verified\n", f.data)
		return nil
	}
	return verifyDir(cmd, f.data)
}

// makeRoom checks that the data directory is new, and leaves it missing.
func (f *restoreFlags) makeRoom() error {
	names, err := os.ReadDir(f.data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fail(err, "name a new directory with --data")
	case len(names) > 0:
		return fail(fmt.Errorf("data directory %s is not empty: it has %q", f.data, names[0].Name()),
			"name a new directory with --data; a restore never writes over anything")
	}
	return os.Remove(f.data)
}

func (f *restoreFlags) restore(ctx context.Context, from string, in io.Reader, bar *progress) error {
	if from == "-" {
		return unpackTo(f.data, &meteredReader{r: stoppable{ctx, in}, bar: bar})
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		file, err := os.Open(from)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		bar.grow(info.Size())
		return unpackTo(f.data, &meteredReader{r: stoppable{ctx, file}, bar: bar})
	}
	// A directory takes the way of an archive, so that both are checked alike.
	if n, err := dirSize(from); err == nil {
		bar.grow(n)
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(pack(w, from)) }()
	err = unpackTo(f.data, &meteredReader{r: stoppable{ctx, r}, bar: bar})
	_ = r.CloseWithError(errors.New("the receiver has ended"))
	return err
}

// pack writes the files of a closed data directory as an archive.
func pack(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	names, err := os.ReadDir(filepath.Join(dir, archiveStore))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: it has no directory %s", errNoBackup, archiveStore)
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		if n.Name() == "LOCK" {
			continue
		}
		if err := packFile(t, dir, archiveStore+"/"+n.Name()); err != nil {
			return err
		}
	}
	if err := packFile(t, dir, archiveMarker); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: it has no file %s", errNoBackup, archiveMarker)
	} else if err != nil {
		return err
	}
	return t.Close()
}

func packFile(t *tar.Writer, dir, name string) (err error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is no plain file", errNoBackup, name)
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size()}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}

// stoppable reads until its context ends.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}
