package restd_test

import (
	"encoding/json"
	"log/slog"
	"testing"

	"tegami/directory"
	"tegami/i18n"
	"tegami/server/restd"
	"tegami/store/embedded"
)

// TestCP10DescriptionIsOpenAPI: the description says its version and names every operation with who may.
func TestCP10DescriptionIsOpenAPI(t *testing.T) {
	st, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s := restd.New(restd.Config{Directory: directory.New(st, directory.Config{}), Words: i18n.New(), Log: slog.New(slog.DiscardHandler)})
	text, err := s.Description()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) == 0 {
		t.Fatalf("version %q, %d paths", doc.OpenAPI, len(doc.Paths))
	}
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var op struct {
				ID    string   `json:"operationId"`
				Roles []string `json:"x-roles"`
			}
			if err := json.Unmarshal(raw, &op); err != nil || op.ID == "" || len(op.Roles) == 0 {
				t.Errorf("%s %s: %v, id %q, roles %v", method, path, err, op.ID, op.Roles)
			}
		}
	}
}
