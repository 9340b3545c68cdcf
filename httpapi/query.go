package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// param is one query parameter that a route takes.
type param struct {
	name     string
	typ      string // JSON schema type: string, integer, boolean
	desc     string
	enum     []string
	list     bool // repeatable, or a comma list
	required bool
	format   string // date-time or ""
}

// query holds the parameters of one request, checked against its route.
// Problems are collected, so that one answer names them all.
type query struct {
	vals []queryVal
	errs map[string]string
}

type queryVal struct{ name, value string }

// parse reads raw and refuses what rt does not take.
func (q *query) parse(raw string, rt *route) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(k)
		value, err2 := url.QueryUnescape(v)
		if err1 != nil || err2 != nil || !utf8.ValidString(name) || !utf8.ValidString(value) {
			q.fail(strings.ToValidUTF8(k, "\uFFFD"), "not valid percent-encoded UTF-8")
			continue
		}
		i := slices.IndexFunc(rt.params, func(p param) bool { return p.name == name })
		switch {
		case i < 0:
			q.fail(name, unknownParam(name, rt))
		case !rt.params[i].list && q.has(name):
			q.fail(name, "given more than once")
		default:
			q.vals = append(q.vals, queryVal{name, value})
		}
	}
	for _, p := range rt.params {
		if p.required && q.str(p.name) == "" {
			q.fail(p.name, "is required")
		}
	}
}

// unknownParam says what would be right: another operator, or the names.
func unknownParam(name string, rt *route) string {
	field, _, _ := strings.Cut(name, ":")
	var ops, all []string
	for _, p := range rt.params {
		all = append(all, p.name)
		if f, op, ok := strings.Cut(p.name, ":"); ok && f == field {
			ops = append(ops, ":"+op)
		}
	}
	switch {
	case len(ops) > 0:
		return "unknown operator; use " + field + " with " + strings.Join(ops, ", ")
	case len(all) == 0:
		return "unknown parameter; this call takes none"
	}
	return "unknown parameter; this call takes " + strings.Join(all, ", ")
}

func (q *query) fail(name, text string) {
	if q.errs == nil {
		q.errs = make(map[string]string)
	}
	if len(q.errs) < 32 && q.errs[name] == "" {
		q.errs[name] = text
	}
}

// err is nil, or the 400 that names every problem found so far.
func (q *query) err() error {
	if len(q.errs) == 0 {
		return nil
	}
	keys := make([]string, 0, len(q.errs))
	for k := range q.errs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	e := badRequest("invalid query parameter: " + strings.Join(keys, ", "))
	e.details = q.errs
	return e
}

func (q *query) has(name string) bool {
	return slices.ContainsFunc(q.vals, func(v queryVal) bool { return v.name == name })
}

// str is the value of a parameter, "" when absent.
func (q *query) str(name string) string {
	for _, v := range q.vals {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// integer is the value of a whole number in [lo, hi], def when absent.
func (q *query) integer(name string, def, lo, hi int64) int64 {
	if !q.has(name) {
		return def
	}
	n, err := strconv.ParseInt(q.str(name), 10, 64)
	if err != nil || n < lo || n > hi {
		text := "must be a whole number of at least " + strconv.FormatInt(lo, 10)
		if hi < 1<<62 {
			text = "must be a whole number from " + strconv.FormatInt(lo, 10) + " to " + strconv.FormatInt(hi, 10)
		}
		q.fail(name, text)
		return def
	}
	return n
}

// boolean is the value of true, false, 1 or 0; false when absent.
func (q *query) boolean(name string) bool {
	switch q.str(name) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	if q.has(name) {
		q.fail(name, "must be true or false")
	}
	return false
}

// oneOf is a value out of a closed list, the first when absent.
func (q *query) oneOf(name string, allowed ...string) string {
	if !q.has(name) {
		return allowed[0]
	}
	v := q.str(name)
	if !slices.Contains(allowed, v) {
		q.fail(name, notAllowed(v, allowed))
	}
	return v
}

// list is the values of a repeatable parameter, comma lists cut, each in
// allowed.
func (q *query) list(name string, allowed []string) []string {
	var out []string
	for _, v := range q.vals {
		if v.name != name {
			continue
		}
		for s := range strings.SplitSeq(v.value, ",") {
			if !slices.Contains(allowed, s) {
				q.fail(name, notAllowed(s, allowed))
			} else if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func notAllowed(v string, allowed []string) string {
	return strconv.Quote(cut(v, 64)) + " is not one of " + strings.Join(allowed, ", ")
}

// cut bounds text that an error repeats.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
