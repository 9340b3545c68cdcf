package otlpgrpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net/http"
	"testing"
	"time"

	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/tracebed/tracebed/httpapi"
	"github.com/tracebed/tracebed/httpapi/otlpgrpc"
)

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	// The list of protocols is that of HTTP; the server puts its own.
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
}

// TestTLS: the official client over TLS is served, one without it is not.
func TestTLS(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "app"}, otlpgrpc.Options{TLS: selfSigned(t)}, nil)
	export := func(c credentials.TransportCredentials) error {
		conn, err := grpc.NewClient(e.addr, grpc.WithTransportCredentials(c))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = metricsv1.NewMetricsServiceClient(conn).Export(admin(t), &metricsv1.ExportMetricsServiceRequest{})
		return err
	}
	if err := export(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})); err != nil { //nolint:gosec // a test
		t.Errorf("over TLS: %v", err)
	}
	if err := export(insecure.NewCredentials()); status.Code(err) != codes.Unavailable {
		t.Errorf("in plain: %v", err)
	}
}

// TestRateLimit: the limits of a token hold here too, and say when to come back.
func TestRateLimit(t *testing.T) {
	e := start(t, httpapi.Options{DefaultApp: "app", TokenRequests: 0.1}, otlpgrpc.Options{}, nil)
	secret, _, err := httpapi.CreateToken(t.Context(), e.store, httpapi.Token{Name: "w", Apps: httpapi.Scope{All: true}, Rights: []string{"write"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	again := httpapi.Options{DefaultApp: "app", TokenRequests: 0.1, AdminToken: adminToken}
	api, err := httpapi.New(e.store, again) // one that knows the token
	if err != nil {
		t.Fatal(err)
	}
	x := httpapi.OTLPExport{Signal: httpapi.SignalTraces, Authorization: "Bearer " + secret, Body: http.NoBody}
	if _, err := api.ExportOTLP(x); err != nil {
		t.Fatal(err)
	}
	_, err = api.ExportOTLP(x)
	refused, ok := err.(*httpapi.OTLPError) //nolint:errorlint // as documented
	if !ok || refused.Code != uint64(codes.ResourceExhausted) || refused.RetryAfter < time.Second {
		t.Errorf("above the limit: %+v", err)
	}
}
