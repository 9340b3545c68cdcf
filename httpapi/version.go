package httpapi

import "strings"

// unchanged sets the ETag of the trace that the request is about, and says
// whether the client has this version of it, which is then the answer: 304. A
// page that polls a running trace so pays for one look-up.
func (c *call) unchanged() (bool, error) {
	version, err := c.srv.store.TraceVersion(c.srv.base, c.app(), c.value("trace_id"))
	if err != nil {
		return false, err
	}
	h := &c.ctx.Response.Header
	// Weak: the same version comes in several codings.
	tag := `W/"` + version + `"`
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache")
	if !tagListed(string(c.ctx.Request.Header.Peek("If-None-Match")), tag) {
		return false, nil
	}
	c.ctx.Response.SetStatusCode(304)
	return true, nil
}

// tagListed says whether an If-None-Match names the tag, by the weak
// comparison of RFC 9110 §13.1.2.
func tagListed(header, tag string) bool {
	opaque := strings.TrimPrefix(tag, "W/")
	for t := range strings.SplitSeq(header, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == opaque {
			return true
		}
	}
	return false
}
