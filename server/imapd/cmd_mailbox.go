package imapd

import (
	"context"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// cmdCreate is CREATE (RFC 9051 §6.3.4) with USE (RFC 6154 §3).
func cmdCreate(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path, use string
	if !d.SP() || !d.Mailbox(&path) || !createParameters(d, &use) || !d.End() {
		return reply{}, d.Err()
	}
	role := ""
	if use != "" {
		if role = mailbox.RoleOf(use); role == "" {
			return reply{}, mail.E("imapd.CREATE", mail.Invalid, "imap.use", use)
		}
	}
	// A name that ends in the delimiter announces mailboxes below it.
	path = strings.TrimSuffix(path, "/")
	f, err := s.account.Create(ctx, path, role)
	if err != nil {
		return reply{}, err
	}
	s.caused(f.Path)
	if s.rev2 && f.Path != path {
		s.listName(f.Path, path)
	}
	return reply{code: "MAILBOXID (" + f.ID.String() + ")"}, nil
}

// createParameters takes (USE (\Sent)). One use is the most a mailbox here has.
func createParameters(d *imap.Decoder, use *string) bool {
	if d.AtEnd() {
		return true
	}
	return d.SP() && d.List(func() bool {
		var word string
		if !d.Keyword(&word) || word != "USE" {
			return d.Expected("USE")
		}
		return d.SP() && d.List(func() bool {
			var name string
			if !d.Special('\\') || !d.Keyword(&name) {
				return false
			}
			if *use != "" {
				name = strings.TrimPrefix(*use, `\`) + " " + name
			}
			*use = `\` + name
			return true
		})
	})
}

// cmdDelete is DELETE (RFC 9051 §6.3.5). Deleting the selected mailbox unselects it.
func cmdDelete(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	doomed, err := s.account.FolderFor(ctx, path, mailbox.RightRemove)
	if err != nil {
		return reply{}, err
	}
	if err := s.account.Delete(ctx, path); err != nil {
		return reply{}, err
	}
	s.caused(doomed.Path)
	if s.view != nil && s.view.Folder().ID == doomed.ID {
		s.unselect()
	}
	return reply{}, nil
}

// cmdRename is RENAME (RFC 9051 §6.3.6).
func cmdRename(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	var from, to string
	if !d.SP() || !d.Mailbox(&from) || !d.SP() || !d.Mailbox(&to) || !d.End() {
		return reply{}, d.Err()
	}
	to = strings.TrimSuffix(to, "/")
	s.caused(from) // INBOX stays, and is emptied
	s.caused(to)
	return reply{}, s.account.Rename(ctx, from, to)
}

// cmdSubscribe is SUBSCRIBE (RFC 9051 §6.3.7).
func cmdSubscribe(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.subscribe(ctx, d, true)
}

// cmdUnsubscribe is UNSUBSCRIBE (RFC 9051 §6.3.8).
func cmdUnsubscribe(ctx context.Context, s *session, d *imap.Decoder) (reply, error) {
	return s.subscribe(ctx, d, false)
}

func (s *session) subscribe(ctx context.Context, d *imap.Decoder, on bool) (reply, error) {
	var path string
	if !d.SP() || !d.Mailbox(&path) || !d.End() {
		return reply{}, d.Err()
	}
	path = strings.TrimSuffix(path, "/")
	s.caused(path)
	return reply{}, s.account.Subscribe(ctx, path, on)
}

// cmdNamespace is NAMESPACE (RFC 2342, RFC 9051 §6.3.10): the account's own name space, and that of its colleagues.
func cmdNamespace(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.out.WriteString("* NAMESPACE ((\"\" \"/\")) ((\"" + othersPrefix + "\" \"/\")) NIL\r\n")
	return reply{}, nil
}
