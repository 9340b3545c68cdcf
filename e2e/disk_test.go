//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// tmpfs mounts a small memory disk, or skips the test where that needs rights
// that are not there.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a small disk needs root")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tracebed-e2e", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a small disk: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// snapshot lists the files below dir with their sizes.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			fmt.Fprintln(&b, path, info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// refused starts a server on dir and wants a clear error that names it: exit
// code 1, two lines, the next step, and no file changed or removed.
func refused(t *testing.T, dir string, says ...string) {
	t.Helper()
	before := snapshot(t, dir)
	code, out, errOut := run(t, nil, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	if code != 1 || out != "" || strings.Count(errOut, "\n") != 2 || !strings.Contains(errOut, "\n  -> ") || !strings.Contains(errOut, dir) {
		t.Errorf("exit %d, output %q\n%s", code, out, errOut)
	}
	for _, s := range says {
		if !strings.Contains(errOut, s) {
			t.Errorf("the error does not say %q:\n%s", s, errOut)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("files changed from\n%sto\n%s", before, after)
	}
	t.Log(errOut)
}

// stored makes a data directory with a few traces, closed in order.
func stored(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	for i := range 20 {
		s.post(t, "/v1/apps/a/traces", oneRun(fmt.Sprint("t", i), fmt.Sprint("r", i)))
	}
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Fatalf("SIGTERM: exit %d", code)
	}
	return dir
}

func TestBadDirectories(t *testing.T) {
	t.Run("another version", func(t *testing.T) {
		dir := stored(t)
		marker := filepath.Join(dir, "TRACEBED")
		b, err := os.ReadFile(marker)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(marker, []byte(strings.Replace(string(b), fmt.Sprintf("format %d\n", engine.FormatVersion), "format 99\n", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "version", "99")
	})
	t.Run("not a store", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years of work"), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "thesis.txt", "empty directory")
	})
	t.Run("a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, file)
	})
	t.Run("damaged marker", func(t *testing.T) {
		dir := stored(t)
		if err := os.WriteFile(filepath.Join(dir, "TRACEBED"), []byte("tracebed store\nformat 1\nwater"), 0o644); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "damaged", "backup")
	})
	for _, kind := range []string{"MANIFEST-*", "*.sst"} {
		t.Run("lost "+kind, func(t *testing.T) {
			dir := stored(t)
			files, err := filepath.Glob(filepath.Join(dir, "store", kind))
			if err != nil || len(files) == 0 {
				t.Skipf("no such file: %v", err)
			}
			for _, f := range files {
				if err := os.Truncate(f, 10); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, dir)
		})
	}
	t.Run("read-only disk", func(t *testing.T) {
		dir := tmpfs(t, "size=80m,ro")
		refused(t, dir, "writable")
	})
	t.Run("no rights", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root may write everywhere")
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		refused(t, dir, "writable")
	})
}

// fill posts until the server refuses.
func fill(t *testing.T, s *server, all *acked) {
	t.Helper()
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			serial := 0
			for range 200_000 {
				body, runs := killBody(rng, w, 0, &serial)
				body = []byte(strings.ReplaceAll(string(body), "some words to compress, some words", noise(rng)))
				code, answer, err := s.do(http.MethodPost, "/v1/apps/kill/traces", body)
				if err != nil {
					t.Errorf("writer on a full disk: %v", err)
					return
				}
				if code != http.StatusOK {
					if code != http.StatusServiceUnavailable {
						t.Errorf("writer on a full disk: %d %s", code, answer)
					}
					return
				}
				all.add(runs)
			}
		}()
	}
	writers.Wait()
	if len(all.runs) == 0 {
		t.Fatal("nothing was stored")
	}
}

// remount gives a small disk another size.
func remount(t *testing.T, mount, size string) {
	t.Helper()
	if o, err := exec.Command("mount", "-o", "remount,size="+size, mount).CombinedOutput(); err != nil {
		t.Skipf("remount: %v %s", err, o)
	}
}

// TestDiskNearlyFull fills a small disk up to the floor: new data is refused,
// reads and deletes go on, and with more space new data is taken again without
// a restart.
func TestDiskNearlyFull(t *testing.T) {
	mount := tmpfs(t, "size=256m")
	dir := filepath.Join(mount, "data")
	s := start(t, dir)
	all := &acked{runs: map[string]bool{}}
	fill(t, s, all)
	code, answer, err := s.do(http.MethodPost, "/v1/apps/kill/traces", oneRun("x", "x.0"))
	if err != nil || code != http.StatusServiceUnavailable || !strings.Contains(string(answer), "free some space") {
		t.Errorf("a post: %d %s %v", code, answer, err)
	}
	code, answer, err = s.do(http.MethodGet, "/readyz", nil)
	if err != nil || code != http.StatusServiceUnavailable || !strings.Contains(string(answer), "free some space") {
		t.Errorf("readyz: %d %s %v", code, answer, err)
	}
	checkAcked(t, s, all)
	remount(t, mount, "512m")
	for range 50 {
		if code, _, _ = s.do(http.MethodGet, "/readyz", nil); code == http.StatusOK {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.post(t, "/v1/apps/kill/traces", oneRun("after", "after.0"))
	t.Logf("%d runs acknowledged", len(all.runs))
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
}

// TestDiskFull fills a small disk to the last byte, with the floor as good as
// off. The server refuses writes, says why and goes on answering reads; with
// more space it starts again, and nothing acknowledged is lost.
func TestDiskFull(t *testing.T) {
	mount := tmpfs(t, "size=128m")
	dir := filepath.Join(mount, "data")
	s := start(t, dir, "--min-free", "1B")
	all := &acked{runs: map[string]bool{}}
	fill(t, s, all)
	code, answer, err := s.do(http.MethodGet, "/readyz", nil)
	if err != nil || code != http.StatusServiceUnavailable || !strings.Contains(string(answer), "no space") {
		t.Errorf("readyz: %d %s %v", code, answer, err)
	}
	checkAcked(t, s, all)
	t.Logf("%d runs acknowledged; readyz: %s", len(all.runs), answer)
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait()
	refused(t, dir, "full", "free space")
	remount(t, mount, "512m")
	again := start(t, dir)
	checkAcked(t, again, all)
	again.post(t, "/v1/apps/kill/traces", oneRun("after", "after.0"))
	if code := again.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
}

// noise is text that does not compress.
func noise(rng *rand.Rand) string {
	var b strings.Builder
	for range 512 {
		fmt.Fprintf(&b, "%016x", rng.Uint64())
	}
	return b.String()
}
