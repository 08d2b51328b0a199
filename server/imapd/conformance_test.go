package imapd

import (
	"bufio"
	"crypto/tls"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/directory"
)

// TestConformance demands that everything the server announces is exercised: for each capability, testdata/capabilities.tsv names the
// lines of dialogs, or the tests, that show its syntax, its response codes, its errors and how it goes with others. A row about
// something that is not announced, or that no line matches, fails as well.
func TestConformance(t *testing.T) {
	rows := conformanceRows(t)
	announced := everyCapability(t)
	for _, name := range slices.Sorted(maps.Keys(announced)) {
		if len(rows[name]) == 0 {
			t.Errorf("%s is announced, and testdata/capabilities.tsv has no row for it", name)
		}
	}
	lines := 0
	for name, list := range rows {
		if !announced[name] {
			t.Errorf("testdata/capabilities.tsv has rows for %s, which is announced nowhere", name)
		}
		for _, e := range list {
			lines++
			e.check(t, name)
		}
	}
	t.Logf("%d capabilities, %d lines that show them", len(announced), lines)
}

// exercise is a row: a file that exercises a capability, and what one of its lines matches.
type exercise struct{ file, pattern string }

func (e exercise) check(t *testing.T, name string) {
	file := e.file
	if !strings.HasSuffix(file, ".go") {
		file = filepath.Join("testdata", file+".dialog")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	pattern, err := regexp.Compile(e.pattern)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && pattern.MatchString(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
	t.Errorf("%s: no line of %s matches %s", name, file, e.pattern)
}

// conformanceRows reads testdata/capabilities.tsv.
func conformanceRows(t *testing.T) map[string][]exercise {
	text, err := os.ReadFile("testdata/capabilities.tsv")
	check(t, err)
	rows := map[string][]exercise{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			t.Errorf("testdata/capabilities.tsv: %q has not three columns", line)
			continue
		}
		rows[f[0]] = append(rows[f[0]], exercise{f[1], f[2]})
	}
	return rows
}

// everyCapability asks doors of every kind what they announce, before and after sign-in. A value behind "=" belongs to the name but for
// APPENDLIMIT, whose value is a setting.
func everyCapability(t *testing.T) map[string]bool {
	h := newHouse(t)
	user := h.user(t, "alpha.example")
	all := map[string]bool{}
	note := func(c *client) {
		for name := range strings.FieldsSeq(capabilitiesOf(t, c)) {
			if limit, _, ok := strings.Cut(name, "="); ok && limit == "APPENDLIMIT" {
				name = limit
			}
			all[name] = true
		}
	}
	plain := dial(t, h.door(t, Config{AllowPlainAuth: true}))
	note(plain)
	plain.do(t, "LOGIN "+user+" \""+password+"\"")
	note(plain)
	note(dial(t, h.door(t, Config{TLS: certificate(t)})))
	h.dir = directory.New(h.store, directory.Config{Bearer: provider{}})
	conn, err := tls.Dial("tcp", h.door(t, Config{TLS: certificate(t), ImplicitTLS: true}), &tls.Config{InsecureSkipVerify: true})
	check(t, err)
	defer conn.Close()
	secure := &client{conn, bufio.NewReader(conn)}
	if _, err := secure.in.ReadString('\n'); err != nil { // the greeting
		t.Fatal(err)
	}
	note(secure)
	return all
}

// capabilitiesOf asks for CAPABILITY.
func capabilitiesOf(t *testing.T, c *client) string {
	t.Helper()
	if _, err := io.WriteString(c, "x CAPABILITY\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := c.in.ReadString('\n')
	names, ok := strings.CutPrefix(line, "* CAPABILITY ")
	if err != nil || !ok {
		t.Fatal(line, err)
	}
	if line, err := c.in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "x OK ") {
		t.Fatal(line, err)
	}
	return names
}
