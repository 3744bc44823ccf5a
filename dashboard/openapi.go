package dashboard

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/seatstream/seatstream/producer"
	"github.com/seatstream/seatstream/schemas"
)

type object = map[string]any

// answers are the types that the API answers with, by the name of their schema.
var answers = map[string]any{
	"Questions": []questionInfo{}, "Connectors": []connectorInfo{}, "Connector": connectorInfo{}, "Verdict": verdictInfo{},
	"Streams": streamsState{}, "Verification": verifyState{}, "Texts": map[string]string{}, "Command": map[string]uint64{}, "Document": object{},
}

func openAPI(_ context.Context, rq *request) error { return rq.json(http.StatusOK, rq.s.document()) }

// document describes the API in OpenAPI 3.1, from the table of routes, the shipped questions
// and the types of the answers.
func (s *Server) document() object {
	paths := object{}
	operation := func(path, method string, op object) {
		at, ok := paths[path].(object)
		if !ok {
			at = object{}
			paths[path] = at
		}
		op["security"] = []object{{}, {"token": []string{}}}
		op["operationId"] = strings.ToLower(method) + strings.NewReplacer("/api/v1", "", "/", "_", "{", "", "}", "", ".", "_").Replace(path)
		at[strings.ToLower(method)] = op
	}
	for _, rt := range s.apiRoutes() {
		if rt.answers == "" {
			continue // one path for each question, below
		}
		status := "200"
		if rt.answers == "Command" {
			status = "202"
		}
		operation(rt.path, rt.method, object{
			"summary": rt.summary, "parameters": parameters(rt.params), "description": "Needs the role " + rt.need.String() + ".",
			"responses": responses(status, object{"application/json": object{"schema": object{"$ref": "#/components/schemas/" + rt.answers}}}),
		})
	}
	for _, q := range schemas.Queries() {
		if !q.Internal {
			ask, evidence := questionOperations(&q)
			operation("/api/v1/queries/"+q.Name, "GET", ask)
			operation("/api/v1/queries/"+q.Name+"/evidence", "GET", evidence)
		}
	}
	types := object{
		"Rows":  object{"type": "array", "items": object{"type": "object", "additionalProperties": true}, "description": "One object a row; the columns are those of the question. null is unknown, never zero."},
		"Error": object{"type": "object", "required": []string{"error"}, "properties": object{"error": object{"type": "string"}}},
	}
	for name, v := range answers {
		types[name] = schemaOf(reflect.TypeOf(v))
	}
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": "seatstream", "version": s.cfg.Version, "description": "Microsoft 365 licence usage: the shipped questions, and the connectors. Answers are those of seatstream query -o json."},
		"paths":   paths,
		"components": object{
			"schemas":         types,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "A token of dashboard.tokens. Without any the API is for this machine alone."}},
		},
	}
}

func questionOperations(q *schemas.Query) (ask, evidence object) {
	var params []apiParam
	for _, p := range q.Params {
		switch p.Name {
		case "tenant", "as_of":
		default:
			params = append(params, apiParam{Name: p.Name, In: "query", Doc: p.Doc + " (" + p.Type + ", left out: " + p.Default + ")"})
		}
	}
	content := object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Rows"}}}
	ask = object{
		"summary": q.Title, "description": q.Definition, "tags": []string{"questions"},
		"parameters": parameters(slices.Concat([]apiParam{tenantParam, asOfParam}, params, viewParams)), "responses": responses("200", content),
	}
	evidence = object{"summary": "Evidence of: " + q.Title, "tags": []string{"evidence"}, "parameters": parameters([]apiParam{tenantParam}), "responses": responses("200", content)}
	return ask, evidence
}

func parameters(list []apiParam) []object {
	out := []object{}
	for _, p := range list {
		schema := object{"type": "string"}
		if p.Enum != nil {
			schema["enum"] = p.Enum
		}
		if p.Name == "where" {
			schema = object{"type": "array", "items": schema}
		}
		out = append(out, object{"name": p.Name, "in": p.In, "required": p.In == "path", "description": p.Doc, "schema": schema})
	}
	return out
}

func responses(status string, content object) object {
	failed := object{"description": "What is wrong, and what to do", "content": object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Error"}}}}
	return object{status: object{"description": "The answer", "content": content}, "default": failed}
}

// schemaOf describes a type as JSON has it.
func schemaOf(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[producer.Question]():
		text := object{"type": "string"}
		return object{"type": "object", "properties": object{"Name": text, "Title": text, "Answer": text, "Missing": object{"type": []string{"array", "null"}, "items": text}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return object{"type": "object"}
		}
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		props, required := object{}, []string{}
		for _, f := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "-" || name == "" {
				continue
			}
			props[name] = schemaOf(f.Type)
			if !strings.Contains(options, "omit") {
				required = append(required, name)
			}
		}
		return object{"type": "object", "properties": props, "required": required}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.String:
		return object{"type": "string"}
	}
	return object{"type": "integer"}
}
