package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tracebed/tracebed/bench/peers/peer"
)

// watcher follows the memory and the CPU time of a store: this process, and
// the processes of its server where it has one.
type watcher struct {
	pid  int // of the server; 0 for none
	cpu  time.Duration
	done chan struct{}
	peak chan int64
}

func watch(d peer.Driver) *watcher {
	w := &watcher{done: make(chan struct{}), peak: make(chan int64)}
	if s, ok := d.(peer.Server); ok {
		w.pid = s.PID()
	}
	w.cpu = w.cpuTime()
	go func() {
		var peak int64
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			peak = max(peak, w.memory())
			select {
			case <-tick.C:
			case <-w.done:
				w.peak <- peak
				return
			}
		}
	}()
	return w
}

// stop returns the CPU time since watch and the most memory in between.
func (w *watcher) stop() (cpu time.Duration, peak int64) {
	cpu = w.cpuTime() - w.cpu
	close(w.done)
	return cpu, <-w.peak
}

// memory is what cannot be dropped: pages of no file. The data of the harness
// is left out.
func (w *watcher) memory() int64 {
	n := anonymous("/proc/self/status", "RssAnon:") - peer.ArenaBytes.Load()
	for _, pid := range family(w.pid) {
		// Shared memory is divided among those that share it.
		path := "/proc/" + strconv.Itoa(pid) + "/smaps_rollup"
		n += anonymous(path, "Pss_Anon:") + anonymous(path, "Pss_Shmem:")
	}
	return max(n, 0)
}

func (w *watcher) cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	t := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	for _, pid := range family(w.pid) {
		fields := statFields(pid)
		for _, i := range []int{11, 12, 13, 14} { // utime, stime, and those of children that ended
			if i < len(fields) {
				ticks, _ := strconv.ParseInt(fields[i], 10, 64)
				t += time.Duration(ticks) * 10 * time.Millisecond
			}
		}
	}
	return t
}

// anonymous reads a line such as RssAnon of a file in /proc, in bytes.
func anonymous(path, name string) int64 {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// statFields are those of /proc/pid/stat from the state on.
func statFields(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}

// family is a process and those that it started.
func family(pid int) []int {
	if pid == 0 {
		return nil
	}
	pids := []int{pid}
	list, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range list {
		child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if f := statFields(child); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			pids = append(pids, child)
		}
	}
	return pids
}

// sizeOf is the size of all files below dir, without the log of PostgreSQL: its
// files are kept to be written again, however little is in them.
func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && d.Name() == "pg_wal" {
			return fs.SkipDir
		}
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
