package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

// What seed makes is a sound store with every trace, the same each time.
func TestFill(t *testing.T) {
	end := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	var exports [2][]byte
	for i := range exports {
		c := config{data: filepath.Join(t.TempDir(), "data"), app: "demo", traces: 700, runs: 1200, days: 14, end: end}
		if err := c.fill(); err != nil {
			t.Fatal(err)
		}
		e, err := engine.Open(c.data, engine.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		rep, err := e.Verify(context.Background())
		if err != nil || len(rep.Differences) > 0 || rep.Traces != 701 || rep.Runs != 3*700+1200 {
			t.Errorf("%+v %v", rep, err)
		}
		app, err := e.App(context.Background(), "demo")
		if err != nil || app.FirstStart.Before(end.AddDate(0, 0, -14)) || app.LastStart.After(end) {
			t.Errorf("%+v %v", app, err)
		}
		list, err := e.Evaluations(context.Background(), "demo", c.small(300).id)
		if err != nil || bytes.Count(list, []byte(`"name"`)) != 2 {
			t.Errorf("evaluations %s %v", list, err)
		}
		var tree bytes.Buffer
		if err := e.Tree(context.Background(), "demo", "big", &tree); err != nil || !json.Valid(tree.Bytes()) {
			t.Errorf("tree: %v", err)
		}
		exports[i] = c.small(17).append(nil)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(exports[0], exports[1]) {
		t.Error("two makings of a trace differ")
	}
}
