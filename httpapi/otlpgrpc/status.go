package otlpgrpc

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The codes of google.rpc.Code that arise here; others come from httpapi.
const (
	invalidArgument  = 3
	deadlineExceeded = 4
	notFound         = 5
	unimplemented    = 12
	internal         = 13
)

// acceptEncoding is what messages may be compressed with.
const acceptEncoding = "identity,gzip,deflate,zstd"

// status is the outcome of a request that failed.
type status struct {
	code       uint64 // of google.rpc.Code
	message    string
	retryAfter time.Duration
}

// finish sends the answer, or the status, as gRPC does: always HTTP 200, one
// message or none, and the outcome in the trailers.
func finish(w http.ResponseWriter, answer []byte, st *status) error {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Accept-Encoding", acceptEncoding)
	w.WriteHeader(http.StatusOK)
	if st == nil {
		frame := make([]byte, headerBytes, headerBytes+len(answer))
		binary.BigEndian.PutUint32(frame[1:], uint32(len(answer)))
		if _, err := w.Write(append(frame, answer...)); err != nil {
			return err
		}
		st = &status{}
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		return err
	}
	h.Set(http.TrailerPrefix+"Grpc-Status", strconv.FormatUint(st.code, 10))
	if st.message != "" {
		h.Set(http.TrailerPrefix+"Grpc-Message", percentEncode(st.message))
	}
	if st.retryAfter > 0 {
		h.Set(http.TrailerPrefix+"Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(st.proto()))
	}
	return nil
}

// proto is a google.rpc.Status with a google.rpc.RetryInfo, without which OTLP
// clients must not send again after RESOURCE_EXHAUSTED, and need not wait after
// UNAVAILABLE.
func (st *status) proto() []byte {
	var delay, info, detail, b []byte
	delay = protowire.AppendTag(delay, 1, protowire.VarintType) // Duration.seconds
	delay = protowire.AppendVarint(delay, uint64(max(st.retryAfter/time.Second, 1)))
	info = protowire.AppendBytes(protowire.AppendTag(info, 1, protowire.BytesType), delay) // RetryInfo.retry_delay
	detail = protowire.AppendTag(detail, 1, protowire.BytesType)                           // Any.type_url
	detail = protowire.AppendString(detail, "type.googleapis.com/google.rpc.RetryInfo")
	detail = protowire.AppendBytes(protowire.AppendTag(detail, 2, protowire.BytesType), info) // Any.value
	b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), st.code)      // Status.code
	b = protowire.AppendTag(b, 2, protowire.BytesType)                                        // Status.message
	b = protowire.AppendString(b, strings.ToValidUTF8(st.message, "\uFFFD"))
	return protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), detail) // Status.details
}

// percentEncode makes a text fit for grpc-message: bytes that are no printable
// ASCII, and %, are escaped.
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
