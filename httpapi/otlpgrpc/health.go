package otlpgrpc

import (
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// healthCheck is the method of gRPC's health check. Like /readyz it needs no
// token. Watch is not served: clients then take that for healthy.
const healthCheck = "/grpc.health.v1.Health/Check"

// maxHealth bounds a HealthCheckRequest, which holds the name of a service.
const maxHealth = 1 << 10

// The values of HealthCheckResponse.status.
const (
	serving    = 1
	notServing = 2
)

// health says whether the server takes exports. The service asked for may be
// none or one of those served.
func (s *Server) health(m *message, coding string) ([]byte, *status) {
	if coding != "" {
		return nil, &status{code: unimplemented, message: "a health check is not compressed"}
	}
	b, err := io.ReadAll(io.LimitReader(m, maxHealth+1))
	if err != nil || len(b) > maxHealth {
		return nil, &status{code: invalidArgument, message: "not a HealthCheckRequest"}
	}
	var service []byte
	for len(b) > 0 {
		num, wire, n := protowire.ConsumeField(b)
		if n < 0 {
			return nil, &status{code: invalidArgument, message: "not a HealthCheckRequest"}
		}
		if num == 1 && wire == protowire.BytesType {
			_, _, tag := protowire.ConsumeTag(b)
			service, _ = protowire.ConsumeBytes(b[tag:])
		}
		b = b[n:]
	}
	if _, known := signals["/"+string(service)+"/Export"]; len(service) > 0 && !known {
		return nil, &status{code: notFound, message: "no such service"}
	}
	state := uint64(serving)
	if s.api.Ready() != nil {
		state = notServing
	}
	return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), state), nil
}
