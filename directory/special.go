package directory

import (
	"context"
	"strings"
	"time"

	"tegami/mail"
	"tegami/store"
	"tegami/wire/mailauth/srs"
)

// Local parts to which reports about a domain come (RFC 9990, RFC 8460), unless somebody has them.
const (
	DMARCReports = "dmarc-reports"
	TLSReports   = "tls-reports"
)

// special tells what an address leads to that nobody has as his own: a return path, an address beside a
// list's, reports. NotFound "recipient.unknown".
func (d *Directory) special(ctx context.Context, c *contract, to mail.Address) (Target, error) {
	if srs.IsSRS(to.Local) {
		return d.returned(ctx, c, to)
	}
	local := strings.ToLower(to.Local)
	if local == DMARCReports || local == TLSReports {
		return Target{Kind: TargetReport, Tenant: c.ID}, nil
	}
	name, detail, _ := strings.Cut(local, "+")
	for _, s := range []struct {
		suffix string
		kind   TargetKind
	}{
		{bouncesSuffix, TargetListBounce}, {unsubscribeSuffix, TargetListUnsubscribe},
		{ownerSuffix, TargetListOwner}, {requestSuffix, TargetListOwner},
	} {
		base, ok := strings.CutSuffix(name, s.suffix)
		if !ok || base == "" {
			continue
		}
		e, err := d.entry(ctx, c, mail.Address{Local: base, Domain: to.Domain})
		if err == nil && e.target.Kind == TargetList {
			return d.beside(ctx, c, to, Target{Kind: s.kind, Tenant: c.ID, List: e.target.List}, detail)
		}
		if err != nil && !mail.Is(err, mail.NotFound) {
			return Target{}, err
		}
	}
	return Target{}, unknown(to)
}

// returned is the sender behind a return path of mail that was forwarded.
func (d *Directory) returned(ctx context.Context, c *contract, to mail.Address) (Target, error) {
	t, err := d.Tokens(ctx)
	if err != nil {
		return Target{}, err
	}
	original, err := t.original(to.Local, time.Now())
	if err != nil { // forged or old: to the world nobody has this address
		return Target{}, unknown(to)
	}
	return Target{Kind: TargetReturn, Tenant: c.ID, Original: original}, nil
}

// beside reads what stands behind the plus of an address beside a list's.
func (d *Directory) beside(ctx context.Context, c *contract, to mail.Address, t Target, detail string) (Target, error) {
	if detail == "" {
		return t, nil
	}
	tokens, err := d.Tokens(ctx)
	if err != nil {
		return Target{}, err
	}
	var id mail.ObjectID
	ok := false
	switch t.Kind {
	case TargetListBounce:
		t.Member, id, ok = tokens.bounced(t.List, detail)
	case TargetListUnsubscribe:
		id, ok = tokens.leaver(t.List, detail)
	}
	if !ok {
		return Target{}, unknown(to)
	}
	if id.IsZero() {
		return t, nil
	}
	err = c.store.View(ctx, func(r store.Reader) error {
		o, err := r.Object(kindMember, id)
		if mail.Is(err, mail.NotFound) {
			return nil // has left: the address still takes what comes late
		}
		var doc memberDoc
		if err == nil {
			err = read(o, &doc)
		}
		if err == nil && doc.List == t.List.ID {
			t.Member = doc.Address
		}
		return err
	})
	return t, err
}

// MayPost judges whether sender may write to a list (LI-7). proved says that it is the sender indeed: it
// signed in, or its domain's authentication passed. An address of ours must be proved, others count as
// they say: their domains' DMARC policies judge who uses them. Denied "list.posting_denied".
func (d *Directory) MayPost(ctx context.Context, l *List, sender mail.Address, proved bool) error {
	const op = "directory.MayPost"
	all, err := d.known(ctx)
	if err != nil {
		return mail.Wrap(op, err)
	}
	owner := all.proved(sender.Domain)
	may := false
	switch {
	case sender.IsNull():
	case l.Posting == PostAnyone:
		may = true
	case owner != nil && !proved:
	case l.Owns(sender):
		may = true
	case l.Posting == PostTenant:
		may = owner != nil && owner.ID == l.Tenant
	case l.Posting == PostDomain:
		may = sender.Domain == l.Address.Domain
	case l.Posting == PostListed:
		may = containsAddress(l.Posters, sender)
	case l.Posting == PostMembers:
		if may, err = d.memberMayPost(ctx, l, sender); err != nil {
			return mail.Wrap(op, err)
		}
	}
	if !may {
		return mail.E(op, mail.Denied, "list.posting_denied", sender.String(), l.Address.String())
	}
	return nil
}

func (d *Directory) memberMayPost(ctx context.Context, l *List, sender mail.Address) (may bool, err error) {
	err = d.store.Tenant(l.Tenant).View(ctx, func(r store.Reader) error {
		doc, _, err := readMember(r, l.ID, sender)
		if mail.Is(err, mail.NotFound) {
			return nil
		}
		may = !doc.Mute && !doc.Off
		return err
	})
	return may, err
}
