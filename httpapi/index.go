package httpapi

import _ "embed"

//go:embed index.html
var indexHTML []byte

// index answers GET /: a page that says what runs here and how to begin.
func (c *call) index() error {
	h := &c.ctx.Response.Header
	h.SetContentType("text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	c.ctx.Response.SetBodyRaw(indexHTML)
	return nil
}

// openapiDoc answers GET /openapi.json.
func (c *call) openapiDoc() error {
	c.body().SetBodyRaw(c.srv.openapi)
	return nil
}
