package httpapi

import (
	"io"

	"github.com/tracebed/tracebed/engine/trace"
)

// payloads are the values of a trace or run that may be of any size and can be
// had by themselves.
var payloads = []string{"input", "output", "error", "metadata"}

// getTree answers GET /v1/apps/{app_id}/traces/{trace_id}/tree.
func (c *call) getTree() error {
	return c.streamJSON(func(w io.Writer) error {
		t := &treeWriter{w: w}
		if err := c.srv.store.Tree(c.reads(), c.app(), c.value("trace_id"), t); err != nil {
			return err
		}
		return t.end()
	})
}

// treeWriter puts {"data":…} around what is written, from the first byte on, so
// that an error before it is answered as one.
type treeWriter struct {
	w     io.Writer
	begun bool
}

func (t *treeWriter) Write(p []byte) (int, error) {
	if !t.begun {
		t.begun = true
		if _, err := io.WriteString(t.w, `{"data":`); err != nil {
			return 0, err
		}
	}
	return t.w.Write(p)
}

func (t *treeWriter) end() error {
	_, err := io.WriteString(t.w, "}")
	return err
}

// getRun answers GET /v1/apps/{app_id}/traces/{trace_id}/runs/{run_id}.
func (c *call) getRun() error {
	preview := c.preview(0)
	if err := c.query.err(); err != nil {
		return err
	}
	run, err := c.srv.store.Run(c.reads(), c.app(), c.value("trace_id"), c.value("run_id"))
	if err == nil {
		run, err = trace.PreviewRun(run, preview)
	}
	if err != nil {
		return err
	}
	return c.answer(run)
}

// runValue makes the handler of …/runs/{run_id}/<name>: one value of a run as an
// attachment.
func runValue(name string) func(*call) error {
	return func(c *call) error {
		run, err := c.srv.store.Run(c.reads(), c.app(), c.value("trace_id"), c.value("run_id"))
		if err != nil {
			return err
		}
		return c.attachment(run, c.value("run_id"), name)
	}
}

// traceValue is runValue for the trace itself.
func traceValue(name string) func(*call) error {
	return func(c *call) error {
		row, err := c.srv.store.Trace(c.reads(), c.app(), c.value("trace_id"))
		if err != nil {
			return err
		}
		return c.attachment(row.JSON, c.value("trace_id"), name)
	}
}

// attachment answers with a member of an object, as a file named after the id.
func (c *call) attachment(object []byte, id, name string) error {
	value, err := trace.Member(object, name)
	if err != nil {
		return err
	}
	if value == nil {
		value = []byte("null")
	}
	c.ctx.Response.Header.Set("Content-Disposition", disposition(id+"-"+name, ".json"))
	return c.streamJSON(func(w io.Writer) error {
		_, err := w.Write(value)
		return err
	})
}
