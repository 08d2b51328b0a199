package dialog

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var commandLine = regexp.MustCompile(`(?m)^C: (.*)$`)

// Commands gives what clients say in the dialogs that a pattern names: where fuzzers begin. There must be a dialog.
func Commands(t testing.TB, pattern string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal("no dialogs", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range commandLine.FindAllSubmatch(text, -1) {
			lines = append(lines, string(m[1]))
		}
	}
	return lines
}
