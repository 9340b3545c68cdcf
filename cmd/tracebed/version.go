package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/tracebed/tracebed/engine"
)

// version is set by the linker for releases (-X main.version=v1.2.3).
var version string

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of program, Go and data directory format",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, commit := buildVersion()
			fmt.Fprintf(cmd.OutOrStdout(), "tracebed %s\ncommit %s\ngo %s %s/%s\ndata format %d\n",
				v, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH, engine.FormatVersion)
			return nil
		},
	}
}

// buildVersion reads the module version and the commit that were built in.
func buildVersion() (v, commit string) {
	v, commit = version, "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, commit
	}
	if v == "" {
		v = info.Main.Version
	}
	if v == "" || v == "(devel)" {
		v = "dev"
	}
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = " (modified)"
			}
		}
	}
	return v, commit + dirty
}
