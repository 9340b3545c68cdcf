package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tracebed/tracebed/cmd/tracebed/internal/demo"
	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/engine/dynamiq"
	"github.com/tracebed/tracebed/engine/trace"
)

// demoSetting remembers which demo a data directory holds. A demo is a
// function of its seed and time, and storing runs twice changes nothing, so a
// start that was interrupted is simply done again with the same values.
const demoSetting = "demo"

type demoState struct {
	Seed uint64    `json:"seed"`
	At   time.Time `json:"at"`
	Done bool      `json:"done"`
}

// fillDemo fills a fresh store. It does nothing where the demo is complete,
// and refuses a store that holds anything else.
func fillDemo(ctx context.Context, store engine.API, errOut io.Writer, now func() time.Time) error {
	state, err := loadDemoState(ctx, store)
	if err != nil || state.Done {
		return err
	}
	if state.At.IsZero() {
		apps, err := store.Apps(ctx)
		if err != nil {
			return err
		}
		if len(apps) > 0 {
			return fail(fmt.Errorf("--demo needs a fresh data directory, and this one holds %d apps (%s, …)", len(apps), apps[0].ID),
				"choose another directory with --data, or leave --demo out")
		}
		state = demoState{Seed: 1, At: now().UTC()}
		if err := saveDemoState(ctx, store, state); err != nil {
			return err
		}
	}
	const about = 50 << 20 // bytes of bodies, for the bar only
	bar := newProgress(errOut, "making demo data", about, sizeText)
	defer bar.finish()
	_, err = demo.Generate(state.Seed, state.At, func(body []byte) error {
		runs, rejected, err := dynamiq.Parse(body, dynamiq.Options{})
		if err != nil || len(rejected) > 0 {
			return fmt.Errorf("demo body: %v %w", rejected, err)
		}
		bar.add(int64(len(body)))
		if _, err = store.Ingest(ctx, demo.App, runs); err != nil {
			return err
		}
		return evaluateDemo(ctx, store, runs)
	})
	if err != nil {
		return fail(fmt.Errorf("make demo data: %w", err), "start it again with --demo: it goes on where it was")
	}
	state.Done = true
	return saveDemoState(ctx, store, state)
}

// evaluateDemo stores what was said of the traces whose roots are among runs,
// several at a time, so that they share their fsyncs.
func evaluateDemo(ctx context.Context, store engine.API, runs []trace.Run) error {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	errs := make([]error, len(runs))
	for i := range runs {
		raw, err := demo.Evaluations(&runs[i])
		if raw == nil {
			errs[i] = err
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			list, err := trace.ParseEvaluations(raw)
			if err == nil {
				_, err = store.PutEvaluations(ctx, demo.App, runs[i].TraceID, list)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func loadDemoState(ctx context.Context, store engine.API) (s demoState, err error) {
	value, err := store.Setting(ctx, demoSetting)
	if errors.Is(err, engine.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(value, &s); err != nil {
		return s, fmt.Errorf("setting %q: %w", demoSetting, err)
	}
	return s, nil
}

func saveDemoState(ctx context.Context, store engine.API, s demoState) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return store.PutSetting(ctx, demoSetting, value)
}
