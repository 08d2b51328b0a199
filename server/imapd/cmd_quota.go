package imapd

import (
	"context"

	"tegami/mail"
	"tegami/wire/imap"
)

// The account has one quota root, called "" (RFC 9208 §3). That of a mailbox of somebody else's is called by its owner's address.

// cmdGetQuota is GETQUOTA (RFC 9208 §4.1.1).
func cmdGetQuota(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var root string
	if !d.SP() || !d.AString(&root) || !d.End() {
		return reply{}, d.Err()
	}
	if root != "" {
		return reply{}, mail.E("imapd.GETQUOTA", mail.NotFound, "imap.other_quota", root)
	}
	used, limit, err := s.account.Quota(ctx)
	if err == nil {
		s.quota(root, used, limit)
	}
	return reply{}, err
}

// cmdGetQuotaRoot is GETQUOTAROOT (RFC 9208 §4.1.2). Who may not put messages into a mailbox is told of no root.
func cmdGetQuotaRoot(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	if _, err := s.account.Folder(ctx, path); err != nil {
		return reply{}, err
	}
	root, used, limit, err := s.account.QuotaOf(ctx, path)
	if err != nil && !mail.Is(err, mail.Denied) {
		return reply{}, err
	}
	b := imap.AppendMailbox(append(s.out.Begin(), "* QUOTAROOT "...), path, s.wide())
	if err == nil {
		b = imap.AppendString(append(b, ' '), root, false)
	}
	s.out.End(append(b, '\r', '\n'))
	if err == nil {
		s.quota(root, used, limit)
	}
	return reply{}, nil
}

// cmdSetQuota is SETQUOTA (RFC 9208 §4.1.3), which is not announced: limits come from the contract (SV-4).
func cmdSetQuota(_ context.Context, _ *session, d *imap.Decoder) (reply, error) {
	var rest string
	if !d.Text(&rest) || !d.End() {
		return reply{}, d.Err()
	}
	return reply{}, mail.E("imapd.SETQUOTA", mail.Denied, "imap.quota_fixed")
}

// quota writes a QUOTA response, in units of 1,024 octets (RFC 9208 §5.1; SV-6).
func (s *session) quota(root string, used, limit int64) {
	b := imap.AppendString(append(s.out.Begin(), "* QUOTA "...), root, false)
	b = imap.AppendUint(append(b, " (STORAGE "...), uint64(used+1023)/1024)
	b = imap.AppendUint(append(b, ' '), uint64(limit)/1024)
	s.out.End(append(b, ")\r\n"...))
}
