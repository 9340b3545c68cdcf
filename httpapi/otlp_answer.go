package httpapi

import (
	"bytes"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tracebed/tracebed/engine/otlp"
)

// Answers in OTLP's own form (wire facts §8): in the encoding of the request,
// errors as google.rpc.Status. The messages are four fields in all, so they
// are written by hand: the generated types of the collector's services would
// link all of gRPC and its gateway (docs/dependencies.md).

const protoType = "application/x-protobuf"

// form is what an answer looks like.
type form uint8

const (
	formUnknown  form = iota // not settled: by route and Content-Type
	formContract             // the contract's JSON
	formJSON                 // OTLP JSON
	formProto                // OTLP protobuf
)

// answerForm is the form in which the client understands an answer.
func (c *call) answerForm() form {
	switch {
	case c.form != formUnknown:
		return c.form
	case !c.ctx.IsPost() || c.route != nil && c.route.otlp == signalNone:
		return formContract
	case isProto(contentType(c)):
		return formProto
	case c.route == nil:
		return formContract
	case c.route.otlp == SignalTraces && !strings.HasPrefix(c.route.pattern, otelBase):
		return formContract // JSON of which nobody knows yet what it is
	}
	return formJSON
}

// contentType is the media type of the request without its parameters.
func contentType(c *call) []byte {
	ct, _, _ := bytes.Cut(c.ctx.Request.Header.ContentType(), []byte(";"))
	return bytes.TrimSpace(ct)
}

func isProto(ct []byte) bool {
	return bytes.EqualFold(ct, []byte(protoType)) || bytes.EqualFold(ct, []byte("application/protobuf"))
}

// encoding is how the body is written, by its Content-Type. None at all is
// fine for JSON: what follows looks at the body.
func (c *call) encoding() (otlp.Encoding, error) {
	ct := contentType(c)
	switch {
	case isProto(ct):
		return otlp.Protobuf, nil
	case len(ct) == 0 || bytes.EqualFold(ct, []byte(jsonType)):
		return otlp.JSON, nil
	}
	e := mediaType("Content-Type " + cut(string(ct), 64) + " is not supported; send " + jsonType + " or " + protoType)
	e.details = map[string]string{"Content-Type": "must be " + jsonType + " or " + protoType}
	return 0, e
}

// answerOTLP is the 200: an empty message, or one with a partial success. The
// spans or records counted there are lost for good; a client must not send
// them again.
func (c *call) answerOTLP(bad rejection, err error) error {
	if err != nil {
		return err
	}
	r := &c.ctx.Response
	if c.answerForm() == formProto {
		r.Header.SetContentType(protoType)
		r.SetBodyRaw(bad.proto())
		return nil
	}
	r.Header.SetContentType(jsonType)
	r.SetBodyRaw(bad.json(c.route.otlp))
	return nil
}

func (r *rejection) text() string {
	return strings.ToValidUTF8(strings.Join(r.reasons, "; "), "\uFFFD")
}

// proto is an Export…ServiceResponse, empty without a rejection: the three have
// the same fields.
func (r *rejection) proto() []byte {
	if r.count == 0 {
		return nil
	}
	var p []byte
	p = protowire.AppendTag(p, 1, protowire.VarintType)
	p = protowire.AppendVarint(p, uint64(r.count))
	p = protowire.AppendTag(p, 2, protowire.BytesType)
	p = protowire.AppendString(p, r.text())
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p)
}

// json is the same as JSON.
func (r *rejection) json(sig Signal) []byte {
	if r.count == 0 {
		return []byte("{}")
	}
	member := "rejectedSpans"
	if sig == SignalLogs {
		member = "rejectedLogRecords"
	}
	b := append([]byte(`{"partialSuccess":{"`), member...)
	b = append(b, `":"`...)
	b = strconv.AppendInt(b, int64(r.count), 10)
	b = append(b, `","errorMessage":`...)
	b = appendQuoted(b, r.text())
	return append(b, "}}"...)
}

// grpcCodes are the codes of google.rpc.Status for those of HTTP.
var grpcCodes = map[int]uint64{
	400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 409: 10, 413: 8, 415: 3, 429: 8, 431: 8, 500: 13, 503: 14,
}

func grpcCode(status int) uint64 {
	if code, ok := grpcCodes[status]; ok {
		return code
	}
	return 2 // unknown
}

// appendStatus renders a google.rpc.Status as protobuf.
func appendStatus(dst []byte, e *apiError) []byte {
	dst = protowire.AppendTag(dst, 1, protowire.VarintType)
	dst = protowire.AppendVarint(dst, grpcCode(e.status))
	dst = protowire.AppendTag(dst, 2, protowire.BytesType)
	return protowire.AppendString(dst, strings.ToValidUTF8(e.message, "\uFFFD"))
}

// appendStatusJSON renders the members of a google.rpc.Status and the brace
// that ends them.
func appendStatusJSON(dst []byte, e *apiError) []byte {
	dst = append(dst, `"code":`...)
	dst = strconv.AppendUint(dst, grpcCode(e.status), 10)
	dst = append(dst, `,"message":`...)
	return append(appendQuoted(dst, e.message), '}')
}

// errorBody is the body of an error in the form that the client understands,
// and its media type.
func (c *call) errorBody(e *apiError) (body []byte, mediaType string) {
	switch c.answerForm() {
	case formProto:
		return appendStatus(nil, e), protoType
	case formJSON:
		return appendStatusJSON([]byte{'{'}, e), jsonType
	}
	return appendError(nil, e), jsonType
}
