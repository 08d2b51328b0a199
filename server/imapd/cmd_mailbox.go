package imapd

import (
	"context"
	"strings"

	"tegami/mail"
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
		if role = roleOf(use); role == "" {
			return reply{}, mail.E("imapd.CREATE", mail.Invalid, "imap.use", use)
		}
	}
	// A name that ends in the delimiter announces mailboxes below it.
	f, err := s.account.Create(ctx, strings.TrimSuffix(path, "/"), role)
	if err != nil {
		return reply{}, err
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
				name = *use + " " + name
			}
			*use = name
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
	doomed, err := s.account.Folder(ctx, path)
	if err != nil {
		return reply{}, err
	}
	if err := s.account.Delete(ctx, path); err != nil {
		return reply{}, err
	}
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
	return reply{}, s.account.Rename(ctx, from, strings.TrimSuffix(to, "/"))
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
	return reply{}, s.account.Subscribe(ctx, strings.TrimSuffix(path, "/"), on)
}

// cmdNamespace is NAMESPACE (RFC 9051 §6.3.10): one personal name space, no others.
func cmdNamespace(_ context.Context, s *session, d *imap.Decoder) (reply, error) {
	if !d.End() {
		return reply{}, d.Err()
	}
	s.out.WriteString("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n")
	return reply{}, nil
}

// uses are the special uses of RFC 6154 §2 by the role they have here (RFC 8621 §2).
var uses = [...]struct{ role, attribute string }{
	{"archive", `\Archive`},
	{"drafts", `\Drafts`},
	{"junk", `\Junk`},
	{"sent", `\Sent`},
	{"trash", `\Trash`},
}

// roleOf gives the role of a special use written without "\" in upper case, or "".
func roleOf(use string) string {
	for _, u := range uses {
		if strings.EqualFold(u.attribute[1:], use) {
			return u.role
		}
	}
	return ""
}

// useOf gives the attribute of a role, or "".
func useOf(role string) string {
	for _, u := range uses {
		if u.role == role {
			return u.attribute
		}
	}
	return ""
}
