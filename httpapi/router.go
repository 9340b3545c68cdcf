package httpapi

import (
	"bytes"
	"net/url"
	"strings"
	"unicode/utf8"
)

// right is what a token must hold for a route.
type right uint8

const (
	rightNone right = iota // no token needed
	rightRead
	rightWrite
	rightAdmin
	rightAny // any token
)

// route is one line of the table in routes.go.
type route struct {
	method  string
	pattern string // "/v1/apps/{app_id}"; at most three parameters
	right   right
	otlp    Signal // what of OTLP the route takes
	allApps bool   // only for tokens whose scope is every app
	tagged  bool   // the answer is that of one version of a trace: ETag, 304
	// freeQuery: the query is not for the server, which takes any.
	freeQuery bool
	params    []param
	summary   string
	body      string // name of the request body's schema, "" = none
	answer    string // name of the answer's schema, "" = not JSON
	handle    func(*call) error

	segs  []string // of the pattern; "{" stands for a parameter
	names []string // of the parameters in the path
	stats *routeStats
}

// router finds routes by their number of segments; a text wins over a
// parameter because the table lists it first.
type router struct{ bySegs [maxSegs + 1][]*route }

const maxSegs = 8

func newRouter(table []*route) *router {
	var r router
	for _, rt := range table {
		for _, s := range strings.Split(rt.pattern, "/") {
			if s == "" {
				continue
			}
			if name, ok := strings.CutPrefix(s, "{"); ok {
				rt.names = append(rt.names, strings.TrimSuffix(name, "}"))
				s = "{"
			}
			rt.segs = append(rt.segs, s)
		}
		r.bySegs[len(rt.segs)] = append(r.bySegs[len(rt.segs)], rt)
	}
	return &r
}

// find gives the route of a path and the values of its parameters. allow
// lists the methods that the path has, when method is not among them.
func (r *router) find(method string, segs []string) (rt *route, vals [3]string, allow []string) {
	if len(segs) > maxSegs {
		return nil, vals, nil
	}
	if method == "HEAD" {
		method = "GET"
	}
	for _, rt := range r.bySegs[len(segs)] {
		v, ok := rt.match(segs)
		if !ok {
			continue
		}
		if rt.method == method {
			return rt, v, nil
		}
		allow = append(allow, rt.method)
		if rt.method == "GET" {
			allow = append(allow, "HEAD")
		}
	}
	return nil, vals, allow
}

func (rt *route) match(segs []string) (vals [3]string, ok bool) {
	n := 0
	for i, s := range rt.segs {
		switch {
		case s == "{":
			vals[n] = segs[i]
			n++
		case s != segs[i]:
			return vals, false
		}
	}
	return vals, true
}

// splitTarget cuts a request target into decoded path segments and the raw
// query. Empty segments are dropped: `//v1//apps/` is `/v1/apps`.
func splitTarget(target []byte, segs []string) ([]string, string, *apiError) {
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	path, query, _ := strings.Cut(string(target), "?")
	if !strings.HasPrefix(path, "/") { // absolute form: http://host/path
		if _, rest, ok := strings.Cut(path, "://"); ok {
			path = ""
			if i := strings.IndexByte(rest, '/'); i >= 0 {
				path = rest[i:]
			}
		}
	}
	for path != "" {
		var s string
		s, path, _ = strings.Cut(path, "/")
		if s == "" {
			continue
		}
		if len(segs) > maxSegs {
			break
		}
		if strings.IndexByte(s, '%') >= 0 {
			d, err := url.PathUnescape(s)
			if err != nil {
				return nil, "", badField("path", "a % must be followed by two hex digits")
			}
			s = d
		}
		if !utf8.ValidString(s) {
			return nil, "", badField("path", "not valid UTF-8")
		}
		segs = append(segs, s)
	}
	return segs, query, nil
}

// validID says whether s can be an id: a UTF-8 text of 1 to 256 bytes.
func validID(s string) bool { return s != "" && len(s) <= maxID && utf8.ValidString(s) }
