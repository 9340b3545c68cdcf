package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tracebed/tracebed/engine"
)

var rightNames = map[string]right{"read": rightRead, "write": rightWrite, "admin": rightAdmin}

// may says whether the token holds r; admin implies all.
func (t *Token) may(r right) bool {
	for _, n := range t.Rights {
		if rightNames[n] == r || rightNames[n] == rightAdmin {
			return true
		}
	}
	return false
}

// tokenSet is the tokens in memory, by hash. Reads take no lock.
type tokenSet struct {
	requests float64 // limits of tokens that have none of their own; 0 = none
	bytes    int64
	now      func() time.Time

	byHash atomic.Pointer[map[[sha256.Size]byte]*Token]
	mu     sync.Mutex // one change at a time
}

// load replaces the set by what the store holds, plus the admin token.
func (ts *tokenSet) load(ctx context.Context, store engine.API, admin string) error {
	all, err := ListTokens(ctx, store)
	if err != nil {
		return err
	}
	var known map[[sha256.Size]byte]*Token
	if p := ts.byHash.Load(); p != nil {
		known = *p
	}
	m := make(map[[sha256.Size]byte]*Token, len(all)+1)
	for i := range all {
		all[i].limit = ts.limitOf(&all[i], known)
		m[all[i].hash] = &all[i]
	}
	if admin != "" {
		h := sha256.Sum256([]byte(admin))
		m[h] = &Token{Name: "TRACEBED_ADMIN_TOKEN", Apps: Scope{All: true}, Rights: []string{"admin"}, hash: h}
	}
	ts.byHash.Store(&m)
	return nil
}

// find looks a secret up by its hash. What the time of the look-up tells of
// the hash is of no use without a preimage; the compare is constant-time.
func (ts *tokenSet) find(secret []byte) *Token {
	h := sha256.Sum256(secret)
	t := (*ts.byHash.Load())[h]
	if t == nil || subtle.ConstantTimeCompare(t.hash[:], h[:]) != 1 {
		return nil
	}
	return t
}

// authorize checks the token against the route: 401 without a valid one, 403
// where it lacks the right, 404 for an app outside its scope.
func (c *call) authorize() error {
	if c.srv.opt.AuthOff {
		return sameSite(string(c.ctx.Request.Header.Host()), string(c.ctx.Request.Header.Peek("Origin")))
	}
	if c.route.right == rightNone {
		return nil
	}
	t, err := c.srv.authenticate(c.ctx.Request.Header.Peek("Authorization"), c.route.right)
	if err != nil {
		return err
	}
	c.token = t
	if c.route.allApps && !t.Apps.All {
		return forbidden("this call needs a token for every app")
	}
	if slices.Contains(c.route.names, "app_id") && !t.Apps.Has(c.app()) {
		return noSuchApp(c.app())
	}
	return nil
}

// authenticate gives the token of an Authorization header: 401 without a valid
// one, 403 where it lacks the right.
func (s *Server) authenticate(header []byte, r right) (*Token, error) {
	secret, ok := bearer(header)
	if !ok {
		return nil, unauthorized("send a token: Authorization: Bearer TOKEN")
	}
	t := s.tokens.find(secret)
	if t == nil {
		return nil, unauthorized("the token is not known")
	}
	if t.ExpiresAt != nil && !s.opt.Now().Before(*t.ExpiresAt) {
		return nil, unauthorized("the token has expired")
	}
	if r != rightAny && !t.may(r) {
		return nil, forbidden("the token lacks the right " + rightText(r))
	}
	return t, nil
}

func noSuchApp(app string) *apiError {
	return notFound("no app " + string(appendQuoted(nil, cut(app, maxID))) + " for this token")
}

func rightText(r right) string {
	for n, v := range rightNames {
		if v == r {
			return n
		}
	}
	return "none"
}

// bearer takes the token out of an Authorization header: Bearer, or Basic
// with the token as the password.
func bearer(h []byte) ([]byte, bool) {
	scheme, rest, _ := bytes.Cut(bytes.TrimSpace(h), []byte(" "))
	rest = bytes.TrimSpace(rest)
	switch {
	case len(rest) == 0:
		return nil, false
	case bytes.EqualFold(scheme, []byte("Bearer")):
		return rest, true
	case bytes.EqualFold(scheme, []byte("Basic")):
		raw, err := base64.StdEncoding.DecodeString(string(rest))
		if err != nil {
			return nil, false
		}
		_, pass, ok := bytes.Cut(raw, []byte(":"))
		return pass, ok && len(pass) > 0
	}
	return nil, false
}

// sameSite guards a server without authentication from pages of other sites
// in a browser on this machine: by DNS rebinding (a foreign Host) or by
// requests across sites (a foreign Origin).
func sameSite(host, origin string) error {
	if !localHost(host) {
		return forbidden("authentication is off, so only localhost may be named as the host")
	}
	if origin == "" {
		return nil
	}
	if u, err := url.Parse(origin); err != nil || !strings.EqualFold(u.Host, host) {
		return forbidden("authentication is off, so requests of other sites are refused")
	}
	return nil
}

func localHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "" || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost")
}
