package digest

import (
	"context"
	"net/netip"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/quarantine"
)

// Deed is what a link's page can be asked for.
type Deed string

// The deeds.
const (
	Receive Deed = "receive" // put the message into the inbox
	Allow   Deed = "allow"   // and let its sender in from now on
	Delete  Deed = "delete"  // throw it away
)

// ParseDeed reads a deed.
func ParseDeed(text string) (Deed, bool) {
	switch d := Deed(text); d {
	case Receive, Allow, Delete:
		return d, true
	}
	return "", false
}

// links gives the function that makes the addresses of an account's links.
func (s *Service) links(ctx context.Context, tenant mail.TenantID, account mail.AccountID) (func(mail.ObjectID, string) string, error) {
	tokens, err := s.cfg.Directory.Tokens(ctx)
	return func(id mail.ObjectID, do string) string {
		return s.cfg.URL + tokens.Digest(directory.DigestLink{Tenant: tenant, Account: account, Entry: id}) + "?do=" + do
	}, err
}

// Link is a link that somebody opened: one message, and what may be done with it.
type Link struct {
	Entry quarantine.Entry
	Owner directory.Account
	Zone  *time.Location // the company's
	Allow bool           // its sender may be let in for good

}

// MaxToken is how long a token can be, in octets.
const MaxToken = 128

// Open reads a link's token. It does nothing to the message. NotFound "digest.link_invalid" for a token that is forged, "digest.link_used" where the
// message is no longer in quarantine; Denied for an account that may not act.
func (s *Service) Open(ctx context.Context, token string, from netip.Addr) (*Link, error) {
	const op mail.Op = "digest.Open"
	l, _, err := s.open(ctx, op, token, from)
	return l, err
}

func (s *Service) open(ctx context.Context, op mail.Op, token string, from netip.Addr) (*Link, *quarantine.Box, error) {
	if len(token) > MaxToken {
		return nil, nil, mail.E(op, mail.NotFound, "digest.link_invalid")
	}
	named, err := s.cfg.Directory.DigestLink(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	box, err := s.cfg.Quarantine.Link(ctx, named.Tenant, named.Account, from)
	if mail.Is(err, mail.NotFound) {
		return nil, nil, mail.E(op, mail.NotFound, "digest.link_used")
	}
	if err != nil {
		return nil, nil, mail.Wrap(op, err)
	}
	l := &Link{Owner: box.Account(), Zone: s.zone(ctx, named.Tenant)}
	l.Entry, err = box.Get(ctx, named.Entry)
	if mail.Is(err, mail.NotFound) {
		return nil, nil, mail.E(op, mail.NotFound, "digest.link_used")
	}
	if err != nil {
		return nil, nil, mail.Wrap(op, err)
	}
	rules, err := s.cfg.Rules(ctx, l.Owner)
	l.Allow = rules.Allow && !l.Entry.Sender().IsNull()
	return l, box, mail.Wrap(op, err)
}

// Do does what the page's button asks for. It gives the link as it was before. NotFound as Open: who was first has done it; Denied "actor.denied" for
// what may not be done, Full "box.full" where the inbox has no room.
func (s *Service) Do(ctx context.Context, token string, do Deed, from netip.Addr) (*Link, error) {
	const op mail.Op = "digest.Do"
	l, box, err := s.open(ctx, op, token, from)
	if err != nil {
		return nil, err
	}
	ids := []mail.ObjectID{l.Entry.ID}
	var out quarantine.Outcome
	switch {
	case do == Receive, do == Allow && l.Allow:
		out, err = box.Take(ctx, ids, quarantine.Take{Allow: do == Allow})
	case do == Delete:
		out, err = box.Delete(ctx, ids)
	default:
		return nil, mail.E(op, mail.Denied, "actor.denied")
	}
	if err == nil {
		err = out.Failed[l.Entry.ID]
	}
	if mail.Is(err, mail.NotFound) {
		err = mail.E(op, mail.NotFound, "digest.link_used")
	}
	return l, mail.Wrap(op, err)
}
