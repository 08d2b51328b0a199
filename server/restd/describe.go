package restd

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// description is what the description says beside the operations.
func description() huma.Config {
	c := huma.DefaultConfig("Tegami", Version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", "" // we serve it ourselves
	c.CreateHooks = nil                                   // no $schema in answers
	c.Info.Description = about
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Servers = []*huma.Server{{URL: "/", Description: "The server that gave this description"}}
	c.RejectUnknownQueryParameters = true
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"key":     {Type: "http", Scheme: "bearer", Description: "An API key of a company or an operator."},
		"session": {Type: "apiKey", In: "cookie", Name: SessionCookie, Description: "A signed-in browser. What changes something needs the header " + PageHeader + " besides."},
	}
	c.Security = []map[string][]string{{"key": {}}, {"session": {}}}
	return c
}

// about is what a programmer has to know before the first call.
const about = `Everything the control panel and the command line do.

Send an API key as "Authorization: Bearer …". Bodies are JSON in UTF-8; times are RFC 3339 in UTC; ids are opaque text.
A refusal is a problem (RFC 9457): "key" is stable and for programs, "detail" for people, in the language that Accept-Language asks for (ja, en).
Things have an ETag, which If-Match takes: 412 tells that somebody else changed it meanwhile. Lists have a cursor, "next", until their end.
A POST with an Idempotency-Key may be sent again: it is done once. Every answer has a Request-Id; RateLimit tells how many calls are left.
Operations with x-fresh answer 403 auth.confirm_needed to a browser that was left open for 15 minutes; POST /self/confirm, then send them again.
x-roles of an operation lists who may call it: "anybody" without a key, "user" for everybody who is signed in, and the roles.`

// Description is the interface's description, OpenAPI 3.1 as JSON, as it is served at Prefix/openapi.json.
func (s *Server) Description() ([]byte, error) { return s.described() }

// describe writes the description. It is the same for the same code.
func (s *Server) describe() ([]byte, error) {
	s.order()
	text, err := s.api.OpenAPI().MarshalJSON()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", " "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// order notes in each schema in which order its properties were declared: JSON forgets it, and people want the name before the memo.
func (s *Server) order() {
	schemas := s.api.OpenAPI().Components.Schemas
	for name, schema := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil || len(schema.Properties) < 2 {
			continue
		}
		if schema.Extensions == nil {
			schema.Extensions = map[string]any{}
		}
		schema.Extensions["x-order"] = declared(t, schema.Properties)
	}
}

// declared lists the properties of a type in the order of its fields, those of embedded structs in their place.
func declared(t reflect.Type, properties map[string]*huma.Schema) (names []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, declared(f.Type, properties)...)
		case properties[name] != nil:
			names = append(names, name)
		}
	}
	return names
}

// serveDescription answers with the description. It holds nothing of anybody's, so browsers may keep it.
func (s *Server) serveDescription(w http.ResponseWriter, _ *http.Request) {
	text, err := s.described()
	if err != nil {
		s.refuse(w.(*answer), err)
		return
	}
	public(w, "application/openapi+json", text)
}

// public answers with what is for everybody and changes with the program only.
func public(w http.ResponseWriter, kind string, text []byte) {
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	h.Set("Cache-Control", "public, no-cache")
	w.Write(text) // who hangs up needs no answer
}
