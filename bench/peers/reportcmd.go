package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/report"
)

// runReport prints the table of results, and writes the pages of -docs.
func runReport(args []string) error {
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	in := f.String("in", "results.json", "results of `peers run`")
	docs := f.String("docs", "", "directory for benchmarks.md, benchmarks.svg and benchmarks.json")
	if err := f.Parse(args); err != nil {
		return err
	}
	r, err := report.Load(*in)
	if err != nil {
		return err
	}
	fmt.Print(r.Text())
	if *docs == "" {
		return nil
	}
	notes := report.Notes{}
	for name, e := range drivers.All {
		notes[name] = e.Note
	}
	return errors.Join(
		os.WriteFile(filepath.Join(*docs, "benchmarks.md"), []byte(r.Doc(notes, "benchmarks.svg")), 0o644),
		os.WriteFile(filepath.Join(*docs, "benchmarks.svg"), []byte(r.SVG()), 0o644),
		r.Save(filepath.Join(*docs, "benchmarks.json")))
}
