package httpapi

import _ "embed"

//go:embed index.html
var indexHTML []byte

// index answers GET /: the page of Options.UI, or one that says what runs here
// and how to begin.
func (c *call) index() error {
	if c.srv.opt.UI != nil {
		return c.asset()
	}
	h := &c.ctx.Response.Header
	h.SetContentType("text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	c.ctx.Response.SetBodyRaw(indexHTML)
	return nil
}

// asset answers GET /assets/{file}, and / with the page.
func (c *call) asset() error {
	if ui := c.srv.opt.UI; ui != nil {
		if ok, err := ui(c.ctx, c.value("file")); ok || err != nil {
			return err
		}
	}
	return notFound("no such file; reload the page")
}

// openapiDoc answers GET /openapi.json.
func (c *call) openapiDoc() error {
	c.body().SetBodyRaw(c.srv.openapi)
	return nil
}
