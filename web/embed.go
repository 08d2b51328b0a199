// Package web carries the built pages of the panel and of the webmail inside the program. `make web` builds them; without them the
// program builds all the same, and says that they are missing.
package web

import (
	"embed"
	"io/fs"
)

// dist holds what the builds wrote, and at least a note that it goes there.
//
//go:embed all:panel/dist all:mail/dist
var dist embed.FS

// Panel gives the built files of the panel: index.html, and below assets/ what it loads. The names in assets/ change with
// their content, so a browser may keep them for good. Beside a file NAME there may be NAME.br and NAME.gz, the same compressed.
// It tells false where the pages were not built; then there are no files.
func Panel() (fs.FS, bool) { return built("panel") }

// Mail gives the built files of the Advanced webmail, as Panel does. frame.html is the empty page that shows a message's body.
func Mail() (fs.FS, bool) { return built("mail") }

func built(app string) (fs.FS, bool) {
	pages, err := fs.Sub(dist, app+"/dist/pages")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(pages, "index.html"); err != nil {
		return nil, false
	}
	return pages, true
}
