package directory

import (
	"context"
	"io"

	"tegami/mail"
)

// LineError is what is wrong with a line of a file.
type LineError struct {
	Line   int    // from 1, the header row
	Column string // "" = the line as a whole
	Err    error
}

// ImportMembers changes members of the tenant's lists as a CSV file says, all or nothing (LI-5): columns
// list_address, action (add, delete), member_address, member_name, can_post, with a header row; UTF-8 with
// or without BOM, or CP932. It gives what is wrong, line by line, at most MaxLineErrors; the error then
// is Invalid "import.refused", or of the kind of the first one.
func (c *Company) ImportMembers(ctx context.Context, by mail.Actor, r io.Reader) ([]LineError, error) {
	return nil, mail.E("directory.ImportMembers", mail.Unavailable, "")
}

// ExportMembers writes the members of a list as ImportMembers reads them, in UTF-8 with a BOM.
func (c *Company) ExportMembers(ctx context.Context, list mail.ObjectID, w io.Writer) error {
	return mail.E("directory.ExportMembers", mail.Unavailable, "")
}
