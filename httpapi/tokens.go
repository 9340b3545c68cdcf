package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tracebed/tracebed/engine"
)

// Token is what is known of a token: everything but the token itself, of
// which only the SHA-256 hash is stored.
type Token struct {
	ID        string     `json:"id"` // start of the hash, in hex
	Name      string     `json:"name"`
	Apps      Scope      `json:"apps"`
	Rights    []string   `json:"rights"` // of "write", "read", "admin"
	ExpiresAt *time.Time `json:"expires_at"`
	CreatedAt time.Time  `json:"created_at"`
	// Requests and Bytes bound what the token may send in a second, bodies
	// inflated; 0 = the server's limits, which admin tokens are free of.
	Requests float64 `json:"requests_per_second,omitempty"`
	Bytes    int64   `json:"bytes_per_second,omitempty"`

	hash  [sha256.Size]byte
	limit *limiter
}

// Scope is the apps that a token may see: a list of ids, or every app. Its
// JSON is a list or "*".
type Scope struct {
	All  bool
	Apps []string
}

// Has says whether the scope covers app.
func (s Scope) Has(app string) bool { return s.All || slices.Contains(s.Apps, app) }

// MarshalJSON gives "*" or the list.
func (s Scope) MarshalJSON() ([]byte, error) {
	if s.All {
		return []byte(`"*"`), nil
	}
	return json.Marshal(s.Apps)
}

// UnmarshalJSON takes "*" or a list of ids.
func (s *Scope) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte(`"*"`)) {
		*s = Scope{All: true}
		return nil
	}
	s.All = false
	if err := json.Unmarshal(b, &s.Apps); err != nil {
		return errors.New(`must be "*" or a list of app ids`)
	}
	return nil
}

// settingPrefix is in front of the hex hash in the keys of settings.
const settingPrefix = "token/"

// Errors of the token functions, for errors.Is.
var (
	// ErrTokenExists: another token has the name.
	ErrTokenExists = errors.New("a token of this name exists")
	// ErrNoToken: no token has the name or id.
	ErrNoToken = errors.New("no such token")
)

// TokenError is a part of a new token that cannot be.
type TokenError struct{ Field, Text string }

func (e *TokenError) Error() string { return e.Field + ": " + e.Text }

// maxRate is more requests a second than anybody can send.
const maxRate = 1e9

// CreateToken stores a new token made of t's Name, Apps, Rights, ExpiresAt and
// limits
// and returns its secret text, which can never be read again. A running server
// learns of it only through its own POST /v1/tokens.
func CreateToken(ctx context.Context, store engine.API, t Token, now time.Time) (secret string, made Token, err error) {
	if err := t.check(now); err != nil {
		return "", Token{}, err
	}
	all, err := ListTokens(ctx, store)
	if err != nil {
		return "", Token{}, err
	}
	if slices.ContainsFunc(all, func(o Token) bool { return o.Name == t.Name }) {
		return "", Token{}, fmt.Errorf("%w: %q", ErrTokenExists, t.Name)
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", Token{}, err
	}
	secret = "tb_" + base64.RawURLEncoding.EncodeToString(raw[:])
	t.hash = sha256.Sum256([]byte(secret))
	t.ID = hex.EncodeToString(t.hash[:6])
	t.CreatedAt = now.UTC().Truncate(time.Second)
	if t.ExpiresAt != nil {
		u := t.ExpiresAt.UTC()
		t.ExpiresAt = &u
	}
	value, err := json.Marshal(t)
	if err != nil {
		return "", Token{}, err
	}
	if err := store.PutSetting(ctx, settingPrefix+hex.EncodeToString(t.hash[:]), value); err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// check names the first field of a new token that is wrong.
func (t *Token) check(now time.Time) error {
	switch {
	case strings.TrimSpace(t.Name) == "" || len(t.Name) > 128 || !utf8.ValidString(t.Name):
		return &TokenError{"name", "must be a text of 1 to 128 bytes"}
	case !t.Apps.All && len(t.Apps.Apps) == 0:
		return &TokenError{"apps", `must be "*" or a list of app ids`}
	case len(t.Rights) == 0:
		return &TokenError{"rights", "must list at least one of write, read, admin"}
	case t.Requests < 0 || t.Requests > maxRate:
		return &TokenError{"requests_per_second", "must be a number above 0, at most 1e9"}
	case t.Bytes < 0 || t.Bytes > 1<<50:
		return &TokenError{"bytes_per_second", "must be a whole number above 0"}
	case t.ExpiresAt != nil && !t.ExpiresAt.After(now):
		return &TokenError{"expires_at", "must lie in the future"}
	}
	for _, a := range t.Apps.Apps {
		if a == "" || len(a) > maxID || !utf8.ValidString(a) {
			return &TokenError{"apps", "an app id is a UTF-8 text of 1 to 256 bytes"}
		}
	}
	for _, r := range t.Rights {
		if _, ok := rightNames[r]; !ok {
			return &TokenError{"rights", notAllowed(r, []string{"write", "read", "admin"})}
		}
	}
	return nil
}

// ListTokens gives all stored tokens, oldest first.
func ListTokens(ctx context.Context, store engine.API) ([]Token, error) {
	m, err := store.Settings(ctx, settingPrefix)
	if err != nil {
		return nil, err
	}
	out := make([]Token, 0, len(m))
	for k, v := range m {
		var t Token
		h, err := hex.DecodeString(strings.TrimPrefix(k, settingPrefix))
		if err != nil || len(h) != sha256.Size || json.Unmarshal(v, &t) != nil {
			return nil, fmt.Errorf("%w: setting %q is not a token", engine.ErrCorrupt, k)
		}
		copy(t.hash[:], h)
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Token) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// RevokeToken deletes the token of that name or id.
func RevokeToken(ctx context.Context, store engine.API, nameOrID string) (Token, error) {
	all, err := ListTokens(ctx, store)
	if err != nil {
		return Token{}, err
	}
	i := slices.IndexFunc(all, func(t Token) bool { return t.ID == nameOrID })
	if i < 0 {
		i = slices.IndexFunc(all, func(t Token) bool { return t.Name == nameOrID })
	}
	if i < 0 {
		return Token{}, fmt.Errorf("%w: %q", ErrNoToken, nameOrID)
	}
	return all[i], store.DeleteSetting(ctx, settingPrefix+hex.EncodeToString(all[i].hash[:]))
}
