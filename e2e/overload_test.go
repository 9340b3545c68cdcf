//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxResident is how much memory the server may take, whatever comes.
const maxResident = 1 << 30

// resident is the memory of the process now and at its most, in bytes.
func (s *server) resident(t testing.TB) (now, most int64) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		t.Skipf("the system does not tell the memory of a process: %v", err)
	}
	for _, line := range strings.Split(string(b), "\n") {
		for name, v := range map[string]*int64{"VmRSS:": &now, "VmHWM:": &most} {
			if rest, ok := strings.CutPrefix(line, name); ok {
				kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				*v = kb << 10
			}
		}
	}
	return now, most
}

// TestOverload: large bodies in parallel, two thousand connections that idle or
// dawdle, and downloads that nobody takes, beside one quiet application that
// writes and reads. The server stays within its memory, stores or refuses with
// Retry-After, and fails no request of the quiet one. How long those took is
// printed, and held to three times the unloaded p99 with TRACEBED_STRICT=1,
// which wants a machine of its own and takes three times as long: in 20 seconds
// the p99 of a request is the twelfth slowest, and the moments in which all
// connections open and close give ten of those. The crowd is a process at the
// lowest priority, as it stands for other machines.
//
// TRACEBED_OVERLOAD_SHAPE makes other bodies, see largeBody, and
// TRACEBED_OVERLOAD_READERS has the large traces read meanwhile.
func TestOverload(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < 6000 {
		t.Skipf("needs 6000 file descriptors: %d, %v", limit.Cur, err)
	}
	setting := func(name string, otherwise int) int {
		if v, err := strconv.Atoi(os.Getenv("TRACEBED_OVERLOAD_" + name)); err == nil {
			return v
		}
		return otherwise
	}
	strict := os.Getenv("TRACEBED_STRICT") == "1"
	alone, loaded := 5, 20
	if strict {
		alone, loaded = 30, 60
	}
	dir := filepath.Join(t.TempDir(), "data")
	s := start(t, dir)
	plan := crowdPlan{URL: s.url, Token: s.token, Shape: os.Getenv("TRACEBED_OVERLOAD_SHAPE"), Senders: setting("SENDERS", 64),
		Idle: 1000, Dawdlers: 500, Downloads: setting("DOWNLOADS", 16), Readers: setting("READERS", 0), Seconds: setting("SECONDS", loaded)}
	lasting := func(seconds int) (writes, reads *latencies) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
		defer cancel()
		return quietly(s, fmt.Sprint("s", seconds), ctx)
	}
	writesAlone, readsAlone := lasting(alone)
	t.Logf("quiet application alone: %v", writesAlone)
	t.Logf("quiet application alone: %v", readsAlone)

	end := runCrowd(t, plan)
	writes, reads := lasting(plan.Seconds + 1)
	tally := end()
	now, most := s.resident(t)
	t.Logf("beside %d senders of 50 MB, %d connections, %d slow downloads, all in one idle-class process:", plan.Senders, tally.Connected, plan.Downloads)
	t.Logf("%v", writes)
	t.Logf("%v", reads)
	t.Logf("large bodies: %d stored, %d refused with Retry-After, %d without an answer; %d reads of large traces, %d refused; resident memory %d MiB, at most %d MiB",
		tally.Stored, tally.Refused, tally.Lost, tally.Read, tally.Busy, now>>20, most>>20)
	if tally.Wrong != "" {
		t.Errorf("an answer was %s", tally.Wrong)
	}
	if tally.Stored == 0 {
		t.Error("no large body was stored")
	}
	if most > maxResident {
		t.Errorf("resident memory was %d MiB, at most %d MiB may be", most>>20, maxResident>>20)
	}
	writes.holds(t, writesAlone, strict)
	reads.holds(t, readsAlone, strict)
	if code := s.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
	clean(t, dir)
}
