package modeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/tracebed/tracebed/engine/internal/model"
)

// compareWithRuns compares a trace that has its runs embedded.
func compareWithRuns(b []byte, want *model.Trace, runs []*model.Run) error {
	o := parseObject(b)
	if o.err != nil {
		return o.err
	}
	var got []json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(orNull(o.take("runs"))), &got), o.err); err != nil {
		return fmt.Errorf("runs: %w", err)
	}
	delete(o.m, "runs")
	if err := compareTrace(write(o.m), want, alone); err != nil {
		return err
	}
	lines := make([][]byte, len(got))
	for i, r := range got {
		lines[i] = r
	}
	return compareRuns(lines, runs)
}

// write makes an object of its members, as they are: encoding/json would
// escape what HTML needs escaped.
func write(m map[string]json.RawMessage) []byte {
	b := []byte{'{'}
	for k, v := range m {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, model.Quote(k)...), ':'), v...)
	}
	return append(b, '}')
}

// compareRuns compares runs in order.
func compareRuns(got [][]byte, want []*model.Run) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d runs, want %d", len(got), len(want))
	}
	for i, r := range want {
		if err := compareRun(got[i], r); err != nil {
			return fmt.Errorf("run %d (%q): %w\n%s", i, r.ID, err, got[i])
		}
	}
	return nil
}

// compareRun: all members as sent, and the four that are made uniform.
func compareRun(b []byte, want *model.Run) error {
	o := parseObject(b)
	names := []string{"group", "model", "usage", "duration_ms"}
	for name, v := range want.Members {
		names = append(names, name)
		switch name {
		case "id", "trace_id", "name", "parent_run_id", "source_id", "session_id":
			o.text(name, map[string]*string{"id": &want.ID, "trace_id": &want.TraceID, "name": want.Name,
				"parent_run_id": want.Parent, "source_id": want.Source, "session_id": want.Session}[name])
		case "start_time":
			o.time(name, &want.Start, map[int]bool{want.Start.Digits: true})
		case "end_time":
			digits := map[int]bool{}
			if want.End != nil {
				digits[want.End.Digits] = true
			}
			o.time(name, want.End, digits)
		case "status": // open runs may be told as null or as running
			if got := o.take(name); got != v && (want.Finished() || got != "null" && got != `"running"`) {
				o.fail(name, v)
			}
		default:
			o.value(name, v)
		}
	}
	var group *string
	if want.Group != "" {
		group = &want.Group
	}
	o.text("group", group)
	o.text("model", want.Model)
	o.millis("duration_ms", want.DurationUS())
	o.runUsage(want)
	return o.done(names...)
}

// runUsage compares the usage of one run: every number as it was sent, null
// where none was; a total may also be the sum that the trace counts.
func (o *object) runUsage(want *model.Run) {
	if want.Usage == nil {
		o.value("usage", "null")
		return
	}
	sent := parseObject([]byte(parseObject([]byte(want.Members["metadata"])).take("usage")))
	u := parseObject([]byte(o.take("usage")))
	for name, sum := range map[string]string{
		"prompt_tokens":               "0",
		"completion_tokens":           "0",
		"total_tokens":                fmt.Sprint(want.Usage.Total),
		"prompt_tokens_cost_usd":      "null",
		"completion_tokens_cost_usd":  "null",
		"total_tokens_cost_usd":       usd(want.Usage.TotalCost),
		"cache_read_input_tokens":     "null",
		"cache_creation_input_tokens": "null",
	} {
		got, raw := u.take(name), orNull(compact(sent.m[name]))
		if !sameNumber(got, raw) && (raw != "null" || !sameNumber(got, sum)) {
			u.fail(name, raw)
		}
	}
	if u.err != nil && o.err == nil {
		o.err = fmt.Errorf("usage: %w", u.err)
	}
}

// usd writes pico-USD as a number, null where it is unknown.
func usd(pico *big.Int) string {
	if pico == nil {
		return "null"
	}
	return new(big.Rat).SetFrac(pico, big.NewInt(1_000_000_000_000)).FloatString(12)
}

func sameNumber(a, b string) bool {
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return a == b || ok1 && ok2 && x.Cmp(y) == 0
}
