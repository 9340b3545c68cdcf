// Command tracebed records runs of LLM applications and answers lists, charts,
// trees and exports of them: the server, and the tools around a data directory.
//
// Every flag can also be given as an environment variable (--max-body as
// TRACEBED_MAX_BODY); a flag on the command line wins. Errors are two lines:
// what failed, and what to do. Exit codes: 0 good, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes beside 0.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signalContext(errOut)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	return report(errOut, cmd, err)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tracebed",
		Short: "Records runs of LLM apps durably and answers lists, charts, trees and exports at once",
		Long: `Tracebed records runs of LLM apps durably and answers lists, charts, trees and exports at once.

Start with:   tracebed serve --data ./data --demo
Every flag is also an environment variable: --max-body is TRACEBED_MAX_BODY; the flag wins.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q", args[0])
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return bindEnv(cmd, os.LookupEnv) },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	root.AddCommand(newServe(), newIngest(), newExport(), newToken(), newVerify(), newBackup(), newRestore(), newStats(), newPrices(), newVersion())
	return root
}

// failure is an error with the next step for the person who reads it.
type failure struct {
	what error
	next string
	code int
}

func (f *failure) Error() string { return f.what.Error() }
func (f *failure) Unwrap() error { return f.what }

// fail makes an error that tells the next step.
func fail(what error, next string) error { return &failure{what, next, exitFailed} }

// usage makes an error of wrong arguments.
func usage(format string, args ...any) error {
	return &failure{what: fmt.Errorf(format, args...), code: exitUsage}
}

// exactArgs and noArgs are cobra's checks with this program's exit code.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%d arguments given, want %s", len(args), what)
		}
		return nil
	}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("argument %q is not known here", args[0])
	}
	return nil
}

// report prints an error and gives the exit code.
func report(w io.Writer, cmd *cobra.Command, err error) int {
	code, next := exitFailed, ""
	var f *failure
	switch {
	case errors.As(err, &f):
		code, next = f.code, f.next
	case errors.Is(err, context.Canceled):
		next = "it was stopped; start it again when you are ready, nothing is half done"
	}
	if next == "" && code == exitUsage {
		next = fmt.Sprintf("%s --help shows what it takes", cmd.CommandPath())
	}
	fmt.Fprintf(w, "tracebed: %v\n", err)
	if next != "" {
		fmt.Fprintf(w, "  -> %s\n", next)
	}
	return code
}

// signalContext ends with the first SIGINT or SIGTERM; the second one ends the
// process at once.
func signalContext(errOut io.Writer) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-signals; !ok {
			return
		}
		cancel()
		if _, ok := <-signals; ok {
			fmt.Fprintln(errOut, "tracebed: second signal, stopping at once")
			os.Exit(exitFailed)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}
