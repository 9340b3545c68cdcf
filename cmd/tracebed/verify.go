package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine"
)

func newVerify() *cobra.Command {
	repair := false
	var t target
	cmd := &cobra.Command{
		Use:   "verify DIR | --server URL",
		Short: "Recompute every index, bucket and count of a data directory and print each difference",
		Long: `Recomputes every index, bucket and count from the stored runs and prints each difference, one a line.
The directory must not be served at the time; nothing in it is changed. Exit code 0 says that there is no difference.
With --server a running server does it to its own store while it serves, which reads all of it; the token needs the
right admin, and the first hundred differences are shown.
With --repair what differs is made again from the stored runs: no trace is removed, and what nothing can be made
from is printed and left as it is. Keep a copy of the directory before.`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case t.server == "":
				return exactArgs(1, "one data directory")(cmd, args)
			case len(args) > 0:
				return usage("a data directory and --server are both given")
			case repair:
				return usage("--repair needs a closed data directory")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if t.server != "" {
				return t.withClient(reading, func(c *client) error { return verifyServer(cmd, c) })
			}
			if repair {
				return repairDir(cmd, args[0])
			}
			return verifyDir(cmd, args[0])
		},
	}
	cmd.Flags().StringVar(&t.server, "server", "", "address of a server that is to check its own store, instead of DIR")
	cmd.Flags().StringVar(&t.token, "token", "", "token for the server (better: TRACEBED_TOKEN, which other users cannot see)")
	t.caFlag(cmd)
	cmd.Flags().BoolVar(&repair, "repair", false, "make what differs again from the stored runs")
	return cmd
}

// verifyServer has a server check its store.
func verifyServer(cmd *cobra.Command, c *client) error {
	var got struct {
		Apps, Traces, Runs int64
		DurationMS         int64 `json:"duration_ms"`
		Found              int64 `json:"difference_count"`
		Differences        []string
	}
	if err := c.call(cmd.Context(), http.MethodPost, "/v1/verify", nil, &got); err != nil {
		return err
	}
	for _, d := range got.Differences {
		fmt.Fprintln(cmd.OutOrStdout(), d)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s apps, %s traces, %s runs, %s differences in %v\n", c.base,
		countText(got.Apps), countText(got.Traces), countText(got.Runs), countText(got.Found), time.Duration(got.DurationMS)*time.Millisecond)
	if got.Found > 0 {
		return fail(fmt.Errorf("the store of %s has %d differences", c.base, got.Found),
			"take a backup, stop the server and run tracebed verify --repair on its data directory")
	}
	return nil
}

// repairDir makes what is derived from the runs of a closed data directory
// again, where it differs.
func repairDir(cmd *cobra.Command, dir string) (err error) {
	store, err := engine.Open(dir, engine.Options{DisableBackground: true, MinFreeBytes: -1})
	if err != nil {
		return openFailure(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	bar := newProgress(cmd.ErrOrStderr(), "repairing", 0, countText)
	rep, err := store.Repair(cmd.Context())
	bar.finish()
	if err != nil {
		return fail(fmt.Errorf("repair %s: %w", dir, err), "read the reason above; what was mended stays mended, so run it again")
	}
	for _, d := range append(rep.Left, rep.After.Differences...) {
		fmt.Fprintln(cmd.OutOrStdout(), d)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s differences before, %s after; made again: %s summaries, %s locators, %s entries of orphans, %s rows of failed and canceled traces, %s days of indexes and buckets\n",
		dir, countText(int64(len(rep.Before.Differences))), countText(int64(len(rep.After.Differences))), countText(rep.Summaries),
		countText(rep.Locators), countText(rep.OrphanEntries), countText(rep.ListRows), countText(rep.Days))
	if n := len(rep.After.Differences); n > 0 {
		return fail(fmt.Errorf("%s still has %d differences", dir, n), "restore a backup, or export what is readable into a new directory")
	}
	return nil
}

// verifyDir verifies a closed data directory and prints what it finds.
func verifyDir(cmd *cobra.Command, dir string) (err error) {
	store, err := engine.Open(dir, engine.Options{ReadOnly: true, DisableBackground: true})
	if err != nil {
		return openFailure(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	started := time.Now()
	bar := newProgress(cmd.ErrOrStderr(), "verifying", 0, countText)
	report, err := store.Verify(cmd.Context())
	bar.finish()
	if err != nil {
		return fail(fmt.Errorf("verify %s: %w", dir, err), "read the reason above; nothing was changed")
	}
	for _, d := range report.Differences {
		fmt.Fprintln(cmd.OutOrStdout(), d)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %s apps, %s traces, %s runs, %s differences in %v\n", dir,
		countText(report.Apps), countText(report.Traces), countText(report.Runs),
		countText(int64(len(report.Differences))), time.Since(started).Round(time.Millisecond))
	if n := len(report.Differences); n > 0 {
		return fail(fmt.Errorf("%s has %d differences", dir, n), "keep a copy of the directory, then run tracebed verify --repair on it")
	}
	return nil
}

// openFailure splits an error of engine.Open, whose text ends in the next
// step, into the two lines of an error here.
func openFailure(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i > 0 && knownStep(text[i+2:]) {
		return &failure{what: &shortened{err, text[:i]}, next: text[i+2:], code: exitFailed}
	}
	return fail(err, "check the directory's path, its owner and the disk; nothing in it was deleted")
}

// knownStep tells a next step of engine.Open from other ends of an error.
func knownStep(s string) bool {
	for _, verb := range []string{"stop ", "open ", "choose ", "keep ", "make ", "free "} {
		if strings.HasPrefix(s, verb) {
			return true
		}
	}
	return false
}

// shortened is an error with another text.
type shortened struct {
	error
	text string
}

func (s *shortened) Error() string { return s.text }
func (s *shortened) Unwrap() error { return s.error }
