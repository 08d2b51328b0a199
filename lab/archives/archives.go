// Package archives gives tests what other people wrote: mail, vectors and suites that are kept
// beside the project and never copied into it.
package archives

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Unpack unpacks the archive NAME.tar.xz and gives the folder it was unpacked into, usually with
// one folder of that name. The archives are in the folder TEGAMI_TESTDATA names, else beside the project. The test is skipped where there is no
// such archive or no xz.
func Unpack(t testing.TB, name string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(dir(), name+".tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Skipf("no test data %s (set TEGAMI_TESTDATA)", name)
	}
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip("xz is not installed")
	}
	to := t.TempDir()
	if out, err := exec.Command("tar", "xJf", file, "-C", to).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	return to
}

func dir() string {
	if d := os.Getenv("TEGAMI_TESTDATA"); d != "" {
		return d
	}
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "shared", "testdata")
}
