package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// envName is the environment variable of a flag.
func envName(flag string) string {
	return "TRACEBED_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// bindEnv sets every flag that was not given on the command line from its
// environment variable.
func bindEnv(cmd *cobra.Command, lookup func(string) (string, bool)) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil {
			return
		}
		name := envName(f.Name)
		value, ok := lookup(name)
		if !ok || value == "" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			first = &failure{
				what: fmt.Errorf("the environment variable %s has a value that --%s cannot take: %w", name, f.Name, err),
				next: fmt.Sprintf("unset %s, or give it a value as in %s --help", name, cmd.CommandPath()),
				code: exitUsage,
			}
		}
	})
	return first
}

// byteSize is a flag value such as 64MiB, 500kB or 1048576.
type byteSize int64

var sizeUnits = []struct {
	suffix string
	factor float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1},
}

// Set parses a size; pflag calls it.
func (b *byteSize) Set(s string) error {
	number, factor := strings.ToLower(strings.TrimSpace(s)), 1.0
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v*factor >= 1) || v*factor > math.MaxInt64/2 {
		return fmt.Errorf("%q is not a size such as 64MiB", s)
	}
	*b = byteSize(v * factor)
	return nil
}

func (b *byteSize) String() string { return sizeText(int64(*b)) }

// Type names the value in the help; pflag calls it.
func (b *byteSize) Type() string { return "size" }

// sizeText prints a number of bytes for people.
func sizeText(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			s := strconv.FormatFloat(float64(n)/float64(u.size), 'f', 1, 64)
			return strings.TrimSuffix(s, ".0") + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// choice is a flag value out of a few.
type choice struct {
	value   string
	allowed []string
}

// Set takes one of the allowed values; pflag calls it.
func (c *choice) Set(s string) error {
	for _, a := range c.allowed {
		if s == a {
			c.value = s
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", s, strings.Join(c.allowed, ", "))
}

func (c *choice) String() string { return c.value }

// Type names the values in the help; pflag calls it.
func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

// instant is a flag value that is a point in time: RFC 3339, a date (its first
// moment in UTC), or a duration such as 36h, counted back from now.
type instant struct {
	text string
	at   time.Time
	now  func() time.Time
}

// Set parses a point in time; pflag calls it.
func (i *instant) Set(s string) error {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		i.at, i.text = i.now().Add(-d).UTC(), s
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			i.at, i.text = t.UTC(), s
			return nil
		}
	}
	return fmt.Errorf("%q is not a time such as 2026-06-10, 2026-06-10T09:00:00Z or 24h (ago)", s)
}

func (i *instant) String() string { return i.text }

// Type names the value in the help; pflag calls it.
func (i *instant) Type() string { return "time" }
