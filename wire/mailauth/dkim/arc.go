package dkim

import (
	"context"
	"io"
	"strconv"

	"tegami/mail"
	"tegami/wire/dns"
	"tegami/wire/mailauth/internal/canon"
	"tegami/wire/mime"
)

// FieldNameARC is the name of the message signature of a chain (RFC 8617 §4.1.2).
const FieldNameARC = "ARC-Message-Signature"

// VerifyARC checks ARC-Message-Signature fields of a message as [Verify] does DKIM's (RFC 8617 §4.1.2). It is for
// package arc, which knows which they are.
func VerifyARC(ctx context.Context, l dns.Lookup, header []byte, body io.Reader, fields []mime.Field) []Result {
	v := verifier{header: canon.NewHeader(header), parse: parseARC, Limits: Limits{Signatures: len(fields)}.filled()}
	return v.run(ctx, l, body, fields)
}

// AppendARC appends the ARC-Message-Signature field of an instance to fields, which are the fields that will be put in
// front of the header. It signs what [Sign] does, and the DKIM-Signature fields. Of o only the time is used. It is for package arc.
func AppendARC(fields, header []byte, body io.Reader, k Key, instance int, o Options) ([]byte, error) {
	const op = "dkim.AppendARC"
	if !k.Good() {
		return nil, mail.E(op, mail.Invalid, "dkim.bad_key", k.Domain, k.Selector)
	}
	h := canon.NewHeader(header)
	o.Identity, o.Lifetime = "", 0
	s := signer{header: h, names: names(h)}
	for range h.Named(FieldName) {
		s.names = append(s.names, "dkim-signature")
	}
	return s.appendARC(fields, body, k, instance, o)
}

func (s *signer) appendARC(fields []byte, body io.Reader, k Key, instance int, o Options) ([]byte, error) {
	const op = "dkim.AppendARC"
	if err := s.hash(body); err != nil {
		return nil, mail.Wrap(op, err)
	}
	w := canon.Folder{B: fields}
	w.Start(FieldNameARC)
	w.Tag("a", k.Algorithm())
	w.Open()
	w.Tag("bh", s.bodyHash)
	w.Tag("c", "relaxed/relaxed")
	w.Tag("d", k.Domain)
	w.List("h", s.names)
	w.Tag("i", strconv.Itoa(instance))
	w.Tag("s", k.Selector)
	o.append(&w)
	if err := s.finish(&w, k, len(fields)); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return w.B, nil
}
