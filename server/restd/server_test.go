package restd_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// description is what the tests read of the API's description.
type description struct {
	OpenAPI    string
	Info       struct{ Title, Version string }
	Paths      map[string]map[string]operation
	Components struct {
		Schemas         map[string]json.RawMessage
		SecuritySchemes map[string]json.RawMessage
	}
}

// operation is one of its operations.
type operation struct {
	ID         string   `json:"operationId"`
	Right      string   `json:"x-right"`
	Roles      []string `json:"x-roles"`
	Summary    string
	Tags       []string
	Parameters []struct {
		Name, In string
		Required bool
		Schema   schema
	}
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema schema }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema schema }
	}
}

// schema is a JSON schema as the API uses them.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Format     string
	Pattern    string
	Enum       []any
	Required   []string
	Properties map[string]schema
	Items      *schema
	Examples   []any
	MinLength  int
	Minimum    float64
	MinItems   int
	Additional json.RawMessage `json:"additionalProperties"`
}

func (h *house) description() (d description) {
	h.Helper()
	text, err := h.Description()
	h.must(err)
	h.must(json.Unmarshal(text, &d))
	return d
}

// resolve follows a reference.
func (d *description) resolve(s schema) schema {
	name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/")
	if !ok {
		return s
	}
	var found schema
	if json.Unmarshal(d.Components.Schemas[name], &found) != nil {
		return schema{}
	}
	return d.resolve(found)
}

// call is an operation with where it stands.
type call struct {
	operation
	method, path string
}

// all lists the operations in a fixed order.
func (d *description) all() (list []call) {
	for path, methods := range d.Paths {
		for method, o := range methods {
			list = append(list, call{o, strings.ToUpper(method), path})
		}
	}
	slices.SortFunc(list, func(a, b call) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return list
}

var (
	placeInPath = regexp.MustCompile(`\{([^}]+)\}`)
	goodID      = regexp.MustCompile(`^[a-z][a-zA-Z0-9]+$`)
	goodStatus  = regexp.MustCompile(`^([1-5]\d\d|default)$`)
)

// TestCP10DescriptionIsOpenAPI: the description says its version, names every operation with who may, and tells every
// place in a path. Right names where it belongs: what needs a right in a company stands below one.
func TestCP10DescriptionIsOpenAPI(t *testing.T) {
	h := newHouse(t)
	d := h.description()
	if d.OpenAPI != "3.1.0" || d.Info.Title == "" || d.Info.Version == "" || len(d.Paths) == 0 {
		t.Fatalf("version %q, %d paths", d.OpenAPI, len(d.Paths))
	}
	names := map[string]bool{}
	for _, o := range d.all() {
		where := o.method + " " + o.path
		switch {
		case !goodID.MatchString(o.ID) || names[o.ID]:
			t.Errorf("%s: the name %q", where, o.ID)
		case len(o.Roles) == 0:
			t.Errorf("%s: nobody may", where)
		case len(o.Tags) != 1 || o.Tags[0] == "" || !strings.HasSuffix(o.Summary, "."):
			t.Errorf("%s: tags %q, summary %q", where, o.Tags, o.Summary)
		}
		names[o.ID] = true
		for _, m := range placeInPath.FindAllStringSubmatch(o.path, -1) {
			if !o.has("path", m[1]) {
				t.Errorf("%s: no parameter %s (huma skips embedded structs that are not exported)", where, m[1])
			}
		}
		for status, r := range o.Responses {
			if !goodStatus.MatchString(status) || r.Description == "" {
				t.Errorf("%s: answer %s %q", where, status, r.Description)
			}
		}
		free := slices.Contains([]string{"any", "self", "order", "order.read", ""}, o.Right)
		if !free && !strings.Contains(o.path, "{tenant}") {
			t.Errorf("%s needs %s, which is a right in a company", where, o.Right)
		}
		if o.Right == "self" && !strings.Contains(o.path, "/self") {
			t.Errorf("%s: everybody's own stands below /self", where)
		}
	}
	text, err := h.Description()
	h.must(err)
	for _, m := range regexp.MustCompile(`"\$ref": "#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		if d.Components.Schemas[m[1]] == nil {
			t.Errorf("no schema %s", m[1])
		}
	}
}

// has tells whether an operation has a parameter.
func (o operation) has(in, name string) bool {
	for _, p := range o.Parameters {
		if p.In == in && p.Name == name && (p.Required || in != "path") {
			return true
		}
	}
	return false
}

// lint has Redocly's validator read a description from its standard input and print what it finds.
const lint = `
import { createConfig, lintFromString } from '@redocly/openapi-core';
let source = '';
for await (const part of process.stdin) source += part;
const rules = Object.fromEntries(['struct', 'no-unresolved-refs', 'operation-operationId-unique', 'path-parameters-defined', 'no-identical-paths',
  'operation-parameters-unique', 'security-defined', 'no-enum-type-mismatch', 'no-required-schema-properties-undefined',
  'no-invalid-media-type-examples', 'no-invalid-parameter-examples'].map((name) => [name, 'error']));
for (const f of await lintFromString({ source, config: await createConfig({ rules }) }))
  console.log(f.ruleId, f.location[0]?.pointer ?? '', f.message);
`

// TestCP10DescriptionValidates: a validator of OpenAPI 3.1 finds nothing. It comes with what makes the TypeScript client.
func TestCP10DescriptionValidates(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	dir := "../../web"
	probe := exec.Command(node, "--input-type=module", "-e", "import '@redocly/openapi-core'")
	probe.Dir = dir
	if probe.Run() != nil {
		t.Skip("the development tools of web are not installed: npm ci in web")
	}
	text, err := newHouse(t).Description()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(node, "--input-type=module", "-e", lint)
	run.Dir, run.Stdin = dir, strings.NewReader(string(text))
	if found, err := run.CombinedOutput(); err != nil || len(found) > 0 {
		t.Errorf("%v\n%s", err, found)
	}
	broken := strings.Replace(string(text), `"openapi": "3.1.0"`, `"openapi": "3.1.0", "path": {}`, 1)
	run = exec.Command(node, "--input-type=module", "-e", lint)
	run.Dir, run.Stdin = dir, strings.NewReader(broken)
	if found, err := run.CombinedOutput(); err != nil || len(found) == 0 {
		t.Errorf("the validator finds nothing in what is no description: %v %s", err, fmt.Sprint(len(broken)))
	}
}
