package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
	"github.com/tracebed/tracebed/httpapi"
)

// target says where a command works: on a server, or on a closed data
// directory, which is then served inside this process, without a port, so
// that both take exactly the same way.
type target struct {
	server, token, data string
	ca                  string       // PEM file of certificates to trust besides the system's
	price               trace.Pricer // of a data directory; nil = estimate nothing
}

func (t *target) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&t.server, "server", "", "address of a server, such as http://127.0.0.1:8787")
	fs.StringVar(&t.token, "token", "", "token for the server (better: TRACEBED_TOKEN, which other users cannot see)")
	fs.StringVar(&t.data, "data", "", "data directory that no server has open, instead of --server")
	t.caFlag(cmd)
}

func (t *target) caFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.ca, "ca", "", "PEM file with the certificate of the authority, or the server itself, that --server https://… is signed by")
}

// client calls a server.
type client struct {
	base, token string
	http        *http.Client
	closers     []func() error
}

// access says what a command does with a data directory.
type access int

const (
	reading  access = iota // nothing in it changes
	writing                // it must exist
	creating               // it is made when it is missing
)

// connect checks the flags and reaches or opens the target.
func (t *target) connect(a access) (*client, error) {
	switch {
	case t.server == "" && t.data == "":
		return nil, &failure{errors.New("neither --server nor --data is given"), "name a server (--server http://127.0.0.1:8787 --token …) or a closed data directory (--data DIR)", exitUsage}
	case t.server != "" && t.data != "":
		return nil, usage("--server and --data are both given")
	case t.data != "" && t.ca != "":
		return nil, usage("--ca is for --server, and --data is given")
	case t.data != "":
		return t.open(a)
	}
	u, err := url.Parse(t.server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, usage("--server %q is not an address such as http://127.0.0.1:8787", t.server)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.DisableCompression = true
	if t.ca != "" {
		if u.Scheme != "https" {
			return nil, usage("--ca is for a server with https, and --server is %q", t.server)
		}
		pool, err := trusted(t.ca)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return &client{base: strings.TrimRight(t.server, "/"), token: t.token, http: &http.Client{Transport: transport}}, nil
}

// trusted are the system's authorities and those of a PEM file.
func trusted(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fail(fmt.Errorf("--ca: %w", err), "name a PEM file that can be read")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system without any
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fail(fmt.Errorf("--ca %s holds no certificate", file), "name a PEM file that begins with -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}

// open serves a data directory to this process alone.
func (t *target) open(a access) (*client, error) {
	if _, err := os.Stat(t.data); a != creating && errors.Is(err, os.ErrNotExist) {
		return nil, fail(fmt.Errorf("there is no data directory %s", t.data), "check the path given with --data")
	}
	o := engine.Options{ReadOnly: a == reading}
	if a != reading {
		o.OrphanTimeout = -1 // which is the server's to decide
	}
	store, err := engine.Open(t.data, o)
	if err != nil {
		return nil, openFailure(err)
	}
	token := rand.Text()
	server, err := httpapi.New(store, httpapi.Options{AdminToken: token, DefaultApp: "default", Price: t.price, ExportBudget: 1000 * time.Hour})
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	ln := newPipeListener()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	c := &client{base: "http://tracebed.internal", token: token, http: &http.Client{Transport: &http.Transport{
		DialContext: ln.dial, DisableCompression: true, MaxIdleConnsPerHost: 16,
	}}}
	c.closers = append(c.closers, func() error {
		c.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		err := server.Shutdown(ctx)
		_ = ln.Close() // a Serve that had not begun does not see the shutdown
		if serr := <-served; !errors.Is(serr, net.ErrClosed) {
			err = errors.Join(err, serr)
		}
		return errors.Join(err, store.Close())
	})
	return c, nil
}

// close lets go of the target.
func (c *client) close() error {
	var errs []error
	for _, f := range c.closers {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// request makes a request with the token.
func (c *client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("User-Agent", "tracebed-cli")
	return req, nil
}

// call sends a small JSON request and decodes the answer's data into out.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = strings.NewReader(string(b))
	}
	req, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return answerError(resp)
	}
	envelope := struct {
		Data any `json:"data"`
	}{out}
	if err := json.NewDecoder(resp.Body).Decode(&envelope); err != nil {
		return fmt.Errorf("%s %s: the answer is not what a Tracebed server sends: %w", method, path, err)
	}
	return nil
}

// lostError is a connection that failed: the request may be sent again.
type lostError struct{ error }

func (e *lostError) Error() string { return "reach the server: " + e.error.Error() }
func (e *lostError) Unwrap() error { return e.error }

func (c *client) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fail(&lostError{err}, "give the certificate of the authority that signed the server's with --ca FILE")
	}
	return fail(&lostError{err}, "check --server, and that tracebed serve runs there")
}

// apiError is an error answer of the server.
type apiError struct {
	Status     int               `json:"-"`
	RetryAfter string            `json:"-"`
	Code       string            `json:"code"`
	Message    string            `json:"message"`
	Details    map[string]string `json:"details"`
}

func (e *apiError) Error() string {
	s := fmt.Sprintf("the server answered %d %s: %s", e.Status, e.Code, e.Message)
	for field, text := range e.Details {
		s += fmt.Sprintf("; %s: %s", field, text)
		break
	}
	return s
}

// answerError reads an error answer and says what to do about it.
func answerError(resp *http.Response) error {
	e := &apiError{}
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	status := struct { // of OTLP, where an error is a google.rpc.Status
		Error   *apiError
		Message string
	}{Error: e}
	switch err := json.Unmarshal(raw, &status); {
	case err == nil && e.Code != "":
	case err == nil && status.Message != "":
		e.Code, e.Message = strings.ToLower(http.StatusText(resp.StatusCode)), status.Message
	default:
		e.Code, e.Message = "unknown", "the answer is not what a Tracebed server sends; is --server right?"
	}
	e.Status, e.RetryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	next := map[int]string{
		http.StatusUnauthorized:          "give a valid token with --token or TRACEBED_TOKEN",
		http.StatusForbidden:             "use a token with the right that is named (tracebed token create)",
		http.StatusNotFound:              "check --app and --server: the app may not exist, or lie outside of the token's scope",
		http.StatusRequestEntityTooLarge: "start the server with a larger --max-body",
		http.StatusTooManyRequests:       "the limit is that of the token: wait, or use one with a higher --rate and --bytes",
		http.StatusServiceUnavailable:    "the server is overloaded or its disk failed: look at its log and try again",
	}[e.Status]
	if next == "" {
		return e
	}
	return fail(e, next)
}

// pipeListener connects a client to a server in the same process.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept gives the server's end of the next connection.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and dial fail.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is the address of a pipe, which has none.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
