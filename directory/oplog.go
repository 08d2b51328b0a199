package directory

import (
	"context"

	"tegami/mail"
)

// MachineReason is why an operator acts whom the machine itself proved, if he says nothing else.
const MachineReason = "command line"

// maxNoted bounds what a process knows to stand in operation logs, about 200 octets each.
const maxNoted = 20_000

// notedKey is what was noted of whom.
type notedKey struct {
	tenant mail.TenantID
	actor  string
	op     mail.Op
	kind   string
	id     mail.ObjectID
}

// noteRefused notes that somebody of the company tried what he may not.
func (c *Company) noteRefused(ctx context.Context, by mail.Actor, op mail.Op, err error) {}
