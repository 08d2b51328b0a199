package clean

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegami/lab/archives"
)

// flatKinds are the flat formats that LibreOffice writes of documents by their endings.
var flatKinds = map[string]string{
	".doc": "fodt", ".docx": "fodt", ".docm": "fodt", ".dotm": "fodt", ".dot": "fodt", ".odt": "fodt",
	".xls": "fods", ".xlsx": "fods", ".xlsm": "fods", ".xlsb": "fods", ".ods": "fods", ".xlt": "fods",
	".ppt": "fodp", ".pptx": "fodp", ".pptm": "fodp", ".odp": "fodp", ".pps": "fodp", ".potm": "fodp",
}

// macroSheet is a workbook of nothing but a macro sheet: its formulas go.
const macroSheet = "excel4_sample_macro_excel5_format.xls"

// minDocuments is how many documents the test data has that macros can be put into.
const minDocuments = 80

// TestVC3LibreOffice puts macros into the documents of other people, cleans them, and has LibreOffice open both: the text must be
// the same, and no macro be left. It takes minutes, so it runs only with TEGAMI_LIBREOFFICE set.
func TestVC3LibreOffice(t *testing.T) {
	if os.Getenv("TEGAMI_LIBREOFFICE") == "" {
		t.Skip("set TEGAMI_LIBREOFFICE=1, or make documents")
	}
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("LibreOffice is not installed")
	}
	before, after := t.TempDir(), t.TempDir()
	names := make(map[string]string) // of the numbered files
	for _, archive := range []string{"docs-tika", "macro-oletools"} {
		dir := archives.Unpack(t, archive)
		err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
			ext := strings.ToLower(filepath.Ext(file))
			if err != nil || d.IsDir() || flatKinds[ext] == "" {
				return err
			}
			old, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			clean, ok := disinfect(t, old, file)
			if !ok {
				return nil
			}
			number := fmt.Sprintf("%03d%s", len(names), ext)
			names[number] = strings.TrimPrefix(file, dir)
			return errors.Join(os.WriteFile(filepath.Join(before, number), old, 0o600), os.WriteFile(filepath.Join(after, number), clean, 0o600))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range map[string][]byte{"own1.docm": withMacros(t, wordText), "own2.xlsm": withMacroSheet(t)} {
		clean, _ := cleaned(t, b)
		names[name] = name
		if err := errors.Join(os.WriteFile(filepath.Join(before, name), b, 0o600), os.WriteFile(filepath.Join(after, name), clean, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	old, now := converted(t, soffice, before), converted(t, soffice, after)
	opened := 0
	for number, name := range names {
		was, opens := old[number]
		if !opens {
			t.Logf("%s: LibreOffice does not open it as it was", name)
			continue
		}
		opened++
		is, opens := now[number]
		switch {
		case !opens:
			t.Errorf("%s: it does not open any more", name)
		case strings.HasPrefix(name, "own"):
			if !strings.Contains(is, "手紙の本文") || strings.Contains(is, "EXEC") {
				t.Errorf("%s: the text is %.300q", name, words(is))
			}
		case strings.HasSuffix(name, macroSheet):
			if strings.Contains(is, "of:=") {
				t.Errorf("%s: formulas are left", name)
			}
		case words(is) != words(was):
			t.Errorf("%s: the text was %.300q, is %.300q", name, words(was), words(is))
		case script.MatchString(is):
			t.Errorf("%s: a macro is left", name)
		}
	}
	t.Logf("%d documents, %d of them opened", len(names), opened)
	if opened < minDocuments {
		t.Errorf("only %d documents", opened)
	}
}

// disinfect puts macros into a document and cleans it. It is not ok for documents that cannot be cleaned, encrypted ones for example.
func disinfect(t *testing.T, old []byte, name string) ([]byte, bool) {
	t.Helper()
	bad := infected(t, old)
	if bad == nil {
		return nil, false
	}
	var out bytes.Buffer
	_, err := Document(t.Context(), bytes.NewReader(bad), int64(len(bad)), &out)
	if errors.Is(err, ErrImpossible) {
		t.Logf("%s: %v", filepath.Base(name), err)
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	if hasMacros(t, out.Bytes()) {
		t.Errorf("%s: macros are left", name)
	}
	return out.Bytes(), true
}

// infected puts a project of Visual Basic, or a library of Basic, into a document; nil where that cannot be done.
func infected(t *testing.T, b []byte) []byte {
	t.Helper()
	if bytes.HasPrefix(b, []byte(oleMagic)) {
		root, err := parseCompound(b)
		if err != nil {
			return nil
		}
		vba, err := parseCompound(project())
		if err != nil {
			t.Fatal(err)
		}
		if vba.name, vba.typ = "Macros", typeStorage; root.child("Workbook") != nil {
			vba.name = "_VBA_PROJECT_CUR"
			book := root.child("Workbook")
			book.octets = withProject(book.octets)
		}
		if root.child(vba.name) == nil {
			root.children = append(root.children, vba)
		}
		return root.bytes()
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range r.File {
		if err := w.Copy(f); err != nil {
			return nil
		}
	}
	name, content := "Basic/Standard/Evil.xml", "<x/>"
	for _, f := range r.File {
		if f.Name == "[Content_Types].xml" {
			name, content = "word/evil/vbaProject.bin", string(project())
		}
	}
	to, err := w.Create(name)
	if err == nil {
		_, err = io.WriteString(to, content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withProject puts the mark of a project behind the first record of a workbook, and moves its sheets.
func withProject(b []byte) []byte {
	list, ok := records(b)
	if !ok || slices.ContainsFunc(list, func(r biff) bool { return r.typ == recFilePass || r.typ == recProject }) {
		return b
	}
	var out []byte
	for i, r := range list {
		body := slices.Clone(r.body)
		if r.typ == recBoundSheet {
			little.PutUint32(body, little.Uint32(body)+4)
		}
		if out = appendRecord(out, r.typ, body); i == 0 {
			out = appendRecord(out, recProject, nil)
		}
	}
	return out
}

// converted has LibreOffice write the documents of a folder as flat XML. Those that it does not open are missing.
func converted(t *testing.T, soffice, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"fodt", "fods", "fodp"} {
		to := t.TempDir()
		args := []string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", kind, "--outdir", to}
		for _, f := range files {
			if flatKinds[filepath.Ext(f.Name())] == kind {
				args = append(args, filepath.Join(dir, f.Name()))
			}
		}
		cmd := exec.CommandContext(t.Context(), soffice, args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("soffice: %v: %.500s", err, out)
		}
		for _, f := range files {
			base := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name()))
			if b, err := os.ReadFile(filepath.Join(to, base+"."+kind)); err == nil {
				all[f.Name()] = string(b)
			}
		}
	}
	return all
}

var (
	bodyOnly = regexp.MustCompile(`(?s)<office:body>.*</office:body>`)
	pictures = regexp.MustCompile(`(?s)<office:binary-data>.*?</office:binary-data>|<office:settings>.*?</office:settings>`)
	anyTag   = regexp.MustCompile(`<[^>]*>`)
	script   = regexp.MustCompile(`<script:module|<ooo:module|<ooo:source-code|<script:event-listener`)
	blanks   = regexp.MustCompile(`\s+`)
	clock    = regexp.MustCompile(`\d+:\d\d(:\d\d)?( [AP]M)?`) // the time of day that a document shows when it is opened
)

// words is the text of a flat document.
func words(s string) string {
	s = pictures.ReplaceAllString(bodyOnly.FindString(s), "")
	s = clock.ReplaceAllString(s, "")
	return strings.TrimSpace(blanks.ReplaceAllString(anyTag.ReplaceAllString(s, " "), " "))
}
