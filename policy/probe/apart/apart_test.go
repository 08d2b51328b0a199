package apart

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// inside is a file to be packed.
type inside struct {
	name string
	data []byte
}

// makeZip packs files.
func makeZip(t testing.TB, files ...inside) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		out, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// list walks and gives one line for each member: path, kind, size, problem.
func list(t testing.TB, lim Limits, name, declared string, data []byte) ([]string, Outcome) {
	t.Helper()
	files, out, err := List(context.Background(), lim, name, declared, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(files))
	for i, f := range files {
		lines[i] = strings.TrimSpace(fmt.Sprintf("%s %s %d %s", strings.Join(f.Path, ">"), f.Kind, f.Size, f.Problem))
	}
	return lines, out
}

// want compares lines.
func want(t testing.TB, got []string, lines ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(lines, "\n") {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
}

func TestVC1ZipInZip(t *testing.T) {
	inner := makeZip(t, inside{"あ.txt", []byte("hello")})
	outer := makeZip(t, inside{"inner.zip", inner}, inside{"p.exe", []byte("MZ")})
	got, out := list(t, Limits{}, "outer.zip", "application/zip", outer)
	want(t, got,
		fmt.Sprintf("outer.zip zip %d", len(outer)),
		fmt.Sprintf("outer.zip>inner.zip zip %d", len(inner)),
		"outer.zip>inner.zip>あ.txt text 5",
		"outer.zip>p.exe dos 2")
	if out.Problem != "" || out.Members != 4 || out.Depth != 2 {
		t.Errorf("%+v", out)
	}
}
