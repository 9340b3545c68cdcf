package ui

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

func get(t *testing.T, name string, headers ...string) (*fasthttp.Response, bool) {
	t.Helper()
	var ctx fasthttp.RequestCtx
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	ok, err := Handler(&ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	res := &fasthttp.Response{}
	ctx.Response.CopyTo(res)
	return res, ok
}

// page is the plain index.html.
func page(t *testing.T) string {
	t.Helper()
	res, ok := get(t, "")
	if !ok {
		t.Fatal("no page")
	}
	return string(res.Body())
}

func TestHeaders(t *testing.T) {
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Vary":                         "Accept-Encoding",
		"Content-Encoding":             "gzip",
	}
	for name := range all {
		res, ok := get(t, name, "Accept-Encoding", "gzip, deflate, br, zstd")
		if !ok {
			t.Fatalf("no %q", name)
		}
		want["Cache-Control"] = "public, max-age=31536000, immutable"
		if name == "" {
			want["Cache-Control"] = "no-cache"
		}
		for k, v := range want {
			if got := string(res.Header.Peek(k)); got != v {
				t.Errorf("%q: %s: %q, want %q", name, k, got, v)
			}
		}
		plain, err := inflate(res.Body())
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		bare, _ := get(t, name)
		if !bytes.Equal(bare.Body(), plain) || len(bare.Header.Peek("Content-Encoding")) > 0 {
			t.Errorf("%q differs without gzip", name)
		}
		if a, b := string(res.Header.Peek("ETag")), string(bare.Header.Peek("ETag")); a == b || a == "" {
			t.Errorf("%q: ETag %s and %s of different bytes", name, a, b)
		}
	}
}

func TestNotModified(t *testing.T) {
	res, _ := get(t, "", "Accept-Encoding", "gzip")
	tag := string(res.Header.Peek("ETag"))
	for header, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200,
	} {
		res, _ := get(t, "", "Accept-Encoding", "gzip", "If-None-Match", header)
		if res.StatusCode() != want {
			t.Errorf("If-None-Match %s: %d, want %d", header, res.StatusCode(), want)
		}
		if want == 304 && len(res.Body()) > 0 {
			t.Errorf("If-None-Match %s: a body", header)
		}
		if string(res.Header.Peek("Content-Security-Policy")) != policy {
			t.Errorf("If-None-Match %s: no policy", header)
		}
	}
}

func TestNoSuchFile(t *testing.T) {
	for _, name := range []string{"x.js", "index.html", "../ui.go", "assets", "/"} {
		if res, ok := get(t, name); ok || len(res.Body()) > 0 || len(res.Header.Peek("ETag")) > 0 {
			t.Errorf("%q is answered", name)
		}
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "GZIP;q=1": true, "gzip;q=0": false, "gzip; q=0.0": false, "gzip;q=0.5": true,
		"br, gzip": true, "*": true, "*;q=0": false, "gzip;q=0, *": false, "*, gzip;q=0": false, "identity": false, "br": false,
	} {
		if got := takesGzip(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// reference finds what a page or a script loads.
var reference = regexp.MustCompile(`(?:src|href)="([^"]*)"`)

// TestReferences checks that the page loads files that are there, by relative
// and hashed names, and holds nothing that its policy forbids.
func TestReferences(t *testing.T) {
	html := page(t)
	refs := reference.FindAllStringSubmatch(html, -1)
	if len(refs) < 3 {
		t.Fatalf("the page loads %d files", len(refs))
	}
	hashed := regexp.MustCompile(`^\./assets/[\w.-]+-[\w-]{8}\.(js|css|svg)$`)
	for _, m := range refs {
		name := strings.TrimPrefix(m[1], "./assets/")
		if !hashed.MatchString(m[1]) {
			t.Errorf("%q is not relative with a hash", m[1])
		}
		if _, ok := get(t, name); !ok {
			t.Errorf("%q is not there", m[1])
		}
	}
	if regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]|<style|\son\w+=|\sstyle=`).MatchString(html) {
		t.Error("the page holds a script, a style or a handler of its own")
	}
}

// TestFirstLoad holds the first load under 200 KB: the page, what it names,
// and what the scripts among that import before they run.
func TestFirstLoad(t *testing.T) {
	all, err := files()
	if err != nil {
		t.Fatal(err)
	}
	static := regexp.MustCompile(`(?:\bfrom|\bimport)\s*["'\x60]\./([\w.-]+\.js)["'\x60]`)
	seen := map[string]bool{"": true}
	total := len(all[""].packed)
	var visit func(name string)
	visit = func(name string) {
		f := all[name]
		if f == nil || seen[name] {
			return
		}
		seen[name] = true
		total += len(f.packed)
		if b, err := f.plain(); err != nil {
			t.Fatal(err)
		} else if strings.HasSuffix(name, ".js") {
			for _, m := range static.FindAllSubmatch(b, -1) {
				visit(string(m[1]))
			}
		}
	}
	for _, m := range reference.FindAllStringSubmatch(page(t), -1) {
		visit(strings.TrimPrefix(m[1], "./assets/"))
	}
	t.Logf("first load: %d files, %d bytes", len(seen), total)
	if total > 200_000 {
		t.Errorf("the first load is %d bytes", total)
	}
	for name := range seen {
		if strings.HasPrefix(name, "RunSheet") {
			t.Errorf("%s is part of the first load", name)
		}
	}
}

// TestNoOtherSite: the files name no address that they would load. Names of
// XML namespaces are identifiers only.
func TestNoOtherSite(t *testing.T) {
	site := regexp.MustCompile(`(?:https?:)?//[a-zA-Z0-9.-]+\.[a-z]{2,}[^\s"'\x60)]*`)
	err := fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		plain, err := inflate(b)
		if err != nil {
			return err
		}
		for _, m := range site.FindAllString(string(plain), -1) {
			if !strings.HasPrefix(m, "http://www.w3.org/") {
				t.Errorf("%s names %s", p, m)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
