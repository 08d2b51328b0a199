package directory

import (
	"context"

	"tegami/mail"
)

// CallerBySession tells who is signed in with a session of the web pages, by its token. Denied "auth.failed" for a token
// that is none, or no longer.
func (d *Directory) CallerBySession(ctx context.Context, o mail.Origin, token string) (*Caller, error) {
	return nil, mail.E("directory.CallerBySession", mail.Denied, "auth.failed")
}
