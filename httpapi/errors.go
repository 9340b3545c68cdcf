package httpapi

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/rollup"
)

// The error codes of the contract §1.
const (
	codeBadRequest  = "bad_request"
	codeUnauth      = "unauthorized"
	codeForbidden   = "forbidden"
	codeNotFound    = "not_found"
	codeConflict    = "conflict"
	codeTooLarge    = "payload_too_large"
	codeMediaType   = "unsupported_media_type"
	codeRateLimited = "rate_limited"
	codeInternal    = "internal"
	codeUnavailable = "unavailable"
)

// apiError is an answer that is not a success. details maps a field to text.
type apiError struct {
	status     int
	code       string
	message    string
	details    map[string]string
	retryAfter int // seconds, 0 = no header
	closeConn  bool
	cause      error // logged, never sent
}

func (e *apiError) Error() string { return e.message }

func (e *apiError) Unwrap() error { return e.cause }

func badRequest(message string) *apiError {
	return &apiError{status: 400, code: codeBadRequest, message: message}
}

// badField is a 400 that names one field.
func badField(field, text string) *apiError {
	e := badRequest(field + ": " + text)
	e.details = map[string]string{field: text}
	return e
}

func notFound(message string) *apiError {
	return &apiError{status: 404, code: codeNotFound, message: message}
}

func forbidden(message string) *apiError {
	return &apiError{status: 403, code: codeForbidden, message: message}
}

func conflict(message string) *apiError {
	return &apiError{status: 409, code: codeConflict, message: message}
}

func unauthorized(message string) *apiError {
	return &apiError{status: 401, code: codeUnauth, message: message}
}

func unavailable(message string, retryAfter int) *apiError {
	return &apiError{status: 503, code: codeUnavailable, message: message, retryAfter: retryAfter}
}

func mediaType(message string) *apiError {
	return &apiError{status: 415, code: codeMediaType, message: message}
}

// toAPIError gives any error of a handler its place in the contract. What it
// does not know is a 500 whose text is not shown.
func toAPIError(err error) *apiError {
	var ae *apiError
	switch {
	case errors.As(err, &ae):
		return ae
	case errors.Is(err, engine.ErrNotFound):
		return notFound(clean(err))
	case errors.Is(err, rollup.ErrTooManyBuckets):
		_, text, _ := strings.Cut(clean(err), rollup.ErrTooManyBuckets.Error()+": ")
		return badField("interval", cmp.Or(text, clean(err)))
	case errors.Is(err, engine.ErrInvalid):
		return invalid(err)
	case errors.Is(err, engine.ErrOverloaded):
		return unavailable("too much is waiting to be stored; send it again later", 1)
	case errors.Is(err, engine.ErrUnavailable):
		return unavailable(clean(err), 10)
	case errors.Is(err, engine.ErrReadOnly):
		return withCause(unavailable("the store takes no writes after a failure of the disk; see the server's log", 30), err)
	case errors.Is(err, engine.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unavailable("the server is shutting down", 1)
	case errors.Is(err, engine.ErrCorrupt):
		return withCause(&apiError{status: 500, code: codeInternal,
			message: "stored data of this answer is damaged; other data stays readable; run tracebed verify"}, err)
	}
	return withCause(&apiError{status: 500, code: codeInternal, message: "internal error"}, err)
}

// invalid is the 400 of an engine.ErrInvalid, whose text is "invalid
// argument: field: what is wrong".
func invalid(err error) *apiError {
	text := strings.TrimPrefix(clean(err), engine.ErrInvalid.Error()+": ")
	if field, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(field, " ") {
		return badField(field, rest)
	}
	return badRequest(text)
}

func withCause(e *apiError, cause error) *apiError {
	e.cause = cause
	return e
}

// clean is the text of an engine error on one line.
func clean(err error) string {
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
