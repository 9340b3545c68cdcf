package httpapi

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// spec is the part of an OpenAPI document that the test looks at.
type spec struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Parameters  []struct {
			Name, In string
			Required bool
			Schema   map[string]any
		}
		RequestBody map[string]any
		Responses   map[string]any
		Security    *[]any
	}
	Components struct {
		Schemas   map[string]any
		Responses map[string]any
	}
}

func (e *env) spec() (s spec, text string) {
	a := e.do("GET", "/openapi.json", "", "")
	if err := json.Unmarshal(a.body, &s); err != nil {
		e.t.Fatal(err)
	}
	return s, string(a.body)
}

// Every route and parameter of the table is in the document, and nothing else.
func TestOpenAPIIsTheTable(t *testing.T) {
	e := start(t, newFake(), Options{})
	doc, text := e.spec()
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %q", doc.OpenAPI)
	}
	ids := map[string]bool{}
	n := 0
	for _, rt := range e.srv.routes {
		op, ok := doc.Paths[rt.pattern][strings.ToLower(rt.method)]
		if !ok {
			t.Errorf("%s %s is not documented", rt.method, rt.pattern)
			continue
		}
		n++
		if ids[op.OperationID] || op.OperationID == "" {
			t.Errorf("operationId %q is not unique", op.OperationID)
		}
		ids[op.OperationID] = true
		if open := op.Security != nil && len(*op.Security) == 0; open != (rt.right == rightNone) {
			t.Errorf("%s %s: open %v", rt.method, rt.pattern, open)
		}
		got := map[string]string{}
		for _, p := range op.Parameters {
			got[p.Name] = p.In
		}
		for _, p := range rt.params {
			if got[p.name] != "query" {
				t.Errorf("%s %s: parameter %s is not documented", rt.method, rt.pattern, p.name)
			}
			delete(got, p.name)
		}
		for _, name := range rt.names {
			if got[name] != "path" {
				t.Errorf("%s %s: path parameter %s is not documented", rt.method, rt.pattern, name)
			}
			delete(got, name)
		}
		delete(got, "X-App-Id")
		for name := range got {
			t.Errorf("%s %s: documented parameter %s is unknown", rt.method, rt.pattern, name)
		}
	}
	for path, ops := range doc.Paths {
		n -= len(ops)
		if n < 0 {
			t.Errorf("%s has more methods than routes", path)
		}
	}
	for _, ref := range strings.Split(text, `"$ref":"#/components/`)[1:] {
		ref, _, _ = strings.Cut(ref, `"`)
		kind, name, _ := strings.Cut(ref, "/")
		if _, ok := map[string]map[string]any{"schemas": doc.Components.Schemas, "responses": doc.Components.Responses}[kind][name]; !ok {
			t.Errorf("$ref to %q leads nowhere", ref)
		}
	}
}

// The server takes each documented parameter and refuses any other.
func TestOpenAPIIsWhatTheServerDoes(t *testing.T) {
	store := newFake()
	e := start(t, store, Options{BackupDir: t.TempDir()})
	doc, _ := e.spec()
	examples := map[string]string{
		"string": "x", "integer": "1", "boolean": "true", "date-time": "2026-01-01T00:00:00Z",
		"interval": "1h", "timezone": "UTC", "app_id": "demo",
	}
	value := func(name string, schema map[string]any) string {
		if items, ok := schema["items"].(map[string]any); ok {
			schema = items
		}
		if enum, ok := schema["enum"].([]any); ok {
			return enum[0].(string)
		}
		if f, ok := schema["format"].(string); ok {
			return examples[f]
		}
		if v := examples[name]; v != "" {
			return v
		}
		return examples[schema["type"].(string)]
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			required := url.Values{}
			target := path
			for _, p := range op.Parameters {
				switch {
				case p.In == "path":
					target = strings.Replace(target, "{"+p.Name+"}", map[string]string{"app_id": "demo", "trace_id": "t0", "token": "x", "run_id": "r"}[p.Name], 1)
				case p.Required:
					required.Set(p.Name, value(p.Name, p.Schema))
				}
			}
			body := ""
			if op.RequestBody != nil {
				body = oneRun
				if strings.HasSuffix(path, "/evaluations") {
					body = `{"name":"n","value":1}`
				}
				if strings.HasSuffix(path, "/logs") || strings.HasSuffix(path, "/v1/metrics") {
					body = "{}"
				}
			}
			call := func(extra, v string) answer {
				store.put("demo", 1)
				q := url.Values{}
				for k := range required {
					q.Set(k, required.Get(k))
				}
				if extra != "" {
					q.Set(extra, v)
				}
				return e.do(strings.ToUpper(method), target+"?"+q.Encode(), adminToken, body, "X-App-Id", "demo")
			}
			for _, p := range op.Parameters {
				if p.In != "query" {
					continue
				}
				if a := call(p.Name, value(p.Name, p.Schema)); a.StatusCode != 200 {
					t.Errorf("%s %s?%s: %d %s", method, target, p.Name, a.StatusCode, a.body)
				}
			}
			if a := call("surprise", "1"); a.StatusCode != 400 || !strings.Contains(string(a.body), "surprise") {
				t.Errorf("%s %s takes any parameter: %d %s", method, target, a.StatusCode, a.body)
			}
		}
	}
}
