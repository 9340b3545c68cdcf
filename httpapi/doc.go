// Package httpapi is the HTTP server of Tracebed: it turns the public contract
// into calls of engine.API and back.
//
// It guarantees: an answer for every request (JSON, with the contract's codes
// and details that name the field; for OTLP a google.rpc.Status in the encoding
// of the request), bounded memory whatever clients send, no
// redirect, JSON of users passed through byte for byte, and no token or
// payload in a log line. Unknown parameters are refused, never ignored.
//
// It keeps no data of its own but tokens, which it stores as settings of the
// engine, as SHA-256 hashes, and the outcome of the last check of the store.
// OTLP/gRPC is package otlpgrpc's, which hands over to ExportOTLP.
//
// One file holds one feature: routes.go is the table of all calls, and the
// OpenAPI document is made from that table.
package httpapi
