package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

const (
	// batchBytes and batchPieces bound one request: large enough to share one
	// fsync among many traces, small enough to be retried cheaply.
	batchBytes  = 4 << 20
	batchPieces = 500
	// maxShown is how many rejected runs are listed.
	maxShown = 20
	// maxTries bounds how often one batch is sent.
	maxTries = 8
)

type ingestFlags struct {
	target
	app      string
	parallel int
	prices   priceFiles
}

func newIngest() *cobra.Command {
	f := &ingestFlags{prices: priceFiles{pricesDefault}}
	cmd := &cobra.Command{
		Use:   "ingest [FILE…]",
		Short: "Send runs from files or the standard input to a server or a closed data directory",
		Long: `Reads Dynamiq JSON ({"runs":[…]}), OTLP JSON ({"resourceSpans":[…]}), JSON lines (a run, a body, or an exported trace
with its runs, and evaluations, a line), or a JSON array of those, plain, gzip or zstd, from files or the standard input ("-"). Sending
the same input again changes nothing. Exit code 1 says that at least one run was rejected; all others are stored.`,
		Example: "  tracebed ingest --server http://127.0.0.1:8787 --app support runs.jsonl.zst\n  zcat runs.json.gz | tracebed ingest --data ./data --app support",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.target.flags(cmd)
	cmd.Flags().StringVar(&f.app, "app", "", "app to store the runs in (default: the token's app, for OTLP else that of the resource)")
	cmd.Flags().IntVar(&f.parallel, "parallel", 4, "requests in flight; 1 keeps the order of the input")
	cmd.Flags().Var(&f.prices, "prices", "with --data, "+pricesHelp)
	return cmd
}

func (f *ingestFlags) run(ctx context.Context, names []string, in io.Reader, out, errOut io.Writer) (err error) {
	if f.parallel < 1 || f.parallel > 64 {
		return usage("--parallel %d is not between 1 and 64", f.parallel)
	}
	if f.data != "" && f.app == "" {
		return usage("--app is missing: it names the app to store the runs in")
	}
	if len(names) == 0 {
		if isTerminal(in) {
			return usage("no file is named and the standard input is a terminal")
		}
		names = []string{"-"}
	}
	total, err := totalSize(names)
	if err != nil {
		return err
	}
	if f.data != "" {
		if f.price, err = f.prices.pricer(); err != nil {
			return err
		}
	}
	c, err := f.connect(creating)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	bar := newProgress(errOut, "ingesting", total, sizeText)
	s := newSender(ctx, c, f.app, f.parallel)
	started := time.Now()
	readErr := f.read(names, in, s, bar)
	sendErr := s.wait()
	bar.finish()
	return s.summary(out, errOut, time.Since(started), readErr, sendErr)
}

// read cuts every input into batches.
func (f *ingestFlags) read(names []string, in io.Reader, s *sender, bar *progress) error {
	for _, name := range names {
		src, err := openSource(name, in, bar.add)
		if err != nil {
			return err
		}
		if err := errors.Join(src.pieces(s.add), src.done()); err != nil {
			return err
		}
	}
	return s.flush()
}

// totalSize adds up the files, or is 0 when the input is a stream.
func totalSize(names []string) (total int64, err error) {
	for _, name := range names {
		if name == "-" {
			return 0, nil
		}
		info, err := os.Stat(name)
		if err != nil {
			return 0, fail(err, "check the name of the input file")
		}
		if info.IsDir() {
			return 0, fail(fmt.Errorf("%s is a directory", name), "name the files in it")
		}
		total += info.Size()
	}
	return total, nil
}

// batch is one request: its body and where its runs came from.
type batch struct {
	body   []byte
	runs   int
	otlp   bool // spans instead of runs
	pieces []origin
	scores []scores // of its traces
}

// origin is where the runs from index first, at byte at of the body, came from.
type origin struct {
	first, at int
	file      string
	line      int
}

// sender sends batches, a few at a time.
type sender struct {
	ctx    context.Context
	cancel context.CancelFunc
	c      *client
	path   string
	app    string // "" = that of the token
	slots  chan struct{}
	flying sync.WaitGroup
	next   batch

	mu      sync.Mutex
	findApp sync.Once
	appErr  error

	created  int64
	updated  int64
	same     int64
	rejected int64
	spans    int64    // stored; an answer to OTLP does not say which were new
	bad      []string // the first rejected runs
	scored   int64    // evaluations stored
	unscored int64    // and rejected
	told     int64    // how many of the rejected those lines tell of
	err      error
}

func newSender(ctx context.Context, c *client, app string, parallel int) *sender {
	s := &sender{c: c, path: "/v1/traces", app: app, slots: make(chan struct{}, parallel)}
	if app != "" {
		s.path = "/v1/apps/" + url.PathEscape(app) + "/traces"
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// add puts a piece into the next batch and sends the batch when it is full.
func (s *sender) add(p piece) error {
	if n := len(s.next.pieces); n >= batchPieces || n > 0 && (p.otlp != s.next.otlp || len(s.next.body)+len(p.runs) > batchBytes) {
		if err := s.flush(); err != nil {
			return err
		}
	}
	switch {
	case len(s.next.body) > 0:
		s.next.body = append(s.next.body, ',')
	case p.otlp:
		s.next.otlp = true
		s.next.body = append(s.next.body, `{"resourceSpans":[`...)
	default:
		s.next.body = append(s.next.body, `{"runs":[`...)
	}
	s.next.pieces = append(s.next.pieces, origin{s.next.runs, len(s.next.body), p.file, p.line})
	s.next.body = append(s.next.body, p.runs...)
	s.next.runs += p.count
	if sc := p.scores; sc != nil {
		s.next.scores = append(s.next.scores, scores{bytes.Clone(sc.trace), bytes.Clone(sc.list), sc.file, sc.line})
	}
	return nil
}

// flush sends the batch that is being filled, waiting for a free slot.
func (s *sender) flush() error {
	if len(s.next.pieces) == 0 {
		return s.failed()
	}
	b := s.next
	b.body = append(b.body, "]}"...)
	s.next = batch{}
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return s.failed()
	}
	s.flying.Add(1)
	go func() {
		defer s.flying.Done()
		defer func() { <-s.slots }()
		err := s.retry(func() error { return s.post(&b) })
		if err == nil {
			err = s.postScores(&b)
		}
		if err != nil {
			s.mu.Lock()
			if s.err == nil {
				s.err = err
			}
			s.mu.Unlock()
			s.cancel()
		}
	}()
	return s.failed()
}

func (s *sender) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.ctx.Err()
}

// wait waits for all requests and gives the first error.
func (s *sender) wait() error {
	s.flying.Wait()
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// retry sends a request until it is taken, refused, or out of tries.
func (s *sender) retry(send func() error) error {
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		err := send()
		var api *apiError
		busy := errors.As(err, &api) && (api.Status == http.StatusServiceUnavailable || api.Status == http.StatusTooManyRequests)
		var gone *lostError
		lost := errors.As(err, &gone) && s.ctx.Err() == nil
		if err == nil || !busy && !lost {
			return err
		}
		if try == maxTries {
			return fail(fmt.Errorf("gave up after %d tries: %w", maxTries, err), "send the input again when the server is back: what it has is not stored twice")
		}
		wait := pause
		if busy {
			if after, e := strconv.Atoi(api.RetryAfter); e == nil && after > 0 {
				wait = max(wait, time.Duration(min(after, 60))*time.Second)
			}
		}
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		pause = min(pause*2, 10*time.Second)
	}
}

// post sends a batch once.
func (s *sender) post(b *batch) error {
	req, err := s.c.request(s.ctx, http.MethodPost, s.path, bytes.NewReader(b.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.c.http.Do(req)
	if err != nil {
		return s.c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		err := answerError(resp)
		if s.allBad(b, err) {
			return nil
		}
		if resp.StatusCode == http.StatusBadRequest {
			if where := b.broken(); where != nil {
				return where
			}
		}
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return s.c.unreachable(err)
	}
	if b.otlp {
		return s.spansAnswer(b, raw)
	}
	var answer struct {
		Data *struct {
			Created, Updated, Unchanged int64
			Rejected                    []struct {
				Index      int
				ID, Reason string
			}
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Data == nil {
		return fail(errors.New("the answer to a batch is not what a Tracebed server sends"), "check --server")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created += answer.Data.Created
	s.updated += answer.Data.Updated
	s.same += answer.Data.Unchanged
	for _, r := range answer.Data.Rejected {
		s.reject(b, r.Index, r.ID, r.Reason)
	}
	return nil
}

// spansAnswer takes the answer to a batch of spans.
func (s *sender) spansAnswer(b *batch, raw []byte) error {
	var answer struct {
		PartialSuccess struct {
			RejectedSpans int64 `json:",string"`
			ErrorMessage  string
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fail(errors.New("the answer to a batch is not what a Tracebed server sends"), "check --server")
	}
	bad := answer.PartialSuccess.RejectedSpans
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans += max(int64(b.runs)-bad, 0)
	s.rejected += bad
	if bad > 0 && len(s.bad) < maxShown {
		from, to := b.pieces[0], b.pieces[len(b.pieces)-1]
		s.bad = append(s.bad, fmt.Sprintf("%s:%d to %s:%d: %s spans: %s", from.file, from.line, to.file, to.line, countText(bad), answer.PartialSuccess.ErrorMessage))
		s.told += bad
	}
	return nil
}

// allBad takes the answer 400 to a batch without a single good run, which
// names the runs in its details, as so many rejected runs.
func (s *sender) allBad(b *batch, err error) bool {
	var api *apiError
	if !errors.As(err, &api) || api.Status != http.StatusBadRequest || len(api.Details) == 0 {
		return false
	}
	order := make([]int, 0, len(api.Details))
	for field := range api.Details {
		var i int
		if _, e := fmt.Sscanf(field, "runs[%d]", &i); e != nil || i < 0 || i >= b.runs {
			return false
		}
		order = append(order, i)
	}
	sort.Ints(order)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range order {
		s.reject(b, i, "", api.Details[fmt.Sprintf("runs[%d]", i)])
	}
	s.rejected += int64(b.runs - len(order)) // the server lists only the first ones
	return true
}

// broken looks for the piece because of which a batch is not JSON. It is only
// looked for after the server said so: checking twice would cost a third of
// the time of reading.
func (b *batch) broken() error {
	for i, p := range b.pieces {
		end := len(b.body) - len("]}")
		if i+1 < len(b.pieces) {
			end = b.pieces[i+1].at - len(",")
		}
		if json.Valid(slices.Concat([]byte("["), b.body[p.at:end], []byte("]"))) {
			continue
		}
		return fail(fmt.Errorf("%s: line %d: this is not valid JSON", p.file, p.line),
			"mend that line and send the input again: what is stored is not stored twice")
	}
	return nil
}

// reject notes a rejected run with the place that it came from.
func (s *sender) reject(b *batch, index int, id, reason string) {
	s.rejected++
	if len(s.bad) >= maxShown {
		return
	}
	at := max(sort.Search(len(b.pieces), func(i int) bool { return b.pieces[i].first > index })-1, 0)
	from := b.pieces[at]
	if id != "" {
		id = " " + id
	}
	s.told++
	s.bad = append(s.bad, fmt.Sprintf("%s:%d: run %d%s: %s", from.file, from.line, index-from.first+1, id, reason))
}

// summary prints what became of the runs and gives the error of the command.
func (s *sender) summary(out, errOut io.Writer, took time.Duration, readErr, sendErr error) error {
	for _, line := range s.bad {
		fmt.Fprintln(errOut, line)
	}
	if more := s.rejected - s.told; more > 0 {
		fmt.Fprintf(errOut, "… and %s more rejected runs\n", countText(more))
	}
	stored := s.created + s.updated + s.same
	if s.spans > 0 {
		fmt.Fprintf(out, "%s spans stored\n", countText(s.spans))
	}
	fmt.Fprintf(out, "%s runs stored (%s new, %s updated, %s unchanged), %s rejected, in %v\n", countText(stored),
		countText(s.created), countText(s.updated), countText(s.same), countText(s.rejected), took.Round(time.Millisecond))
	if s.scored > 0 {
		fmt.Fprintf(out, "%s evaluations stored\n", countText(s.scored))
	}
	switch {
	case sendErr != nil:
		return sendErr
	case readErr != nil:
		return readErr
	case s.rejected > 0:
		return fail(fmt.Errorf("%s runs were rejected", countText(s.rejected)), "mend the runs listed above and send the input again: what is stored is not stored twice")
	case s.unscored > 0:
		return fail(fmt.Errorf("%s evaluations were rejected; the runs are stored", countText(s.unscored)), "mend the evaluations listed above and send the input again: what is stored is not stored twice")
	case stored+s.spans == 0:
		return fail(errors.New("the input has no runs"), "check the input files")
	}
	return nil
}
