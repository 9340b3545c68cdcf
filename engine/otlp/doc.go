// Package otlp decodes OpenTelemetry's trace export requests, as protobuf and
// as JSON, into runs (wire facts §9 and §10), and the log events that tell of a
// span.
package otlp
