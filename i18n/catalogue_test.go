package i18n

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"tegami/mail"
)

func TestText(t *testing.T) {
	c := &Catalogue{texts: map[Lang]map[string]template{
		English: {
			"plain":  compile("Nothing to fill."),
			"number": compile("{0} of {1} used, {0} again"),
			"named":  compile("Dear {who}, {what}!"),
			"odd":    compile("a { b } c {} d {0"),
		},
		Japanese: {"number": compile("{1}のうち{0}")},
	}}
	for _, x := range []struct {
		lang Lang
		key  string
		args []any
		want string
	}{
		{English, "plain", nil, "Nothing to fill."},
		{English, "number", []any{1, "x"}, "1 of x used, 1 again"},
		{English, "number", []any{1}, "1 of {1} used, 1 again"},
		{Japanese, "number", []any{1, 2}, "2のうち1"},
		{Japanese, "plain", nil, "Nothing to fill."},
		{English, "named", []any{Args{"who": "Sato", "what": 3}}, "Dear Sato, 3!"},
		{English, "named", []any{Args{"who": "Sato"}}, "Dear Sato, {what}!"},
		{English, "odd", []any{"z"}, "a { b } c {} d {0"},
		{English, "unknown.key", []any{1}, "unknown.key"},
	} {
		if got := c.Text(x.lang, x.key, x.args...); got != x.want {
			t.Errorf("Text(%s, %s, %v) = %q, want %q", x.lang, x.key, x.args, got, x.want)
		}
	}
}

func TestErrorTextHidesCauses(t *testing.T) {
	c := New()
	err := mail.Wrap("outer", mail.E("inner", mail.Invalid, "address.malformed", "x y"))
	if got := c.Error(English, err); got != `"x y" is not a valid mail address.` {
		t.Error(got)
	}
	secret := mail.Because("store.Get", mail.Unavailable, "", os.ErrPermission)
	if got := c.Error(English, secret); got != c.Text(English, "kind.unavailable") || strings.Contains(got, "permission") {
		t.Error(got)
	}
	for _, k := range mail.Kinds() {
		for _, l := range Langs() {
			if !c.Has(l, kindKeys[k]) {
				t.Errorf("kind %v has no text in %s", k, l)
			}
		}
	}
}

func TestParseLang(t *testing.T) {
	for tag, want := range map[string]Lang{"ja": Japanese, "ja-JP": Japanese, "EN-us": English} {
		if got, ok := ParseLang(tag); !ok || got != want {
			t.Errorf("ParseLang(%q) = %q, %v", tag, got, ok)
		}
	}
	if _, ok := ParseLang("de"); ok {
		t.Error("de is no language of the catalogue")
	}
}

// TestLocalesAgree compares the files: the same keys, the same places, sorted, no empty text.
func TestLocalesAgree(t *testing.T) {
	c := New()
	en, ja := c.Keys(English), c.Keys(Japanese)
	if len(en) == 0 {
		t.Fatal("no texts")
	}
	for _, key := range slices.Compact(slices.Sorted(slices.Values(append(en, ja...)))) {
		if !c.Has(English, key) || !c.Has(Japanese, key) {
			t.Errorf("%s is not in both languages", key)
			continue
		}
		if e, j := c.Places(English, key), c.Places(Japanese, key); !slices.Equal(e, j) {
			t.Errorf("%s has places %v in en, %v in ja", key, e, j)
		}
		if c.Text(English, key) == "" || c.Text(Japanese, key) == "" {
			t.Errorf("%s is empty", key)
		}
	}
}

// TestLocalesSorted keeps the files mergeable: keys in order, one a line, none twice.
func TestLocalesSorted(t *testing.T) {
	for _, l := range Langs() {
		data, err := locales.ReadFile("locales/" + string(l) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(data, &texts); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(texts); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), data) {
			t.Errorf("locales/%s.json is not sorted, has a key twice, or is not indented by two blanks", l)
		}
	}
}
