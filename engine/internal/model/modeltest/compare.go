package modeltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine/internal/model"
)

// object holds the members of a JSON object; the methods note the first
// difference.
type object struct {
	m   map[string]json.RawMessage
	err error
}

func parseObject(b []byte) *object {
	o := &object{}
	if bytes.ContainsAny(b, "\n\r") {
		o.err = errors.New("more than one line")
	}
	if err := json.Unmarshal(b, &o.m); err != nil {
		o.err = fmt.Errorf("not an object: %w: %.200s", err, b)
	} else if o.m == nil {
		o.err = errors.New("not an object: null")
	}
	return o
}

func (o *object) fail(name string, want any) {
	if o.err == nil {
		o.err = fmt.Errorf("%s is %s, want %v", name, o.m[name], want)
	}
}

// take removes a member and returns its compact text; a missing one differs.
func (o *object) take(name string) string {
	v, ok := o.m[name]
	if !ok && o.err == nil {
		o.err = fmt.Errorf("%s is missing", name)
	}
	return compact(v)
}

func (o *object) value(name, want string) {
	if o.take(name) != want {
		o.fail(name, want)
	}
}

func (o *object) text(name string, want *string) {
	var got *string
	if err := json.Unmarshal([]byte(orNull(o.take(name))), &got); err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
		o.fail(name, deref(want))
	}
}

func (o *object) texts(name string, want []string) {
	var got []string
	if err := json.Unmarshal([]byte(orNull(o.take(name))), &got); err != nil || got == nil || !slices.Equal(got, want) && len(got)+len(want) > 0 {
		o.fail(name, want)
	}
}

// time compares an instant, which is printed in UTC with as many digits of
// the fraction as one of those it may come from.
func (o *object) time(name string, want *model.Instant, digits map[int]bool) {
	var got *string
	if err := json.Unmarshal([]byte(orNull(o.take(name))), &got); err != nil || (got == nil) != (want == nil) {
		o.fail(name, want)
		return
	}
	if got == nil {
		return
	}
	at, err := model.ParseInstant(*got)
	if err != nil || at.NS != want.NS || !digits[at.Digits] || !strings.HasSuffix(*got, "Z") {
		o.fail(name, fmt.Sprint(want, " with digits ", digits))
	}
}

// millis compares a duration printed in ms with whole microseconds.
func (o *object) millis(name string, us *int64) {
	got := o.take(name)
	if us == nil {
		if got != "null" {
			o.fail(name, nil)
		}
		return
	}
	r, ok := new(big.Rat).SetString(got)
	if !ok || r.Cmp(big.NewRat(*us, 1000)) != 0 {
		o.fail(name, float64(*us)/1000)
	}
}

// usage compares tokens and costs, and gives the rest back.
func (o *object) usage(name string, want *model.Usage) *object {
	u := parseObject([]byte(o.take(name)))
	u.value("prompt_tokens", fmt.Sprint(want.Prompt))
	u.value("completion_tokens", fmt.Sprint(want.Completion))
	u.value("total_tokens", fmt.Sprint(want.Total))
	names := []string{"prompt_tokens_cost_usd", "completion_tokens_cost_usd", "total_tokens_cost_usd"}
	for i, pico := range want.Costs() {
		got := u.take(names[i])
		if (got == "null") != (pico == nil) || pico != nil && !model.SamePico(got, pico) || strings.ContainsAny(got, "eE") {
			u.fail(names[i], pico)
		}
	}
	if u.err != nil && o.err == nil {
		o.err = fmt.Errorf("%s: %w", name, u.err)
	}
	return u
}

// done reports the first difference, or a member that should not be there.
func (o *object) done(names ...string) error {
	for name := range o.m {
		if o.err == nil && !slices.Contains(names, name) {
			return fmt.Errorf("unexpected member %s", name)
		}
	}
	return o.err
}

var traceMembers = []string{"id", "app_id", "name", "status", "started_at", "ended_at", "duration_ms", "input",
	"output", "error", "usage", "run_count", "session_id", "user_id", "source_id", "tags", "metadata", "version",
	"environment", "models", "stale", "updated_at"}

// alone as a preview is that of a trace by itself or in an export: whole, and
// with its evaluations, which rows of lists do not have.
const alone = -1

// compareTrace compares a trace object, whose input and output may be cut to
// a preview of so many bytes (0 = whole), with the oracle's.
func compareTrace(b []byte, want *model.Trace, preview int) error {
	o := parseObject(b)
	if preview == alone {
		preview = 0
		o.evaluations(want.Evaluations)
	}
	o.text("id", &want.ID)
	o.text("app_id", &want.App)
	o.text("name", want.Name)
	o.text("status", &want.Status)
	o.time("started_at", &want.Start, want.StartDigits)
	o.time("ended_at", want.End, want.EndDigits)
	o.millis("duration_ms", want.DurationUS)
	o.text("error", want.Error)
	u := o.usage("usage", &want.Usage)
	u.value("unpriced_count", fmt.Sprint(want.Unpriced))
	if u.err != nil && o.err == nil {
		o.err = u.err
	}
	o.value("run_count", fmt.Sprint(want.RunCount))
	o.text("session_id", want.Session)
	o.text("user_id", want.User)
	o.text("source_id", want.Source)
	o.texts("tags", want.Tags)
	o.metadata(want.Metadata)
	o.text("version", want.Version)
	o.text("environment", want.Environment)
	o.texts("models", want.Models)
	o.value("stale", fmt.Sprint(want.Stale))
	o.updated(want)
	names := append(slices.Clone(traceMembers), o.content("input", map[string]bool{want.Input: true}, preview)...)
	names = append(names, o.content("output", want.Outputs, preview)...)
	return o.done(names...)
}

// evaluations compares the member, which is there where there are any, and
// takes it out.
func (o *object) evaluations(want []*model.Evaluation) {
	if len(want) == 0 {
		return
	}
	var got []json.RawMessage
	if err := json.Unmarshal([]byte(orNull(o.take("evaluations"))), &got); err != nil || len(got) != len(want) {
		o.fail("evaluations", len(want))
		return
	}
	delete(o.m, "evaluations")
	for i, w := range want {
		e := parseObject(got[i])
		names := []string{"created_at"}
		for name, v := range w.Members {
			e.value(name, v)
			names = append(names, name)
		}
		e.time("created_at", &w.Created, map[int]bool{w.Created.Digits: true})
		if err := e.done(names...); err != nil && o.err == nil {
			o.err = fmt.Errorf("evaluation %d: %w", i, err)
		}
	}
}

func (o *object) metadata(want map[string]string) {
	got := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(orNull(o.take("metadata"))), &got); err != nil || len(got) != len(want) {
		o.fail("metadata", want)
		return
	}
	for k, v := range got {
		if compact(v) != want[k] {
			o.fail("metadata", want)
		}
	}
}

// updated is the time of the last change of the runs; a promotion of orphans
// is none.
func (o *object) updated(want *model.Trace) {
	var s string
	_ = json.Unmarshal([]byte(orNull(o.take("updated_at"))), &s)
	if at, err := model.ParseInstant(s); err != nil || at.NS != want.Updated.UnixNano() {
		o.fail("updated_at", want.Updated)
	}
}

// content compares input or output. What is longer than the preview is a
// string of so many bytes (less a piece of a character) and marked; the name
// of the mark is returned.
func (o *object) content(name string, allowed map[string]bool, preview int) []string {
	got := o.take(name)
	mark := name + "_truncated"
	if _, cut := o.m[mark]; !cut {
		if !allowed[got] {
			o.fail(name, allowed)
		} else if preview > 0 && tooLong(got, preview) {
			o.fail(name, fmt.Sprint("a preview of ", preview))
		}
		return nil
	}
	var text string
	if err := json.Unmarshal([]byte(got), &text); err != nil || compact(o.m[mark]) != "true" || preview == 0 ||
		len(text) > preview || !utf8.ValidString(text) {
		o.fail(name, fmt.Sprint("a preview of ", preview))
		return nil
	}
	for whole := range allowed {
		decoded := whole
		_ = json.Unmarshal([]byte(whole), &decoded)
		if tooLong(whole, preview) && strings.HasPrefix(decoded, text) && len(text) > preview-utf8.UTFMax {
			return []string{mark}
		}
	}
	o.fail(name, fmt.Sprint("a preview of ", allowed))
	return nil
}

// tooLong reports whether a value must be cut: its JSON text is longer than
// the preview. Null holds nothing to cut, and of a string the content counts.
func tooLong(value string, preview int) bool {
	var s string
	if json.Unmarshal([]byte(value), &s) == nil {
		return len(s) > preview // of null too, which leaves s empty
	}
	return len(value) > preview
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

func deref(s *string) string {
	if s == nil {
		return "null"
	}
	return fmt.Sprintf("%q", *s)
}
