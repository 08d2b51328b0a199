// Package tegami_test is the test of the house itself: what may stand on what,
// who may make an actor, and how long a function may grow. It reads the source files, not what
// `go list` says: the test cache would keep an old answer of that.
package tegami_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the rooms of the house and the floor each stands on (ARCHITECTURE.md). Imports go down only.
var floors = map[string]int{
	"mail":  0,
	"wire":  1,
	"store": 2, "obs": 2, "i18n": 2, "web": 2, "docs": 2,
	"directory": 3, "mailbox": 3, "contacts": 3, "policy": 3, "compliance": 3, "domains": 3, "billing": 3, "quarantine": 3, "learning": 3,
	"queue": 4, "jobs": 4,
	"intake": 5, "deliver": 5, "relay": 5, "notice": 5, "migrate": 5, "report": 5, "trace": 5, "webhooks": 5, "outbox": 5, "push": 5, "digest": 5, "inspect": 5,
	"server": 6,
	"app":    7,
	"cmd":    8, "lab": 8,
}

// besideDirectory are the rooms of floor 3 that may import directory, the only way sideways.
var besideDirectory = []string{"mailbox", "contacts", "compliance", "domains", "billing", "quarantine"}

// backends are what only app may import: a store is handed to everybody else.
var backends = []string{"store/embedded", "store/cluster"}

// minters may call mail.MintActor and mail.MintKey. storetest and lab stand in for them: they test what lies below.
var minters = []string{"mail", "directory", "queue", "store/storetest", "lab"}

// junkDrawers are names that say nothing about what a directory is for.
var junkDrawers = []string{"util", "utils", "common", "helpers", "helper", "models", "model", "base", "misc", "shared", "global"}

// source is one Go file of the house.
type source struct {
	path string // slash-separated, from the root
	test bool
	file *ast.File
	fset *token.FileSet
	size int // lines
}

// dir is the package's directory from the root, "" for the root itself.
func (s source) dir() string {
	if d := path.Dir(s.path); d != "." {
		return d
	}
	return ""
}

// sources parses every Go file of the house.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || name == "bin" || name == "data" || len(name) > 1 && d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(name), strings.HasSuffix(name, "_test.go"), file, fset, strings.Count(string(text), "\n")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found only %d source files: the walk is broken", len(all))
	}
	return all
}

// ours gives the packages of the house that a file imports, from the root ("wire/mime").
func (s source) ours() []string {
	var list []string
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if inside, ok := strings.CutPrefix(name, "tegami/"); ok {
			list = append(list, inside)
		}
	}
	return list
}

func room(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// inside tells whether dir is one of places or lies below it.
func inside(dir string, places ...string) bool {
	return slices.ContainsFunc(places, func(p string) bool { return dir == p || strings.HasPrefix(dir, p+"/") })
}

// importFault says what is wrong with an import of to in a file of from; "" for nothing.
//
// Tests may go sideways and use a backend, the lab and any lower room: they build
// the house around the room they test. They may not reach up otherwise.
func importFault(from, to string, test bool) string {
	a, b := room(from), room(to)
	low, known := floors[b]
	high := floors[a]
	switch {
	case !known:
		return b + " is no room of the house: give it a floor in floors_test.go"
	case from == "": // tests at the root look at everything
		return ""
	case test && (inside(to, "lab") || inside(to, backends...) || low <= high):
		return ""
	case low > high:
		return "imports go down only"
	case a == "wire" && b != "wire" && b != "mail":
		return "wire imports mail at most, so that other projects could use it"
	case inside(to, backends...) && !inside(from, "app", "lab") && !inside(from, to) && a != "store":
		return "only app imports a store's backend"
	case a == "server" && b == "store":
		return "a door never sees a transaction"
	case a == "server" && b == "server" && from != to && to != "server/door" && !inside(to, from):
		return "doors do not know each other"
	case a == "policy" && b == "store":
		return "a judge does no I/O"
	case a != b && low == high && low == 3 && b == "directory" && slices.Contains(besideDirectory, a):
		return ""
	case a != b && low == high && low == 3:
		return "services do not import each other; only " + strings.Join(besideDirectory, ", ") + " may import directory"
	}
	return ""
}

// TestFloors holds every import of the house against the floors.
func TestFloors(t *testing.T) {
	for _, s := range sources(t) {
		if _, known := floors[room(s.dir())]; !known && s.dir() != "" {
			t.Errorf("%s: %s is no room of the house: give it a floor in floors_test.go", s.path, room(s.dir()))
			continue
		}
		for _, to := range s.ours() {
			if fault := importFault(s.dir(), to, s.test); fault != "" {
				t.Errorf("%s imports tegami/%s: %s", s.path, to, fault)
			}
		}
	}
}

// TestFloorsCanFail shows that each rule refuses what it is there to refuse.
func TestFloorsCanFail(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test, ok bool
	}{
		{"store", "mail", false, true},
		{"mail", "wire/mime", false, false},
		{"wire/imap", "mail", false, true},
		{"wire/imap", "wire/mime", false, true},
		{"wire/imap", "store", false, false},
		{"directory", "store", false, true},
		{"mailbox", "directory", false, true},
		{"directory", "mailbox", false, false},
		{"directory", "mailbox", true, true},
		{"policy", "directory", false, false},
		{"policy", "store", false, false},
		{"queue", "mailbox", false, true},
		{"intake", "queue", false, true},
		{"queue", "intake", false, false},
		{"queue", "intake", true, false},
		{"server/pop3d", "store", false, false},
		{"server/pop3d", "store", true, true},
		{"server/pop3d", "server/imapd", false, false},
		{"server/pop3d", "server/door", false, true},
		{"server/door", "server/pop3d", false, false},
		{"server/pop3d", "lab/dialog", true, true},
		{"server/pop3d", "lab/dialog", false, false},
		{"mailbox", "store/embedded", false, false},
		{"mailbox", "store/embedded", true, true},
		{"app", "store/cluster", false, true},
		{"cmd/tegami", "app", false, true},
		{"cmd/tegami", "store/embedded", false, false},
		{"lab/random", "store/embedded", false, true},
		{"mailbox", "util", false, false},
	} {
		if fault := importFault(c.from, c.to, c.test); (fault == "") != c.ok {
			t.Errorf("%s imports %s (test %v): %q", c.from, c.to, c.test, fault)
		}
	}
}

// TestNoJunkDrawers refuses directories whose name says nothing.
func TestNoJunkDrawers(t *testing.T) {
	for _, s := range sources(t) {
		for _, part := range strings.Split(s.dir(), "/") {
			if slices.Contains(junkDrawers, part) {
				t.Errorf("%s: a directory is a job; %q is none", s.path, part)
			}
		}
	}
}

// TestActorsAreMintedInTwoRooms keeps "who may act" in the hands of directory and queue.
func TestActorsAreMintedInTwoRooms(t *testing.T) {
	minted := 0
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok || id.Name != "MintActor" && id.Name != "MintKey" {
				return true
			}
			minted++
			if !inside(s.dir(), minters...) {
				t.Errorf("%s: only directory and queue may make actors", s.fset.Position(id.Pos()))
			}
			return true
		})
	}
	if minted == 0 {
		t.Error("MintActor occurs nowhere: the test is broken")
	}
}

// TestNothingHappensByImporting refuses init functions: what runs is called by name from app.
func TestNothingHappensByImporting(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.fset.Position(f.Pos()))
			}
		}
	}
}
