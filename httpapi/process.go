package httpapi

import (
	"math"
	"os"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// runtimeMetrics are the numbers of the Go runtime that are shown, under the
// names that Prometheus' own client gives them, so that dashboards fit.
var runtimeMetrics = []struct{ source, name, kind, help string }{
	{"/sched/goroutines:goroutines", "go_goroutines", "gauge", "Goroutines."},
	{"/memory/classes/heap/objects:bytes", "go_memstats_heap_alloc_bytes", "gauge", "Bytes of objects on the heap, garbage included."},
	{"/memory/classes/total:bytes", "go_memstats_sys_bytes", "gauge", "Bytes that the Go runtime took from the system."},
	{"/memory/classes/heap/released:bytes", "go_memstats_heap_released_bytes", "gauge", "Bytes of these that were given back."},
	{"/gc/heap/live:bytes", "go_gc_heap_live_bytes", "gauge", "Bytes that the last collection found in use."},
	{"/gc/heap/allocs:bytes", "go_memstats_alloc_bytes_total", "counter", "Bytes allocated on the heap."},
	{"/gc/cycles/total:gc-cycles", "go_gc_cycles_total", "counter", "Garbage collections."},
	{"/gc/gomemlimit:bytes", "go_gc_gomemlimit_bytes", "gauge", "Soft limit of memory."},
}

// runtimeText writes what the Go runtime and the system know of the process.
func runtimeText(p *promText) {
	samples := make([]metrics.Sample, len(runtimeMetrics))
	for i, m := range runtimeMetrics {
		samples[i].Name = m.source
	}
	metrics.Read(samples)
	for i, m := range runtimeMetrics {
		v := 0.0
		if samples[i].Value.Kind() == metrics.KindUint64 {
			v = float64(samples[i].Value.Uint64())
		}
		p.single(m.name, m.kind, m.help, v)
	}
	pr := readProcess("/proc/self")
	p.single("process_resident_memory_bytes", "gauge", "Resident memory; 0 where the system does not tell.", pr.resident)
	p.single("process_open_fds", "gauge", "Open file descriptors; 0 where the system does not tell.", pr.fds)
	p.single("process_max_fds", "gauge", "Limit of open file descriptors; 0 where the system does not tell.", pr.maxFDs)
	p.single("process_cpu_seconds_total", "counter", "User and system time; 0 where the system does not tell.", pr.cpu)
	p.single("process_start_time_seconds", "gauge", "Start of the process since the Unix epoch.", float64(processStart.UnixNano())/1e9)
}

var processStart = time.Now()

// process is what /proc tells, zeros on other systems.
type process struct{ resident, fds, maxFDs, cpu float64 }

// ticksPerSecond is the unit of times in /proc, which Linux fixes.
const ticksPerSecond = 100

func readProcess(dir string) (p process) {
	text := func(name string) string {
		b, _ := os.ReadFile(dir + "/" + name)
		return string(b)
	}
	field := func(fields []string, i int) float64 {
		if i >= len(fields) {
			return 0
		}
		v, err := strconv.ParseFloat(fields[i], 64)
		if err != nil || math.IsNaN(v) {
			return 0
		}
		return v
	}
	p.resident = field(strings.Fields(text("statm")), 1) * float64(os.Getpagesize())
	// The name of the program, in brackets, may hold anything.
	if stat := text("stat"); strings.Contains(stat, ") ") {
		f := strings.Fields(stat[strings.LastIndex(stat, ") ")+2:])
		p.cpu = (field(f, 11) + field(f, 12)) / ticksPerSecond
	}
	if _, rest, ok := strings.Cut(text("limits"), "Max open files"); ok {
		p.maxFDs = field(strings.Fields(rest), 0)
	}
	if d, err := os.Open(dir + "/fd"); err == nil {
		names, _ := d.Readdirnames(-1)
		_ = d.Close()
		p.fds = float64(max(0, len(names)-1)) // without the one that reads them
	}
	return p
}
