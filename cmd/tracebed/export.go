package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"
)

type exportFlags struct {
	target
	app, out     string
	format       choice
	includeRuns  bool
	status       []string
	since, until instant
	limit        int64
	zstd, gzip   bool
}

func newExport() *cobra.Command {
	f := &exportFlags{
		format: choice{"json", []string{"json", "jsonl"}},
		since:  instant{now: time.Now}, until: instant{now: time.Now},
	}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the traces of an app to a file, newest first",
		Long: `Writes the traces of an app, newest first, as one JSON array or as JSON lines, and goes on where the server
ends a download early, so that the file is one whole document. The file appears under its name only when it is
complete. With --include-runs, tracebed ingest reads it back.`,
		Example: "  tracebed export --server http://127.0.0.1:8787 --app support --include-runs --since 24h --zstd --out day.json.zst",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.target.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.app, "app", "", "app to export")
	fs.StringVar(&f.out, "out", "-", "file to write, or - for the standard output")
	fs.Var(&f.format, "format", "one array, or one trace a line")
	fs.BoolVar(&f.includeRuns, "include-runs", false, "write every trace with its runs")
	fs.StringSliceVar(&f.status, "status", nil, "only traces of these states: succeeded, failed, canceled, running")
	fs.Var(&f.since, "since", "only traces that started then or later")
	fs.Var(&f.until, "until", "only traces that started before")
	fs.Int64Var(&f.limit, "limit", 0, "at most so many traces (0 = all)")
	fs.BoolVar(&f.zstd, "zstd", false, "compress the file with zstd")
	fs.BoolVar(&f.gzip, "gzip", false, "compress the file with gzip")
	return cmd
}

func (f *exportFlags) run(ctx context.Context, out, errOut io.Writer) error {
	switch {
	case f.app == "":
		return usage("--app is missing: it names the app to export")
	case f.zstd && f.gzip:
		return usage("--zstd and --gzip are both given")
	case f.limit < 0:
		return usage("--limit %d is negative", f.limit)
	case f.out == "-" && isTerminal(out) && (f.zstd || f.gzip):
		return usage("compressed bytes are not for a terminal: name a file with --out")
	}
	return f.withClient(reading, func(c *client) error {
		started := time.Now()
		bar := newProgress(errOut, "exporting", 0, sizeText)
		e := &exporter{flags: f, c: c, bar: bar}
		err := f.write(out, func(w io.Writer) error { return e.all(ctx, w) })
		bar.finish()
		if err != nil {
			return err
		}
		fmt.Fprintf(errOut, "%s traces exported in %v\n", countText(e.count), time.Since(started).Round(time.Millisecond))
		return nil
	})
}

// write gives fn the output: the standard output, or a file that gets its
// name only after all of it is on disk.
func (f *exportFlags) write(stdout io.Writer, fn func(io.Writer) error) (err error) {
	if f.out == "-" {
		return f.compressed(stdout, fn)
	}
	dir, name := filepath.Split(f.out)
	if dir == "" {
		dir = "."
	}
	tmp, err := os.CreateTemp(dir, "."+name+".*.part")
	if err != nil {
		return fail(fmt.Errorf("create %s: %w", f.out, err), "choose a writable place with --out")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(tmp.Close()), os.Remove(tmp.Name()))
		}
	}()
	if err := f.compressed(tmp, fn); err != nil {
		return err
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return fail(fmt.Errorf("write %s: %w", f.out, err), "check the space on that disk")
	}
	return os.Rename(tmp.Name(), f.out)
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func (f *exportFlags) compressed(w io.Writer, fn func(io.Writer) error) error {
	b := bufio.NewWriterSize(w, 1<<20)
	var z io.WriteCloser
	var err error
	switch {
	case f.zstd && f.format.value == "jsonl":
		// The server's own frames are passed on as they are: frames of lines
		// follow each other in a file as well as the lines themselves.
	case f.zstd:
		z, err = zstd.NewWriter(b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	case f.gzip:
		z, err = gzip.NewWriterLevel(b, gzip.BestSpeed)
	}
	if err != nil {
		return err
	}
	if z == nil {
		return errors.Join(fn(b), b.Flush())
	}
	return errors.Join(fn(z), z.Close(), b.Flush())
}

// exporter downloads part after part.
type exporter struct {
	flags *exportFlags
	c     *client
	bar   *progress
	count int64
}

// all writes one whole document.
func (e *exporter) all(ctx context.Context, w io.Writer) error {
	raw := e.flags.zstd && e.flags.format.value == "jsonl"
	join := &arrayJoiner{w: w}
	for cursor := ""; ; {
		sink := io.Writer(join)
		if e.flags.format.value == "jsonl" {
			sink = w
		}
		next, err := e.part(ctx, cursor, raw, sink)
		if err != nil {
			return err
		}
		if sink == io.Writer(join) {
			if err := join.endPart(); err != nil {
				return err
			}
		}
		if next == "" || e.flags.limit > 0 && e.count >= e.flags.limit {
			break
		}
		cursor = next
	}
	if e.flags.format.value == "json" {
		return join.end()
	}
	return nil
}

// query is the query string of one part.
func (e *exporter) query(cursor string) string {
	f, q := e.flags, url.Values{}
	q.Set("format", f.format.value)
	q.Set("include_runs", strconv.FormatBool(f.includeRuns))
	if len(f.status) > 0 {
		q.Set("status", strings.Join(f.status, ","))
	}
	if !f.since.at.IsZero() {
		q.Set("started_at:gte", f.since.at.Format(time.RFC3339Nano))
	}
	if !f.until.at.IsZero() {
		q.Set("started_at:lt", f.until.at.Format(time.RFC3339Nano))
	}
	if f.limit > 0 {
		q.Set("limit", strconv.FormatInt(f.limit-e.count, 10))
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return q.Encode()
}

// part downloads one part and gives the cursor of the next one. raw passes the
// server's zstd frame on undecoded.
func (e *exporter) part(ctx context.Context, cursor string, raw bool, w io.Writer) (next string, err error) {
	req, err := e.c.request(ctx, http.MethodGet, "/v1/apps/"+url.PathEscape(e.flags.app)+"/traces/download?"+e.query(cursor), nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept-Encoding", "zstd, identity;q=0.5")
	resp, err := e.c.http.Do(req)
	if err != nil {
		return "", e.c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", answerError(resp)
	}
	body := io.Reader(&countingReader{resp.Body, e.bar.add})
	if encoded := resp.Header.Get("Content-Encoding") == "zstd"; encoded && !raw {
		d, err := zstd.NewReader(body, zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return "", err
		}
		defer d.Close()
		body = d
	} else if raw && !encoded {
		return "", fail(errors.New("the server does not send zstd"), "leave --zstd out and compress the file afterwards")
	}
	if _, err := io.Copy(w, body); err != nil {
		return "", fail(fmt.Errorf("the download broke off: %w", err), "start the export again; no file was written")
	}
	// Trailers come with the end of the body, which a zstd decoder may leave unread.
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", fail(fmt.Errorf("the download broke off: %w", err), "start the export again; no file was written")
	}
	return e.trailers(resp.Trailer)
}

// trailers checks how a part ended.
func (e *exporter) trailers(t http.Header) (next string, err error) {
	complete, next := t.Get("Tracebed-Complete"), t.Get("Tracebed-Next-Cursor")
	n, err := strconv.ParseInt(t.Get("Tracebed-Count"), 10, 64)
	if err != nil || complete == "" || complete != "true" && next == "" {
		return "", fail(errors.New("the download ended without saying whether it is complete"),
			"is there a proxy that drops trailers? ask the server directly")
	}
	e.count += n
	if complete == "true" {
		return "", nil
	}
	if n == 0 {
		return "", fail(errors.New("the server ends every download before its first trace"), "start it with a larger --export-budget")
	}
	return next, nil
}

// arrayJoiner makes one JSON array of several that are written to it one after
// the other: it drops their brackets and puts commas between them.
type arrayJoiner struct {
	w       io.Writer
	began   bool   // the first bracket of the part has gone by
	content bool   // the part has elements
	parts   int    // parts with elements so far
	held    []byte // the last bytes, which may be the closing bracket
}

// heldBytes covers the closing bracket and the white space around it.
const heldBytes = 16

// Write takes bytes of the part under way.
func (j *arrayJoiner) Write(p []byte) (int, error) {
	n := len(p)
	if !j.began {
		p = p[space(p):]
		if len(p) == 0 {
			return n, nil
		}
		if p[0] != '[' {
			return 0, errors.New("the download is no JSON array")
		}
		j.began, p = true, p[1:]
	}
	if !j.content {
		p = p[space(p):]
		if len(p) == 0 {
			return n, nil
		}
		if p[0] != ']' {
			j.content = true
			glue := "[\n"
			if j.parts > 0 {
				glue = ",\n"
			}
			j.parts++
			if _, err := io.WriteString(j.w, glue); err != nil {
				return 0, err
			}
		}
	}
	keep := min(heldBytes, len(j.held)+len(p))
	if out := len(j.held) + len(p) - keep; out <= len(j.held) {
		if _, err := j.w.Write(j.held[:out]); err != nil {
			return 0, err
		}
		j.held = append(j.held[:0], j.held[out:]...)
		j.held = append(j.held, p...)
		return n, nil
	}
	if _, err := j.w.Write(j.held); err != nil {
		return 0, err
	}
	out := len(p) - keep
	if _, err := j.w.Write(p[:out]); err != nil {
		return 0, err
	}
	j.held = append(j.held[:0], p[out:]...)
	return n, nil
}

// endPart checks that the part was a whole array and gets ready for the next.
func (j *arrayJoiner) endPart() error {
	tail := strings.TrimRight(string(j.held), " \n\r\t")
	rest, closed := strings.CutSuffix(tail, "]")
	if !j.began || !closed {
		return errors.New("the download is not a whole JSON array")
	}
	j.held, j.began, j.content = j.held[:0], false, false
	_, err := io.WriteString(j.w, strings.TrimRight(rest, " \n\r\t"))
	return err
}

// end writes the end of the document.
func (j *arrayJoiner) end() error {
	text := "\n]\n"
	if j.parts == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(j.w, text)
	return err
}
