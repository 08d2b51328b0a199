package compat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tegami/server/restd/compat"
)

// before is a description with one of everything that is compared.
const before = `{"paths":{"/a/{id}":{"get":{"operationId":"getA","x-roles":["owner","read-only"],
 "parameters":[{"in":"path","name":"id","required":true,"schema":{"type":"string"}},{"in":"query","name":"limit","schema":{"type":"integer","minimum":1,"maximum":9}}],
 "responses":{"200":{"headers":{"ETag":{}},"content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}},"404":{}}},
 "put":{"operationId":"putA","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/In"}}}},"responses":{"204":{}}}},
 "/gone":{"delete":{"operationId":"gone","responses":{"204":{}}}}},
"components":{"schemas":{
 "A":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"n":{"type":"integer"},"state":{"type":"string","enum":["on","off"]},"more":{"type":"array","items":{"$ref":"#/components/schemas/A"}},
  "at":{"type":"string","format":"date-time"},"maybe":{"type":["string","null"]},"map":{"type":"object","additionalProperties":{"type":"integer"}},"one":{"oneOf":[{"type":"string"}]},"all":{"allOf":[{"type":"string"}]},"just":{"const":"x"}}},
 "In":{"type":"object","additionalProperties":false,"required":["name"],"properties":{"name":{"type":"string","maxLength":9,"minLength":2},"mode":{"type":"string","enum":["a","b"]},"n":{"type":"number"},"tags":{"type":"array","items":{"type":"string"},"maxItems":5},"open":{"type":"object","properties":{"x":{}}},"any":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}}}}`

// change replaces the value at a path of keys; no value removes it.
func change(t *testing.T, path string, value string) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(before), &doc); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(path, " ")
	at := doc
	for _, key := range keys[:len(keys)-1] {
		inside, ok := at[key].(map[string]any)
		if !ok {
			t.Fatalf("%s: no %s", path, key)
		}
		at = inside
	}
	last := keys[len(keys)-1]
	delete(at, last)
	if value != "" {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		at[last] = v
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const (
	get = "paths /a/{id} get "
	put = "paths /a/{id} put "
	out = "components schemas A "
	in  = "components schemas In "
)

// TestCP10Breaks: each thing that breaks is found, and nothing else.
func TestCP10Breaks(t *testing.T) {
	for _, c := range []struct{ path, value, where, what string }{
		{"paths /gone delete", ``, "DELETE /gone", "the operation was removed"},
		{"paths /gone", ``, "DELETE /gone", "the operation was removed"},
		{get + "operationId", `"readA"`, "GET /a/{id}", "its name changed from getA to readA: generated clients call it by that"},
		{get + "x-roles", `["owner"]`, "GET /a/{id}", "read-only may no longer"},
		{get + "parameters", `[{"in":"path","name":"id","required":true,"schema":{"type":"string"}}]`, "GET /a/{id}: query limit", "the parameter was removed"},
		{put + "parameters", `[{"in":"query","name":"why","required":true}]`, "PUT /a/{id}: query why", "is a new required parameter"},
		{put + "requestBody required", `true`, "PUT /a/{id}: request", "the body became required"},
		{put + "requestBody content", `{"text/csv":{}}`, "PUT /a/{id}: request", "application/json is no longer taken"},
		{put + "requestBody", ``, "PUT /a/{id}: request", "the body was removed"},
		{put + "responses", `{"202":{}}`, "PUT /a/{id}: answer 204", "is no longer given"},
		{get + "responses 200 headers", `{}`, "GET /a/{id}: answer 200", "the header field ETag was removed"},
		{get + "responses 200 content", `{"text/csv":{}}`, "GET /a/{id}: answer 200", "is no longer application/json"},
		{out + "properties n", ``, "GET /a/{id}: answer 200: body: n", "the field was removed"},
		{out + "required", `[]`, "GET /a/{id}: answer 200: body", "the field name may be absent now"},
		{out + "properties n type", `"number"`, "GET /a/{id}: answer 200: body: n", "the type changed from integer to number"},
		{out + "properties n type", `["integer","null"]`, "GET /a/{id}: answer 200: body: n", "the type changed from integer to integer or null"},
		{out + "properties n type", ``, "GET /a/{id}: answer 200: body: n", "the type changed from integer to array or boolean or null or number or object or string"},
		{out + "properties state enum", `["on"]`, "GET /a/{id}: answer 200: body: state", "the value off was removed"},
		{out + "properties state enum", ``, "GET /a/{id}: answer 200: body: state", "any value may be given now"},
		{out + "properties at format", ``, "GET /a/{id}: answer 200: body: at", "the format changed from date-time to <nil>"},
		{out + "properties map additionalProperties", `{"type":"string"}`, "GET /a/{id}: answer 200: body: map: {}", "the type changed from integer to string"},
		{out + "properties more items", `{"type":"string"}`, "GET /a/{id}: answer 200: body: more: []", "the type changed from object to string"},
		{out + "properties one oneOf", `[{"type":"string"},{"type":"null"}]`, "GET /a/{id}: answer 200: body: one", "the alternatives of oneOf changed"},
		{out + "properties all allOf", `[{"type":"integer"}]`, "GET /a/{id}: answer 200: body: all", "what it is made of changed"},
		{out + "properties just const", `"y"`, "GET /a/{id}: answer 200: body: just", "the only value changed from x to y"},
		{in + "required", `["name","mode"]`, "PUT /a/{id}: request: body", "the field mode became required"},
		{in + "properties mode", ``, "PUT /a/{id}: request: body: mode", "the field was removed"},
		{in + "properties mode enum", `["a"]`, "PUT /a/{id}: request: body: mode", "the value b was removed"},
		{in + "properties name enum", `["a"]`, "PUT /a/{id}: request: body: name", "only some values are taken now"},
		{in + "properties name maxLength", `8`, "PUT /a/{id}: request: body: name", "maxLength sank from 9 to 8"},
		{in + "properties name minLength", `3`, "PUT /a/{id}: request: body: name", "minLength rose from 2 to 3"},
		{in + "properties name pattern", `"x"`, "PUT /a/{id}: request: body: name", "pattern is now x"},
		{in + "properties name format", `"email"`, "PUT /a/{id}: request: body: name", "the format changed from <nil> to email"},
		{in + "properties n type", `"integer"`, "PUT /a/{id}: request: body: n", "the type changed from number to integer"},
		{in + "properties n minimum", `1`, "PUT /a/{id}: request: body: n", "minimum rose from <nil> to 1"},
		{in + "properties tags uniqueItems", `true`, "PUT /a/{id}: request: body: tags", "items must differ now"},
		{in + "properties tags items", `{"type":"integer"}`, "PUT /a/{id}: request: body: tags: []", "the type changed from string to integer"},
		{in + "properties open additionalProperties", `false`, "PUT /a/{id}: request: body: open", "other fields are refused now"},
		{in + "properties any anyOf", `[{"type":"string"}]`, "PUT /a/{id}: request: body: any", "the alternatives of anyOf changed"},
	} {
		found, err := compat.Breaks([]byte(before), change(t, c.path, c.value))
		if err != nil || len(found) != 1 || found[0].Where != c.where || found[0].What != c.what {
			t.Errorf("%s = %s: %v %v", c.path, c.value, found, err)
		}
	}
}

// TestCP10Passes: what is added breaks nothing.
func TestCP10Passes(t *testing.T) {
	for _, c := range []struct{ path, value string }{
		{"info", `{"title":"x"}`},
		{"paths /new", `{"get":{"operationId":"new","responses":{}}}`},
		{get + "x-roles", `["owner","read-only","help-desk"]`},
		{put + "parameters", `[{"in":"query","name":"why"}]`},
		{get + "responses 404", ``},
		{get + "responses 206", `{}`},
		{out + "properties extra", `{"type":"string"}`},
		{out + "required", `["name","n"]`},
		{out + "properties maybe type", `"string"`},
		{out + "properties state enum", `["on","off","half"]`},
		{out + "properties name maxLength", `9`},
		{in + "required", `[]`},
		{in + "properties extra", `{"type":"string"}`},
		{in + "properties mode enum", `["a","b","c"]`},
		{in + "properties mode enum", ``},
		{in + "properties name maxLength", `10`},
		{in + "properties name maxLength", ``},
		{in + "properties name minLength", `0`},
		{in + "properties n type", `["number","null"]`},
		{in + "properties any anyOf", `[{"type":"string"},{"type":"integer"},{"type":"null"}]`},
	} {
		if found, err := compat.Breaks([]byte(before), change(t, c.path, c.value)); err != nil || len(found) > 0 {
			t.Errorf("%s = %s: %v %v", c.path, c.value, found, err)
		}
	}
	if _, err := compat.Breaks([]byte(before), []byte(`x`)); err == nil {
		t.Error("x is no description")
	}
}

// FuzzBreaks: no document makes the comparison fail or last, and none breaks itself.
func FuzzBreaks(f *testing.F) {
	f.Add([]byte(before), []byte(before))
	f.Add([]byte(`{"paths":{"/":{"get":{"parameters":[1,{"in":2}],"responses":{"200":1}}}}}`), []byte(`{"paths":{"/":{"get":{}}}}`))
	f.Add([]byte(before), []byte(strings.ReplaceAll(before, `"type":"object"`, `"$ref":"#/components/schemas/A"`)))
	f.Fuzz(func(t *testing.T, old, now []byte) {
		compat.Breaks(old, now)
		if found, err := compat.Breaks(old, old); err == nil && len(found) > 0 {
			t.Errorf("%s: %v", old, found)
		}
	})
}
