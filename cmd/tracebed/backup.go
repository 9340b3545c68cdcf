package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine"
)

// backupFlags are the flags of `tracebed backup`.
type backupFlags struct {
	target   target
	onServer bool
}

func newBackup() *cobra.Command {
	f := &backupFlags{}
	cmd := &cobra.Command{
		Use:   "backup TO",
		Short: "Take a consistent copy of a running server or of a closed data directory",
		Long: `Takes a consistent copy of a running server, which goes on taking writes, or of a closed data directory.
TO is a new directory, which is a data directory then; or a tar archive where it ends in .tar, or - for the
standard output. From a data directory on the same filesystem, and with --on-server, tables that did not change
are hard links, so that the next backup takes the time and space of what is new. The token needs the right admin.`,
		Example: `  tracebed backup ./copies/monday --server http://127.0.0.1:8787
  tracebed backup monday --on-server --server http://127.0.0.1:8787   # below its --backup-dir
  tracebed backup - --server http://127.0.0.1:8787 | ssh vault 'cat > monday.tar'`,
		Args: exactArgs(1, "where to write the copy"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.target.flags(cmd)
	cmd.Flags().BoolVar(&f.onServer, "on-server", false, "TO is a name below the --backup-dir of the server, which makes the copy there")
	return cmd
}

func (f *backupFlags) run(cmd *cobra.Command, to string) error {
	switch {
	case f.onServer && f.target.data != "":
		return usage("--on-server and --data are both given")
	case f.onServer:
		return f.makeThere(cmd, to)
	case to == "-" && isTerminal(cmd.OutOrStdout()):
		return usage("an archive is not for a terminal: name a file or a directory, or pipe it")
	}
	bar := newProgress(cmd.ErrOrStderr(), "backup", 0, sizeText)
	n, err := f.copyTo(cmd.Context(), to, cmd.OutOrStdout(), bar)
	bar.finish()
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "backup written to %s: %s\n", to, sizeText(n))
	return nil
}

// makeThere asks the server to make the copy on its own disk.
func (f *backupFlags) makeThere(cmd *cobra.Command, name string) error {
	return f.target.withClient(reading, func(c *client) error {
		var made struct{ Dir string }
		if err := c.call(cmd.Context(), http.MethodPost, "/v1/backup", map[string]string{"name": name}, &made); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "backup made on the server: %s\n", made.Dir)
		return nil
	})
}

// copyTo takes the copy and gives the number of its bytes.
func (f *backupFlags) copyTo(ctx context.Context, to string, out io.Writer, bar *progress) (n int64, err error) {
	if err := free(to); err != nil {
		return 0, err
	}
	if f.target.data != "" && f.target.server == "" {
		return f.copyClosed(ctx, to, out, bar)
	}
	c, err := f.target.connect(reading)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	req, err := c.request(ctx, http.MethodGet, "/v1/backup", nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return 0, answerError(resp)
	}
	if total, err := strconv.ParseInt(resp.Header.Get("Tracebed-Bytes"), 10, 64); err == nil {
		bar.grow(total)
	}
	body := &meteredReader{r: resp.Body, bar: bar}
	if err := receive(to, body, out); err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		return 0, fail(fmt.Errorf("backup to %s: %w", to, err), "nothing was kept of it; start it again")
	}
	return body.n, nil
}

// copyClosed copies a data directory that no server has open.
func (f *backupFlags) copyClosed(ctx context.Context, to string, out io.Writer, bar *progress) (n int64, err error) {
	store, err := engine.Open(f.target.data, engine.Options{ReadOnly: true, DisableBackground: true})
	if err != nil {
		return 0, openFailure(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if isArchive(to) {
		r, w := io.Pipe()
		go func() { _ = w.CloseWithError(store.BackupTo(ctx, w, bar.grow)) }()
		body := &meteredReader{r: r, bar: bar}
		err = receive(to, body, out)
		_ = r.CloseWithError(err)
		return body.n, err
	}
	if err := store.Backup(ctx, to); err != nil {
		return 0, fail(err, "see the reason above; nothing was kept of it")
	}
	return dirSize(to)
}

// isArchive tells an archive from a directory by its name.
func isArchive(to string) bool { return to == "-" || strings.HasSuffix(to, ".tar") }

// free refuses to write over what exists.
func free(to string) error {
	if to == "-" {
		return nil
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return &failure{what: fmt.Errorf("%s exists", to), next: "name a new file or directory; a backup never writes over anything", code: exitFailed}
	}
	return nil
}

// receive writes an archive to its place: out for "-", a file, or the files of
// a directory.
func receive(to string, body io.Reader, out io.Writer) error {
	switch {
	case to == "-":
		_, err := io.Copy(out, body)
		return err
	case isArchive(to):
		return receiveFile(to, body)
	}
	return unpackTo(to, body)
}

// receiveFile writes a file that has its name only when it is whole.
func receiveFile(to string, body io.Reader) error {
	part := to + ".part"
	file, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		if err = os.Rename(part, to); err == nil {
			return syncDirectory(filepath.Dir(to))
		}
	}
	return errors.Join(err, os.Remove(part))
}

// meteredReader counts what passes.
type meteredReader struct {
	r   io.Reader
	bar *progress
	n   int64
}

func (c *meteredReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.bar.add(int64(n))
	return n, err
}

// dirSize is the number of bytes of the files below dir.
func dirSize(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}
