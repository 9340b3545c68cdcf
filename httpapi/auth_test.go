package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newToken makes a token over HTTP and gives its secret.
func (e *env) newToken(name string, scope Scope, rights ...string) string {
	e.t.Helper()
	body, _ := json.Marshal(map[string]any{"name": name, "apps": scope, "rights": rights})
	a := e.do("POST", "/v1/tokens", adminToken, string(body))
	var v struct{ Data struct{ Token string } }
	if err := json.Unmarshal(a.body, &v); err != nil || a.StatusCode != 200 || len(v.Data.Token) != 46 {
		e.t.Fatalf("make token: %d %s", a.StatusCode, a.body)
	}
	return v.Data.Token
}

func TestRightsOfEveryRoute(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{BackupDir: t.TempDir()})
	all := Scope{All: true}
	tokens := []struct {
		name, secret string
		right        string
		all, known   bool
	}{
		{"none", "", "", false, false},
		{"unknown", "tb_unknown", "", false, false},
		{"read", e.newToken("read", all, "read"), "read", true, true},
		{"write", e.newToken("write", all, "write"), "write", true, true},
		{"admin", e.newToken("admin", all, "admin"), "admin", true, true},
		{"read other", e.newToken("read other", Scope{Apps: []string{"other"}}, "read"), "read", false, true},
		{"write other", e.newToken("write other", Scope{Apps: []string{"other"}}, "write"), "write", false, true},
		{"admin other", e.newToken("admin other", Scope{Apps: []string{"other"}}, "admin"), "admin", false, true},
	}
	for _, rt := range e.srv.routes {
		path := strings.NewReplacer("{app_id}", "demo", "{trace_id}", "t0", "{token}", "nobody", "{run_id}", "r").Replace(rt.pattern)
		if rt.pattern == "/v1/apps/{app_id}/metrics" {
			path += "?start_time=2026-01-01T00:00:00Z&end_time=2026-01-01T00:00:00Z&interval=1h"
		}
		body := ""
		if rt.method == "POST" {
			body = oneRun
			if rt.right == rightAdmin {
				body = "{}" // past the gate, the handler refuses it
			}
			if strings.HasSuffix(rt.pattern, "/evaluations") {
				body = `{"name":"n","value":1}`
			}
		}
		for _, tok := range tokens {
			store.put("demo", 1)
			var headers []string
			if rt.otlp != signalNone && !strings.Contains(rt.pattern, "{app_id}") {
				headers = []string{"X-App-Id", "demo"}
			}
			a := e.do(rt.method, path, tok.secret, body, headers...)
			want := 200
			switch {
			case rt.right == rightNone:
			case !tok.known:
				want = 401
			case rt.right == rightAny:
			case tok.right != "admin" && rightNames[tok.right] != rt.right:
				want = 403
			case rt.allApps && !tok.all:
				want = 403
			case !tok.all && rt.pattern != "/v1/apps":
				want = 404
			case rt.pattern == "/v1/tokens" && rt.method == "POST":
				want = 400
			case rt.pattern == "/v1/tokens/{token}":
				want = 404
			}
			if a.StatusCode != want {
				t.Errorf("%s %s with %q: %d, want %d: %s", rt.method, rt.pattern, tok.name, a.StatusCode, want, a.body)
			}
			if want == 401 && a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s: 401 without WWW-Authenticate", rt.method, rt.pattern)
			}
		}
	}
}

func TestAppsInScope(t *testing.T) {
	store := newFake()
	store.put("a", 1)
	store.put("b", 0)
	store.put("c", 1)
	e := start(t, store, Options{})
	tok := e.newToken("t", Scope{Apps: []string{"c", "b"}}, "read")
	a := e.do("GET", "/v1/apps", tok, "")
	want := `{"data":[{"id":"b","trace_count":0,"first_started_at":null,"last_started_at":null},` +
		`{"id":"c","trace_count":1,"first_started_at":"1970-01-01T00:00:01.0000005Z","last_started_at":"1970-01-01T00:00:03Z"}],` +
		`"pagination":{"page":1,"page_size":100,"page_count":1,"total_count":2},"next_cursor":null}`
	if string(a.body) != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	a = e.get("/v1/apps?page=3&page_size=1")
	if !strings.Contains(string(a.body), `[{"id":"c"`) || !strings.Contains(string(a.body), `"page_count":3,"total_count":3`) {
		t.Errorf("page 3: %s", a.body)
	}
	if a = e.get("/v1/apps?page=9"); !strings.HasPrefix(string(a.body), `{"data":[],`) {
		t.Errorf("page 9: %s", a.body)
	}
}

func TestSchemes(t *testing.T) {
	e := start(t, newFake(), Options{})
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct {
		header string
		status int
	}{
		{"Bearer " + adminToken, 200},
		{"bearer  " + adminToken, 200},
		{basic("anyone:" + adminToken), 200},
		{basic(":" + adminToken), 200},
		{basic(adminToken + ":"), 401},
		{basic(adminToken), 401},
		{"Basic !!", 401},
		{"Bearer", 401},
		{"Bearer ", 401},
		{adminToken, 401},
		{"Digest " + adminToken, 401},
	} {
		if a := e.do("GET", "/v1/apps", "", "", "Authorization", c.header); a.StatusCode != c.status {
			t.Errorf("%q: %d, want %d", c.header, a.StatusCode, c.status)
		}
	}
	e.get("/v1/apps?token="+"x").wants(t, 400, "bad_request", "token")
}

func TestTokenLife(t *testing.T) {
	store := newFake()
	var late atomic.Int64 // how far the clock has gone; the server reads it as well
	e := start(t, store, Options{Now: func() time.Time {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(late.Load()))
	}})
	make := func(body string) answer { return e.do("POST", "/v1/tokens", adminToken, body) }
	a := make(`{"name":"ci","apps":"*","rights":["read"],"expires_at":"2026-01-01T02:00:00+01:00"}`)
	if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	var made struct {
		Data struct {
			Token
			Token_ string `json:"token"`
		}
	}
	if err := json.Unmarshal(a.body, &made); err != nil {
		t.Fatal(err)
	}
	secret := made.Data.Token_
	for k, v := range store.settings {
		if strings.Contains(k+string(v), secret) {
			t.Error("the secret is stored")
		}
	}
	if a := e.get("/v1/tokens"); a.StatusCode != 200 || strings.Contains(string(a.body), secret) || !strings.Contains(string(a.body), `"name":"ci"`) {
		t.Errorf("list: %s", a.body)
	}
	if a := e.do("GET", "/v1/apps", secret, ""); a.StatusCode != 200 {
		t.Errorf("use: %d", a.StatusCode)
	}
	late.Store(int64(time.Hour))
	e.do("GET", "/v1/apps", secret, "").wants(t, 401, "unauthorized")
	late.Store(int64(59 * time.Minute))
	if a := e.do("DELETE", "/v1/tokens/"+made.Data.ID, adminToken, ""); a.StatusCode != 200 {
		t.Errorf("revoke: %d %s", a.StatusCode, a.body)
	}
	e.do("GET", "/v1/apps", secret, "").wants(t, 401, "unauthorized")
	e.do("DELETE", "/v1/tokens/ci", adminToken, "").wants(t, 404, "not_found")

	for body, field := range map[string]string{
		`{"name":"","apps":"*","rights":["read"]}`:                                                "name",
		`{"name":"x","rights":["read"]}`:                                                          "apps",
		`{"name":"x","apps":[],"rights":["read"]}`:                                                "apps",
		`{"name":"x","apps":"some","rights":["read"]}`:                                            "apps",
		`{"name":"x","apps":[""],"rights":["read"]}`:                                              "apps",
		`{"name":"x","apps":"*","rights":[]}`:                                                     "rights",
		`{"name":"x","apps":"*","rights":["root"]}`:                                               "rights",
		`{"name":"x","apps":"*","rights":["read"],"expires_at":"soon"}`:                           "expires_at",
		`{"name":"x","apps":"*","rights":["read"],"expires_at":"` + "2020-01-01T00:00:00Z" + `"}`: "expires_at",
	} {
		make(body).wants(t, 400, "bad_request", field)
	}
	make(`{"name":"x","surprise":1}`).wants(t, 400, "bad_request")
	make(`{"name":"`+strings.Repeat("x", 70<<10)+`"}`).wants(t, 413, "payload_too_large")
	make(`{"name":"twice","apps":["a"],"rights":["read"]}`)
	make(`{"name":"twice","apps":["a"],"rights":["read"]}`).wants(t, 409, "conflict")
}

func TestBootstrap(t *testing.T) {
	store := newFake()
	ctx := context.Background()
	srv, err := New(store, Options{})
	if err != nil {
		t.Fatal(err)
	}
	secret, created, err := srv.Bootstrap(ctx)
	if err != nil || !created || !strings.HasPrefix(secret, "tb_") || len(secret) != 46 {
		t.Fatalf("%q %v %v", secret, created, err)
	}
	if tok := srv.tokens.find([]byte(secret)); tok == nil || !tok.Apps.All || !tok.may(rightAdmin) {
		t.Errorf("the token does not work: %+v", tok)
	}
	srv, err = New(store, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if again, created, err := srv.Bootstrap(ctx); again != "" || created || err != nil {
		t.Errorf("second start: %q %v %v", again, created, err)
	}
	if srv.tokens.find([]byte(secret)) == nil {
		t.Error("the token is gone after a restart")
	}
	srv, _ = New(newFake(), Options{AdminToken: "x"})
	if got, created, err := srv.Bootstrap(ctx); got != "x" || created || err != nil {
		t.Errorf("with a given token: %q %v %v", got, created, err)
	}
	srv, _ = New(newFake(), Options{AuthOff: true})
	if got, created, err := srv.Bootstrap(ctx); got != "" || created || err != nil {
		t.Errorf("without authentication: %q %v %v", got, created, err)
	}
	bad := newFake()
	bad.settings["token/zz"] = []byte("{}")
	if _, err := New(bad, Options{}); err == nil {
		t.Error("a damaged token is not noticed")
	}
}

func TestAuthOff(t *testing.T) {
	e := start(t, newFake(), Options{AuthOff: true})
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{e.addr, "", 200},
		{"localhost:1234", "", 200},
		{"[::1]:80", "", 200},
		{"evil.example", "", 403},
		{"localhost.evil.example", "", 403},
		{"localhost", "http://evil.example", 403},
		{"localhost", "null", 403},
		{"localhost:1", "http://localhost:1", 200},
	} {
		req := "GET /v1/apps HTTP/1.1\r\nConnection: close\r\nHost: " + c.host + "\r\n"
		if c.origin != "" {
			req += "Origin: " + c.origin + "\r\n"
		}
		if resp := raw(t, e.addr, req+"\r\n"); statusOf(resp) != c.status {
			t.Errorf("host %q origin %q: %d, want %d", c.host, c.origin, statusOf(resp), c.status)
		}
	}
	srv, err := New(newFake(), Options{AuthOff: true})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(ln); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("on every interface: %v", err)
	}
}
