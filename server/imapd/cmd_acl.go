package imapd

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdSetACL is SETACL (RFC 4314 §3.1).
func cmdSetACL(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path, identifier, letters string
	if !d.SP() || !d.Mailbox(&path) || !takeIdentifier(d, &identifier) || !d.SP() || !d.AString(&letters) || !d.End() {
		return reply{}, d.Err()
	}
	how, letters := aclChange(letters)
	rights, err := mailbox.ParseRights(letters)
	if err != nil {
		return reply{}, err
	}
	return reply{}, s.account.SetACL(ctx, path, identifier, how, rights)
}

// takeIdentifier takes an identifier; what cannot be one, or is empty, is an error of the syntax (RFC 4314 §3).
func takeIdentifier(d *imap.Decoder, dst *string) bool {
	if !d.SP() || !d.AString(dst) {
		return false
	}
	name := strings.TrimPrefix(*dst, "-")
	ok := name != "" && utf8.ValidString(name) && strings.IndexFunc(name, unicode.IsControl) < 0
	return ok || d.Expected("identifier")
}

// aclChange takes the sign off mod-rights (RFC 4314 §7).
func aclChange(letters string) (how mailbox.FlagOp, rest string) {
	switch {
	case strings.HasPrefix(letters, "+"):
		return mailbox.Add, letters[1:]
	case strings.HasPrefix(letters, "-"):
		return mailbox.Remove, letters[1:]
	}
	return mailbox.Set, letters
}

// cmdDeleteACL is DELETEACL (RFC 4314 §3.2).
func cmdDeleteACL(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path, identifier string
	if !d.SP() || !d.Mailbox(&path) || !takeIdentifier(d, &identifier) || !d.End() {
		return reply{}, d.Err()
	}
	return reply{}, s.account.DeleteACL(ctx, path, identifier)
}

// cmdGetACL is GETACL (RFC 4314 §3.3).
func cmdGetACL(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	grants, err := s.account.ACL(ctx, path)
	if err != nil {
		return reply{}, err
	}
	b := imap.AppendMailbox(append(s.out.Begin(), "* ACL "...), path, s.wide())
	for _, g := range grants {
		b = imap.AppendAString(append(b, ' '), g.Identifier, s.wide())
		b = imap.AppendAString(append(b, ' '), g.Rights.Compatible(), false)
	}
	s.out.End(append(b, '\r', '\n'))
	return reply{}, nil
}

// cmdListRights is LISTRIGHTS (RFC 4314 §3.4). No rights are tied together.
func cmdListRights(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path, identifier string
	if !d.SP() || !d.Mailbox(&path) || !takeIdentifier(d, &identifier) || !d.End() {
		return reply{}, d.Err()
	}
	always, optional, err := s.account.RightsFor(ctx, path, identifier)
	if err != nil {
		return reply{}, err
	}
	b := imap.AppendMailbox(append(s.out.Begin(), "* LISTRIGHTS "...), path, s.wide())
	b = imap.AppendAString(append(b, ' '), identifier, s.wide())
	b = imap.AppendAString(append(b, ' '), always.Compatible(), false)
	for _, letter := range optional.Compatible() {
		b = append(b, ' ', byte(letter))
	}
	s.out.End(append(b, '\r', '\n'))
	return reply{}, nil
}

// cmdMyRights is MYRIGHTS (RFC 4314 §3.5).
func cmdMyRights(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	rights, err := s.account.MyRights(ctx, path)
	if err != nil {
		return reply{}, err
	}
	s.myRights(path, rights)
	return reply{}, nil
}

// myRights writes one MYRIGHTS response.
func (s *session) myRights(path string, rights mailbox.Rights) {
	b := imap.AppendMailbox(append(s.out.Begin(), "* MYRIGHTS "...), path, s.wide())
	b = imap.AppendAString(append(b, ' '), rights.Compatible(), false)
	s.out.End(append(b, '\r', '\n'))
}
