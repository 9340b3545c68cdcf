package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/tracebed/tracebed/bench/peers/report"
)

// machine describes what is measured on, without its name or any path.
func machine(dir string) (m report.Machine, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return m, err
	}
	m.Cores, m.Go = runtime.NumCPU(), runtime.Version()
	m.Date = time.Now().UTC().Format(time.DateOnly)
	m.OS = runtime.GOOS + "/" + runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				m.CPU = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	m.Memory = anonymous("/proc/meminfo", "MemTotal:")
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Clean(dir), &s); err == nil {
		m.FS = map[int64]string{0xef53: "ext4", 0x58465342: "XFS", 0x9123683e: "Btrfs", 0x01021994: "tmpfs", 0x794c7630: "overlay"}[int64(s.Type)] //nolint:unconvert // not everywhere is it an int64
	}
	if text, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(text))
	}
	return m, nil
}
