// Command peers measures Tracebed beside the stores that a user would pick
// instead, on the same data in the same run, and beside what the machine
// allows. docs/benchmarks.md is written by it.
//
//	peers run -work w1 -drivers tracebed,sqlite -out results.json
//	peers report -in results.json
//
// `make bench` and `make bench-all` run everything.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("use: peers run | report | child (see -h of each)")
	}
	switch args[0] {
	case "child":
		return runChild(args[1:])
	case "run":
		return runAll(args[1:])
	case "report":
		return runReport(args[1:])
	}
	return fmt.Errorf("no command %q: run, report or child", args[0])
}
