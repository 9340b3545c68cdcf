//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if plan := os.Getenv(crowdEnv); plan != "" {
			if err := beCrowd(plan); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			return 0
		}
		binary = os.Getenv("TRACEBED_BIN")
		if binary == "" {
			dir, err := os.MkdirTemp("", "tracebed-e2e-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			binary = filepath.Join(dir, "tracebed")
			build := exec.Command("go", "build", "-o", binary, "../cmd/tracebed")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, err := build.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
				return 1
			}
		}
		if flag.Parse(); flag.Lookup("test.run").Value.String() == "" {
			installAll()
		}
		return m.Run()
	}())
}

// run runs the program to its end and gives its exit code and outputs.
func run(t testing.TB, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = cleanEnv()
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// must runs the program and wants exit code 0.
func must(t testing.TB, args ...string) string {
	t.Helper()
	code, out, errOut := run(t, nil, args...)
	if code != 0 {
		t.Fatalf("tracebed %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

// cleanEnv is the environment without settings of Tracebed itself.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "TRACEBED_") {
			env = append(env, e)
		}
	}
	return env
}

// server is a running `tracebed serve`.
type server struct {
	t     testing.TB
	cmd   *exec.Cmd
	url   string
	token string
	http  *http.Client
	exit  chan error

	mu  sync.Mutex
	out strings.Builder // both outputs
}

var readyLine = regexp.MustCompile(`Tracebed is ready: (http://[^/]+)/(#token=(\S+))?`)

// adminToken is the token of servers that are started again.
const adminToken = "e2e-admin-token"

// start serves dir and waits until it is ready.
func start(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	s := launch(t, dir, []string{"TRACEBED_ADMIN_TOKEN=" + adminToken}, args...)
	s.token = adminToken
	s.waitReady()
	return s
}

// launch starts a server without waiting for anything.
func launch(t testing.TB, dir string, env []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, exit: make(chan error, 1), http: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	s.cmd = exec.Command(binary, append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.Env = append(cleanEnv(), env...)
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.exit <- s.cmd.Wait() }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("output of the server:\n%s", s.output())
		}
	})
	return s
}

// Write collects the outputs of the process.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *server) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// waitReady waits for the one line with the link.
func (s *server) waitReady() {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := readyLine.FindStringSubmatch(s.output()); m != nil {
			s.url = m[1]
			if m[3] != "" {
				s.token = m[3]
			}
			return
		}
		select {
		case err := <-s.exit:
			s.exit <- err
			s.t.Fatalf("the server ended: %v\n%s", err, s.output())
		default:
		}
	}
	s.t.Fatalf("no ready line within a minute:\n%s", s.output())
}

// signal sends a signal and gives the exit code.
func (s *server) signal(sig syscall.Signal) int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	return s.wait()
}

// wait waits for the end of the process.
func (s *server) wait() int {
	s.t.Helper()
	select {
	case <-s.exit:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		s.t.Fatalf("the server does not end:\n%s", s.output())
		return -1
	}
}

// do sends a request with the token and gives the answer.
func (s *server) do(method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// get reads a JSON answer, which must be 200.
func (s *server) get(t testing.TB, path string, into any) {
	t.Helper()
	code, body, err := s.do(http.MethodGet, path, nil)
	if err != nil || code != http.StatusOK {
		t.Fatalf("GET %s: %d %s %v", path, code, body, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("GET %s: %v\n%s", path, err, body)
	}
}

// post sends a body of runs, which must be answered 200.
func (s *server) post(t testing.TB, path string, body []byte) {
	t.Helper()
	code, answer, err := s.do(http.MethodPost, path, body)
	if err != nil || code != http.StatusOK {
		t.Fatalf("POST %s: %d %s %v", path, code, answer, err)
	}
}

// clean runs verify on a closed directory and wants no difference.
func clean(t testing.TB, dir string) {
	t.Helper()
	if code, out, errOut := run(t, nil, "verify", dir); code != 0 || !strings.Contains(out, " 0 differences") {
		t.Fatalf("verify: exit %d\n%s%s", code, out, errOut)
	}
}
