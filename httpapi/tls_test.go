package httpapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tracebed/tracebed/engine"
)

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: priv}}, MinVersion: tls.VersionTLS12}
}

// TestTLS: requests, streams, refusals in mid-body and plain text over a port
// that speaks TLS.
func TestTLS(t *testing.T) {
	store := newFake()
	store.put("demo", 1)
	store.export = func(ctx context.Context, q engine.ExportQuery, w io.Writer) (engine.ExportResult, error) {
		_, err := w.Write(make([]byte, 3<<20))
		return engine.ExportResult{Count: 1, Complete: true}, err
	}
	e := start(t, store, Options{TLS: selfSigned(t), ReadTimeout: 300 * time.Millisecond, MaxBody: 1 << 20})
	e.cli.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // a test
	call := func(method, path string, body io.Reader) (int, int, http.Header) {
		t.Helper()
		req, err := http.NewRequest(method, "https://"+e.addr+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+adminToken)
		resp, err := e.cli.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, len(b), resp.Trailer
	}
	if code, _, _ := call("GET", "/v1/apps", nil); code != 200 {
		t.Errorf("list: %d", code)
	}
	if code, n, tr := call("GET", "/v1/apps/demo/traces/download", nil); code != 200 || n != 3<<20 || tr.Get(trailerComplete) != "true" {
		t.Errorf("download: %d, %d bytes, %v", code, n, tr)
	}
	if code, _, _ := call("POST", "/v1/apps/demo/traces", strings.NewReader(strings.Repeat(" ", 5<<20))); code != 413 {
		t.Errorf("a body that is too long: %d", code)
	}
	if got := raw(t, e.addr, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); strings.Contains(got, "ok") {
		t.Errorf("plain text is answered: %q", got)
	}
	// A handshake that does not go on is given up.
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = c.Write([]byte{22, 3, 1, 2})
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("a handshake that stops is not given up: %v", err)
	}
}
