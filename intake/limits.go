package intake

import (
	"context"
	"net/netip"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
)

// SendingLimits bound how many recipients at other hosts submissions may have (ML-10). A tenant's settings go before
// them. The zero value is the shipped profile; a negative number is no limit.
type SendingLimits struct {
	Account, Domain, Tenant directory.Rate
	// HijackNetworks is from how many networks an account has not been known by before it may submit within an hour, while
	// it writes to more than HijackRecipients within that hour. Past both its sending is stopped.
	HijackNetworks   int
	HijackRecipients int
}

func (l *SendingLimits) complete() {
	rate := func(r *directory.Rate, hour, day int) {
		if r.Hour == 0 {
			r.Hour = hour
		}
		if r.Day == 0 {
			r.Day = day
		}
	}
	rate(&l.Account, 1000, 5000)
	rate(&l.Domain, 10_000, 50_000)
	rate(&l.Tenant, 20_000, 100_000)
	if l.HijackNetworks == 0 {
		l.HijackNetworks = 4
	}
	if l.HijackRecipients == 0 {
		l.HijackRecipients = 100
	}
}

// Overrun says which limit of sending was passed.
type Overrun struct {
	Whose  string // "account", "domain" or "tenant"
	Window time.Duration
	Limit  int // recipients
	// Far: it is passed so far that nothing more is held, else what waits for an administrator would have no bound.
	Far bool
}

// farOver is how many times a limit what is held may come to.
const farOver = 3

// counter is one of the counters a submission adds to.
type counter struct {
	whose, id string
	rate      directory.Rate
}

// overrun counts a submission's recipients at other hosts, and tells whether a limit is passed. Counting
// is approximate; where it can't be done, the mail is not kept back for that.
func (tx *Transaction) overrun(ctx context.Context) (over *Overrun) {
	s := tx.submission
	n := s.recipients()
	if n == 0 {
		return nil
	}
	for _, c := range tx.counters(ctx) {
		for _, w := range []struct {
			window time.Duration
			limit  int
		}{{time.Hour, c.rate.Hour}, {24 * time.Hour, c.rate.Day}} {
			if w.limit < 0 {
				continue
			}
			sum, err := tx.in.cfg.Store.Tally(ctx, "sent "+c.whose+" "+c.id+" "+w.window.String(), int64(n), w.window)
			if err != nil {
				tx.in.cfg.Log.Error("sending is not counted", "session", tx.origin.Session, "err", err)
				continue
			}
			far := sum > farOver*int64(w.limit)
			if sum > int64(w.limit) && (over == nil || far) {
				over = &Overrun{c.whose, w.window, w.limit, far}
			}
		}
	}
	return over
}

// counters are those of the account, its domain and its tenant, with the tenant's limits where it has some.
func (tx *Transaction) counters(ctx context.Context) []counter {
	s, l := tx.submission, tx.in.cfg.Limits.Sending
	settings, err := tx.in.cfg.Directory.Company(s.tenant).Settings(ctx)
	if err != nil {
		tx.in.cfg.Log.Error("the tenant's limits cannot be read", "session", tx.origin.Session, "err", err)
	}
	list := []counter{
		{"domain", s.address.Domain, firstRate(settings.DomainRate, l.Domain)},
		{"tenant", s.tenant.String(), firstRate(settings.TenantRate, l.Tenant)},
	}
	if !s.sender.IsZero() {
		list = append(list, counter{"account", s.sender.String(), firstRate(settings.AccountRate, l.Account)})
	}
	return list
}

// firstRate takes the tenant's numbers where it has set them.
func firstRate(own, ours directory.Rate) directory.Rate {
	if own.Hour != 0 {
		ours.Hour = own.Hour
	}
	if own.Day != 0 {
		ours.Day = own.Day
	}
	return ours
}

// tellOverrun tells of a held submission. Who is told takes care not to repeat it to people.
func (tx *Transaction) tellOverrun(over *Overrun) {
	s := tx.submission
	tx.in.cfg.Log.Warn("over a sending limit: held", "session", tx.origin.Session, "trace", tx.trace, "whose", over.Whose, "limit", over.Limit)
	if tx.in.cfg.OverLimit != nil {
		tx.in.cfg.OverLimit(s.tenant, s.sender, *over)
	}
}

// knownFor is how long a network an account sent from is known to be its own.
const knownFor = 30 * 24 * time.Hour

// hijacked tells whether an account sends as one does whose password was stolen: to many, within an hour, and from several
// networks it was never seen in. Then its sending is stopped.
func (tx *Transaction) hijacked(ctx context.Context) bool {
	s, l := tx.submission, tx.in.cfg.Limits.Sending
	if s.sender.IsZero() || tx.origin.Zone == mail.ZoneVPN || l.HijackNetworks < 0 {
		return false
	}
	count := func(key string, n int64, window time.Duration) int64 {
		sum, err := tx.in.cfg.Store.Tally(ctx, key+" "+s.sender.String(), n, window)
		if err != nil {
			tx.in.cfg.Log.Error("networks are not counted", "session", tx.origin.Session, "err", err)
		}
		return sum
	}
	fresh := int64(0)
	if count("network "+networkOf(tx.origin.Remote).String(), 1, knownFor) == 1 {
		fresh = 1
	}
	networks := count("networks", fresh, time.Hour)
	recipients := count("burst", int64(s.recipients()), time.Hour)
	return networks > int64(l.HijackNetworks) && recipients > int64(l.HijackRecipients)
}

// networkOf is the network an address counts for: /24, or /48 of IPv6.
func networkOf(ip netip.Addr) netip.Prefix {
	p, _ := mail.Network(ip, 24, 48) // no address: one network of its own
	return p
}

// stopSending stops a hijacked account and tells.
func (tx *Transaction) stopSending(ctx context.Context) error {
	s := tx.submission
	tx.in.cfg.Log.Warn("sending stopped: the account looks hijacked", "session", tx.origin.Session, "account", s.account.Address.String())
	if err := tx.in.cfg.Directory.Company(s.tenant).StopSending(ctx, queue.Worker(), s.sender, "sending.hijacked"); err != nil {
		return err
	}
	if tx.in.cfg.Hijacked != nil {
		tx.in.cfg.Hijacked(s.tenant, s.account)
	}
	return mail.E("intake.stopSending", mail.Denied, "account.sending_stopped")
}
