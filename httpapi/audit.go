package httpapi

import (
	"log/slog"
	"slices"
)

// audit logs what cannot be undone and what somebody with the right admin has
// done: who (the id and the name of the token, never the token), from where,
// and what. args are slog pairs without payload; ids are none.
func (c *call) audit(what string, args ...any) {
	by, name := "", "authentication is off"
	if t := c.token; t != nil {
		by, name = t.ID, t.Name
	}
	c.srv.log.Info("audit", slices.Concat([]any{
		slog.String("what", what), slog.String("by", by), slog.String("by_name", name),
		slog.String("client", c.ctx.RemoteAddr().String()),
	}, args)...)
}
