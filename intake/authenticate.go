package intake

import (
	"bytes"
	"cmp"
	"context"
	"io"

	"tegami/mail"
	"tegami/policy"
	"tegami/policy/probe"
	"tegami/wire/mailauth/authres"
	"tegami/wire/mime"
)

// removedName takes the place of "Authentication-Results" in a field that claims to be ours (RFC 8601 §5). It has the same
// length: the octets are changed where they lie.
const removedName = "X-Untrusted-Auth-Claim"

// disown renames the Authentication-Results fields of a header that claim to be from name.
func disown(chunks [][]byte, header []byte, name string) {
	for _, r := range authres.Foreign(header, name) {
		overwrite(chunks, r.Start, removedName)
	}
}

// overwrite puts text over the octets from an offset on.
func overwrite(chunks [][]byte, from int, text string) {
	for _, c := range chunks {
		if from < len(c) {
			n := copy(c[from:], text)
			text, from = text[n:], from+n
		}
		if text == "" {
			return
		}
		from = max(from-len(c), 0)
	}
}

// authenticate finds out who sent a message from outside. It gives the field that says so.
func (tx *Transaction) authenticate(ctx context.Context, header []byte, author mail.Address) (*probe.Found, authres.Field) {
	end := cmp.Or(mime.HeaderEnd(header), len(header))
	m := probe.Message{
		Origin: tx.origin, From: tx.from, Author: author, Header: header[:end],
		Body: func() io.Reader { return behind(tx.staged.Chunks(), end) },
	}
	found := probe.Authenticate(ctx, tx.in.cfg.Lookup, m, tx.sender)
	return &found, found.Results(tx.in.cfg.Hostname, m)
}

// behind reads the octets of a message from an offset on.
func behind(chunks [][]byte, from int) io.Reader {
	readers := make([]io.Reader, 0, len(chunks))
	for _, c := range chunks {
		if from < len(c) {
			readers = append(readers, bytes.NewReader(c[from:]))
		}
		from = max(from-len(c), 0)
	}
	return io.MultiReader(readers...)
}

// rules are what a message for these tenants is judged by: one that refuses is enough.
func (tx *Transaction) rules(ctx context.Context, facts *policy.Facts) (policy.Rules, error) {
	r := policy.Rules{MaxReceived: tx.in.cfg.Limits.MaxReceived, TrustedSealers: tx.in.cfg.TrustedSealers, DMARC: policy.DMARCReject}
	if facts.DMARC == nil || facts.DMARC.Policy != "reject" {
		return r, nil // no tenant's rule matters
	}
	for _, s := range tx.shares() {
		settings, err := tx.in.cfg.Directory.Company(s.tenant).Settings(ctx)
		if err != nil {
			return r, err
		}
		if settings.DMARCOverride != string(policy.DMARCAccept) {
			return r, nil
		}
	}
	r.DMARC = policy.DMARCAccept
	return r, nil
}
