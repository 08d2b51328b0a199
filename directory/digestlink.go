package directory

import (
	"context"

	"tegami/mail"
)

// forDigest is for what a proof is that lets its holder decide about one message in quarantine (SF-6).
const forDigest = "digest"

// DigestLink is what the token of a link in a quarantine digest names: one message in quarantine.
type DigestLink struct {
	Tenant  mail.TenantID
	Account mail.AccountID
	Entry   mail.ObjectID
}

// text is the link's part of the token, before the proof.
func (l *DigestLink) text() string { return l.Tenant.String() + l.Account.String() + l.Entry.String() }

// Digest gives the token of a link: letters and digits, signed. Who has it may decide about the message, as long as that is in quarantine.
func (t *Tokens) Digest(l DigestLink) string {
	text := l.text()
	return text + tag(t.newest(forDigest), longTag, text)
}

// DigestLink reads a token that Digest made. NotFound "digest.link_invalid" for one that is forged.
func (d *Directory) DigestLink(ctx context.Context, token string) (l DigestLink, err error) {
	const op mail.Op = "directory.DigestLink"
	invalid := mail.E(op, mail.NotFound, "digest.link_invalid")
	if len(token) != 3*idSize+longTag || l.Tenant.UnmarshalText([]byte(token[:idSize])) != nil ||
		l.Account.UnmarshalText([]byte(token[idSize:2*idSize])) != nil || l.Entry.UnmarshalText([]byte(token[2*idSize:3*idSize])) != nil {
		return DigestLink{}, invalid
	}
	t, err := d.Tokens(ctx)
	if err != nil {
		return DigestLink{}, mail.Wrap(op, err)
	}
	if !t.proves(forDigest, token[3*idSize:], l.text()) {
		return DigestLink{}, invalid
	}
	return l, nil
}
