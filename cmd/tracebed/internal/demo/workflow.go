package demo

import "time"

// workflow is the frame of the traces that are workflows: a workflow run with
// one flow run in it, whose outputs repeat what their nodes gave.
type workflow struct {
	t        *tracer
	root     *run
	flow     *run
	outcomes map[string]any
	failed   []any
}

// start opens a workflow and its flow. The SDK names them so, whatever the
// app is called.
func start(t *tracer, id, version string, at time.Time, input any) *workflow {
	w := &workflow{t: t, outcomes: map[string]any{}}
	w.root = t.open("workflow", "Workflow", nil, at, input)
	w.root.Metadata["workflow"] = map[string]any{"id": id, "version": version}
	w.flow = t.open("flow", "Flow", w.root, at.Add(700*time.Microsecond), input)
	w.flow.Metadata["flow"] = map[string]any{"id": id[:24] + "f10f00000001"}
	return w
}

// saw notes the outcome of a top node for the outputs and the error.
func (w *workflow) saw(r *run) {
	status := map[string]string{succeeded: "success", failed: "failure", skipped: "skip"}[r.state]
	w.outcomes[r.node.ID] = map[string]any{"status": status, "input": r.Input, "output": r.Output, "error": r.Error}
	if r.state == failed {
		message, _ := r.Error.(map[string]any)["message"].(string)
		w.failed = append(w.failed, map[string]any{"id": r.node.ID, "name": r.node.Name, "error_message": message})
	}
}

// finish ends flow and workflow shortly after the last node, as succeeded, or
// as failed when a node failed whose failure was not caught.
func (w *workflow) finish(at time.Time, caught bool) {
	flowEnd, rootEnd := at.Add(400*time.Microsecond), at.Add(900*time.Microsecond)
	if len(w.failed) == 0 || caught {
		w.t.succeed(w.flow, flowEnd, w.outcomes)
		w.t.succeed(w.root, rootEnd, w.outcomes)
		return
	}
	for _, r := range []*run{w.flow, w.root} {
		end := flowEnd
		if r == w.root {
			end = rootEnd
		}
		w.t.fail(r, end, "Failed dependencies or nodes in the flow")
		r.Error.(map[string]any)["traceback"] = "NoneType: None\n"
		r.Metadata["failed_nodes"] = w.failed
	}
}
