package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/report"
)

// plan is what `peers run` does.
type plan struct {
	works, drivers []string
	sizes          []int
	n, rounds      int
	writers        int
	dir, out       string
	keep, more     bool
	// large are the stores that are filled beyond largeSize.
	large   []string
	results *report.Results
	exe     string
}

// everything but SQLite's translation to Go, which is slower than SQLite
// (docs/benchmarks.md).
const everything = "bare,tracebed,http,sqlite,duckdb,postgres,clickhouse"

// largeSize is the number of traces above which only p.large are measured.
const largeSize = 200_000

func runAll(args []string) error {
	p := &plan{}
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	works := f.String("work", "limits,w1,w1b,w1c,fill,read,w5", "workloads, in this order")
	names := f.String("drivers", "bare,tracebed,http,sqlite,duckdb", "stores, or all; there are "+strings.Join(drivers.Names(), ", "))
	sizes := f.String("sizes", "20000,200000", "traces of the stores for fill, read and w5")
	f.IntVar(&p.n, "n", 60_000, "traces ingested in a round of w1, w1b and w1c (a sixth)")
	f.IntVar(&p.rounds, "rounds", 3, "rounds; the stores take turns in each")
	f.IntVar(&p.writers, "writers", 2, "concurrent writers of batches")
	f.StringVar(&p.dir, "dir", filepath.Join(os.TempDir(), "tracebed-peers"), "directory for the stores, on a real disk")
	f.StringVar(&p.out, "out", "results.json", "results, added to what is there")
	f.BoolVar(&p.keep, "keep", false, "keep the filled stores for another run of read or w5")
	f.BoolVar(&p.more, "more", false, "add rounds to those that are there, instead of measuring anew")
	fresh := f.Bool("fresh", false, "forget the results that are there")
	large := f.String("large", "tracebed,http", "stores that are also measured with more than 200,000 traces")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *names == "all" {
		*names = everything
	}
	if *fresh {
		if err := os.Remove(p.out); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	p.large = strings.Split(*large, ",")
	p.works, p.drivers = strings.Split(*works, ","), strings.Split(*names, ",")
	for _, s := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		p.sizes = append(p.sizes, n)
	}
	return p.run()
}

func (p *plan) run() (err error) {
	if p.exe, err = os.Executable(); err != nil {
		return err
	}
	if p.results, err = report.Load(p.out); err != nil {
		return err
	}
	if p.results.Machine, err = machine(p.dir); err != nil {
		return err
	}
	p.results.Settings["writers"] = strconv.Itoa(p.writers)
	if was, err := strconv.Atoi(p.results.Settings["rounds"]); err != nil || was < p.rounds { // another run may have added a store
		p.results.Settings["rounds"] = strconv.Itoa(p.rounds)
	}
	p.results.Settings["w1 traces"] = strconv.Itoa(p.n)
	if err := p.available(); err != nil {
		return err
	}
	for _, work := range p.works {
		if err := p.work(work); err != nil {
			return err
		}
		if err := p.results.Save(p.out); err != nil {
			return err
		}
	}
	if p.keep {
		return nil
	}
	return os.RemoveAll(filepath.Join(p.dir, "stores"))
}

// available leaves out the stores that cannot be had here, and says so.
func (p *plan) available() error {
	var have []string
	for _, name := range p.drivers {
		entry, ok := drivers.All[name]
		if !ok {
			return fmt.Errorf("no store %q: %s", name, strings.Join(drivers.Names(), ", "))
		}
		delete(p.results.Missing, name)
		if entry.Unavailable != nil {
			if why := entry.Unavailable(); why != "" {
				p.results.Missing[name] = why
				fmt.Fprintf(os.Stderr, "%s is not available here: %s\n", name, why)
				continue
			}
		}
		have = append(have, name)
	}
	p.drivers = have
	return nil
}

// runs says which stores do a workload.
func runs(work, driver string) bool {
	bare := drivers.All[driver].NoCheck
	switch work {
	case "w1":
		return true
	case "w1b":
		return driver == "tracebed" || driver == "sqlite"
	case "w1c":
		return driver == "tracebed" || driver == "http" || driver == "bare"
	default:
		return !bare
	}
}

func (p *plan) work(work string) error {
	if work == "limits" {
		if !p.more {
			p.results.Drop("limit", "limits", 0)
		}
		for round := range p.rounds {
			if err := p.child("limit", "limits", 0, round, "-n", "5000"); err != nil {
				return err
			}
		}
		return nil
	}
	sizes, rounds := []int{0}, p.rounds
	switch work {
	case "fill":
		sizes, rounds = p.sizes, 1
	case "read", "w5":
		sizes = p.sizes
	}
	for _, size := range sizes {
		names := slices.DeleteFunc(slices.Clone(p.drivers), func(d string) bool {
			return !runs(work, d) || size > largeSize && !slices.Contains(p.large, d)
		})
		done := 0
		for _, d := range names {
			if p.more {
				done = max(done, p.results.Rounds(d, work, size))
			} else {
				p.results.Drop(d, work, size)
			}
		}
		for round := done; round < done+rounds; round++ {
			for _, d := range names {
				if err := p.one(work, d, size, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// store is the directory of a filled store; Tracebed's is read in the process
// and over HTTP.
func (p *plan) store(driver string, size int) string {
	if driver == "http" {
		driver = "tracebed"
	}
	return filepath.Join(p.dir, "stores", driver+"-"+strconv.Itoa(size))
}

func (p *plan) one(work, driver string, size, round int) error {
	switch work {
	case "fill":
		dir := p.store(driver, size)
		if driver == "http" {
			return nil
		}
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		return p.child(driver, work, size, round, "-dir", dir, "-n", strconv.Itoa(size))
	case "read", "w5":
		return p.child(driver, work, size, round, "-dir", p.store(driver, size), "-n", strconv.Itoa(size))
	case "w1b":
		return p.child(driver, work, size, round, "-n", strconv.Itoa(p.n/6))
	case "w1c":
		return p.child(driver, work, size, round, "-n", strconv.Itoa(p.n/6), "-batch", "1", "-writers", "64")
	}
	return p.child(driver, work, size, round, "-n", strconv.Itoa(p.n))
}

// child runs one workload in a process and records what it prints. Flags that
// come later win.
func (p *plan) child(driver, work string, size, round int, flags ...string) error {
	fresh := filepath.Join(p.dir, "fresh")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute) // a million traces took 7 on a bad day
	defer cancel()
	args := append([]string{"child", "-driver", driver, "-work", work, "-round", strconv.Itoa(round),
		"-dir", filepath.Join(fresh, driver), "-writers", strconv.Itoa(p.writers)}, flags...)
	cmd := exec.CommandContext(ctx, p.exe, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s, %s: %w", driver, work, err)
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return fmt.Errorf("%s, %s: %w", driver, work, err)
	}
	if a.Version != "" {
		p.results.Versions[driver] = a.Version
	}
	fmt.Fprintf(os.Stderr, "%-10s %-6s %8d round %d in %5.1f s:", driver, work, size, round+1, time.Since(start).Seconds())
	for _, v := range a.Values {
		p.results.Add(report.Key{Driver: driver, Work: work, Metric: v.Metric, Size: size}, v.Unit, v.Value)
		fmt.Fprintf(os.Stderr, " %s %.4g;", v.Metric, v.Value)
	}
	fmt.Fprintln(os.Stderr)
	return os.RemoveAll(fresh)
}
