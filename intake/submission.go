package intake

import (
	"context"
	"net/netip"
	"time"

	"tegami/directory"
	"tegami/mail"
	"tegami/queue"
)

// submission is what only those have who may send to other hosts.
type submission struct {
	tenant  mail.TenantID
	by      mail.Actor
	sender  mail.AccountID          // zero for a machine in a tenant's VPN
	account directory.Account       // of the sender
	address mail.Address            // for the From field where the message has none
	owns    func(mail.Address) bool // whether the message may be from an address
	remote  []route
	routes  map[string]int // domain to its place in remote
}

// route are the recipients in one domain of other hosts.
type route struct {
	domain string
	to     []mail.Recipient
}

// submit begins a submission of a signed-in account.
func (in *Intake) submit(ctx context.Context, who *directory.Identity, from mail.Address) (*submission, error) {
	const op = "intake.submit"
	account, err := in.cfg.Directory.Current(ctx, who)
	if err != nil {
		return nil, err
	}
	// The null reverse-path is for receipts (RFC 8098 §3), whose From is still the account's.
	as := account
	if !from.IsNull() {
		if as, err = in.cfg.Directory.SendsAs(ctx, account, from); err != nil {
			return nil, mail.Wrap(op, err)
		}
	}
	if err := in.mayWrite(ctx, account); err != nil {
		return nil, err
	}
	if account.SendingStopped != "" {
		return nil, mail.E(op, mail.Denied, "account.sending_stopped")
	}
	s := &submission{tenant: account.Tenant, by: who.Actor(), sender: account.ID, account: account, address: account.Address}
	s.owns = func(a mail.Address) bool {
		return as.Owns(a) && in.cfg.Directory.MaySendAs(ctx, account.Tenant, a.Domain) == nil
	}
	if !from.IsNull() {
		s.address = from
	}
	return s, in.cfg.Directory.MaySendAs(ctx, account.Tenant, s.address.Domain)
}

// mayWrite refuses a sender whose box is full (SV-5).
func (in *Intake) mayWrite(ctx context.Context, account directory.Account) error {
	err := in.cfg.Mailbox.Deliverable(ctx, account, 1)
	if mail.Is(err, mail.Full) {
		in.foundFull(account)
		return mail.E("intake.mayWrite", mail.Full, "sender.box_full")
	}
	return err
}

// submitVPN begins a submission of a machine that has not signed in, such as a
// copier: its network says whose it is, and it may send as that tenant's domains only.
func (in *Intake) submitVPN(ctx context.Context, o mail.Origin, from mail.Address) (*submission, error) {
	const op = "intake.submitVPN"
	tenant, err := in.tenantAt(ctx, o.Remote)
	if err != nil {
		return nil, err
	}
	if err := in.cfg.Directory.MaySendAs(ctx, tenant, from.Domain); err != nil {
		return nil, mail.Wrap(op, err)
	}
	owns := func(a mail.Address) bool { return in.cfg.Directory.MaySendAs(ctx, tenant, a.Domain) == nil }
	target, err := in.cfg.Directory.Resolve(ctx, from) // a machine's address needs no account behind it
	if err == nil {
		err = in.mayWrite(ctx, target.Account)
	}
	if err != nil && !mail.Is(err, mail.NotFound) {
		return nil, err
	}
	return &submission{tenant: tenant, by: queue.Worker(), address: from, owns: owns}, nil
}

// tenantAt gives the tenant in service in whose VPN network an address lies.
func (in *Intake) tenantAt(ctx context.Context, ip netip.Addr) (mail.TenantID, error) {
	const op = "intake.tenantAt"
	id, ok, err := in.cfg.Directory.VPNTenant(ctx, ip)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, mail.E(op, mail.Denied, "zone.unknown_network", ip.String())
	}
	t, err := in.cfg.Directory.Tenant(ctx, id)
	if err != nil {
		return 0, err
	}
	return id, t.Usable(op, time.Now())
}

// add takes a recipient in another host's domain.
func (s *submission) add(r mail.Recipient) {
	i, ok := s.routes[r.Domain]
	if !ok {
		if s.routes == nil {
			s.routes = make(map[string]int)
		}
		i = len(s.remote)
		s.routes[r.Domain] = i
		s.remote = append(s.remote, route{domain: r.Domain})
	}
	s.remote[i].to = append(s.remote[i].to, r)
}

// recipients counts those at other hosts.
func (s *submission) recipients() (n int) {
	for _, r := range s.remote {
		n += len(r.to)
	}
	return n
}

// signer is the domain that signs the message when it leaves: the author's, which is the submitter's.
func (s *submission) signer(author mail.Address) string {
	if author.Domain != "" && s.owns(author) {
		return author.Domain
	}
	return s.address.Domain
}
