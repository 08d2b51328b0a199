package dkim

import (
	"context"
	"io"
	"strconv"
	"time"

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

// ARCOptions of a message signature of a chain.
type ARCOptions struct {
	Instance int       // i=
	Time     time.Time // t=; zero: none is written
	Headers  []string  // h=; nil: what [Sign] signs, and the DKIM-Signature fields
	Straight bool      // on one line, as the test suite of RFC 8617 wants it
}

// AppendARC appends an ARC-Message-Signature field of a message to b. It is for package arc. Errors are those of [Sign]; From may be missing.
func AppendARC(b, header []byte, body io.Reader, k Key, o ARCOptions) ([]byte, error) {
	const op = "dkim.AppendARC"
	if !k.Good() {
		return nil, mail.E(op, mail.Invalid, "dkim.bad_key", k.Domain, k.Selector)
	}
	s := signer{header: canon.NewHeader(header), names: o.Headers}
	if s.names == nil {
		s.names = names(s.header)
		for range s.header.Named(FieldName) {
			s.names = append(s.names, "dkim-signature")
		}
	}
	if err := s.hash(body); err != nil {
		return nil, mail.Wrap(op, err)
	}
	w := canon.Folder{B: b, Straight: o.Straight}
	s.writeARC(&w, k, o)
	if err := s.finish(&w, k, len(b)); err != nil {
		return nil, mail.Wrap(op, err)
	}
	return w.B, nil
}

// writeARC writes a field with an open b=, its tags by name.
func (s *signer) writeARC(w *canon.Folder, k Key, o ARCOptions) {
	w.Start(FieldNameARC)
	w.Tag("a", k.Algorithm())
	w.Open()
	w.Tag("bh", s.bodyHash)
	w.Tag("c", "relaxed/relaxed")
	w.Tag("d", k.Domain)
	w.List("h", s.names)
	w.Tag("i", strconv.Itoa(o.Instance))
	w.Tag("s", k.Selector)
	Options{Time: o.Time}.append(w)
}
