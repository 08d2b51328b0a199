package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// The account has one quota root, called "" (RFC 9208 §3).

// cmdGetQuota is GETQUOTA (RFC 9208 §4.1.1).
func cmdGetQuota(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var root string
	if !d.SP() || !d.AString(&root) || !d.End() {
		return reply{}, d.Err()
	}
	if root != "" {
		return reply{}, mail.E("imapd.GETQUOTA", mail.NotFound, "imap.other_quota", root)
	}
	return reply{}, s.quota(ctx)
}

// cmdGetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2).
func cmdGetQuotaRoot(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	if _, err := s.account.Folder(ctx, path); err != nil {
		return reply{}, err
	}
	b := append(s.out.Begin(), "* QUOTAROOT "...)
	s.out.End(append(imap.AppendMailbox(b, path, s.wide()), " \"\"\r\n"...))
	return reply{}, s.quota(ctx)
}

// quota writes the QUOTA response, in units of 1,024 octets (RFC 9208 §5.1; SV-6).
func (s *session) quota(ctx context.Context) error {
	used, limit, err := s.account.Quota(ctx)
	if err != nil {
		return err
	}
	b := append(s.out.Begin(), "* QUOTA \"\" (STORAGE "...)
	b = imap.AppendUint(b, uint64(used+1023)/1024)
	b = imap.AppendUint(append(b, ' '), uint64(limit)/1024)
	s.out.End(append(b, ")\r\n"...))
	return nil
}
