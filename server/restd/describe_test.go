package restd_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
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

// TestCP10DocumentationIsServed: every operation stands on the page with who may and an example, in both languages, and the page loads
// nothing from elsewhere.
func TestCP10DocumentationIsServed(t *testing.T) {
	h := newHouse(t)
	d := h.description()
	for lang, title := range map[string]string{"en": "The control API", "ja": "制御API"} {
		r := h.ask("", "GET", "/docs?lang="+lang, nil)
		page := r.Body.String()
		if r.Code != 200 || !strings.Contains(page, "<h1>"+title+"</h1>") || !strings.Contains(page, `lang="`+lang+`"`) || strings.Contains(page, "docs.") {
			t.Fatalf("%s: %d %.200s", lang, r.Code, page)
		}
		for _, o := range d.all() {
			if !strings.Contains(page, `<article id="`+o.ID+`">`) || !strings.Contains(page, o.path) {
				t.Errorf("%s: %s is not there", lang, o.ID)
			}
		}
		for _, bad := range []string{"<script", "<link", "src=", "@import", "url("} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: %s", lang, bad)
			}
		}
		if !strings.Contains(r.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error(r.Header())
		}
	}
}
