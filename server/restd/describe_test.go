package restd_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tegami/server/restd/compat"
)

// update writes the description anew; release makes it the one that programs rely on.
var (
	update  = flag.Bool("update", false, "write docs/openapi.json")
	release = flag.Bool("release", false, "write docs/openapi-released.json: what later changes must not break")
)

const (
	described = "../../docs/openapi.json"
	released  = "../../docs/openapi-released.json"
)

// TestCP10DescriptionIsCommitted: docs/openapi.json is what the server says of itself. -update writes it.
func TestCP10DescriptionIsCommitted(t *testing.T) {
	text, err := newHouse(t).Description()
	if err != nil {
		t.Fatal(err)
	}
	for file, write := range map[string]bool{described: *update, released: *release} {
		if write {
			if err := os.WriteFile(filepath.FromSlash(file), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if have, err := os.ReadFile(described); err != nil || string(have) != string(text) {
		t.Errorf("docs/openapi.json is not what the code says (%v): go test ./server/restd -update", err)
	}
}

// TestCP10NothingBreaks: no program that was written for the last release breaks.
func TestCP10NothingBreaks(t *testing.T) {
	text, err := newHouse(t).Description()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	found, err := compat.Breaks(before, text)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range found {
		t.Error(b)
	}
}

// TestCP10DescriptionIsServed: everybody may read it, and keep it.
func TestCP10DescriptionIsServed(t *testing.T) {
	h := newHouse(t)
	r := h.ask("", "GET", "/openapi.json", nil)
	var doc struct{ OpenAPI string }
	if err := json.Unmarshal(r.into(&doc).Body.Bytes(), &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Errorf("%v, %q", err, doc.OpenAPI)
	}
	if again := h.ask("", "GET", "/openapi.json", nil, "If-None-Match", r.Header().Get("ETag")); again.Code != 304 {
		t.Error(again.Code)
	}
}
