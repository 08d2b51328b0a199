package imapd

import (
	"context"
	"io"
	"net"
	"strings"

	"tegami/mail"
	"tegami/mailbox"
	"tegami/wire/imap"
)

// maxCatenated is how many parts one CATENATE has.
const maxCatenated = 256

// coded marks an error with a response code that says more than its key does.
type coded struct {
	error
	code string
}

func (c coded) Unwrap() error { return c.error }

// badURL is the error for a URL that names nothing this account may read (RFC 4469 §4).
func badURL(url string) error {
	code := appendPrintable([]byte(`BADURL "`), strings.NewReplacer("]", "?", `"`, "?", `\`, "?").Replace(url))
	return coded{mail.E("imapd.CATENATE", mail.Invalid, "imap.bad_url", url), string(append(code, '"'))}
}

// catenate takes a message in parts: literals, and parts of messages that are here already (RFC 4469). Each part is
// written as it comes, so that nothing is asked for behind a URL that is bad or past the limit of a message.
func (a *appending) catenate(ctx context.Context, m mailbox.Appended) error {
	if err := a.stage(ctx, m, 0); err != nil {
		return err
	}
	up := a.in[len(a.in)-1]
	var failed error
	n := 0
	ok := a.d.List(func() bool {
		if n++; n > maxCatenated {
			failed = mail.E("imapd.CATENATE", mail.Full, "message.too_many", maxCatenated)
			return false
		}
		failed = a.catPart(ctx, up)
		return failed == nil
	})
	switch {
	case failed != nil:
		return failed
	case !ok:
		return a.d.Err()
	case n == 0:
		return mail.E("imapd.CATENATE", mail.Invalid, "imap.syntax", "cat-part")
	}
	a.total += up.Size()
	return nil
}

// catPart takes one part.
func (a *appending) catPart(ctx context.Context, up mailbox.Upload) error {
	var word string
	if !a.d.Keyword(&word) || !a.d.SP() {
		return a.d.Err()
	}
	switch word {
	case "URL":
		var url string
		if !a.d.AString(&url) {
			return a.d.Err()
		}
		return a.s.copyURL(ctx, url, up)
	case "TEXT":
		return a.catText(up)
	case "UTF8": // RFC 6855 §4
		if a.s.utf8 {
			return a.inParentheses(func() error { return a.catText(up) })
		}
	}
	a.d.Expected("cat-part")
	return a.d.Err()
}

// catText takes a literal, which must have room in the message.
func (a *appending) catText(up mailbox.Upload) error {
	limit := min(a.s.srv.cfg.Limits.Message, maxTogether-a.total)
	_, ok := a.d.OpenLiteral(max(limit-up.Size(), 0))
	switch {
	case mail.Is(a.d.Err(), mail.Full):
		return mail.E("imapd.CATENATE", mail.Full, "message.too_big", limit>>20)
	case !ok:
		return a.d.Err()
	}
	return a.d.CopyLiteral(up)
}

// copyURL writes what a URL names. It must be on this server, and the account's own to read.
func (s *session) copyURL(ctx context.Context, url string, to io.Writer) error {
	u, ok := imap.ParseURL(url)
	if !ok || !u.Relative && !s.isHere(&u) {
		return badURL(url)
	}
	if u.Mailbox == "" && s.view != nil {
		u.Mailbox = s.view.Folder().Path
	}
	m, err := s.account.MessageAt(ctx, u.Mailbox, u.UIDValidity, mail.UID(u.UID), mailbox.WithIndex|mailbox.WithOctets)
	if mail.Is(err, mail.NotFound) || mail.Is(err, mail.Denied) || mail.Is(err, mail.Invalid) {
		return badURL(url)
	}
	if err != nil {
		return err
	}
	body, err := s.account.OpenBody(ctx, &m)
	if err != nil {
		return err
	}
	defer body.Close()
	w := fetching{s: s, octets: body}
	if found, err := w.copySection(&m, &u.Section, to); !found || err != nil {
		if err == nil {
			err = badURL(url)
		}
		return err
	}
	return nil
}

// isHere tells whether a URL is about this server and the account that is signed in.
func (s *session) isHere(u *imap.URL) bool {
	host := u.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	address := s.account.Identity().Account().Address
	return strings.EqualFold(host, s.srv.cfg.Hostname) && (u.User == "" || strings.EqualFold(u.User, address.String()))
}
