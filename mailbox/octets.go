package mailbox

import (
	"context"
	"time"

	"tegami/mail"
	"tegami/store"
)

// UploadLife is how long octets that an account brought are kept which are no message yet (RFC 8620 §6.1). Nothing in the store refers
// to them: the sweep takes them, which has to leave alone what is younger than UploadLife by some minutes.
const UploadLife = time.Hour

// octetsName is the length of the first part of a name of KeepOctets: the id of the blob.
const octetsName = 13

// KeepOctets puts octets to rest for UploadLife, and gives the name by which OpenOctets of the same account finds them: letters and
// digits. The Upload is released by the caller.
func (a *Account) KeepOctets(ctx context.Context, up Upload) (string, error) {
	const op = "mailbox.KeepOctets"
	u := up.of()
	if u.owner != a {
		return "", mail.E(op, mail.Denied, "upload.foreign")
	}
	tokens, err := a.service.dir.Tokens(ctx)
	if err != nil {
		return "", mail.Wrap(op, err)
	}
	if err := u.Seal(ctx); err != nil {
		return "", mail.Wrap(op, err)
	}
	var ref mail.BlobRef
	err = a.update(ctx, op, func(tx store.Tx) (err error) {
		ref, err = tx.Keep(u.Staged, []byte{})
		return err
	})
	if err != nil {
		return "", err
	}
	name := ref.ID.String()
	return name + tokens.Octets(a.id.Tenant(), a.account.ID, name), nil
}

// OpenOctets gives octets that the account brought less than UploadLife ago. NotFound "blob.unknown" for all others. Close the Body.
func (a *Account) OpenOctets(ctx context.Context, name string) (Body, error) {
	const op = "mailbox.OpenOctets"
	unknown := mail.E(op, mail.NotFound, "blob.unknown")
	var id mail.BlobID
	if len(name) < octetsName || id.UnmarshalText([]byte(name[:octetsName])) != nil || time.Since(id.Time()) > UploadLife {
		return nil, unknown
	}
	tokens, err := a.service.dir.Tokens(ctx)
	if err != nil {
		return nil, mail.Wrap(op, err)
	}
	if !tokens.ProvesOctets(a.id.Tenant(), a.account.ID, name[:octetsName], name[octetsName:]) {
		return nil, unknown
	}
	body, err := a.tenant.Blobs().Open(ctx, mail.BlobRef{ID: id})
	if mail.Is(err, mail.NotFound) {
		return nil, unknown
	}
	return body, mail.Wrap(op, err)
}
