package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Bootstrap gives the admin token to start with: Options.AdminToken, or a new
// stored one when the store holds no admin token for every app (the first
// start of a data directory), and created says so. It gives "" when there is
// nothing to tell: authentication is off, or the token was told before.
func (s *Server) Bootstrap(ctx context.Context) (token string, created bool, err error) {
	if s.opt.AuthOff || s.opt.AdminToken != "" {
		return s.opt.AdminToken, false, nil
	}
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	all, err := ListTokens(ctx, s.store)
	if err != nil {
		return "", false, err
	}
	now := s.opt.Now()
	if slices.ContainsFunc(all, func(t Token) bool {
		return t.Apps.All && t.may(rightAdmin) && (t.ExpiresAt == nil || now.Before(*t.ExpiresAt))
	}) {
		return "", false, nil
	}
	name := "admin"
	for slices.ContainsFunc(all, func(t Token) bool { return t.Name == name }) {
		name += "+"
	}
	token, _, err = CreateToken(ctx, s.store, Token{Name: name, Apps: Scope{All: true}, Rights: []string{"admin"}}, now)
	if err != nil {
		return "", false, err
	}
	return token, true, s.tokens.load(ctx, s.store, s.opt.AdminToken)
}

// listTokens answers GET /v1/tokens.
func (c *call) listTokens() error {
	all, err := ListTokens(c.srv.base, c.srv.store)
	if err != nil {
		return err
	}
	j, err := json.Marshal(all)
	if err != nil {
		return err
	}
	r := c.body()
	r.AppendBodyString(`{"data":`)
	r.AppendBody(j[:len(j)-1])
	r.AppendBody(pageOf{page: 1, size: max(len(all), 1), total: int64(len(all))}.appendEnd(nil, ""))
	return nil
}

// decodeStrict reads one JSON value without unknown members.
func decodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// createToken answers POST /v1/tokens.
func (c *call) createToken() error {
	raw, err := c.smallBody()
	if err != nil {
		return err
	}
	var in struct {
		Name      string          `json:"name"`
		Apps      json.RawMessage `json:"apps"`
		Rights    []string        `json:"rights"`
		ExpiresAt *string         `json:"expires_at"`
		Requests  *float64        `json:"requests_per_second"`
		Bytes     *int64          `json:"bytes_per_second"`
	}
	if err := decodeStrict(raw, &in); err != nil {
		return badRequest("the body must be a JSON object with name, apps, rights and, if wanted, expires_at, requests_per_second and bytes_per_second")
	}
	t := Token{Name: in.Name, Rights: in.Rights}
	if len(in.Apps) > 0 {
		if err := t.Apps.UnmarshalJSON(in.Apps); err != nil {
			return badField("apps", err.Error())
		}
	}
	if in.ExpiresAt != nil {
		at, err := time.Parse(time.RFC3339, *in.ExpiresAt)
		if err != nil {
			return badField("expires_at", "must be an RFC 3339 time or null")
		}
		t.ExpiresAt = &at
	}
	if in.Requests != nil {
		if t.Requests = *in.Requests; t.Requests == 0 {
			return badField("requests_per_second", "must be a number above 0; leave it out for no limit")
		}
	}
	if in.Bytes != nil {
		if t.Bytes = *in.Bytes; t.Bytes == 0 {
			return badField("bytes_per_second", "must be a whole number above 0; leave it out for no limit")
		}
	}
	s := c.srv
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	secret, made, err := CreateToken(s.base, s.store, t, s.opt.Now())
	if err != nil {
		return tokenFailure(err)
	}
	if err := s.tokens.load(s.base, s.store, s.opt.AdminToken); err != nil {
		return err
	}
	j, err := json.Marshal(struct {
		Token
		Secret string `json:"token"`
	}{made, secret})
	if err != nil {
		return err
	}
	c.audit("token created", "token", made.ID, "name", made.Name, "rights", made.Rights)
	c.ctx.Response.Header.Set("Cache-Control", "no-store")
	c.data(j)
	return nil
}

// deleteToken answers DELETE /v1/tokens/{token}.
func (c *call) deleteToken() error {
	s := c.srv
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	t, err := RevokeToken(s.base, s.store, c.value("token"))
	if err != nil {
		return tokenFailure(err)
	}
	if err := s.tokens.load(s.base, s.store, s.opt.AdminToken); err != nil {
		return err
	}
	j, err := json.Marshal(t)
	if err != nil {
		return err
	}
	c.audit("token revoked", "token", t.ID, "name", t.Name)
	c.data(j)
	return nil
}

func tokenFailure(err error) error {
	var te *TokenError
	switch {
	case errors.As(err, &te):
		return badField(te.Field, te.Text)
	case errors.Is(err, ErrTokenExists):
		return conflict(clean(err))
	case errors.Is(err, ErrNoToken):
		return notFound(clean(err))
	}
	return err
}
