// Package otlpgrpc takes OTLP/gRPC: the Export methods of the trace, logs and
// metrics services, and gRPC's health check. What a request means is httpapi's
// (Server.ExportOTLP); this package is the wire.
//
// It guarantees what httpapi does: rights are checked before a message is read,
// messages are read and inflated within MaxBody and within the memory that is
// set aside for bodies, and an overload is answered UNAVAILABLE with a RetryInfo,
// the one form in which OTLP clients send again. It serves HTTP/2 without TLS;
// no other method, no reflection, no streams.
//
// # Why not google.golang.org/grpc
//
// Its server reads a message to the end and inflates it before anybody may say
// that there is no memory for it: what is in flight would be bounded by
// connections x streams x MaxBody only, which for 64 MiB is no bound. What an
// OTLP server needs of gRPC is little: five bytes before the message and two
// trailers after it, on the HTTP/2 of net/http, which Pebble's metrics link
// anyway. It would also be 6.8 MB of the binary (docs/dependencies.md). The tests
// use the official client and generated types.
package otlpgrpc
