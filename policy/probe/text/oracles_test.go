package text

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tegami/lab/archives"
)

// An oracle is a program of Debian that reads a format too.
type oracle struct {
	program string
	args    []string // before the file's name
	suffix  string
	behind  []string // behind it
	noise   []string // words of its own, and of what is no text to us: the instructions of fields, the names of themes
}

var oracles = []oracle{
	{"antiword", []string{"-m", "UTF-8", "-w", "0"}, ".doc", nil, nil},
	{"catdoc", []string{"-d", "utf-8", "-w"}, ".doc", nil, []string{"HYPERLINK", "PAGE", "TITLE", "MERGEFORMAT", "MERGEFIELD", "TEXT", "BODY"}},
	{"xls2csv", []string{"-d", "utf-8"}, ".xls", nil, nil},
	{"catppt", []string{"-d", "utf-8"}, ".ppt", nil, []string{"Office", "Theme", "Default", "Design", "Larissa"}},
	{"unrtf", []string{"--text", "--noremap"}, ".rtf", nil, nil},
	{"pdftotext", []string{"-enc", "UTF-8"}, ".pdf", []string{"-"}, nil},
}

// words are the words of a text that count: of four letters and more, so that rules, page numbers and line ends do not.
func words(s string) []string {
	return slices.DeleteFunc(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }), func(w string) bool { return len(w) < 4 })
}

// ask lets an oracle read a file, in a folder of its own: some write files beside what they read.
func (o oracle) ask(t *testing.T, file string) string {
	cmd := exec.CommandContext(t.Context(), o.program, append(append(slices.Clone(o.args), file), o.behind...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "HOME="+cmd.Dir)
	var out bytes.Buffer
	cmd.Stdout = &out
	_ = cmd.Run() // what it can't read gives no words
	text := out.String()
	if o.program == "unrtf" { // it tells of the document first
		_, text, _ = strings.Cut(text, "\n-----------------\n")
	}
	return text
}

// TestOracles reads documents with the programs of Debian, and looks for what those find in what we find.
func TestOracles(t *testing.T) {
	files := filesBelow(t, archives.Unpack(t, "docs-tika"))
	for _, archive := range []string{"macro-oletools", "docs-pdfminer"} {
		for name, path := range filesBelow(t, archives.Unpack(t, archive)) {
			files[name] = path
		}
	}
	excused := exceptions(t, "oracles.tsv")
	for _, o := range oracles {
		t.Run(o.program, func(t *testing.T) {
			if _, err := exec.LookPath(o.program); err != nil {
				t.Skipf("%s is not installed", o.program)
			}
			read := 0
			for name, path := range files {
				if filepath.Ext(name) == o.suffix && o.agrees(t, path, excused) {
					read++
				}
			}
			if read == 0 {
				t.Errorf("%s read %d documents", o.program, read)
			}
		})
	}
}

// agrees compares one document. It tells whether the oracle found words in it.
func (o oracle) agrees(t *testing.T, path string, excused map[[3]string]string) bool {
	truth := slices.DeleteFunc(words(o.ask(t, path)), func(w string) bool { return slices.Contains(o.noise, w) })
	if len(truth) == 0 {
		return false
	}
	if b, err := os.ReadFile(path); err == nil && o.suffix == ".doc" && !strings.HasPrefix(string(b), oleMagic) {
		return false // of another format under that name
	}
	found, err := extractFile(t, path)
	if err != nil && Problem(err) != "damaged" {
		return false // what is encrypted gives the oracle noise
	}
	ours := strings.Join(words(allOf(found)), " ")
	var missing []string
	for _, w := range truth {
		if !strings.Contains(ours, w) {
			missing = append(missing, w)
		}
	}
	bad := len(missing)*50 > len(truth)
	_, excuse := excused[[3]string{filepath.Base(path), o.program, "words"}]
	if bad != excuse {
		t.Errorf("%s: %d of %d words are missing, excused %v: %q", filepath.Base(path), len(missing), len(truth), excuse, missing[:min(len(missing), 12)])
	}
	return true
}
