//go:build e2e

package e2e

import (
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// A filesystem that is shut down without a flush of its journal keeps on its disk
// what had been synced and what the kernel happened to have written: what a
// power cut leaves (linux/fs.h FS_IOC_SHUTDOWN, ext4.h NOLOGFLUSH; xfstests uses
// it for the same).
const (
	fsShutdown = 0x8004587d
	noLogFlush = 2
)

// disk is an ext4 filesystem in a file, on a loop device.
type disk struct {
	t         *testing.T
	file, dir string
}

// newDisk makes one, or skips the test where that needs rights or tools that are
// not there.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("a disk on a loop device needs root")
	}
	d := &disk{t: t, file: filepath.Join(t.TempDir(), "disk"), dir: t.TempDir()}
	f, err := os.Create(d.file)
	if err == nil {
		err = f.Truncate(1 << 30)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if out, err := exec.Command("mkfs.ext4", "-q", d.file).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.file, d.dir).CombinedOutput(); err != nil {
		t.Skipf("mounting a loop device: %v %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", d.dir).Run() })
	return d
}

// cut is the power cut. The processes of the disk live on and see errors.
func (d *disk) cut() {
	d.t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	flags := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), fsShutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Skipf("this system cannot shut a filesystem down: %v", errno)
	}
}

// again mounts the disk as after a restart of the machine.
func (d *disk) again() {
	d.t.Helper()
	for _, args := range [][]string{{"umount", d.dir}, {"mount", "-o", "loop", d.file, d.dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			d.t.Fatalf("%v: %v %s", args, err, out)
		}
	}
}

// TestPowerCut: under eight writers the disk loses its power again and again.
// Every run whose request was answered 200 before is there afterwards, and every index
// and bucket agrees with the stored runs.
func TestPowerCut(t *testing.T) {
	rounds := 5
	if n, err := strconv.Atoi(os.Getenv("TRACEBED_POWERCUT_ROUNDS")); err == nil {
		rounds = n
	}
	d := newDisk(t)
	dir := filepath.Join(d.dir, "data")
	all := &acked{runs: map[string]bool{}}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for round := range rounds {
		s := start(t, dir)
		checkAcked(t, s, all)
		var cut atomic.Bool
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				rng := rand.New(rand.NewPCG(seed, uint64(round*8+w)))
				serial := 0
				for {
					body, runs := killBody(rng, w, round, &serial)
					code, _, err := s.do(http.MethodPost, "/v1/apps/kill/traces", body)
					if err != nil || code != http.StatusOK {
						return // the disk has failed, and so it was said
					}
					// A machine without power answers nobody. This one lives on, and an
					// fsync that overlaps the shutdown of ext4 may say that it went well:
					// such answers were lost in about one cut of four, others in none of 80.
					if !cut.Load() {
						all.add(runs)
					}
				}
			})
		}
		time.Sleep(time.Duration(100+rand.IntN(900)) * time.Millisecond)
		cut.Store(true)
		d.cut()
		writers.Wait() // nobody is answered 200 any more
		if code, _, err := s.do(http.MethodGet, "/readyz", nil); err != nil || code != http.StatusServiceUnavailable {
			t.Errorf("without a disk /readyz says %d %v", code, err)
		}
		s.signal(syscall.SIGKILL)
		d.again()
		clean(t, dir)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	allThere(t, dir, all)
	t.Logf("%d power cuts, %d acknowledged runs", rounds, len(all.runs))
}
