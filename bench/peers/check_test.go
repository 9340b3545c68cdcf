package main

import (
	"testing"

	"github.com/tracebed/tracebed/bench/peers/drivers"
	"github.com/tracebed/tracebed/bench/peers/peer"
)

// TestDriversAgree: every store that can be had here gives the same totals,
// pages, sums, traces and exports, also for traces that are sent again, stale
// or not.
func TestDriversAgree(t *testing.T) {
	for _, name := range drivers.Names() {
		entry := drivers.All[name]
		if entry.NoCheck {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if entry.Unavailable != nil {
				if why := entry.Unavailable(); why != "" {
					t.Skip(why)
				}
			}
			dir := t.TempDir()
			d, err := entry.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			// What the server stored is read by the engine: the driver over HTTP
			// leaves the numbers as bytes.
			again := entry.Open
			if name == "http" {
				again = drivers.OpenTracebed
			}
			reopen := func(d peer.Driver) (peer.Driver, error) {
				if err := d.Close(); err != nil {
					return nil, err
				}
				return again(dir)
			}
			if err := peer.Check(d, reopen, 1500); err != nil {
				t.Fatal(err)
			}
		})
	}
}
