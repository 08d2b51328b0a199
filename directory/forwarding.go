package directory

import (
	"context"
	"slices"
	"time"

	"tegami/mail"
	"tegami/store"
)

// Forwarding is whereto an account's mail goes on (ML-5), as the administrator set it. Its slice is
// shared: don't change it.
type Forwarding struct {
	To   []mail.Address `json:"to,omitempty"`
	Keep bool           `json:"keep,omitempty"` // the account's box gets the mail too
	// Since is when it was set as it is, to the second. SetForwarding sets it.
	Since time.Time `json:"since,omitzero"`
}

// MaxForwards is how many targets an account's forwarding has (ML-5).
const MaxForwards = 5

// On tells whether mail is forwarded at all.
func (f Forwarding) On() bool { return len(f.To) > 0 }

// SetForwarding replaces an account's forwarding; no targets end it. For administrators (ML-5). The
// tenant's settings say what is forwarded in fact. Full "forward.too_many"; Invalid "forward.self",
// "forward.twice"; Denied "forward.denied" for a target that the settings don't allow now.
func (c *Company) SetForwarding(ctx context.Context, by mail.Actor, id mail.AccountID, f Forwarding) error {
	const op = "directory.SetForwarding"
	if len(f.To) > MaxForwards {
		return mail.E(op, mail.Full, "forward.too_many", MaxForwards)
	}
	f.To, f.Since = slices.Clone(f.To), time.Now().UTC().Truncate(time.Second)
	if !f.On() {
		f = Forwarding{}
	}
	return c.changeAccount(ctx, by, op, RightAccounts, id, func(tx store.Tx, doc *accountDoc) error {
		settings, _, err := readSettings(tx)
		if err != nil {
			return err
		}
		for i, to := range f.To {
			switch {
			case to.IsNull() || to.Local == "" || to.Domain == "":
				return mail.E(op, mail.Invalid, "address.malformed", to.String())
			case doc.has(to):
				return mail.E(op, mail.Invalid, "forward.self", to.String())
			case containsAddress(f.To[:i], to):
				return mail.E(op, mail.Invalid, "forward.twice", to.String())
			}
			if err := mayForward(tx, settings.AdminForward, settings.ForwardDomains, to); err != nil {
				return err
			}
		}
		doc.Forward = f
		return nil
	})
}

// has tells whether an address is the account's own.
func (d *accountDoc) has(a mail.Address) bool {
	return sameAddress(d.Address, a) || containsAddress(d.Aliases, a)
}

// mayForward judges a target by a mode.
func mayForward(r store.Reader, mode ForwardMode, listed []string, to mail.Address) error {
	const op = "directory.mayForward"
	if mode == ForwardAny {
		return nil
	}
	if mode == ForwardListed && slices.Contains(listed, to.Domain) {
		return nil
	}
	if mode == ForwardInternal || mode == ForwardListed {
		_, err := r.ObjectByKey(domainKey(to.Domain))
		if !mail.Is(err, mail.NotFound) {
			return err
		}
	}
	return mail.E(op, mail.Denied, "forward.denied", to.String())
}

// MayForward judges whether a tenant's mail may be forwarded to an address now: by a user's filter or by
// what the administrator set. Denied "forward.denied".
func (d *Directory) MayForward(ctx context.Context, tenant mail.TenantID, to mail.Address, byUser bool) error {
	const op = "directory.MayForward"
	return d.Company(tenant).view(ctx, op, func(r store.Reader) error {
		s, _, err := readSettings(r)
		if err != nil {
			return err
		}
		mode := s.AdminForward
		if byUser {
			mode = s.UserForward
		}
		return mayForward(r, mode, s.ForwardDomains, to)
	})
}

// StopSending makes an account unable to send, for a reason (a key of the catalogue, such as
// "sending.hijacked"): it can still read. For administrators, and the platform where an account
// looks stolen (ML-10). Sessions see it at their next message.
func (c *Company) StopSending(ctx context.Context, by mail.Actor, id mail.AccountID, reason string) error {
	const op = "directory.StopSending"
	if reason == "" {
		reason = "sending.stopped"
	}
	return c.setSending(ctx, by, op, keeps, id, reason)
}

// ResumeSending lets an account send again. For administrators.
func (c *Company) ResumeSending(ctx context.Context, by mail.Actor, id mail.AccountID) error {
	return c.setSending(ctx, by, "directory.ResumeSending", within, id, "")
}

func (c *Company) setSending(ctx context.Context, by mail.Actor, op mail.Op, need duty, id mail.AccountID, reason string) error {
	return c.update(ctx, by, op, need, func(tx store.Tx) error {
		doc, version, err := readAccount(tx, id)
		if err == nil && by.Role() != mail.Platform {
			err = c.permitAccount(tx, by, op, RightPolicy, &doc)
		}
		if err != nil || doc.SendingStopped == reason {
			return err
		}
		doc.SendingStopped = reason
		return putAccount(tx, id, doc, version)
	})
}
