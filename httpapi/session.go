package httpapi

import (
	"encoding/json"
	"time"
)

// session is the answer of GET /v1/session: what the token of a request is and
// may do, for a page that shows what is allowed.
type session struct {
	Auth      string     `json:"auth"` // "token", or "off"
	Name      *string    `json:"name"`
	Rights    []string   `json:"rights"` // all that it may, in the order write, read, admin
	Apps      Scope      `json:"apps"`
	ExpiresAt *time.Time `json:"expires_at"`
	Version   string     `json:"version"`
}

// getSession answers GET /v1/session.
func (c *call) getSession() error {
	s := session{Auth: "off", Apps: Scope{All: true}, Version: c.srv.opt.Version}
	if t := c.token; t != nil {
		s.Auth, s.Name, s.Apps, s.ExpiresAt = "token", &t.Name, t.Apps, t.ExpiresAt
	}
	for _, name := range []string{"write", "read", "admin"} {
		if c.token == nil || c.token.may(rightNames[name]) {
			s.Rights = append(s.Rights, name)
		}
	}
	j, err := json.Marshal(s)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set("Cache-Control", "no-store")
	c.data(j)
	return nil
}
