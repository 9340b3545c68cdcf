package modeltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tracebed/tracebed/engine/internal/model"
)

// shrink leaves out steps, then runs of bodies, while the history still fails, for a bounded time.
func shrink(ops []model.Op, seed uint64, budget time.Duration, fail *PlayError) ([]model.Op, *PlayError) {
	deadline := time.Now().Add(budget)
	if fail.Step < len(ops) {
		ops = ops[:fail.Step+1]
	}
	for size := max(len(ops)/2, 1); ; size /= 2 {
		for at := 0; at < len(ops) && time.Now().Before(deadline); {
			less := slices.Delete(slices.Clone(ops), at, min(at+size, len(ops)))
			if f := Play(less, seed); f != nil {
				ops, fail = less, f
				continue
			}
			at += size
		}
		if size <= 1 {
			break
		}
	}
	for at := range ops {
		for i := 0; ops[at].Kind == model.OpPost && time.Now().Before(deadline); {
			less := slices.Clone(ops)
			if less[at].Body = without(ops[at].Body, i); less[at].Body == nil {
				break
			}
			if f := Play(less, seed); f != nil {
				ops, fail = less, f
				continue
			}
			i++
		}
	}
	return ops, fail
}

// without is a body less its run i, compact; nil when it has no run i or no
// other run.
func without(body []byte, i int) []byte {
	var b struct {
		Runs []json.RawMessage `json:"runs"`
	}
	if err := json.Unmarshal(body, &b); err != nil || i >= len(b.Runs) || len(b.Runs) == 1 {
		return nil
	}
	var list []string
	for k, r := range b.Runs {
		if k != i {
			list = append(list, compact(r))
		}
	}
	return []byte(`{"runs":[` + strings.Join(list, ",") + "]}")
}

// report tells a failure with the steps that lead to it.
func report(seed uint64, steps int, ops []model.Op, fail *PlayError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d (of %d steps): %v\nrepeat with TRACEBED_SEED=%d; shrunk to %d steps:\n", seed, steps, fail, seed, len(ops))
	for i, op := range ops {
		fmt.Fprintf(&b, "%3d %s\n", i, op)
	}
	return b.String()
}
