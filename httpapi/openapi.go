package httpapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed openapi_components.json
var openapiComponents []byte

// openAPI makes the OpenAPI 3.1 document: paths and parameters from the table
// of routes, so that they cannot differ from what the server does; schemas
// from openapi_components.json.
func openAPI(routes []*route, version string) ([]byte, error) {
	var components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	}
	if err := json.Unmarshal(openapiComponents, &components); err != nil {
		return nil, fmt.Errorf("openapi_components.json: %w", err)
	}
	paths := make(map[string]map[string]any)
	for _, rt := range routes {
		for _, name := range []string{rt.body, rt.answer} {
			if _, ok := components.Schemas[name]; name != "" && !ok {
				return nil, fmt.Errorf("openapi_components.json: no schema %q, which %s %s needs", name, rt.method, rt.pattern)
			}
		}
		if paths[rt.pattern] == nil {
			paths[rt.pattern] = make(map[string]any)
		}
		paths[rt.pattern][strings.ToLower(rt.method)] = operation(rt)
	}
	return json.Marshal(map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       "Tracebed",
			"version":     version,
			"description": "Records runs of LLM applications durably and answers lists, charts, trees and exports.",
			"license":     map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
		},
		"servers":    []any{map[string]any{"url": "/"}},
		"security":   []any{map[string]any{"token": []string{}}},
		"paths":      paths,
		"components": json.RawMessage(openapiComponents),
	})
}

// operation is one method of a path.
func operation(rt *route) map[string]any {
	op := map[string]any{
		"operationId": operationID(rt),
		"summary":     rt.summary,
		"responses":   responses(rt),
	}
	var ps []any
	for _, n := range rt.names {
		ps = append(ps, map[string]any{"name": n, "in": "path", "required": true, "schema": map[string]any{"type": "string", "maxLength": maxID}})
	}
	for _, p := range rt.params {
		schema := map[string]any{"type": p.typ}
		if p.enum != nil {
			schema["enum"] = p.enum
		}
		if p.format != "" {
			schema["format"] = p.format
		}
		d := map[string]any{"name": p.name, "in": "query", "description": p.desc, "required": p.required, "schema": schema}
		if p.list {
			d["schema"] = map[string]any{"type": "array", "items": schema}
			d["explode"] = true
		}
		ps = append(ps, d)
	}
	if rt.otlp != signalNone {
		ps = append(ps, map[string]any{"name": "X-App-Id", "in": "header", "schema": map[string]any{"type": "string"}})
	}
	if ps != nil {
		op["parameters"] = ps
	}
	if rt.body != "" {
		op["requestBody"] = map[string]any{"required": true, "content": contentOf(rt, rt.body)}
	}
	switch rt.right {
	case rightNone:
		op["security"] = []any{}
	case rightAny:
		op["description"] = "Takes any token."
	default:
		op["description"] = "Needs the right " + rightText(rt.right) + "."
	}
	return op
}

// operationID is a name for generated clients: getV1AppsAppIdTraces.
func operationID(rt *route) string {
	id := strings.ToLower(rt.method)
	for w := range strings.FieldsFuncSeq(rt.pattern, func(r rune) bool { return strings.ContainsRune("/{}_.", r) }) {
		id += strings.ToUpper(w[:1]) + w[1:]
	}
	return id
}

func jsonContent(schema string) map[string]any {
	return map[string]any{jsonType: map[string]any{"schema": map[string]any{"$ref": "#/components/schemas/" + schema}}}
}

// contentOf is JSON, and protobuf beside it where the route takes OTLP.
func contentOf(rt *route, schema string) map[string]any {
	content := jsonContent(schema)
	if rt.otlp != signalNone {
		content[protoType] = map[string]any{}
	}
	return content
}

func responses(rt *route) map[string]any {
	good := map[string]any{"description": "Done."}
	switch {
	case rt.answer != "":
		good["content"] = contentOf(rt, rt.answer)
	case rt.pattern == "/v1/backup":
		good["content"] = map[string]any{"application/x-tar": map[string]any{}}
	case rt.pattern == "/metrics":
		good["content"] = map[string]any{"text/plain": map[string]any{}}
	default:
		good["content"] = map[string]any{"text/html": map[string]any{}}
	}
	if rt.answer == "Download" {
		good["content"].(map[string]any)["application/x-ndjson"] = map[string]any{"schema": map[string]any{"type": "string"}}
		text := map[string]any{"schema": map[string]any{"type": "string"}, "description": "A trailer."}
		good["headers"] = map[string]any{trailerComplete: text, trailerCount: text, trailerCursor: text}
	}
	bad := "Error"
	if rt.otlp != signalNone {
		bad = "OTLPError"
	}
	if rt.tagged {
		good["headers"] = map[string]any{"ETag": map[string]any{"schema": map[string]any{"type": "string"},
			"description": "Changes with the trace; send it as If-None-Match to hear of changes only."}}
		return map[string]any{"200": good, "304": map[string]any{"description": "The trace is as it was."},
			"default": map[string]any{"$ref": "#/components/responses/" + bad}}
	}
	return map[string]any{"200": good, "default": map[string]any{"$ref": "#/components/responses/" + bad}}
}
