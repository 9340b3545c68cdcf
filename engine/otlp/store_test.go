package otlp

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/trace"
)

// TestThroughTheStore: spans that come one by one in any order, some twice,
// are the same trace in the store as all at once, sent again they change
// nothing, and the store finds no difference between runs and what it derived.
func TestThroughTheStore(t *testing.T) {
	store, err := engine.Open("data", engine.Options{FS: vfs.NewMem(), DisableBackground: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := context.Background()
	for _, name := range []string{"otlp-genai.json", "otlp-openinference.json"} {
		var sent struct {
			Requests []struct{ Body json.RawMessage }
		}
		if err := json.Unmarshal(readFile(t, name), &sent); err != nil {
			t.Fatal(err)
		}
		b, err := Parse(sent.Requests[0].Body, JSON, Options{})
		if err != nil {
			t.Fatal(err)
		}
		runs := b.Groups[0].Runs
		want := render(t, runs)
		for seed := range uint64(3) {
			app := fmt.Sprint(name, seed)
			order := append(append([]trace.Run(nil), runs...), runs[:3]...)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for i := range order {
				if _, err := store.Ingest(ctx, app, order[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			if res, err := store.Ingest(ctx, app, runs); err != nil || res.Unchanged != len(runs) {
				t.Errorf("sent again: %+v, %v", res, err)
			}
			raw, err := store.TraceWithRuns(ctx, app, runs[0].TraceID)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			delete(want, "app_id")
			delete(want, "updated_at")
			compare(t, got, want)
		}
	}
	if rep, err := store.Verify(ctx); err != nil || len(rep.Differences) > 0 {
		t.Errorf("%+v, %v", rep, err)
	}
}
