package bench

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
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

// phase labels this goroutine and those that it starts, the store's among them,
// for the CPU profile: go tool pprof -tagfocus phase=http.
func phase(name string) {
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("phase", name)))
}

// loads are the costs of some rounds; their figures are medians.
type loads []cost

func (l loads) perSecond() float64 { return l.median(cost.perSecond) }

func (l loads) cpuMicros() float64 { return l.median(cost.cpuMicros) }

func (l loads) median(f func(cost) float64) float64 {
	var v []float64
	for _, c := range l {
		v = append(v, f(c))
	}
	return Median(v)
}

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

// timings are the latencies of one kind of call, by the clock and in CPU time
// of its thread. On a busy machine the tail of the first is that of the
// scheduler; the second shows what the call itself does.
type timings struct{ wall, cpu Latencies }

// lockThread makes the CPU time of this goroutine that of its thread.
func lockThread(tb testing.TB) {
	runtime.LockOSThread()
	tb.Cleanup(runtime.UnlockOSThread)
}

// call times f; the goroutine must be locked to its thread.
func (t *timings) call(f func()) {
	cpu, start := threadTime(), time.Now()
	f()
	t.wall.Add(time.Since(start))
	t.cpu.Add(threadTime() - cpu)
}

func (t *timings) report(b *testing.B, prefix string) {
	b.ReportMetric(ms(t.wall.At(50)), prefix+"p50-ms")
	b.ReportMetric(ms(t.wall.At(99)), prefix+"p99-ms")
	b.ReportMetric(ms(t.cpu.At(99)), prefix+"cpu-p99-ms")
	b.ReportMetric(ms(t.wall.At(100)), prefix+"max-ms")
}

// loadAverage is that of the last minute, as text.
func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
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
