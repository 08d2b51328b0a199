package directory

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tegami/i18n"
	"tegami/mail"
)

// writers are what functions call that write objects under an operation's name.
var writers = []string{
	"change", "update", "Update", "changeAccount", "operate", "write", "changeApps", "changeTenant", "changeFactors", "writeHeld",
	"changeMembers", "changeDomain", "prove", "setSending", "act", "changeSessions",
}

// wordless are operations that write nothing anybody reads of, with the reason.
var wordless = map[mail.Op]string{
	"directory.NoteView": "the operation looked at names the line", "directory.NoteExport": "the same",
}

var opForm = regexp.MustCompile(`^[a-z]+\.[A-Z][A-Za-z]+$`)

// TestCP7OperationsHaveWords: every operation that an actor does and that writes has a text in both languages; there is no text for
// an operation that does not exist.
func TestCP7OperationsHaveWords(t *testing.T) {
	words := i18n.New()
	named := make(map[mail.Op]bool)
	found := 0
	for _, room := range []string{".", "../domains", "../billing", "../jobs", "../mailbox", "../queue", "../deliver", "../quarantine", "bulk"} {
		eachFunction(t, room, func(file string, fn *ast.FuncDecl, ops []mail.Op) {
			for _, op := range ops {
				named[op] = true
			}
			if !takesActor(fn) || !writes(fn) || !slices.Contains([]string{".", "../domains", "../billing", "../jobs"}, room) {
				return
			}
			for _, op := range ops {
				found++
				if opTexts[op] == "" && wordless[op] == "" {
					t.Errorf("%s: %s writes as %s, which has no words in opTexts", file, fn.Name.Name, op)
				}
			}
		})
	}
	if found < 40 {
		t.Fatalf("only %d operations were found: the walk is broken", found)
	}
	for op, key := range opTexts {
		if !named[op] {
			t.Errorf("opTexts names %s, which is no operation", op)
		}
		for _, lang := range i18n.Langs() {
			if !words.Has(lang, key) {
				t.Errorf("%s: the catalogue has no %s in %s", op, key, lang)
			}
		}
	}
	for role, key := range actorTexts {
		for _, lang := range i18n.Langs() {
			if !words.Has(lang, key) {
				t.Errorf("capacity %d: the catalogue has no %s in %s", role, key, lang)
			}
		}
	}
}

// eachFunction calls fn for each function of a room with the operations that stand in it.
func eachFunction(t *testing.T, room string, fn func(file string, f *ast.FuncDecl, ops []mail.Op)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(room, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", room, len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			var ops []mail.Op
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if s, err := strconv.Unquote(l.Value); err == nil && (opForm.MatchString(s) || opTexts[mail.Op(s)] != "") {
						ops = append(ops, mail.Op(s))
					}
				}
				return true
			})
			fn(name, f, ops)
		}
	}
}

// takesActor tells whether a function has a parameter that is an actor.
func takesActor(f *ast.FuncDecl) bool {
	return slices.ContainsFunc(f.Type.Params.List, func(p *ast.Field) bool {
		s, ok := p.Type.(*ast.SelectorExpr)
		return ok && s.Sel.Name == "Actor"
	})
}

// writes tells whether a function calls one of the writers.
func writes(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			if s, ok := c.Fun.(*ast.SelectorExpr); ok {
				found = found || slices.Contains(writers, s.Sel.Name)
			}
		}
		return true
	})
	return found
}
