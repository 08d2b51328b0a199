// Package openapi reads the control API's description for those who make something of it: the documentation page and the
// command line. It knows the part of OpenAPI 3.1 that the description uses, and its extensions: x-roles, x-right, x-order.
package openapi

import (
	"encoding/json"
	"slices"
	"strings"
)

// Document is a description.
type Document struct {
	OpenAPI    string
	Info       struct{ Title, Version, Description string }
	Paths      map[string]map[string]Operation
	Components struct{ Schemas map[string]*Schema }
}

// Operation is one call of the API.
type Operation struct {
	ID         string `json:"operationId"`
	Summary    string
	Tags       []string
	Right      string   `json:"x-right"`
	Roles      []string `json:"x-roles"`
	Parameters []Param
	Body       *Body `json:"requestBody"`
	Responses  map[string]Response

	Method string `json:"-"` // "GET"
	Path   string `json:"-"` // with its places: "/api/v1/tenants/{tenant}"
}

// Param is a value in the path, the query or the header.
type Param struct {
	Name        string
	In          string // "path", "query", "header"
	Description string
	Required    bool
	Schema      *Schema
}

// Body is what a request carries.
type Body struct {
	Required bool
	Content  map[string]Media
}

// Media is a body of one media type.
type Media struct{ Schema *Schema }

// Response is an answer.
type Response struct {
	Description string
	Content     map[string]Media
}

// Schema tells the form of a value.
type Schema struct {
	Ref         string `json:"$ref"`
	Type        Types
	Format      string
	Pattern     string
	Description string
	Enum        []any
	Default     any
	Examples    []any
	Required    []string
	Properties  map[string]*Schema
	Items       *Schema
	Order       []string `json:"x-order"` // of Properties, as they were declared
	Minimum     *float64
	Maximum     *float64
	MinLength   *int
	MaxLength   *int
	MaxItems    *int
	ReadOnly    bool
	WriteOnly   bool
}

// Types are the types a value may have; "null" beside another means that it may be absent.
type Types []string

// UnmarshalJSON reads one name or a list.
func (t *Types) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = Types{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// Kind is the type but for "null": "string", "integer", "number", "boolean", "array", "object"; "" for any.
func (s *Schema) Kind() string {
	for _, t := range s.Type {
		if t != "null" {
			return t
		}
	}
	return ""
}

// Parse reads a description.
func Parse(text []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	return &d, nil
}

// Operations lists all operations: by tag, then by path, and within it as one reads them: GET, POST, PUT, PATCH, DELETE.
func (d *Document) Operations() (list []Operation) {
	for path, methods := range d.Paths {
		for method, o := range methods {
			o.Method, o.Path = strings.ToUpper(method), path
			list = append(list, o)
		}
	}
	order := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	slices.SortFunc(list, func(a, b Operation) int {
		if c := strings.Compare(a.Tag(), b.Tag()); c != 0 {
			return c
		}
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return slices.Index(order, a.Method) - slices.Index(order, b.Method)
	})
	return list
}

// Tag is the resource an operation belongs to.
func (o *Operation) Tag() string {
	if len(o.Tags) == 0 {
		return ""
	}
	return o.Tags[0]
}

// In lists the parameters in a part of the request; those of the path in its order.
func (o *Operation) In(part string) (list []Param) {
	for _, p := range o.Parameters {
		if p.In == part {
			list = append(list, p)
		}
	}
	if part == "path" {
		slices.SortStableFunc(list, func(a, b Param) int {
			return strings.Index(o.Path, "{"+a.Name+"}") - strings.Index(o.Path, "{"+b.Name+"}")
		})
	}
	return list
}

// Request gives the media type and the schema of the body; "" for none. JSON goes before others.
func (o *Operation) Request() (kind string, s *Schema) {
	if o.Body == nil {
		return "", nil
	}
	return first(o.Body.Content)
}

// Answer gives the status of success, with the media type and the schema of its body; "" and nil for none.
func (o *Operation) Answer() (status, kind string, s *Schema) {
	for code, r := range o.Responses {
		if strings.HasPrefix(code, "2") && (status == "" || code < status) {
			status = code
			kind, s = first(r.Content)
		}
	}
	return status, kind, s
}

func first(content map[string]Media) (kind string, s *Schema) {
	for k, m := range content {
		if kind == "" || k == "application/json" || kind != "application/json" && k < kind {
			kind, s = k, m.Schema
		}
	}
	return kind, s
}

// maxRefs bounds how many references lead from one to the next.
const maxRefs = 16

// Resolve follows references. The result is never nil.
func (d *Document) Resolve(s *Schema) *Schema {
	for range maxRefs {
		if s == nil {
			return &Schema{}
		}
		name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/")
		if !ok {
			return s
		}
		s = d.Components.Schemas[name]
	}
	return &Schema{}
}

// Field is a property with its name.
type Field struct {
	Name     string
	Required bool
	Schema   *Schema // resolved; its description is that of where the property stands
}

// Fields lists the properties of an object in the order they were declared.
func (d *Document) Fields(s *Schema) (list []Field) {
	s = d.Resolve(s)
	for _, name := range s.names() {
		at := s.Properties[name]
		resolved := *d.Resolve(at)
		if at.Description != "" {
			resolved.Description = at.Description
		}
		list = append(list, Field{name, slices.Contains(s.Required, name), &resolved})
	}
	return list
}

func (s *Schema) names() (names []string) {
	for _, name := range s.Order {
		if s.Properties[name] != nil {
			names = append(names, name)
		}
	}
	var rest []string
	for name := range s.Properties {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
}

// maxSample bounds how deep an example goes.
const maxSample = 6

// Sample makes an example of a value.
func (d *Document) Sample(s *Schema) any { return d.sample(s, "", maxSample) }

func (d *Document) sample(at *Schema, name string, depth int) any {
	s := d.Resolve(at)
	switch {
	case depth == 0:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Default != nil:
		return s.Default
	}
	switch s.Kind() {
	case "object":
		o := Object{}
		for _, f := range d.Fields(s) {
			if !f.Schema.ReadOnly {
				o = append(o, Member{f.Name, d.sample(s.Properties[f.Name], f.Name, depth-1)})
			}
		}
		return o
	case "array":
		return []any{d.sample(s.Items, strings.TrimSuffix(name, "s"), depth-1)}
	case "integer", "number":
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 0
	case "boolean":
		return false
	}
	return sampleText(s, name)
}

// sampleText makes an example of a text, from its format or its name.
func sampleText(s *Schema, name string) string {
	switch s.Format {
	case "date-time":
		return "2027-04-01T00:00:00Z"
	case "date":
		return "2027-04-01"
	case "uri":
		return "https://hook.example/tegami"
	case "email":
		return "sato@alpha.example"
	}
	switch low := strings.ToLower(name); {
	case low == "id" || strings.HasSuffix(name, "ID") || low == "tenant" || low == "account" || low == "group":
		return "06jcn3qag0000"
	case strings.Contains(low, "address") || low == "email" || low == "owner":
		return "sato@alpha.example"
	case strings.Contains(low, "domain"):
		return "alpha.example"
	case strings.Contains(low, "network"):
		return "198.51.100.0/24"
	case strings.Contains(low, "password"):
		return "…"
	}
	return name
}

// Object is a JSON object whose members have an order.
type Object []Member

// Member is one of them.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}
