package directory

import (
	"context"
	"time"

	"tegami/directory/logo"
	"tegami/mail"
	"tegami/store"
)

// Logo is the picture that a company shows to its people after they signed in (SV-10). The login page is the service's and
// shows none, since it is the same for all (SV-11).
type Logo struct {
	Version       uint64 // grows with each change
	PNG           []byte
	Width, Height int // pixels; shown at half of that
	Changed       time.Time
	By            string // who set it
}

// logoDoc is a logo as stored; the picture becomes base64.
type logoDoc struct {
	PNG    []byte `json:"png"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	By     string `json:"by"`
}

// logoKey is under what a tenant's logo is found.
var logoKey = store.Key{Name: "logo", Value: "top"}

// Logo gives the company's logo. NotFound "logo.none" where it has none: then the service's is shown.
func (c *Company) Logo(ctx context.Context) (l Logo, err error) {
	const op = "directory.Logo"
	err = c.view(ctx, op, func(r store.Reader) error {
		o, err := readLogo(r, op)
		if err != nil {
			return err
		}
		var doc logoDoc
		if err := read(o, &doc); err != nil {
			return err
		}
		l = Logo{o.Version, doc.PNG, doc.Width, doc.Height, o.Changed, doc.By}
		return nil
	})
	return l, err
}

func readLogo(r store.Reader, op mail.Op) (store.Object, error) {
	o, err := r.ObjectByKey(logoKey)
	if mail.Is(err, mail.NotFound) {
		err = mail.E(op, mail.NotFound, "logo.none")
	}
	return o, err
}

// SetLogo takes a picture as the company's logo: a PNG, JPEG or GIF file, which is drawn anew. version is what is meant to be
// replaced, 0 = whatever stands there. For administrators of policy. Errors as of logo.Read; Conflict "object.changed".
func (c *Company) SetLogo(ctx context.Context, by mail.Actor, version uint64, file []byte) error {
	const op = "directory.SetLogo"
	if err := c.check(ctx, by, op, RightPolicy); err != nil {
		return err
	}
	picture, width, height, err := logo.Read(file)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		o, err := readLogo(tx, op)
		switch {
		case mail.Is(err, mail.NotFound):
			o = store.Object{Kind: kindLogo, ID: mail.ObjectID(tx.NextID())}
		case err != nil:
			return err
		}
		if version != 0 && version != o.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		o.Unique = []store.Key{logoKey}
		return put(tx, o, logoDoc{picture, width, height, by.Name()})
	})
}

// RemoveLogo lets the service's logo be shown again. For administrators of policy. NotFound "logo.none", Conflict "object.changed".
func (c *Company) RemoveLogo(ctx context.Context, by mail.Actor, version uint64) error {
	const op = "directory.RemoveLogo"
	return c.change(ctx, by, op, RightPolicy, func(tx store.Tx) error {
		if err := c.permit(tx, by, op, RightPolicy, Place{}); err != nil {
			return err
		}
		o, err := readLogo(tx, op)
		if err != nil {
			return err
		}
		if version != 0 && version != o.Version {
			return mail.E(op, mail.Conflict, "object.changed")
		}
		return tx.DeleteObject(kindLogo, o.ID, o.Version)
	})
}
