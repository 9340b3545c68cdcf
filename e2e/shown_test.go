//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// shownTrace and shownRun are what a user sees of the trace of a client.
type shownTrace struct {
	ID, Name, Status string
	Input, Output    json.RawMessage
	Error            *string
	SessionID        *string `json:"session_id"`
	UserID           *string `json:"user_id"`
	Tags             []string
	Metadata         map[string]any
	Usage            shownUsage
	RunCount         int `json:"run_count"`
}

type shownUsage struct {
	Prompt     int64    `json:"prompt_tokens"`
	Completion int64    `json:"completion_tokens"`
	Cost       *float64 `json:"total_tokens_cost_usd"`
	Cached     *int64   `json:"cache_read_input_tokens"`
	Reasoning  *int64   `json:"reasoning_tokens"`
	Estimated  bool     `json:"cost_estimated"`
	Unpriced   int      `json:"unpriced_count"`
}

type shownRun struct {
	ID, Type      string
	Name          *string
	Parent        *string `json:"parent_run_id"`
	Start         string  `json:"start_time"`
	Group, Model  *string
	Status        *string
	Input, Output json.RawMessage
	Error         *struct{ Message string }
	Usage         *shownUsage
	Metadata      struct {
		GenAI struct {
			Messages struct{ Input, Output json.RawMessage }
		} `json:"gen_ai"`
	}
}

// shown writes all traces of all apps down, oldest first, as docs/clients.md
// shows them. List and single trace must agree.
func shown(t testing.TB, s *server) string {
	t.Helper()
	var apps struct{ Data []struct{ ID string } }
	s.get(t, "/v1/apps", &apps)
	var out strings.Builder
	for _, app := range apps.Data {
		path := "/v1/apps/" + url.PathEscape(app.ID) + "/traces"
		var list struct{ Data []shownTrace }
		s.get(t, path+"?preview=0&sort=started_at", &list)
		for _, row := range list.Data {
			out.WriteString(shownOne(t, s, path, row))
		}
	}
	return out.String()
}

func shownOne(t testing.TB, s *server, path string, row shownTrace) string {
	t.Helper()
	path += "/" + url.PathEscape(row.ID)
	var one struct{ Data shownTrace }
	s.get(t, path, &one)
	if a, b := show(row), show(one.Data); a != b {
		t.Errorf("the list says %s\nthe trace %s", a, b)
	}
	var runs struct{ Data []shownRun }
	s.get(t, path+"/runs?page_size=1000", &runs)
	if len(runs.Data) != row.RunCount {
		t.Errorf("%s: %d runs, run_count %d", row.Name, len(runs.Data), row.RunCount)
	}
	slices.Reverse(runs.Data)
	sort.SliceStable(runs.Data, func(i, j int) bool { return runs.Data[i].Start < runs.Data[j].Start })
	var w strings.Builder
	facts := []string{row.Name + " " + row.Status}
	for _, f := range []struct {
		name  string
		value *string
	}{{"session ", row.SessionID}, {"user ", row.UserID}, {"error ", row.Error}} {
		if f.value != nil {
			facts = append(facts, f.name+*f.value)
		}
	}
	if len(row.Tags) > 0 {
		facts = append(facts, "tags "+strings.Join(row.Tags, " "))
	}
	if plan, ok := row.Metadata["plan"]; ok {
		facts = append(facts, "plan "+fmt.Sprint(plan))
	}
	facts = append(facts, row.Usage.facts()...)
	fmt.Fprintf(&w, "%s\n  in  %s\n  out %s\n", strings.Join(facts, " · "), short(row.Input), short(row.Output))
	writeRuns(&w, runs.Data, nil, "")
	return w.String()
}

// facts are tokens and cost.
func (u *shownUsage) facts() []string {
	if u == nil || u.Prompt+u.Completion == 0 && u.Cost == nil {
		return nil
	}
	tokens := fmt.Sprint(u.Prompt)
	if u.Cached != nil && *u.Cached > 0 {
		tokens += fmt.Sprintf(" (%d cached)", *u.Cached)
	}
	tokens += fmt.Sprintf(" + %d", u.Completion)
	if u.Reasoning != nil && *u.Reasoning > 0 {
		tokens += fmt.Sprintf(" (%d reasoning)", *u.Reasoning)
	}
	facts := []string{tokens + " tokens"}
	if u.Cost != nil {
		sign := "$"
		if u.Estimated {
			sign = "≈ $"
		}
		facts = append(facts, sign+strconv.FormatFloat(*u.Cost, 'f', -1, 64))
	}
	if u.Unpriced > 0 {
		facts = append(facts, fmt.Sprint(u.Unpriced, " unpriced"))
	}
	return facts
}

// writeRuns writes the runs below parent, a line each, and the messages of LLM
// calls below theirs.
func writeRuns(w *strings.Builder, runs []shownRun, parent *string, indent string) {
	for i := range runs {
		r := &runs[i]
		if (r.Parent == nil) != (parent == nil) || parent != nil && *r.Parent != *parent {
			continue
		}
		kind := r.Type
		if r.Group != nil {
			kind = *r.Group
		}
		line := kind
		for _, text := range []*string{r.Name, r.Model} {
			if text != nil {
				line += " " + *text
			}
		}
		switch {
		case r.Status == nil:
			line += " · open"
		case *r.Status != "succeeded":
			line += " · " + *r.Status
		}
		facts := append([]string{line}, r.Usage.facts()...)
		if r.Error != nil {
			facts = append(facts, "error "+cut(strings.SplitN(r.Error.Message, "\n", 2)[0]))
		}
		messages := r.messages(indent + "    ")
		if kind == "tools" {
			facts = append(facts, short(r.Input)+" → "+short(r.Output))
		}
		fmt.Fprintf(w, "%s%s\n%s", indent, strings.Join(facts, " · "), messages)
		writeRuns(w, runs, &r.ID, indent+"  ")
	}
}

// messages are the lines of what an LLM call was asked and said, from the
// uniform list wherever it stands.
func (r *shownRun) messages(indent string) (lines string) {
	if r.Group == nil || *r.Group != "llms" {
		return ""
	}
	uniform := r.Metadata.GenAI.Messages
	for _, side := range [][2]json.RawMessage{{uniform.Input, r.Input}, {uniform.Output, r.Output}} {
		raw := side[0]
		if raw == nil {
			raw = side[1]
		}
		var list []struct {
			Role  string
			Parts []struct {
				Type, Name                           string
				Content, Arguments, Response, Result json.RawMessage
			}
		}
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
			continue
		}
		for _, m := range list {
			for _, p := range m.Parts {
				var text string
				switch p.Type {
				case "tool_call":
					text = "calls " + p.Name + " " + short(p.Arguments)
				case "tool_call_response":
					text = "result " + short(first(p.Response, p.Result))
				default:
					text = short(p.Content)
				}
				lines += indent + m.Role + ": " + text + "\n"
			}
		}
	}
	return lines
}

func first(values ...json.RawMessage) json.RawMessage {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// short is JSON without spaces, a text without quotes, and no more than a line.
func short(raw json.RawMessage) string {
	var text *string
	if json.Unmarshal(raw, &text) == nil && text != nil {
		return cut(*text)
	}
	if raw == nil || string(raw) == "null" {
		return "none"
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return cut(b.String())
}

func cut(text string) string {
	if runes := []rune(text); len(runes) > 64 {
		return string(runes[:63]) + "…"
	}
	return text
}
