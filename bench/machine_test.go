package bench

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used so far, in user and system mode.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	check(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cost is what a load took.
type cost struct {
	wall, cpu time.Duration
	n         int
}

func (c cost) perSecond() float64 { return float64(c.n) / c.wall.Seconds() }

func (c cost) cpuMicros() float64 { return micros(c.cpu) / float64(c.n) }

// loadN calls do for 0 to n−1 from many goroutines at one time.
func loadN(tb testing.TB, n, workers int, do func(worker, i int) error) cost {
	runtime.GC() // every load begins with the same heap
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start, cpu := time.Now(), cpuTime(tb)
	for w := range workers {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(w, i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	c := cost{time.Since(start), cpuTime(tb) - cpu, n}
	if err := failed.Load(); err != nil {
		tb.Fatal(*err)
	}
	return c
}

// fsyncProbe measures what the disk takes for a small append and fdatasync, as
// a log does.
type fsyncProbe struct {
	f   *os.File
	buf [4096]byte
	got Latencies
}

func newFsyncProbe(tb testing.TB, dir string) *fsyncProbe {
	f, err := os.Create(filepath.Join(dir, "probe"))
	check(tb, err)
	tb.Cleanup(func() { _ = f.Close() })
	return &fsyncProbe{f: f}
}

func (p *fsyncProbe) run(tb testing.TB, n int) {
	for range n {
		start := time.Now()
		_, err := p.f.Write(p.buf[:])
		if err == nil {
			err = fdatasync(p.f)
		}
		p.got.Add(time.Since(start))
		check(tb, err)
	}
}

// sizeOf is the size of all files below dir.
func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}

// procStatus reads a line such as VmHWM of the process, in bytes; 0 where
// there is no /proc. (Getrusage's maximum would be that of the parent.)
func procStatus(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// heapPeak runs f and returns by how much the heap's objects grew over what
// was live before, at most, and how many bytes f allocated in all.
func heapPeak(f func()) (peak, allocated int64) {
	const live, total = "/memory/classes/heap/objects:bytes", "/gc/heap/allocs:bytes"
	read := func(s []metrics.Sample) (int64, int64) {
		metrics.Read(s)
		return int64(s[0].Value.Uint64()), int64(s[1].Value.Uint64())
	}
	runtime.GC()
	runtime.GC() // what pools kept
	s := []metrics.Sample{{Name: live}, {Name: total}}
	base, allocBase := read(s)
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		s := []metrics.Sample{{Name: live}, {Name: total}}
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				n, _ := read(s)
				most = max(most, n)
			case <-stop:
				n, _ := read(s)
				done <- max(most, n)
				return
			}
		}
	}()
	f()
	close(stop)
	peak = <-done - base
	_, allocated = read(s)
	return peak, allocated - allocBase
}
