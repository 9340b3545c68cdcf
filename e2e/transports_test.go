//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// transports are the protocols and encodings that OpenTelemetry's SDKs of each
// language can send.
var transports = []struct {
	lang, file, protocol, compression string
	in                                *install
}{
	{"python", "main.py", "http/protobuf", "none", pythonClients},
	{"python", "main.py", "http/protobuf", "gzip", pythonClients},
	{"python", "main.py", "http/protobuf", "deflate", pythonClients},
	{"python", "main.py", "grpc", "none", pythonClients},
	{"python", "main.py", "grpc", "gzip", pythonClients},
	{"node", "main.mjs", "http/json", "none", nodeClients},
	{"node", "main.mjs", "http/json", "gzip", nodeClients},
	{"node", "main.mjs", "http/protobuf", "none", nodeClients},
	{"node", "main.mjs", "http/protobuf", "gzip", nodeClients},
	{"node", "main.mjs", "grpc", "none", nodeClients},
	{"node", "main.mjs", "grpc", "gzip", nodeClients},
	{"go", "main.go", "http/protobuf", "none", goClients},
	{"go", "main.go", "http/protobuf", "gzip", goClients},
	{"go", "main.go", "grpc", "none", goClients},
	{"go", "main.go", "grpc", "gzip", goClients},
}

const transportShows = `travel-tips succeeded · session s-42 · 412 + 38 tokens · $0.0000846
  in  none
  out none
workflow travel-tips
  llms answer gpt-4o-mini · 412 + 38 tokens · ≈ $0.0000846
`

// grpcAddress is where the server says that it takes OTLP/gRPC.
var grpcAddress = regexp.MustCompile(`otlp_?grpc"?[=:]"?(127\.0\.0\.1:\d+)`)

// TestTransports: the same two spans over every protocol, as each SDK sends it.
func TestTransports(t *testing.T) {
	for _, c := range transports {
		t.Run(c.lang+" "+c.protocol+" "+c.compression, func(t *testing.T) {
			dir := c.in.ready(t)
			code, err := os.ReadFile(filepath.Join("clients", c.lang, c.file))
			if err != nil {
				t.Fatal(err)
			}
			s := start(t, filepath.Join(t.TempDir(), "data"), "--otlp-grpc", "127.0.0.1:0")
			endpoint := s.url
			if c.protocol == "grpc" {
				endpoint = "http://" + s.grpc(t)
			}
			env := "export OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint
			if c.compression != "none" { // which not every SDK knows as a value
				env += " OTEL_EXPORTER_OTLP_COMPRESSION=" + c.compression
			}
			runClient(t, s, "", dir, c.file, string(code), env,
				"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20"+s.token, "OTEL_EXPORTER_OTLP_PROTOCOL="+c.protocol,
				"OTEL_EXPORTER_OTLP_INSECURE=true", "OTEL_SERVICE_NAME="+c.lang)
			if got := shown(t, s); got != transportShows {
				t.Errorf("it shows\n%s\nwant\n%s", got, transportShows)
			}
		})
	}
}

// grpc waits for the address of the gRPC listener.
func (s *server) grpc(t *testing.T) string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := grpcAddress.FindStringSubmatch(s.output()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("the server names no address for OTLP/gRPC:\n%s", s.output())
	return ""
}
