// Package ui is the page that the server gives at /: its built files, and the
// handler that answers them. It guarantees that nothing is loaded from another
// site, that the page works below any path of a proxy, and that a browser
// keeps what does not change. It knows nothing of the store: the page calls the
// API like every other client.
//
// The sources are in web/ (TypeScript, Preact, Vite); `make ui` builds dist/,
// which is committed so that building Tracebed needs no Node. Whoever does not
// import this package does not link the page.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"
)

// Every file is kept as gzip only; what a client without gzip gets is inflated
// once, when it is asked for.
//
//go:embed all:dist
var dist embed.FS

// policy lets the page load its own files and call its own server, and nothing
// else. Scripts and styles in the page itself do not run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// Cache-Control of the page, whose name stays, and of what it loads, whose
// names hold a hash of the content.
const (
	cachePage  = "no-cache"
	cacheAsset = "public, max-age=31536000, immutable"
)

// file is one file of dist.
type file struct {
	mime, cache string
	tag         string // of the plain form, without quotes
	packed      []byte
	plain       func() ([]byte, error)
}

var mimes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

var files = sync.OnceValues(load)

// load reads dist: the page under "", the rest under the name in assets/.
func load() (map[string]*file, error) {
	all := make(map[string]*file)
	err := fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, packed := strings.CutSuffix(p, ".gz")
		mime := mimes[path.Ext(name)]
		if !packed || mime == "" {
			return fmt.Errorf("%s is not a packed file of a known type", p)
		}
		b, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		f := &file{mime: mime, cache: cacheAsset, tag: hex.EncodeToString(sum[:12]), packed: b}
		f.plain = sync.OnceValues(func() ([]byte, error) { return inflate(b) })
		key, asset := strings.CutPrefix(name, "dist/assets/")
		switch {
		case asset:
		case name == "dist/index.html":
			key, f.cache = "", cachePage
		default:
			return fmt.Errorf("%s is neither the page nor in assets", p)
		}
		all[key] = f
		return nil
	})
	return all, err
}

func inflate(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Handler answers a GET or HEAD of the page (name "") or of a file in assets/,
// for httpapi.Options.UI. It returns false where there is no such file and
// leaves the answer alone.
func Handler(ctx *fasthttp.RequestCtx, name string) (bool, error) {
	all, err := files()
	if err != nil {
		return false, err
	}
	f := all[name]
	if f == nil {
		return false, nil
	}
	body, tag, packed := f.packed, `"`+f.tag+`-gz"`, true
	if !takesGzip(string(ctx.Request.Header.Peek("Accept-Encoding"))) {
		if body, err = f.plain(); err != nil {
			return false, err
		}
		tag, packed = `"`+f.tag+`"`, false
	}
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", f.cache)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", tag)
	if matches(string(ctx.Request.Header.Peek("If-None-Match")), tag) {
		ctx.Response.SetStatusCode(fasthttp.StatusNotModified)
		return true, nil
	}
	h.SetContentType(f.mime)
	if packed {
		h.Set("Content-Encoding", "gzip")
	}
	ctx.Response.SetBodyRaw(body)
	return true, nil
}

// takesGzip reads Accept-Encoding (RFC 9110 §12.5.3).
func takesGzip(accept string) bool {
	star := false
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(part, ";")
		yes := true
		for p := range strings.SplitSeq(params, ";") {
			if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(k, "q") {
				yes = strings.Trim(v, "0.") != ""
			}
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return yes
		case "*":
			star = yes
		}
	}
	return star
}

// matches reads If-None-Match (RFC 9110 §13.1.2), which compares weakly.
func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}
