package httpapi

import (
	"errors"
	"strings"

	"github.com/tracebed/tracebed/engine/trace"
)

// getEvaluations answers GET /v1/apps/{app_id}/traces/{trace_id}/evaluations.
func (c *call) getEvaluations() error {
	list, err := c.srv.store.Evaluations(c.srv.base, c.app(), c.value("trace_id"))
	if err != nil {
		return err
	}
	c.data(list)
	return nil
}

// putEvaluations answers POST /v1/apps/{app_id}/traces/{trace_id}/evaluations:
// 200 once all of them are durable.
func (c *call) putEvaluations() error {
	body, err := c.readBody()
	if err != nil {
		return err
	}
	if err := c.share(c.srv.storing, &c.storing, storeFactor*int64(len(body))); err != nil {
		return err
	}
	list, single, err := trace.ParseEvaluationBody(body)
	c.releaseBuffer() // nothing of it is kept
	if err == nil {
		list, err = c.srv.store.PutEvaluations(c.srv.base, c.app(), c.value("trace_id"), list)
	}
	if err != nil {
		return evaluationFailure(err, single)
	}
	if single {
		c.data(list[0].JSON)
	} else {
		c.data(trace.AppendEvaluations(nil, list))
	}
	return nil
}

// evaluationFailure names the field as the client knows it.
func evaluationFailure(err error, single bool) error {
	var fe *trace.FieldError
	switch {
	case errors.As(err, &fe):
		return badField(fe.Field, fe.Text)
	case isSyntax(err):
		return badField("body", "not valid JSON: "+clean(err))
	case !single:
		return err
	}
	e := toAPIError(err)
	const first = "evaluations[0]."
	for field, text := range e.details {
		if name, ok := strings.CutPrefix(field, first); ok {
			return badField(name, text)
		}
	}
	return e
}

// isSyntax says that a text is not JSON.
func isSyntax(err error) bool { return errors.Is(err, trace.ErrSyntax) }
