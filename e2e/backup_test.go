//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load writes as eight clients until stop is closed and notes what was
// acknowledged.
func load(t *testing.T, s *server, round int, all *acked, stop <-chan struct{}) *sync.WaitGroup {
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			rng := rand.New(rand.NewPCG(11, uint64(round*8+w)))
			serial := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				body, runs := killBody(rng, w, round, &serial)
				code, answer, err := s.do(http.MethodPost, "/v1/apps/kill/traces", body)
				if err != nil || code != http.StatusOK {
					t.Errorf("writer: %d %s %v", code, answer, err)
					return
				}
				all.add(runs)
			}
		}()
	}
	return &writers
}

func (a *acked) copy() *acked {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := &acked{runs: make(map[string]bool, len(a.runs))}
	for id, done := range a.runs {
		out.runs[id] = done
	}
	return out
}

// TestBackupUnderLoad takes copies in every way from a server that eight
// clients write to. Each restores to a store without a difference that has all
// that was acknowledged before the copy began, and takes writes.
func TestBackupUnderLoad(t *testing.T) {
	tmp := t.TempDir()
	file := func(name string) string { return filepath.Join(tmp, name) }
	s := start(t, file("data"), "--backup-dir", file("there"))
	if err := os.Mkdir(file("there"), 0o755); err != nil {
		t.Fatal(err)
	}
	remote := []string{"--server", s.url, "--token", s.token}
	all, stop := &acked{runs: map[string]bool{}}, make(chan struct{})
	var written atomic.Int64
	writers := load(t, s, 0, all, stop)
	type copied struct {
		from string
		has  *acked
	}
	var copies []copied
	for i := range 3 {
		for _, to := range []string{fmt.Sprint("dir", i), fmt.Sprint("file", i, ".tar"), fmt.Sprint("there", i)} {
			time.Sleep(200 * time.Millisecond)
			before, took := all.copy(), time.Now()
			args, at := append([]string{"backup", file(to)}, remote...), file(to)
			if strings.HasPrefix(to, "there") {
				args, at = append([]string{"backup", to, "--on-server"}, remote...), filepath.Join(file("there"), to)
			}
			must(t, args...)
			t.Logf("%s: %d runs before, %v", to, len(before.runs), time.Since(took).Round(time.Millisecond))
			copies = append(copies, copied{at, before})
			written.Store(int64(len(before.runs)))
		}
	}
	close(stop)
	writers.Wait()
	if code, _, errOut := run(t, nil, append([]string{"backup", file("dir0")}, remote...)...); code != 1 || !strings.Contains(errOut, "exists") {
		t.Errorf("over a backup: exit %d\n%s", code, errOut)
	}
	if code, _, errOut := run(t, nil, append([]string{"backup", "there0", "--on-server"}, remote...)...); code != 1 || !strings.Contains(errOut, "choose another") {
		t.Errorf("over a backup on the server: exit %d\n%s", code, errOut)
	}
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait()
	// A directory that was not closed in order, and nothing in it may change.
	before := snapshot(t, file("data"))
	must(t, "backup", file("closed"), "--data", file("data"))
	must(t, "backup", file("closed.tar"), "--data", file("data"))
	if after := snapshot(t, file("data")); after != before {
		t.Errorf("files changed from\n%sto\n%s", before, after)
	}
	copies = append(copies, copied{file("closed"), all}, copied{file("closed.tar"), all})
	for i, c := range copies {
		dir := file(fmt.Sprint("restored", i))
		if out := must(t, "restore", c.from, "--data", dir); !strings.Contains(out, " 0 differences") {
			t.Errorf("%s: %s", c.from, out)
		}
		r := start(t, dir)
		checkAcked(t, r, c.has)
		r.post(t, "/v1/apps/kill/traces", oneRun("after", "after.0"))
		if code := r.signal(syscall.SIGTERM); code != 0 {
			t.Errorf("SIGTERM: exit %d", code)
		}
		clean(t, dir)
	}
}

// TestRestoreRefuses: a restore writes over nothing and takes nothing but
// whole backups.
func TestRestoreRefuses(t *testing.T) {
	tmp := t.TempDir()
	file := func(name string) string { return filepath.Join(tmp, name) }
	data := stored(t)
	must(t, "backup", file("good.tar"), "--data", data)
	whole, err := os.ReadFile(file("good.tar"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"cut.tar": whole[:len(whole)/2], "text.tar": []byte("years of work"), "empty.tar": nil} {
		if err := os.WriteFile(file(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flipped := bytes.Clone(whole) // in a file of the store, which tar does not check
	at := bytes.Index(flipped, []byte("store/MANIFEST-"))
	flipped[at+512+40] ^= 1
	if err := os.WriteFile(file("flipped.tar"), flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, says string }{
		{"cut.tar", "-> "}, {"text.tar", "not a backup"}, {"empty.tar", "not a backup"}, {"missing.tar", "no such file"},
		{"flipped.tar", "the backup is damaged"},
	} {
		code, out, errOut := run(t, nil, "restore", file(c.from), "--data", file("new-"+c.from))
		if code != 1 || out != "" || !strings.Contains(errOut, c.says) || !strings.Contains(errOut, "\n  -> ") {
			t.Errorf("%s: exit %d, %q\n%s", c.from, code, out, errOut)
		}
		if _, err := os.Stat(file("new-" + c.from)); err == nil {
			t.Errorf("%s: something is left", c.from)
		}
	}
	before := snapshot(t, data)
	if code, _, errOut := run(t, nil, "restore", file("good.tar"), "--data", data); code != 1 || !strings.Contains(errOut, "not empty") {
		t.Errorf("over a data directory: exit %d\n%s", code, errOut)
	}
	if after := snapshot(t, data); after != before {
		t.Errorf("files changed from\n%sto\n%s", before, after)
	}
	if err := os.Mkdir(file("made"), 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file("good.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if code, out, errOut := run(t, in, "restore", "-", "--data", file("made")); code != 0 || !strings.Contains(out, " 0 differences") {
		t.Errorf("from the standard input into an empty directory: exit %d\n%s%s", code, out, errOut)
	}
	must(t, "restore", file("made"), "--data", file("from a directory"))
	if code, _, errOut := run(t, nil, "backup", file("x")); code != 2 || !strings.Contains(errOut, "--server") {
		t.Errorf("neither server nor data: exit %d\n%s", code, errOut)
	}
}
