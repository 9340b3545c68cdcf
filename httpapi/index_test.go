package httpapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// TestPage checks the routes of Options.UI: what it is asked for, with any
// query and without a token, and what becomes of its refusals.
func TestPage(t *testing.T) {
	var asked []string
	e := start(t, newFake(), Options{UI: func(ctx *fasthttp.RequestCtx, name string) (bool, error) {
		asked = append(asked, name)
		switch name {
		case "", "a-1.js":
			ctx.Response.SetBodyString("file " + name)
			return true, nil
		case "bad":
			return false, errors.New("damaged")
		}
		return false, nil
	}})
	for _, c := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/", 200, "file "},
		{"GET", "/?app=demo&tab=traces&status=failed&surprise=1", 200, "file "},
		{"HEAD", "/?app=demo", 200, ""},
		{"GET", "/assets/a-1.js", 200, "file a-1.js"},
		{"GET", "//assets//a-1.js", 200, "file a-1.js"},
		{"GET", "/assets/%2e%2e%2fui.go", 404, "no such file"},
		{"GET", "/assets/b.js", 404, "no such file"},
		{"GET", "/assets/bad", 500, "internal error"},
		{"GET", "/assets", 404, "no such path"},
		{"POST", "/", 405, "takes GET, HEAD"},
		{"GET", "/assets/a-1.js?v=1", 400, "v"},
	} {
		a := e.do(c.method, c.target, "", "")
		if a.StatusCode != c.status || !strings.Contains(string(a.body), c.body) {
			t.Errorf("%s %s: %d %s", c.method, c.target, a.StatusCode, a.body)
		}
	}
	if got, want := strings.Join(asked, " "), "   a-1.js a-1.js ../ui.go b.js bad"; got != want {
		t.Errorf("asked for %q, want %q", got, want)
	}
}
