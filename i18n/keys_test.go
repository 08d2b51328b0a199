package i18n

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestKeysAreKnownAndUsed walks the Go sources, templates and browser pages of the house: every key given
// to mail.E, mail.Because, Text or t exists, and every key of the catalogue stands
// somewhere as a string.
func TestKeysAreKnownAndUsed(t *testing.T) {
	used, literals := keysInSources(t, "..")
	if len(used) == 0 {
		t.Fatal("found no key in the sources: the walk is broken")
	}
	c := New()
	for key, where := range used {
		for _, l := range Langs() {
			if !c.Has(l, key) {
				t.Errorf("%s: key %q is not in locales/%s.json", where, key, l)
			}
		}
	}
	for _, key := range c.Keys(English) {
		if !literals[key] {
			t.Errorf("key %q is used nowhere", key)
		}
	}
}

// keysInSources gives the keys in calls that take one, with their place, and all string literals.
func keysInSources(t *testing.T, root string) (used map[string]string, literals map[string]bool) {
	used, literals = map[string]string{}, map[string]bool{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".html") {
			return keysInText(path, inTemplate, used, literals)
		}
		if err == nil && (strings.HasSuffix(path, ".svelte") || strings.HasSuffix(path, ".ts")) {
			return keysInText(path, inPage, used, literals)
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, ok := literal(n); ok {
					literals[s] = true
				}
			case *ast.CallExpr:
				if key, ok := keyOf(n); ok {
					used[key] = fset.Position(n.Pos()).String()
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return used, literals
}

// inTemplate finds the text method of a template: {{.T "key" …}}.
var inTemplate = regexp.MustCompile(`\.T "([^"]+)"`)

// inPage finds the keys of the browser's pages: they stand there whole, since the build takes those it finds (web/kit/build/words.ts).
var inPage = regexp.MustCompile("[\"'`]((?:panel|webmail)\\.[a-z0-9_.]+)[\"'`]")

func keysInText(path string, form *regexp.Regexp, used map[string]string, literals map[string]bool) error {
	text, err := os.ReadFile(path)
	for _, m := range form.FindAllStringSubmatch(string(text), -1) {
		used[m[1]], literals[m[1]] = path, true
	}
	return err
}

var keyForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)

// keyOf gives the key a call hands to the catalogue: the third argument of E and Because, the second of Text.
func keyOf(call *ast.CallExpr) (string, bool) {
	at := map[string]int{"E": 2, "Because": 2, "Text": 1}
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	i, ok := at[name]
	if !ok || i >= len(call.Args) {
		return "", false
	}
	s, ok := literal(call.Args[i])
	return s, ok && keyForm.MatchString(s)
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}
