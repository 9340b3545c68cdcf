package httpapi

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestSession(t *testing.T) {
	var late atomic.Bool // the clock is two days on
	e := start(t, newFake(), Options{Version: "1.2.3", Now: func() time.Time {
		if late.Load() {
			return time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)
		}
		return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	}})
	for _, c := range []struct{ token, want string }{
		{adminToken, `{"data":{"auth":"token","name":"TRACEBED_ADMIN_TOKEN","rights":["write","read","admin"],"apps":"*","expires_at":null,"version":"1.2.3"}}`},
		{e.newToken("ci", Scope{Apps: []string{"b", "a"}}, "write"), `{"data":{"auth":"token","name":"ci","rights":["write"],"apps":["b","a"],"expires_at":null,"version":"1.2.3"}}`},
		{e.newToken("eyes", Scope{All: true}, "read"), `{"data":{"auth":"token","name":"eyes","rights":["read"],"apps":"*","expires_at":null,"version":"1.2.3"}}`},
	} {
		a := e.do("GET", "/v1/session", c.token, "")
		if a.StatusCode != 200 || string(a.body) != c.want || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %s\nwant %s", a.StatusCode, a.body, c.want)
		}
	}
	a := e.do("POST", "/v1/tokens", adminToken, `{"name":"short","apps":"*","rights":["read"],"expires_at":"2026-06-02T02:00:00+02:00"}`)
	_, secret, _ := strings.Cut(string(a.body), `"token":"`)
	secret, _, _ = strings.Cut(secret, `"`)
	if a = e.do("GET", "/v1/session", secret, ""); !strings.Contains(string(a.body), `"expires_at":"2026-06-02T00:00:00Z"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	late.Store(true)
	for _, token := range []string{secret, "unknown", ""} {
		if a = e.do("GET", "/v1/session", token, ""); a.StatusCode != 401 {
			t.Errorf("%q: %d %s", token, a.StatusCode, a.body)
		}
	}
	off := start(t, newFake(), Options{AuthOff: true})
	want := `{"data":{"auth":"off","name":null,"rights":["write","read","admin"],"apps":"*","expires_at":null,"version":"dev"}}`
	if a = off.do("GET", "/v1/session", "", ""); string(a.body) != want {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
