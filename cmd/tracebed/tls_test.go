package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair makes a self-signed certificate for localhost with a serial number.
func writePair(t *testing.T, dir string, serial int64) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}}, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{cert: certPEM, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := writePair(t, dir, 1)
	var log bytes.Buffer
	c, err := newCertificate(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	serial := func() int64 {
		pair, err := c.config().GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	later := func(file string) { // as a renewal: another time of change
		at := time.Now().Add(time.Hour)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if serial() != 1 {
		t.Fatal("not the certificate")
	}
	writePair(t, dir, 2)
	later(cert)
	if serial() != 1 {
		t.Error("the files are looked at in every handshake")
	}
	now = now.Add(2 * lookEvery)
	if serial() != 2 || !strings.Contains(log.String(), "read again") {
		t.Errorf("a new certificate is not taken\n%s", log.String())
	}
	if err := os.WriteFile(cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * lookEvery)
	if serial() != 2 || !strings.Contains(log.String(), "stays in use") {
		t.Errorf("a broken file\n%s", log.String())
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * lookEvery)
	if serial() != 2 {
		t.Error("a missing file")
	}
	writePair(t, dir, 3)
	now = now.Add(2 * lookEvery)
	if serial() != 3 {
		t.Error("it does not recover")
	}
	if _, err := newCertificate(cert, filepath.Join(dir, "none"), c.log); err == nil {
		t.Error("a missing key is taken")
	}
}

func TestServeFlagsOfTLS(t *testing.T) {
	for _, args := range [][]string{
		{"serve", "--tls-cert", "x"}, {"serve", "--tls-key", "x"},
		{"serve", "--token-rate", "-1"}, {"serve", "--verify-every", "1s"},
	} {
		var out, errOut bytes.Buffer
		if code := run(append(args, "--data", t.TempDir()), nil, &out, &errOut); code != exitUsage || !strings.Contains(errOut.String(), args[1]) {
			t.Errorf("%v: exit %d\n%s", args, code, errOut.String())
		}
	}
	var out, errOut bytes.Buffer
	if code := run([]string{"serve", "--data", t.TempDir(), "--tls-cert", "/none", "--tls-key", "/none"}, nil, &out, &errOut); code != exitFailed || !strings.Contains(errOut.String(), "\n  -> ") {
		t.Errorf("missing files: exit %d\n%s", code, errOut.String())
	}
}
