package clean

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// file is one member of an archive that a test makes.
type file struct {
	name, text string
	flags      uint16
}

func zipped(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := zip.FileHeader{Name: f.name, Method: zip.Deflate, Flags: f.flags, NonUTF8: f.flags == 0}
		to, err := w.CreateHeader(&h)
		if err == nil {
			_, err = io.WriteString(to, f.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarred(t testing.TB, files ...file) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.text)), Mode: 0o600})
		if err == nil {
			_, err = io.WriteString(w, f.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipped(t testing.TB, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name = name
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func archived(t testing.TB, b string, infected ...[]string) (string, Removed, error) {
	t.Helper()
	var out bytes.Buffer
	removed, err := Archive(t.Context(), bytes.NewReader([]byte(b)), int64(len(b)), infected, &out)
	if err != nil && out.Len() > 0 {
		t.Error("an error, and half a file")
	}
	return out.String(), removed, err
}

// TestVC3ArchiveMembers shows that an archive loses its infected members and nothing else.
func TestVC3ArchiveMembers(t *testing.T) {
	const sjis = "\x93\xfa\x96\x7b.txt" // 日本.txt
	good, bad := file{"good.txt", "good", 0}, file{"bad.exe", "MZ", 0}
	japanese := file{sjis, "日本", 0}
	deep := func(f ...file) string { return zipped(t, good, file{"inner.zip", zipped(t, f...), 0}) }
	for _, c := range []struct {
		name      string
		archive   string
		infected  [][]string
		want      string // "": ErrImpossible
		wantNames []string
	}{
		{"zip", zipped(t, good, bad, japanese), [][]string{{"bad.exe"}}, zipped(t, good, japanese), []string{"bad.exe"}},
		{"a name in CP932", zipped(t, good, japanese), [][]string{{"日本.txt"}}, zipped(t, good), []string{"日本.txt"}},
		{"a name in UTF-8", zipped(t, good, file{"日本.txt", "x", 0x800}), [][]string{{"日本.txt"}}, zipped(t, good), []string{"日本.txt"}},
		{"nested", deep(bad, japanese), [][]string{{"inner.zip", "bad.exe"}}, deep(japanese), []string{"inner.zip/bad.exe"}},
		{"all of a nested one", deep(bad), [][]string{{"inner.zip", "bad.exe"}}, zipped(t, good), []string{"inner.zip"}},
		{"a nested one that is not known", zipped(t, good, file{"x.7z", "7z\xbc\xaf", 0}), [][]string{{"x.7z", "a", "b"}}, zipped(t, good), []string{"x.7z"}},
		{"two", zipped(t, bad, good, file{"b", "b", 0}), [][]string{{"bad.exe"}, {"b"}}, zipped(t, good), []string{"bad.exe", "b"}},
		{"tar", tarred(t, good, bad), [][]string{{"bad.exe"}}, tarred(t, good), []string{"bad.exe"}},
		{"tar in gzip", gzipped(t, "a.tar", tarred(t, good, bad)), [][]string{{"bad.exe"}}, gzipped(t, "a.tar", tarred(t, good)), []string{"bad.exe"}},
		{"tar in gzip, named", gzipped(t, "", tarred(t, good, bad)), [][]string{{"a.tar", "bad.exe"}}, gzipped(t, "", tarred(t, good)), []string{"bad.exe"}},
		{"tar in gzip in zip", zipped(t, file{"a.tgz", gzipped(t, "", tarred(t, good, bad)), 0}), [][]string{{"a.tgz", "a.tar", "bad.exe"}},
			zipped(t, file{"a.tgz", gzipped(t, "", tarred(t, good)), 0}), []string{"a.tgz/bad.exe"}},
		{"gzip alone", gzipped(t, "bad.exe", "MZ"), [][]string{{"bad.exe"}}, "", nil},
		{"nothing left", zipped(t, bad), [][]string{{"bad.exe"}}, "", nil},
		{"not there", zipped(t, good), [][]string{{"bad.exe"}}, "", nil},
		{"one of two not there", zipped(t, good, bad), [][]string{{"bad.exe"}, {"worse.exe"}}, "", nil},
		{"nothing asked", zipped(t, good), nil, "", nil},
		{"no archive", "hello", [][]string{{"bad.exe"}}, "", nil},
		{"cut short", zipped(t, good, bad)[:100], [][]string{{"bad.exe"}}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, removed, err := archived(t, c.archive, c.infected...)
			if c.want == "" {
				if !errors.Is(err, ErrImpossible) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if listing(t, got) != listing(t, c.want) {
				t.Errorf("got  %s\nwant %s", listing(t, got), listing(t, c.want))
			}
			var names []string
			for _, r := range removed {
				names = append(names, r.Name)
			}
			if !slices.Equal(names, c.wantNames) {
				t.Errorf("removed %q, want %q", names, c.wantNames)
			}
		})
	}
}

// TestVC3ArchiveDocument shows that a document in an archive loses its macros only.
func TestVC3ArchiveDocument(t *testing.T) {
	doc := string(withMacros(t, wordText))
	got, removed, err := archived(t, zipped(t, file{"報告.docm", doc, 0x800}), []string{"報告.docm", "word/vbaProject.bin"})
	if err != nil || !removed.Has(VBA) || removed.Has(Member) {
		t.Fatal(removed, err)
	}
	r, err := zip.NewReader(bytes.NewReader([]byte(got)), int64(len(got)))
	if err != nil || len(r.File) != 1 || r.File[0].Name != "報告.docm" {
		t.Fatal(err)
	}
	inner, err := (&cleaner{ctx: t.Context(), work: MaxWork}).inflate(r.File[0], MaxPart)
	if err != nil || hasMacros(t, inner) {
		t.Error("the document still has macros", err)
	}
}

// listing shows an archive with all that is in it.
func listing(t testing.TB, b string) (s string) {
	t.Helper()
	switch {
	case len(b) > 2 && b[:2] == "PK":
		r, err := zip.NewReader(bytes.NewReader([]byte(b)), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.File {
			content, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			s += " zip " + f.Name + " {" + listing(t, string(text)) + "}"
		}
	case len(b) > 2 && b[:2] == gzipMagic:
		r, err := gzip.NewReader(bytes.NewReader([]byte(b)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		s = " gzip " + r.Name + " {" + listing(t, string(text)) + "}"
	case isTar([]byte(b)):
		for r := tar.NewReader(bytes.NewReader([]byte(b))); ; {
			h, err := r.Next()
			if err == io.EOF {
				return s
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			s += " tar " + h.Name + " {" + string(text) + "}"
		}
	default:
		return b
	}
	return s
}

func FuzzArchive(f *testing.F) {
	f.Add([]byte(zipped(f, file{"a", "x", 0}, file{"b", "y", 0})))
	f.Add([]byte(tarred(f, file{"a", "x", 0}, file{"b", "y", 0})))
	f.Add([]byte(gzipped(f, "", tarred(f, file{"a", "x", 0}, file{"b", "y", 0}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		_, err := Archive(t.Context(), bytes.NewReader(b), int64(len(b)), [][]string{{"a"}}, &out)
		if err == nil && out.Len() == 0 || err != nil && out.Len() > 0 {
			t.Errorf("%d octets, %v", out.Len(), err)
		}
		out.Reset()
		_, err = Disinfect(t.Context(), b, func(_ string, content []byte) (bool, error) { return bytes.IndexByte(content, 'x') >= 0, nil }, &out)
		if err == nil && out.Len() == 0 || err != nil && out.Len() > 0 {
			t.Errorf("disinfected: %d octets, %v", out.Len(), err)
		}
	})
}

// TestVC3Disinfect finds the infected members of an archive by asking a scanner, and cleans documents where they are.
func TestVC3Disinfect(t *testing.T) {
	good, bad := file{"good.txt", "good", 0}, file{"bad.exe", "EVIL", 0}
	docm := string(withMacros(t, wordText))
	scan := func(_ string, content []byte) (bool, error) {
		return strings.Contains(string(content), "EVIL") || bytes.HasPrefix(content, []byte(zipMagic)) && strings.Contains(listing(t, string(content)), "EVIL") ||
			bytes.HasPrefix(content, []byte(zipMagic)) && hasMacros(t, content) ||
			bytes.HasPrefix(content, []byte(gzipMagic)) && strings.Contains(listing(t, string(content)), "EVIL"), nil
	}
	for _, c := range []struct{ name, old, want string }{
		{"zip", zipped(t, good, bad), zipped(t, good)},
		{"zip in zip", zipped(t, file{"a.zip", zipped(t, good, bad), 0}), zipped(t, file{"a.zip", zipped(t, good), 0})},
		{"tar in gzip", gzipped(t, "", tarred(t, good, bad)), gzipped(t, "", tarred(t, good))},
		{"tar in gzip in zip", zipped(t, file{"a.tgz", gzipped(t, "", tarred(t, good, bad)), 0}), zipped(t, file{"a.tgz", gzipped(t, "", tarred(t, good)), 0})},
		{"none by itself", zipped(t, good), ""},
		{"all", zipped(t, bad), ""},
		{"no archive", "EVIL", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := Disinfect(t.Context(), []byte(c.old), scan, &out)
			if (err == nil) != (c.want != "") || err != nil && !errors.Is(err, ErrImpossible) {
				t.Fatal(err)
			}
			if err == nil && listing(t, out.String()) != listing(t, c.want) {
				t.Errorf("got %s", listing(t, out.String()))
			}
		})
	}
	var out bytes.Buffer
	removed, err := Disinfect(t.Context(), []byte(zipped(t, good, file{"a.docm", docm, 0})), scan, &out)
	if err != nil || !removed.Has(VBA) || removed.Has(Member) {
		t.Fatal(removed, err)
	}
	if parts := unzipped(t, out.Bytes()); hasMacros(t, []byte(parts["a.docm"])) || parts["good.txt"] != "good" {
		t.Error("macros are left, or too little")
	}
	out.Reset()
	if removed, err = Disinfect(t.Context(), []byte(gzipped(t, "a.docm", docm)), scan, &out); err != nil || !removed.Has(VBA) {
		t.Error(removed, err)
	}
}
