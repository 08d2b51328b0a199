package bulk

import "tegami/wire/sheet"

// Charset is how a file's text is written.
type Charset = sheet.Charset

// Charsets of files.
const (
	UTF8  = sheet.UTF8
	CP932 = sheet.CP932
)
