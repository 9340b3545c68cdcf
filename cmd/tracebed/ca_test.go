package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracebed/tracebed/engine"
	"github.com/tracebed/tracebed/httpapi"
)

// serveTLS serves a store with one trace over TLS and gives its address and the
// file of its certificate, which is its own authority.
func serveTLS(t *testing.T) (url, ca string) {
	t.Helper()
	dir := t.TempDir()
	cert, key, _ := writePair(t, dir, 1)
	pair, err := newCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	store, err := engine.Open(filepath.Join(dir, "data"), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpapi.New(store, httpapi.Options{AdminToken: "secret", DefaultApp: "app", TLS: pair.config()})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return "https://" + ln.Addr().String(), cert
}

// TestPrivateAuthority: every command that takes --server takes --ca.
func TestPrivateAuthority(t *testing.T) {
	t.Setenv("TRACEBED_TOKEN", "secret")
	url, ca := serveTLS(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	body := strings.NewReader(`{"runs":[{"id":"r","name":"n","type":"workflow","trace_id":"t","start_time":"2026-01-01T00:00:00Z","end_time":"2026-01-01T00:00:01Z","status":"succeeded"}]}`)
	for _, c := range []struct {
		args  []string
		code  int
		wants string
	}{
		{[]string{"ingest", "--server", url, "--ca", ca, "--app", "app", "-"}, 0, ""},
		{[]string{"verify", "--server", url, "--ca", ca}, 0, "1 apps, 1 traces, 1 runs, 0 differences"},
		{[]string{"export", "--server", url, "--ca", ca, "--app", "app"}, 0, `"run_count":1`},
		{[]string{"stats", "--server", url, "--ca", ca}, 0, "disk"},
		{[]string{"token", "list", "--server", url, "--ca", ca}, 0, ""},
		{[]string{"verify", "--server", url}, exitFailed, "--ca FILE"},
		{[]string{"verify", "--server", url, "--ca", empty}, exitFailed, "no certificate"},
		{[]string{"verify", "--server", url, "--ca", empty + "x"}, exitFailed, "that can be read"},
		{[]string{"verify", "--server", strings.Replace(url, "https", "http", 1), "--ca", ca}, exitUsage, "https"},
		{[]string{"export", "--data", t.TempDir(), "--ca", ca, "--app", "app"}, exitUsage, "--ca is for --server"},
		{[]string{"verify", "dir", "--server", url}, exitUsage, "both given"},
		{[]string{"verify", "--repair", "--server", url}, exitUsage, "closed data directory"},
		{[]string{"verify"}, exitUsage, "directory"},
	} {
		var out, errOut bytes.Buffer
		if code := run(c.args, body, &out, &errOut); code != c.code || !strings.Contains(out.String()+errOut.String(), c.wants) {
			t.Errorf("%v: exit %d\n%s%s", c.args, code, out.String(), errOut.String())
		}
	}
	t.Setenv("TRACEBED_TOKEN", "wrong")
	var out, errOut bytes.Buffer
	if code := run([]string{"verify", "--server", url, "--ca", ca}, nil, &out, &errOut); code == 0 || !strings.Contains(errOut.String(), "401") {
		t.Errorf("a wrong token: exit %d\n%s", code, errOut.String())
	}
}
