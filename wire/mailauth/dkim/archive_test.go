package dkim

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegami/lab/archives"
)

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMimeKit verifies the message of RFC 8463 as MimeKit keeps it.
func TestMimeKit(t *testing.T) {
	header, body := split(read(t, archives.Unpack(t, "mimekit-dkim"), "mimekit-dkim", "rfc8463-example.msg"))
	if got := Verify(t.Context(), rfc8463Zone(), header, strings.NewReader(body), Limits{}); !slices.Equal(statusesOf(got), []string{"pass", "pass"}) {
		t.Errorf("%+v", got)
	}
}

// TestStalwart verifies the messages of Stalwart's mail-auth: keys, then a message with what it was sent with.
func TestStalwart(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(archives.Unpack(t, "mailauth-stalwart"), "mailauth-stalwart", "dkim", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		records, message, _ := strings.Cut(strings.ReplaceAll(read(t, file), "\r\n", "\n"), "\n\n")
		z := &zone{txt: map[string][]string{}}
		for line := range strings.Lines(records) {
			name, txt, _ := strings.Cut(strings.TrimSpace(line), " ")
			z.txt[name] = []string{txt}
		}
		header, body := split(message)
		sent := time.Date(2022, 11, 3, 0, 0, 0, 0, time.UTC)
		for _, r := range Verify(t.Context(), z, header, strings.NewReader(body), Limits{Time: sent}) {
			if r.Status != Pass {
				t.Errorf("%s: %+v", filepath.Base(file), r)
			}
		}
	}
}
