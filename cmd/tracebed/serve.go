package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/ui"
	"github.com/tracebed/tracebed/internal/turns"
)

// drainTime is how long running requests may go on after SIGTERM.
const drainTime = 30 * time.Second

// serveFlags are the flags of `tracebed serve`.
type serveFlags struct {
	data, listen, otlpGRPC   string
	defaultApp               string
	demo                     bool
	retention, orphanTimeout time.Duration
	exportBudget             time.Duration
	maxBody, cache, minFree  byteSize
	tokenBytes               byteSize
	tokenRate                float64
	auth                     choice
	logLevel                 choice
	prices                   priceFiles
	backupDir                string
	tlsCert, tlsKey          string
	verifyEvery              time.Duration
}

func newServe() *cobra.Command {
	f := &serveFlags{
		maxBody: 64 << 20, cache: 64 << 20,
		auth:     choice{"on", []string{"on", "off"}},
		logLevel: choice{"info", []string{"debug", "info", "warn", "error"}},
		prices:   priceFiles{pricesDefault},
	}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a data directory over HTTP",
		Long: `Serves a data directory over HTTP. The directory is made when it is missing; its first start makes an
admin token and prints it once, in the link to the UI. TRACEBED_ADMIN_TOKEN sets the admin token instead.
The first SIGTERM or SIGINT lets running requests finish and closes the store; the second one ends it at once.`,
		Example: "  tracebed serve --data ./data --demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.data, "data", "./data", "data directory")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8787", "address to listen on")
	fs.StringVar(&f.otlpGRPC, "otlp-grpc", "", "address to take OTLP/gRPC on, such as 127.0.0.1:4317, its usual port (default off)")
	fs.StringVar(&f.defaultApp, "default-app", "default", "app of runs that name none, sent with a token for every app")
	fs.BoolVar(&f.demo, "demo", false, "fill a fresh data directory with an app \"demo\" of 14 days of made-up runs")
	fs.DurationVar(&f.retention, "retention", 0, "remove traces that started longer ago, such as 720h (0 = keep all)")
	fs.Var(&f.maxBody, "max-body", "largest body of a request, before and after inflating")
	fs.DurationVar(&f.orphanTimeout, "orphan-timeout", time.Hour, "how long a trace waits for a missing parent")
	fs.DurationVar(&f.exportBudget, "export-budget", 3*time.Minute, "how long a download may take before it ends with a cursor")
	fs.StringVar(&f.backupDir, "backup-dir", "", "directory for copies that are asked for with backup --on-server; best on the filesystem of --data")
	fs.DurationVar(&f.verifyEvery, "verify-every", 0, "check the whole store so often while it is served, such as 168h (0 = never)")
	fs.Var(&f.prices, "prices", pricesHelp)
	fs.Var(&f.cache, "cache", "block cache of the store")
	fs.Var(&f.minFree, "min-free", "how much of the disk to keep free; with less, new data is refused (0 B = 5 % of the disk, at most 1 GiB)")
	fs.Float64Var(&f.tokenRate, "token-rate", 0, "requests a second of each token without limits of its own; 429 beyond (0 = no limit; admin tokens have none)")
	fs.Var(&f.tokenBytes, "token-bytes", "bytes of bodies a second of each such token (unset = no limit)")
	fs.StringVar(&f.tlsCert, "tls-cert", "", "PEM file of a certificate and its chain: serve HTTPS; it is read again when it changes")
	fs.StringVar(&f.tlsKey, "tls-key", "", "PEM file of its key")
	fs.Var(&f.auth, "auth", "whether tokens are asked for; off needs a loopback address")
	fs.Var(&f.logLevel, "log-level", "least level that is logged")
	return cmd
}

func (f *serveFlags) run(ctx context.Context, out, errOut io.Writer) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if err := enoughSpace(f.data); err != nil {
		return err
	}
	log := newLogger(errOut, f.logLevel.value)
	options, err := f.options(log)
	if err != nil {
		return err
	}
	limitMemory()
	moreThreads()
	store, err := engine.Open(f.data, engine.Options{
		Logger: log, MinFreeBytes: int64(f.minFree),
		OrphanTimeout: f.orphanTimeout, Retention: f.retention, CacheBytes: int64(f.cache),
	})
	if err != nil {
		return openFailure(err)
	}
	defer func() {
		if cerr := store.Close(); err == nil && cerr != nil {
			err = fail(fmt.Errorf("close data directory %s: %w", f.data, cerr), "start it again: what was acknowledged is in its log")
		}
	}()
	lns, err := f.open(ctx)
	if err != nil {
		return err
	}
	server, err := httpapi.New(store, options)
	if err != nil {
		return errors.Join(fail(err, "run tracebed verify on the data directory"), lns.close())
	}
	if f.demo {
		if err := fillDemo(ctx, store, errOut, time.Now); err != nil {
			return errors.Join(err, lns.close())
		}
	}
	link, err := f.link(ctx, server, lns.http.Addr())
	if err != nil {
		return errors.Join(err, lns.close())
	}
	all := lns.serve(server, log, options.TLS)
	fmt.Fprintf(out, "Tracebed is ready: %s\n", link)
	log.Info("serving", "listen", lns.http.Addr().String(), "otlp_grpc", lns.grpcText(), "data", f.data, "version", options.Version,
		"tls", options.TLS != nil, "auth", f.auth.value)
	return f.wait(ctx, log, all)
}

// options are those of the HTTP server.
func (f *serveFlags) options(log *slog.Logger) (httpapi.Options, error) {
	v, _ := buildVersion()
	o := httpapi.Options{
		AuthOff: f.auth.value == "off", AdminToken: os.Getenv("TRACEBED_ADMIN_TOKEN"), DefaultApp: f.defaultApp,
		TokenRequests: f.tokenRate, TokenBytes: int64(f.tokenBytes), MaxBody: int64(f.maxBody), ExportBudget: f.exportBudget,
		BackupDir: f.backupDir, VerifyEvery: f.verifyEvery, Logger: log, Version: v, UI: ui.Handler,
	}
	var err error
	if o.Price, err = f.prices.pricer(); err != nil {
		return o, err
	}
	if f.tlsCert != "" {
		c, err := newCertificate(f.tlsCert, f.tlsKey, log)
		if err != nil {
			return o, fail(err, "name the PEM files of a certificate and its key that belong together")
		}
		o.TLS = c.config()
	}
	return o, nil
}

// limitMemory asks the garbage collector to work harder near 600 MiB, unless
// GOMEMLIMIT says otherwise: many large bodies at once leave garbage faster
// than the usual pace collects it. With what is not the heap, and what has not
// been given back yet, the process then stays within 1 GiB (TestOverload with
// traces of 50 MB: 1,033 MiB resident with a limit of 800).
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(600 << 20)
	}
}

// moreThreads lets more threads run than there are processors, unless GOMAXPROCS
// says otherwise: Go lets a goroutine compute for 10 ms before another gets its
// place and looks at the network as rarely, while the system gives a thread that
// has waited for the network a processor within a millisecond or so (TestOverload
// on two processors: p99 of a small read beside large bodies 4 instead of 13 ms).
// Heavy work keeps to the processors that there are.
func moreThreads() {
	turns.Shared() // as many as there are processors now
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}

// check finds flags that do not go together.
func (f *serveFlags) check() error {
	for _, l := range []struct{ flag, addr string }{{"--listen", f.listen}, {"--otlp-grpc", f.otlpGRPC}} {
		if l.addr == "" && l.flag == "--otlp-grpc" {
			continue
		}
		host, _, err := net.SplitHostPort(l.addr)
		if err != nil {
			return usage("%s %q is not an address such as 127.0.0.1:8787: %v", l.flag, l.addr, err)
		}
		if f.auth.value == "off" && !loopback(host) {
			return &failure{
				what: fmt.Errorf("--auth off works on a loopback address only, and %s is %s", l.flag, l.addr),
				next: "listen on 127.0.0.1, or leave authentication on", code: exitUsage,
			}
		}
	}
	switch {
	case f.data == "":
		return usage("--data is empty: it names the data directory")
	case f.retention < 0 || f.retention > 0 && f.retention < time.Hour:
		return usage("--retention %v is neither 0 nor at least 1h", f.retention)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return usage("--tls-cert and --tls-key belong together, and one of them is not given")
	case f.verifyEvery < 0 || f.verifyEvery > 0 && f.verifyEvery < time.Minute:
		return usage("--verify-every %v is neither 0 nor at least 1m", f.verifyEvery)
	case f.tokenRate < 0:
		return usage("--token-rate %v is negative", f.tokenRate)
	case f.orphanTimeout <= 0:
		return usage("--orphan-timeout %v is not positive", f.orphanTimeout)
	case f.exportBudget <= 0:
		return usage("--export-budget %v is not positive", f.exportBudget)
	}
	return nil
}

// minFree is less than the store needs to write out one memtable. A start with
// less would take the log in and then try for ever to write it to tables.
const minFree = 48 << 20

// enoughSpace refuses a start on a full disk.
func enoughSpace(dir string) error {
	at := dir
	for parent := filepath.Dir(at); ; at, parent = parent, filepath.Dir(parent) {
		if _, err := os.Stat(at); err == nil || parent == at {
			break
		}
	}
	if n, ok := freeSpace(at); ok && n < minFree {
		return fail(fmt.Errorf("the disk of data directory %s is full: %s are free", dir, sizeText(max(n, 0))),
			"free space, at least "+sizeText(minFree)+", and start it again; what was acknowledged is safe")
	}
	return nil
}

// loopback says whether a host is reached from this machine only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// link is the address of the UI, with the admin token in its fragment when
// this start has made one: a fragment is not sent to servers or proxies.
func (f *serveFlags) link(ctx context.Context, server *httpapi.Server, addr net.Addr) (string, error) {
	token, created, err := server.Bootstrap(ctx)
	if err != nil {
		return "", fail(fmt.Errorf("make the admin token: %w", err), "see the reason above; or set TRACEBED_ADMIN_TOKEN")
	}
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if f.tlsCert != "" {
		scheme = "https://"
	}
	link := scheme + net.JoinHostPort(host, port) + "/"
	if created {
		link += "#token=" + token
	}
	return link, nil
}

// wait serves until a signal or a failure, then ends in order. A disk that
// fails is none: reads go on, and /readyz has the reason.
func (f *serveFlags) wait(ctx context.Context, log *slog.Logger, all *servers) error {
	var cause error
	select {
	case <-ctx.Done():
		log.Info("stopping: waiting for running requests", "at_most", drainTime.String())
	case err := <-all.ended:
		cause = fail(err, "see the reason above and start it again")
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := all.shutdown(drain); err != nil && cause == nil {
		cause = fail(fmt.Errorf("stop: %w", err), "nothing acknowledged is lost; start it again")
	}
	if cause == nil {
		log.Info("stopped")
	}
	return cause
}

// newLogger logs text on a terminal and JSON elsewhere.
func newLogger(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}
