// Package web carries the built pages of the panel inside the program. `make web` builds them; without it the program
// builds all the same, and says that they are missing.
package web

import (
	"embed"
	"io/fs"
)

// dist holds what the build wrote, and at least a note that it goes there.
//
//go:embed all:panel/dist
var dist embed.FS

// Panel gives the built files of the panel: index.html, and below assets/ what it loads. The names in assets/ change with
// their content, so a browser may keep them for good. Beside a file NAME there may be NAME.br and NAME.gz, the same compressed.
// It tells false where the pages were not built; then there are no files.
func Panel() (fs.FS, bool) {
	pages, err := fs.Sub(dist, "panel/dist/pages")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(pages, "index.html"); err != nil {
		return nil, false
	}
	return pages, true
}
