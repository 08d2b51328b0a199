package text

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// expectation is a line of expected.jsonl: a string that Apache Tika's own tests look for in a document.
type expectation struct {
	File  string `json:"file"`
	Kind  string `json:"kind"`
	Text  string `json:"text"`
	From  string `json:"from"`
	Plain bool   `json:"plain"` // without Tika's markup
}

// extractFile reads a file as the cell does that knows nothing but its name.
func extractFile(t testing.TB, file string) (Text, error) {
	t.Helper()
	return extractBytes(readFile(t, file), "", filepath.Base(file), testLimits(t))
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// extractBytes reads a document without the guard of Extract: what panics shall be seen.
func extractBytes(b []byte, kind, name string, lim Limits) (Text, error) {
	d := newDocument(context.Background(), lim, kind, name, bytes.NewReader(b), int64(len(b)))
	err := d.read()
	return d.out.finish(), d.explain(err)
}

// allOf is everything that was found, to look for words in.
func allOf(f Text) string {
	return strings.Join(append([]string{f.Title, f.Body}, f.URLs...), "\n")
}

// squeeze makes blanks and line ends the same: where lines end is a matter of taste.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// inlines and markup are the tags in a string that Tika's tests look for in XHTML.
var (
	inlines = regexp.MustCompile(`</?[abius]( [^>]*)?>`)
	markup  = regexp.MustCompile(`<[^>]*>`)
)

// unmarked is the text of a string of XHTML; "" for what is about its markup.
func unmarked(s string) string {
	s = strings.TrimSpace(html.UnescapeString(markup.ReplaceAllString(inlines.ReplaceAllString(s, ""), " ")))
	if strings.ContainsAny(s, "<>") || strings.Contains(s, `="`) {
		return ""
	}
	return s
}

// filesBelow finds files by their names.
func filesBelow(t testing.TB, dir string) map[string]string {
	t.Helper()
	byName := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			byName[e.Name()] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return byName
}

// exceptions reads a table of what we do otherwise: file, kind, text, reason.
func exceptions(t testing.TB, name string) map[[3]string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[[3]string]string)
	for line := range strings.Lines(string(b)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), "\t"); len(f) == 4 {
			list[[3]string{f[0], f[1], f[2]}] = f[3]
		} else if !strings.HasPrefix(line, "#") {
			t.Fatalf("%s: %q", name, line)
		}
	}
	return list
}

// TestTika reads the documents of Apache Tika's tests and looks for the strings those look for.
func TestTika(t *testing.T) {
	dir := filepath.Join(archives.Unpack(t, "docs-tika"), "docs-tika")
	files := filesBelow(t, dir)
	f, err := os.Open(filepath.Join(dir, "expected.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	excused := exceptions(t, "tika.tsv")
	found := make(map[string]string)
	used := make(map[[3]string]bool)
	looked := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e expectation
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		path, there := files[e.File]
		want := e.Text
		switch {
		case !e.Plain && e.Kind != "contains":
			continue // about the markup
		case !e.Plain:
			want = unmarked(e.Text)
		}
		if want == "" || !there {
			continue
		}
		all, read := found[e.File]
		if !read {
			text, err := extractFile(t, path)
			all = squeeze(allOf(text))
			found[e.File] = all
			if err != nil {
				t.Logf("%s: %v", e.File, err)
			}
		}
		looked++
		key := [3]string{e.File, e.Kind, e.Text}
		_, excuse := excused[key]
		used[key] = true
		has := strings.Contains(all, squeeze(want))
		if good := has == (e.Kind == "contains"); good == excuse {
			t.Errorf("%s\t%s\t%s: found %v, excused %v", e.File, e.Text, e.Kind, has, excuse)
		}
	}
	for key := range excused {
		if !used[key] {
			t.Errorf("%q of %s is excused and not asked for", key[2], key[0])
		}
	}
	t.Logf("%d strings in %d documents", looked, len(found))
}
