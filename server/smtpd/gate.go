package smtpd

import (
	"context"
	"io"

	"tegami/directory"
	"tegami/mail"
	"tegami/wire/sasl"
)

// A Gate is all that the door may call. Errors are *mail.Error; errors.go says which
// reply each becomes.
type Gate interface {
	// Connect may refuse a peer at the greeting.
	Connect(ctx context.Context, o mail.Origin) error
	// Verifier checks the credentials of one AUTH.
	Verifier(o mail.Origin) Verifier
	// Current is Denied when somebody who signed in may not act any more.
	Current(ctx context.Context, who *directory.Identity) error
	// Begin starts a transaction: for mail from outside when who is nil, else that of a signed-in user.
	Begin(ctx context.Context, o mail.Origin, who *directory.Identity, from mail.Address, opts mail.Options) (Transaction, error)
}

// A Verifier knows who has signed in once an exchange went well.
type Verifier interface {
	sasl.Verifier
	Identity() *directory.Identity
}

// A Transaction is one message on its way in. It ends with Commit or Abort.
type Transaction interface {
	// Recipient adds one, or says why not.
	Recipient(ctx context.Context, r mail.Recipient) error
	// Data gives the sink for the body. It may block while too much is in flight.
	Data(ctx context.Context) (io.Writer, error)
	// Commit takes responsibility: when it returns nil, everything is on disk (RFC 5321 §6.1).
	Commit(ctx context.Context) (mail.ItemID, error)
	// Abort forgets everything. After Commit it does nothing.
	Abort()
}
