package directory

import (
	"context"

	"tegami/mail"
)

// CallerByKey tells whose an API key is. Denied "auth.failed" for a key that is none.
func (d *Directory) CallerByKey(ctx context.Context, o mail.Origin, key string) (*Caller, error) {
	return nil, mail.E("directory.CallerByKey", mail.Denied, "auth.failed")
}
