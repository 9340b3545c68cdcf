package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tracebed/tracebed/engine/trace"
)

// evaluation is one evaluation of a trace as a client would post it.
type evaluation struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Value     any     `json:"value"`
	Comment   *string `json:"comment"`
	Source    string  `json:"source"`
	RunID     *string `json:"run_id"`
	CreatedAt string  `json:"created_at"`
}

// Evaluations makes what a judge model, the user and a check said of a trace,
// given its root run: a JSON array, nil for the seven of eight traces of which
// nobody said anything. It depends on the run alone. The bodies of Generate
// must be stored before.
func Evaluations(root *trace.Run) ([]byte, error) {
	h := root.IDHash
	if root.ParentID != "" || !root.Finished() || !root.End.Valid || h%8 != 0 {
		return nil, nil
	}
	at := func(after time.Duration) string {
		return time.Unix(0, root.End.NS).Add(after).UTC().Format(sdkTime)
	}
	id := func(name string) string { return fmt.Sprintf("%s-%016x", name, h) }
	good := root.Status == trace.RunSucceeded
	score := float64(60+h>>8%40) / 100
	why := "The answer follows from the retrieved passages and names its source."
	if !good {
		score, why = float64(h>>8%30)/100, "There is no answer: "+string(root.Error[:min(len(root.Error), 120)])
	}
	list := []evaluation{
		{ID: id("relevance"), Name: "relevance", Value: score, Comment: &why, Source: "judge: openai/gpt-4o", CreatedAt: at(4 * time.Second)},
		{ID: id("on-topic"), Name: "on_topic", Value: good, Source: "guardrail", RunID: &root.ID, CreatedAt: at(90 * time.Millisecond)},
	}
	if h>>16%3 == 0 {
		says := map[bool][2]string{true: {"thumbs up", "Quick and to the point 👍"}, false: {"thumbs down", "It never answered."}}[good]
		list = append(list, evaluation{ID: id("feedback"), Name: "user_feedback", Value: says[0], Comment: &says[1], Source: "user", CreatedAt: at(3 * time.Minute)})
	}
	return json.Marshal(list)
}
