package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStats() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show how a server does: disk, queue, stalls, errors, last backup and check",
		Long: `Shows on one page how a server does; the numbers are those of /metrics since its start, and docs/ops/runbook.md
says what to do about them. The token needs the right read for every app.`,
		Example: "  tracebed stats --server http://127.0.0.1:8787",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withClient(reading, func(c *client) error {
				m, err := c.metrics(cmd.Context())
				if err != nil {
					return err
				}
				return printStats(cmd.OutOrStdout(), m, time.Now())
			})
		},
	}
	t.flags(cmd)
	return cmd
}

// metrics reads /metrics.
func (c *client) metrics(ctx context.Context) (samples, error) {
	req, err := c.request(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, answerError(resp)
	}
	return readSamples(resp.Body)
}

// samples are the values of /metrics by name and labels, as in
// `name{label="value"}`.
type samples map[string]float64

// readSamples reads the Prometheus text format.
func readSamples(r io.Reader) (samples, error) {
	out := samples{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		if text == "" || text[0] == '#' {
			continue
		}
		i := strings.LastIndexByte(text, ' ')
		v, err := strconv.ParseFloat(text[i+1:], 64)
		if i < 0 || err != nil {
			return nil, errors.New("/metrics is not what a Tracebed server sends; is --server right?")
		}
		out[text[:i]] = v
	}
	return out, lines.Err()
}

// labels gives the values of one label of a metric that has no other.
func (s samples) labels(name string) (keys []string, byKey map[string]float64) {
	byKey = map[string]float64{}
	for k, v := range s {
		rest, ok := strings.CutPrefix(k, name+"{")
		if !ok {
			continue
		}
		_, value, _ := strings.Cut(rest, `"`)
		value, _, _ = strings.Cut(value, `"`)
		if _, known := byKey[value]; !known {
			keys = append(keys, value)
		}
		byKey[value] += v
	}
	sort.Strings(keys)
	return keys, byKey
}

// sum adds up a metric over its labels.
func (s samples) sum(name string) (total float64) {
	_, by := s.labels(name)
	for _, v := range by {
		total += v
	}
	return total
}

// quantile is an upper bound of a quantile of a histogram, in seconds; NaN when
// it is empty.
func (s samples) quantile(name string, q float64) float64 {
	keys, by := s.labels(name + "_bucket")
	bounds := make([]float64, 0, len(keys))
	value := map[float64]float64{}
	for _, k := range keys {
		if b, err := strconv.ParseFloat(k, 64); err == nil {
			bounds = append(bounds, b)
			value[b] = by[k]
		}
	}
	sort.Float64s(bounds)
	if n := len(bounds); n > 0 && value[bounds[n-1]] > 0 {
		for _, b := range bounds {
			if value[b] >= q*value[bounds[n-1]] {
				return b
			}
		}
	}
	return math.NaN()
}

// printStats prints the page.
func printStats(out io.Writer, m samples, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	n := func(name string) string { return countText(int64(m[name])) }
	size := func(name string) string { return sizeText(int64(m[name])) }

	state := "takes writes"
	if m["tracebed_store_ready"] == 0 {
		state = "TAKES NO WRITES, see /readyz"
	}
	line("store", "%s; %s operations, %s on disk", state, n("tracebed_store_seq"), size("tracebed_store_disk_bytes"))
	line("disk", "%s free of %s; %s", size("tracebed_store_disk_free_bytes"), size("tracebed_store_disk_total_bytes"), m.daysLeft())
	line("queue", "%s operations, %s", n("tracebed_store_queue_ops"), size("tracebed_store_queue_bytes"))
	line("log syncs", "%s; half within %s, 99 %% within %s", n("tracebed_store_fsync_seconds_count"),
		secondsText(m.quantile("tracebed_store_fsync_seconds", 0.5)), secondsText(m.quantile("tracebed_store_fsync_seconds", 0.99)))
	line("stalls", "%s, %s together", n("tracebed_store_write_stalls_total"), secondsText(m["tracebed_store_write_stall_seconds_total"]))
	line("compaction", "debt %s; level 0 has %s files in %s sublevels; %s failed", size("tracebed_store_compaction_debt_bytes"),
		n("tracebed_store_l0_files"), n("tracebed_store_l0_sublevels"), n("tracebed_pebble_compactions_failed_total"))
	line("damage", "%s blocks, %s background errors", n("tracebed_store_corruptions_total"), n("tracebed_store_background_errors_total"))
	line("runs", "%s", m.byLabel("tracebed_ingest_runs_total"))
	line("not stored", "%s", m.byLabel("tracebed_ingest_rejected_runs_total"))
	line("requests", "%s answered, %s running, %s connections", countText(int64(m.sum("tracebed_http_requests_total"))),
		n("tracebed_http_inflight_requests"), n("tracebed_http_connections"))
	line("errors", "%s", m.byLabel("tracebed_http_errors_total"))
	line("overload", "%s bodies refused for want of memory, %s connections refused", n("tracebed_ingest_overloads_total"), n("tracebed_http_rejected_connections_total"))
	line("exports", "%s running, %s ended, %s of them complete", n("tracebed_exports_running"), n("tracebed_exports_total"), n("tracebed_exports_complete_total"))
	line("last backup", "%s", agoText(m["tracebed_backup_last_timestamp_seconds"], now, "none since the start"))
	check := agoText(m["tracebed_verify_last_timestamp_seconds"], now, "never")
	if check != "never" {
		check += fmt.Sprintf(", %s differences", n("tracebed_verify_last_differences"))
	}
	line("last check", "%s", check)
	line("process", "up %s, %s resident, %s goroutines, %s of %s files open",
		now.Sub(time.Unix(int64(m["process_start_time_seconds"]), 0)).Round(time.Second), size("process_resident_memory_bytes"),
		n("go_goroutines"), n("process_open_fds"), n("process_max_fds"))
	return w.Flush()
}

func (s samples) daysLeft() string {
	days := s["tracebed_store_days_left"]
	if math.IsInf(days, 1) {
		return "no growth seen yet"
	}
	return fmt.Sprintf("full in %.0f days at %s a day", days, sizeText(int64(s["tracebed_store_growth_bytes_per_day"])))
}

// byLabel lists the values of a metric that are not 0.
func (s samples) byLabel(name string) string {
	keys, by := s.labels(name)
	var parts []string
	for _, k := range keys {
		if by[k] > 0 {
			parts = append(parts, countText(int64(by[k]))+" "+k)
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// secondsText prints a duration of a metric.
func secondsText(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	d := time.Duration(v * float64(time.Second))
	switch {
	case d < time.Second:
		return d.Round(10 * time.Microsecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// agoText prints a point in time, or never for 0.
func agoText(unix float64, now time.Time, never string) string {
	if unix == 0 {
		return never
	}
	at := time.Unix(int64(unix), 0).UTC()
	return fmt.Sprintf("%s, %s ago", at.Format(time.RFC3339), now.Sub(at).Round(time.Minute))
}
