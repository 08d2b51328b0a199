package tegami_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// names are the functions, methods and types of the house: "mail.E", "mail.(*Error).Error", "store.Tx.Keep", "mail.Address".
func names(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		pkg := path.Base(s.dir())
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				all[pkg+"."+functionName(d)] = true
			case *ast.GenDecl:
				addTypes(all, pkg, d)
			}
		}
	}
	return all
}

// addTypes adds the types of a declaration, with the methods of interfaces.
func addTypes(all map[string]bool, pkg string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		all[pkg+"."+ts.Name.Name] = true
		if i, ok := ts.Type.(*ast.InterfaceType); ok {
			for _, m := range i.Methods.List {
				for _, name := range m.Names {
					all[pkg+"."+ts.Name.Name+"."+name.Name] = true
				}
			}
		}
	}
}

// codeName matches what is written as a function of a package in a text.
var codeName = regexp.MustCompile("`([a-z][a-z0-9]*\\.(?:\\(\\*?[A-Za-z]+\\)\\.|[A-Z][A-Za-z]*\\.)?[A-Za-z]+)`")

// TestFlowNamesExist: the life of a message is told with functions that are there.
func TestFlowNamesExist(t *testing.T) {
	text, err := os.ReadFile("docs/flow.md")
	if err != nil {
		t.Fatal(err)
	}
	known, found := names(t), 0
	for _, m := range codeName.FindAllStringSubmatch(string(text), -1) {
		found++
		if !known[m[1]] && !known[strings.NewReplacer("(", "", ")", "").Replace(m[1])] {
			t.Errorf("docs/flow.md names %s, which does not exist", m[1])
		}
	}
	if found < 20 {
		t.Errorf("only %d names found in docs/flow.md: the test is broken", found)
	}
}

// TestLinksLeadSomewhere: links between the documents, and to files of the house, are not dead.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	if len(files) < 8 {
		t.Fatalf("only %d documents", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	}
}

// TestDecisions: every decision has its own number, and says all that a decision says.
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("docs/adr/[0-9]*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no decisions (%v)", err)
	}
	seen := map[string]string{}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "-")
		if other := seen[number]; other != "" {
			t.Errorf("%s and %s have the same number", file, other)
		}
		seen[number] = file
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(number)
		for _, part := range []string{"# " + strconv.Itoa(n) + ". ", "\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n", "\n## What would change our mind\n"} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %q", file, strings.TrimSpace(part))
			}
		}
	}
}

// standard is a row of docs/rfc/index.tsv.
type standard struct {
	number string
	title  string
	status string // yes, partly, no
	where  string // packages, separated by blanks
	test   string // a test function or dialog file that shows it: "wire/smtp TestX", "server/smtpd x.dialog"
	note   string
}

func standards(t *testing.T) []standard {
	t.Helper()
	text, err := os.ReadFile("docs/rfc/index.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var rows []standard
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			t.Errorf("docs/rfc/index.tsv: %q has %d fields, not 6", line, len(f))
			continue
		}
		rows = append(rows, standard{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	if len(rows) < 20 {
		t.Fatalf("only %d rows in docs/rfc/index.tsv", len(rows))
	}
	return rows
}

// citations are the RFCs the product's source files cite, each with the packages that do. The lab plays the world outside and is no part of it.
func citations(t *testing.T) map[string]map[string]bool {
	t.Helper()
	cite := regexp.MustCompile(`RFC (\d+)`)
	cited := map[string]map[string]bool{}
	for _, s := range sources(t) {
		if s.test || inside(s.dir(), "lab") {
			continue
		}
		for _, group := range s.file.Comments {
			for _, m := range cite.FindAllStringSubmatch(group.Text(), -1) {
				if cited[m[1]] == nil {
					cited[m[1]] = map[string]bool{}
				}
				cited[m[1]][s.dir()] = true
			}
		}
	}
	return cited
}

// TestStandards holds docs/rfc/index.tsv to the code: what is claimed is cited where it is said to be, by a test that exists; what
// the code cites is in the index.
func TestStandards(t *testing.T) {
	cited, tests := citations(t), testNames(t)
	listed, last := map[string]bool{}, 0
	for _, row := range standards(t) {
		n, err := strconv.Atoi(row.number)
		if err != nil || n <= last {
			t.Errorf("RFC %q is out of order, twice or no number", row.number)
		}
		last = n
		listed[row.number] = true
		switch row.status {
		case "yes", "partly":
			for _, where := range strings.Fields(row.where) {
				if !cited[row.number][where] {
					t.Errorf("RFC %s is claimed in %s, which does not cite it", row.number, where)
				}
			}
			if row.where == "" || !tests[row.test] {
				t.Errorf("RFC %s (%s) is claimed, and there is no test %q", row.number, row.where, row.test)
			}
		case "no", "cited":
			if row.note == "" {
				t.Errorf("RFC %s: why is it %s?", row.number, row.status)
			}
		default:
			t.Errorf("RFC %s has the status %q", row.number, row.status)
		}
	}
	for number, by := range cited {
		if !listed[number] {
			t.Errorf("RFC %s is cited in %v and not in docs/rfc/index.tsv", number, by)
		}
	}
}

// testNames are the tests and dialogs of the house, as "package Name" and "package file.dialog".
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				all[s.dir()+" "+f.Name.Name] = true
			}
		}
	}
	for _, depth := range []string{"*", "*/*"} {
		dialogs, err := filepath.Glob("server/*/testdata/" + depth + ".dialog")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range dialogs {
			dir, name, _ := strings.Cut(filepath.ToSlash(file), "/testdata/")
			all[dir+" "+name] = true
		}
	}
	return all
}
