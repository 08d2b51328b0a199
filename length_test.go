package tegami_test

import (
	"cmp"
	"go/ast"
	"os"
	"slices"
	"strings"
	"testing"
)

// How long things may grow without a reason in docs/long.tsv. Test code may have
// long functions: a table is read, not followed.
const (
	maxFunction   = 60  // lines from func to the closing brace
	maxFile       = 800 // lines
	maxParameters = 5   // beside the context
)

// long is one thing that is longer than the house likes.
type long struct {
	what string // "path", "path Func" or "path (*Type).Method"
	size int
	unit string // "lines", "parameters"
}

// TestLength reports functions over 60 lines or 5 parameters and files over 800 lines. Each needs a line in
// docs/long.tsv that says why; a line there that nothing needs any more fails as well.
func TestLength(t *testing.T) {
	reasons := longReasons(t)
	var functions int
	for _, s := range sources(t) {
		found, n := longIn(s)
		functions += n
		for _, l := range found {
			if reasons[l.what] == "" {
				t.Errorf("%s has %d %s: shorten it, or give the reason in docs/long.tsv", l.what, l.size, l.unit)
			}
			delete(reasons, l.what)
		}
	}
	for what := range reasons {
		t.Errorf("docs/long.tsv lists %q, which is not long any more", what)
	}
	t.Logf("%d functions outside of tests", functions)
}

// longIn finds what is too long in a file, and counts its functions.
func longIn(s source) (found []long, functions int) {
	if s.size > maxFile {
		found = append(found, long{s.path, s.size, "lines"})
	}
	if s.test {
		return found, 0
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		functions++
		name := s.path + " " + functionName(f)
		if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFunction {
			found = append(found, long{name, n, "lines"})
		} else if n := parameters(f); n > maxParameters {
			found = append(found, long{name, n, "parameters"})
		}
	}
	slices.SortFunc(found, func(a, b long) int { return cmp.Compare(b.size, a.size) })
	return found, functions
}

// functionName writes "Func" or "(*Type).Method".
func functionName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	return "(" + typeName(f.Recv.List[0].Type) + ")." + f.Name.Name
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "*" + typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// parameters counts a function's parameters without the context.
func parameters(f *ast.FuncDecl) int {
	n := 0
	for _, field := range f.Type.Params.List {
		if sel, ok := field.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "Context" {
			continue
		}
		n += max(1, len(field.Names))
	}
	return n
}

// longReasons reads docs/long.tsv: what, a tab, the reason. Lines with # are remarks.
func longReasons(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("docs/long.tsv")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		what, why, _ := strings.Cut(line, "\t")
		if why = strings.TrimSpace(why); len(why) < 20 {
			t.Errorf("docs/long.tsv: %q has no reason", what)
		}
		reasons[what] = why
	}
	return reasons
}
