package mailbox

import (
	"context"

	"tegami/directory"
	"tegami/mail"
	"tegami/store"
)

const (
	// ServiceRoom is how many octets over its quota a box takes of what the platform itself has to tell its
	// owner, such as that it is full (SV-5).
	ServiceRoom = 1 << 20
	// NearPercent is from how much of the quota on the owner is warned (SV-5).
	NearPercent = 90
)

// Fill is how full a box is, in octets. Used may be more than Quota: a plan was made smaller, or
// the platform had something to say.
type Fill struct{ Used, Quota int64 }

// Near tells whether the box holds so much that its owner is to be warned (SV-5).
func (f Fill) Near() bool { return f.Used >= f.Quota/100*NearPercent }

// Percent is how much of the quota is used, rounded down.
func (f Fill) Percent() int {
	if f.Quota < 100 {
		return 100
	}
	return int(f.Used / (f.Quota / 100))
}

// Fill tells how full an account's box is, cheaply: at most a commit late, as store.Tenant.Usage.
func (s *Service) Fill(ctx context.Context, acc directory.Account) (Fill, error) {
	box, err := s.store.Tenant(acc.Tenant).Usage(ctx, acc.ID)
	return Fill{box.Used, acc.Quota}, mail.Wrap("mailbox.Fill", err)
}

// Deliverable tells early and cheaply whether a message of size octets (0: not known) may go into a
// box: Full "box.full" if not (SV-5). Deliver decides.
func (s *Service) Deliverable(ctx context.Context, acc directory.Account, size int64) error {
	const op = "mailbox.Deliverable"
	box, err := s.store.Tenant(acc.Tenant).Usage(ctx, acc.ID)
	if err != nil {
		return mail.Wrap(op, err)
	}
	return room(op, box, max(size, 1), acc.Quota)
}

// room is the rule of SV-5: what a box holds and what comes in may not exceed its quota.
func room(op mail.Op, box store.Box, size, quota int64) error {
	if box.Used+size > quota {
		return mail.E(op, mail.Full, "box.full")
	}
	return nil
}
