package dkim

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unpack unpacks an archive of test data written by others and gives its folder, or skips the test.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	dir := os.Getenv("TEGAMI_TESTDATA")
	if dir == "" {
		dir = "../../../../shared/testdata"
	}
	file, err := filepath.Abs(filepath.Join(dir, archive+".tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Skipf("no test data %s (set TEGAMI_TESTDATA)", archive)
	}
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("xz is not installed")
	}
	cmd := exec.Command("tar", "xJf", file)
	cmd.Dir = t.TempDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	return filepath.Join(cmd.Dir, archive)
}

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
	header, body := split(read(t, unpack(t, "mimekit-dkim"), "rfc8463-example.msg"))
	if got := Verify(t.Context(), rfc8463Zone(), header, strings.NewReader(body), Limits{}); !slices.Equal(statusesOf(got), []string{"pass", "pass"}) {
		t.Errorf("%+v", got)
	}
}

// TestStalwart verifies the messages of Stalwart's mail-auth: keys, then a message with what it was sent with.
func TestStalwart(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(unpack(t, "mailauth-stalwart"), "dkim", "*.txt"))
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
